using Microsoft.Data.Sqlite;

namespace Appliance.Firmware.Storage;

/// <summary>
/// Transfers the write-ahead log into the database, on a dedicated connection and thread. A thousand pages take several milliseconds,
/// during which the writer's transactions continue (SQLite: a passive checkpoint blocks no writer).
/// </summary>
internal sealed class StateCheckpoint : IAsyncDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private readonly Task _running;
    private volatile bool _closed;

    /// <summary>Opens the connection. The tables must exist.</summary>
    /// <exception cref="SqliteException">The connection cannot be opened.</exception>
    internal StateCheckpoint(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Completes when the running checkpoint has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        Want();
        await _running.ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        _wanted.Dispose();
    }

    /// <summary>Requests a checkpoint. Returns immediately. Called on one thread only.</summary>
    internal void Want()
    {
        if (_wanted.CurrentCount == 0)
        {
            _wanted.Release();
        }
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
                // No data is lost: everything is in the log, and the writer transfers it itself when the log has grown too long. A full or
                // broken disk fails the writer's commits and is reported there.
            }
        }
    }
}
