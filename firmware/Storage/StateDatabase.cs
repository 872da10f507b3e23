using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.ObjectPool;

namespace Appliance.Firmware.Storage;

/// <summary>The state folder contains untrustworthy data; the unit must not start on it.</summary>
public sealed class StateDamagedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The permanent state in one SQLite file (WAL, synchronous=FULL). All writes go through one thread, which puts everything pending into one
/// transaction: many decisions, one durable commit.
/// </summary>
public sealed partial class StateDatabase : IAsyncDisposable
{
    /// <summary>The maximum number of queued commits in one transaction, which bounds the wait of each.</summary>
    private const int BatchLimit = 512;

    /// <summary>Completions are spread over at most one thread per core, and no thread handles fewer than this many.</summary>
    private const int ToldTogether = 16;

    /// <summary>A transaction of more queued items than this indicates load; the writer then yields briefly before the next one.</summary>
    private const int Crowd = 4;

    /// <summary>
    /// The pages in the write-ahead log at which a checkpoint starts beside the writer. At <c>LogPagesMax</c> the writer does it itself,
    /// which ends the log.
    /// </summary>
    private const int CheckpointPages = 1000;
    private const int LogPagesMax = 4000;
    private const int PageSize = 4096;

    /// <summary>The pages of a transaction in addition to its entries: the ends of two logs.</summary>
    private const int PagesOfCommit = 2;

    /// <summary>
    /// The maximum number of queued writes. Beyond it the unit is overloaded. As many events are kept while the disk cannot be written.
    /// </summary>
    private const int QueueLimit = 65_536;

    private readonly SqliteConnection? _connection;
    private readonly object _gate = new();
    private readonly DefaultObjectPool<StateCommit> _spare;
    private readonly Dictionary<string, StateStatement> _prepared = [];
    private readonly Dictionary<StateLog, StateLogRow> _rows = [];
    private List<Pending> _queue = [];
    private bool _closed;
    private readonly Task _writer = Task.CompletedTask;
    private readonly StateCheckpoint? _checkpoint;
    private int _pages;
    private long _commits;

    private StateDatabase() => _spare = new DefaultObjectPool<StateCommit>(new CommitPolicy(this), maximumRetained: BatchLimit);

    private StateDatabase(SqliteConnection connection, StateCheckpoint checkpoint)
        : this()
    {
        (_connection, _checkpoint) = (connection, checkpoint);
        _writer = Task.Factory.StartNew(WriteLoop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The number of transactions committed since the start.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Opens or creates the database and its tables.</summary>
    /// <exception cref="StateDamagedException">The file is not a sound database.</exception>
    public static StateDatabase Open(string file, IEnumerable<string> tables)
    {
        // Before SQLite creates it: the files beside it get the same mode.
        OwnerOnly.MakeFile(file);
        var place = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        var connection = new SqliteConnection(place);
        StateCheckpoint checkpoint;
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, "PRAGMA synchronous=FULL");
            Execute(connection, $"PRAGMA wal_autocheckpoint={LogPagesMax}");
            if (Execute(connection, "PRAGMA quick_check(1)") is not "ok")
            {
                throw new StateDamagedException($"{Path.GetFileName(file)} failed its integrity check");
            }
            foreach (var table in tables)
            {
                Execute(connection, table);
            }
            checkpoint = new StateCheckpoint(place);
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw new StateDamagedException($"{Path.GetFileName(file)} cannot be opened: {error.Message}", error);
        }
        return new StateDatabase(connection, checkpoint);
    }

    /// <summary>
    /// Opens a database that stores nothing: every commit completes immediately. For measuring the cost of decisions without storage.
    /// </summary>
    public static StateDatabase OpenForgetful() => new();

    /// <summary>
    /// Completes when all writes are durable, or fails if none is. Never completes on the writer's thread. Must be awaited exactly once,
    /// and the writes must not change until then.
    /// </summary>
    public ValueTask CommitAsync(params IReadOnlyList<StateWrite> writes)
    {
        if (writes.Count == 0 || _connection is null)
        {
            return ValueTask.CompletedTask;
        }
        var commit = _spare.Get();
        commit.Writes = writes;
        var durable = commit.Task;
        return Post(new Pending(commit, null, default))
            ? durable
            : ValueTask.FromException(new IOException("the state database is closed or overloaded"));
    }

    /// <summary>
    /// Queues a write without a waiting caller (the end of a session). It becomes durable with the next commit, in order. While the disk
    /// cannot be written, it is kept and retried. False if the database is closed: the write is lost.
    /// </summary>
    public bool Post(StateWrite write) => _connection is null || Post(new Pending(null, null, write), always: true);

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
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
        await _writer.ConfigureAwait(false);
        foreach (var statement in _prepared.Values)
        {
            statement.Dispose();
        }
        foreach (var row in _rows.Values)
        {
            row.Dispose();
        }
        if (_checkpoint is not null)
        {
            await _checkpoint.DisposeAsync().ConfigureAwait(false);
        }
        if (_connection is not null)
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Queues an entry (an event) that is formatted when it is written. Also false if the queue is full.</summary>
    internal bool Post(IStateEntry entry) => _connection is null || Post(new Pending(null, entry, default));

    private bool Post(Pending pending, bool always = false)
    {
        lock (_gate)
        {
            if (_closed || (_queue.Count >= QueueLimit && !always))
            {
                return false;
            }
            _queue.Add(pending);
            if (_queue.Count == 1)
            {
                Monitor.Pulse(_gate);
            }
            return true;
        }
    }

