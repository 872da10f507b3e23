using System.Text.Json;

namespace Appliance.Firmware.Storage;

/// <summary>
/// One statement to be made durable: the SQL (prepared once per text) and its values <c>$0, $1, …</c> in order: text, whole numbers of 64 or
/// fewer bits, or null.
/// </summary>
public readonly record struct StateWrite
{
    private readonly string _key;
    private readonly long _first;
    private readonly long _second;
    private readonly object?[]? _values;

    /// <summary>A statement of any number of values.</summary>
    public StateWrite(string sql, params object?[] values) => (Sql, _values, _key) = (sql, values, "");

    private StateWrite(string sql, IReadOnlyList<(string, long, long)> rows) => (Sql, _key, Rows) = (sql, "", rows);

    private StateWrite(StateLog log, string key, long first, long second) => (Log, Sql, _key, _first, _second) = (log, log.Sql, key, first, second);

    /// <summary>The statement.</summary>
    public string Sql { get; }

    /// <summary>Its values.</summary>
    public object?[] Values => _values ?? [_key, _first, _second];

    /// <summary>The entry <c>[key, first, second]</c> of a log. Makes no garbage: what a decision writes.</summary>
    public static StateWrite To(StateLog log, string key, long first, long second) => new(log, key, first, second);

    /// <summary>The same statement of three values for each of many rows, which must not change any more.</summary>
    public static StateWrite ForEach(string sql, IReadOnlyList<(string, long, long)> rows) => new(sql, rows);

    internal StateLog? Log { get; }

    /// <summary>The values of each row; null when there is one row, of <see cref="Values"/>.</summary>
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
