using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Appliance.Firmware.Storage;

/// <summary>The state folder holds something that cannot be trusted; the unit must not start on it.</summary>
public sealed class StateDamagedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Everything that must never be forgotten, in one SQLite file (WAL, synchronous=FULL). All writes go through one thread that
/// puts whatever waits into one transaction: many decisions, one durable commit.
/// </summary>
public sealed class StateDatabase : IAsyncDisposable
{
    /// <summary>At most this many queued commits share one transaction, so that none waits long.</summary>
    private const int BatchLimit = 256;

    private readonly SqliteConnection? _connection;
    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(new BoundedChannelOptions(65_536) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Dictionary<string, SqliteCommand> _prepared = [];
    private readonly Task _writer = Task.CompletedTask;
    private long _commits;

    private sealed record Pending(IReadOnlyList<StateWrite> Writes, TaskCompletionSource? Done);

    private StateDatabase() { }

    private StateDatabase(SqliteConnection connection)
    {
        _connection = connection;
        _writer = Task.Factory.StartNew(WriteLoop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>How many transactions were committed since the start.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Opens or makes the database and its tables.</summary>
    /// <exception cref="StateDamagedException">The file is not a sound database.</exception>
    public static StateDatabase Open(string file, IEnumerable<string> tables)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, "PRAGMA synchronous=FULL");
            if (Execute(connection, "PRAGMA quick_check(1)") is not "ok")
            {
                throw new StateDamagedException($"{Path.GetFileName(file)} failed its integrity check");
            }
            foreach (var table in tables)
            {
                Execute(connection, table);
            }
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw new StateDamagedException($"{Path.GetFileName(file)} cannot be opened: {error.Message}", error);
        }
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return new StateDatabase(connection);
    }

    /// <summary>One that remembers nothing: every commit is done at once. For measuring what decisions cost without their memory.</summary>
    public static StateDatabase OpenForgetful() => new();

    /// <summary>Completes when all writes are durable, or fails when none is. Never completes on the writer's thread.</summary>
    public Task CommitAsync(params IReadOnlyList<StateWrite> writes)
    {
        if (writes.Count == 0 || _connection is null)
        {
            return Task.CompletedTask;
        }
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Enqueue(new Pending(writes, done)) ? done.Task : Task.FromException(new IOException("the state database is closed or overloaded"));
    }

    /// <summary>
    /// Queues a write that nobody waits for (an event). It becomes durable with the next commit, in order. False when the queue
    /// is full or the database is closed: the write is lost.
    /// </summary>
    public bool Post(StateWrite write) => _connection is null || Enqueue(new Pending([write], null));

    /// <summary>Reads rows. For start-up only: it shares the writer's connection, so nothing may be queued yet.</summary>
    public List<T> Read<T>(string sql, Func<SqliteDataReader, T> row)
    {
        if (_connection is null)
        {
            return [];
        }
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(row(reader));
        }
        return rows;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }
        await (_connection?.DisposeAsync() ?? default).ConfigureAwait(false);
    }

    private bool Enqueue(Pending pending) => _queue.Writer.TryWrite(pending);

    private void WriteLoop()
    {
        var batch = new List<Pending>(BatchLimit);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (batch.Count < BatchLimit && _queue.Reader.TryRead(out var pending))
            {
                batch.Add(pending);
            }
            Commit(batch);
        }
    }

    /// <summary>A failed transaction (disk full, I/O error) fails everyone in it: nobody is told of a success that is not on disk.</summary>
    private void Commit(List<Pending> batch)
    {
        try
        {
            using var transaction = _connection!.BeginTransaction(deferred: false);
            foreach (var write in batch.SelectMany(pending => pending.Writes))
            {
                var command = Prepare(write);
                command.Transaction = transaction;
                command.ExecuteNonQuery();
            }
            transaction.Commit();
            Interlocked.Increment(ref _commits);
        }
        catch (SqliteException error)
        {
            foreach (var pending in batch)
            {
                pending.Done?.SetException(new IOException($"the state could not be written: {error.Message}", error));
            }
            return;
        }
        foreach (var pending in batch)
        {
            pending.Done?.SetResult();
        }
    }

    private SqliteCommand Prepare(StateWrite write)
    {
        if (!_prepared.TryGetValue(write.Sql, out var command))
        {
            command = _connection!.CreateCommand();
            command.CommandText = write.Sql;
            for (var index = 0; index < write.Values.Length; index++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = $"${index}" });
            }
            _prepared.Add(write.Sql, command);
        }
        for (var index = 0; index < write.Values.Length; index++)
        {
            command.Parameters[index].Value = write.Values[index] ?? DBNull.Value;
        }
        return command;
    }

    private static string? Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()?.ToString();
    }
}
