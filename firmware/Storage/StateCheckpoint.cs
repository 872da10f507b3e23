using Microsoft.Data.Sqlite;

namespace Appliance.Firmware.Storage;

/// <summary>
/// Brings what the write-ahead log holds into the database, on a connection and a thread of its own: a thousand pages take several milliseconds, and the writer's transactions,
/// with everybody who waits for them, go on meanwhile (SQLite: a passive checkpoint blocks no writer).
/// </summary>
internal sealed class StateCheckpoint : IAsyncDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private readonly Task _running;
    private volatile bool _closed;

    /// <summary>Opens the connection. The tables are there already.</summary>
    /// <exception cref="SqliteException">It cannot be opened.</exception>
    internal StateCheckpoint(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>There is enough in the log. Returns at once. Called on one thread.</summary>
    internal void Want()
    {
        if (_wanted.CurrentCount == 0)
        {
            _wanted.Release();
        }
    }

    /// <summary>Ends when the one that is under way has.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        Want();
        await _running.ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        _wanted.Dispose();
    }

    private void Run()
    {
        using var checkpoint = _connection.CreateCommand();
        checkpoint.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
        while (true)
        {
            _wanted.Wait();
            if (_closed)
            {
                return;
            }
            try
            {
                checkpoint.ExecuteNonQuery();
            }
            catch (SqliteException)
            {
                // Nothing is lost by it: all is in the log, and the writer brings it in itself when that has grown too long. A disk that is full or broken fails its commits, and is told there.
            }
        }
    }
}