    private void WriteLoop()
    {
        List<Pending> taken = [];
        while (true)
        {
            if (taken.Count > Crowd)
            {
                // Under load: just-notified callers, and those about to commit, share the next transaction instead of splitting into two.
                Thread.Yield();
            }
            taken.Clear();
            bool closing;
            lock (_gate)
            {
                while (_queue.Count == 0 && !_closed)
                {
                    if (!Monitor.Wait(_gate, _kept.Count > 0 ? RetryEvery : Timeout.InfiniteTimeSpan))
                    {
                        break; // Retry the retained writes.
                    }
                }
                (taken, _queue) = (_queue, taken);
                closing = taken.Count == 0 && _closed;
            }
            if (taken.Count == 0)
            {
                WriteKept();
            }
            if (closing)
            {
                return;
            }
            var waiting = CollectionsMarshal.AsSpan(taken);
            while (!waiting.IsEmpty)
            {
                var batch = waiting[..Math.Min(waiting.Length, BatchLimit)];
                Commit(batch);
                waiting = waiting[batch.Length..];
            }
        }
    }

    /// <summary>Runs one transaction. Returns null if it is durable; otherwise the failure, and nothing of it is in the database.</summary>
    private SqliteException? TryCommit(ReadOnlySpan<Pending> batch)
    {
        try
        {
            Prepare("BEGIN IMMEDIATE").Run();
            foreach (var pending in batch)
            {
                Write(pending);
            }
            var written = 0;
            foreach (var (log, row) in _rows)
            {
                written += row.Write(Prepare(log.Sql));
            }
            Prepare("COMMIT").Run();
            Interlocked.Increment(ref _commits);
            CheckpointLater(written);
            return null;
        }
        catch (SqliteException error)
        {
            RollBack();
            foreach (var row in _rows.Values)
            {
                row.Clear();
            }
            return error;
        }
    }

    /// <summary>
    /// Counts bytes of entries written to the log and requests a checkpoint when there are enough. An estimate suffices: the log is too
    /// long only at four times as many pages.
    /// </summary>
    private void CheckpointLater(int written)
    {
        _pages += PagesOfCommit + (written / PageSize);
        if (_pages >= CheckpointPages)
        {
            _pages = 0;
            _checkpoint!.Want();
        }
    }

    /// <summary>
    /// Notifies the waiting callers. Several share one work item, because waking a thread per caller costs as much as the work itself.
    /// </summary>
    private static void Tell(ReadOnlySpan<Pending> batch, IOException? failure)
    {
        StateCommit? first = null;
        var (told, together) = (0, Math.Max(ToldTogether, (batch.Length + Environment.ProcessorCount - 1) / Environment.ProcessorCount));
        foreach (var pending in batch)
        {
            if (pending.Commit is not { } commit)
            {
                continue;
            }
            (commit.Next, first) = (first, commit);
            if (++told % together == 0)
            {
                first.Tell(failure);
                first = null;
            }
        }
        first?.Tell(failure);
    }

    private void Write(in Pending pending)
    {
        if (pending.Entry is { } entry)
        {
            Row(entry.Log).Add(entry);
            return;
        }
        if (pending.Commit is not { Writes: var writes })
        {
            Write(pending.Write);
            return;
        }
        for (var index = 0; index < writes.Count; index++)
        {
            Write(writes[index]);
        }
    }

    private void Write(StateWrite write)
    {
        if (write.Log is { } log)
        {
            write.WriteEntry(Row(log).Next());
            return;
        }
        var statement = Prepare(write.Sql);
        if (write.Rows is { } rows)
        {
            foreach (var (key, first, second) in rows)
            {
                statement.Bind(0, key);
                statement.Bind(1, first);
                statement.Bind(2, second);
                statement.Run();
            }
            return;
        }
        for (var index = 0; index < write.Values.Length; index++)
        {
            statement.Bind(index, write.Values[index]);
        }
        statement.Run();
    }

    private StateLogRow Row(StateLog log)
    {
        if (!_rows.TryGetValue(log, out var row))
        {
            _rows.Add(log, row = new StateLogRow());
        }
        return row;
    }

    private void RollBack()
    {
        try
        {
            Prepare("ROLLBACK").Run();
        }
        catch (SqliteException)
        {
            // After some failures SQLite has already rolled back, and reports that no transaction is active.
        }
    }

    private StateStatement Prepare(string sql)
    {
        if (!_prepared.TryGetValue(sql, out var statement))
        {
            _prepared.Add(sql, statement = new StateStatement(_connection!.Handle!, sql));
        }
        return statement;
    }

    private static string? Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()?.ToString();
    }

    /// <param name="Commit">Writes with a waiting caller; null if no caller waits.</param>
    /// <param name="Entry">An entry of a log without a waiting caller; null if there are writes.</param>
    /// <param name="Write">The one write without a waiting caller; unused if one of the others is set.</param>
    private readonly record struct Pending(StateCommit? Commit, IStateEntry? Entry, StateWrite Write);

    private sealed class CommitPolicy(StateDatabase database) : PooledObjectPolicy<StateCommit>
    {
        public override StateCommit Create() => new(database._spare.Return);

        public override bool Return(StateCommit obj) => true;
    }
}
