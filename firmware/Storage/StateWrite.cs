using System.Text.Json;

namespace Appliance.Firmware.Storage;

/// <summary>
/// One statement to be made durable: the SQL (prepared once per text) and its values <c>$0, $1, …</c> in order. Values are text, integers
/// of at most 64 bits, or null.
/// </summary>
public readonly record struct StateWrite
{
    private readonly string _key;
    private readonly long _first;
    private readonly long _second;
    private readonly object?[]? _values;

    /// <summary>Creates a statement with any number of values.</summary>
    public StateWrite(string sql, params object?[] values)
    {
        Sql = sql;
        _values = values;
        _key = "";
    }

    private StateWrite(string sql, IReadOnlyList<(string, long, long)> rows)
    {
        Sql = sql;
        _key = "";
        Rows = rows;
    }

    private StateWrite(StateLog log, string key, long first, long second) =>
        (Log, Sql, _key, _first, _second) = (log, log.Sql, key, first, second);

    /// <summary>The SQL of the statement.</summary>
    public string Sql { get; }

    /// <summary>The values in order.</summary>
    public object?[] Values => _values ?? [_key, _first, _second];

    /// <summary>Creates the entry <c>[key, first, second]</c> of a log. Allocates nothing, because every decision writes one.</summary>
    public static StateWrite To(StateLog log, string key, long first, long second) => new(log, key, first, second);

    /// <summary>Creates one statement of three values for each of many rows. The rows must not change any more.</summary>
    public static StateWrite ForEach(string sql, IReadOnlyList<(string, long, long)> rows) => new(sql, rows);

    internal StateLog? Log { get; }

    /// <summary>The values of each row; null if there is one row, with <see cref="Values"/>.</summary>
    internal IReadOnlyList<(string, long, long)>? Rows { get; }

    internal void WriteEntry(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        json.WriteStringValue(_key);
        json.WriteNumberValue(_first);
        json.WriteNumberValue(_second);
        json.WriteEndArray();
    }
}
