using System.Buffers;
using System.Text.Json;

namespace Appliance.Firmware.Storage;

/// <summary>
/// A table to whose end entries are appended, each a JSON array. The entries of one transaction share one row, which costs no more than a
/// row for a single entry.
/// </summary>
/// <param name="table">The table's name.</param>
public sealed class StateLog(string table)
{
    /// <summary>The SQL that creates the table. <c>entries</c> is a JSON array of entries, oldest first; <c>id</c> rises.</summary>
    public string Table { get; } = $"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, entries TEXT NOT NULL)";

    /// <summary>The SQL that inserts one row.</summary>
    internal string Sql { get; } = $"INSERT INTO {table} (id, entries) VALUES ($0,$1)";
}

/// <summary>A log entry that is formatted only when it is written, on the writer's thread.</summary>
internal interface IStateEntry
{
    /// <summary>The log.</summary>
    StateLog Log { get; }

    /// <summary>The entry's key in its log, which rises with every entry.</summary>
    long Key { get; }

    /// <summary>Writes the entry as one JSON array.</summary>
    /// <param name="json">The destination.</param>
    /// <param name="before">The previous entry in the same row, whose text need not be repeated; null for the first.</param>
    void Write(Utf8JsonWriter json, IStateEntry? before);
}

/// <summary>The entries of one log in the transaction that is being written.</summary>
internal sealed class StateLogRow : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly Utf8JsonWriter _json;
    private IStateEntry? _last;
    private bool _open;

    internal StateLogRow() => _json = new Utf8JsonWriter(_buffer);

    public void Dispose() => _json.Dispose();

    /// <summary>Adds an entry.</summary>
    internal void Add(IStateEntry entry)
    {
        entry.Write(Next(), _last);
        _last = entry;
    }

    /// <summary>Returns the writer for an entry of a log whose rows are numbered by the database.</summary>
    internal Utf8JsonWriter Next()
    {
        if (!_open)
        {
            _open = true;
            _json.WriteStartArray();
        }
        return _json;
    }

    /// <summary>Writes the row, if there are entries, under the key of the last. Returns the number of bytes written.</summary>
    internal int Write(StateStatement statement)
    {
        if (!_open)
        {
            return 0;
        }
        _json.WriteEndArray();
        _json.Flush();
        statement.Bind(0, (object?)_last?.Key);
        statement.Bind(1, _buffer.WrittenSpan);
        statement.Run();
        var written = _buffer.WrittenCount;
        Clear();
        return written;
    }

    /// <summary>Discards the entries.</summary>
    internal void Clear()
    {
        (_open, _last) = (false, null);
        _json.Reset();
        _buffer.ResetWrittenCount();
    }
}
