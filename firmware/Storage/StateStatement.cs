using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Appliance.Firmware.Storage;

/// <summary>
/// One statement, prepared once and run many times, directly on SQLite's API. A command of the data provider costs as much again as writing
/// the row. Not thread-safe.
/// </summary>
internal sealed class StateStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private byte[] _text = new byte[256];

    /// <summary>Prepares the statement.</summary>
    /// <exception cref="SqliteException">It is not a valid statement of this database.</exception>
    internal StateStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v2(database, sql, out _statement));
    }

    /// <inheritdoc/>
    public void Dispose() => _statement.Dispose();

    /// <summary>Binds a value: text, an integer, or null. The first index is 0.</summary>
    internal void Bind(int index, object? value)
    {
        switch (value)
        {
            case null:
                Check(raw.sqlite3_bind_null(_statement, index + 1));
                break;
            case string text:
                Bind(index, text);
                break;
            case long or int or short or byte or bool:
                Bind(index, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
            case byte[] bytes:
                Check(raw.sqlite3_bind_blob(_statement, index + 1, bytes));
                break;
            default:
                throw new ArgumentException($"the state cannot store a value of type {value.GetType().Name}", nameof(value));
        }
    }

    internal void Bind(int index, long value) => Check(raw.sqlite3_bind_int64(_statement, index + 1, value));

    internal void Bind(int index, string text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most > _text.Length)
        {
            _text = new byte[most];
        }
        Bind(index, _text.AsSpan(0, Encoding.UTF8.GetBytes(text, _text)));
    }

    /// <summary>Binds UTF-8 text, which is copied.</summary>
    internal void Bind(int index, ReadOnlySpan<byte> utf8) => Check(raw.sqlite3_bind_text(_statement, index + 1, utf8));

    /// <summary>Runs the statement.</summary>
    /// <exception cref="SqliteException">The statement failed.</exception>
    internal void Run()
    {
        var result = raw.sqlite3_step(_statement);
        var reset = raw.sqlite3_reset(_statement);
        if (result is not (raw.SQLITE_DONE or raw.SQLITE_ROW))
        {
            Check(reset);
            Check(result);
        }
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            throw new SqliteException(raw.sqlite3_errmsg(_database).utf8_to_string(), result);
        }
    }
}
