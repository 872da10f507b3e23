using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Appliance.Firmware.Storage;

/// <content>
/// A disk that cannot be written. Whoever waits for a write is told at once; what nobody waits for (events, ends of sessions) is kept and repeated until it is
/// durable.
/// </content>
public sealed partial class StateDatabase
{
    /// <summary>The low byte of a result of SQLite: the rest tells more of the same failure.</summary>
    private const int PrimaryCode = 0xff;

    /// <summary>How often what was kept is tried again while nothing else is to be written. Of the disk, so not of the unit's clock.</summary>
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    /// <summary>Writes of failed transactions that nobody waits for, oldest first. The writer's own.</summary>
    private readonly List<Pending> _kept = [];
    private volatile string? _fault;
    private long _lost;

    /// <summary>Why the database cannot be written now; null while it can.</summary>
    public string? Fault => _fault;

    /// <summary>Events that were lost since the start, because the disk could not be written for so long that they were too many to keep.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Raised when <see cref="Fault"/> begins (with the reason) and ends (null), on the writer's thread; handlers must be quick.</summary>
    public event Action<string?>? FaultChanged;

    /// <summary>
    /// A failed transaction (disk full, I/O error) fails everyone in it: nobody is told of a success that is not on disk. What nobody waits for is kept.
    /// </summary>
    private void Commit(ReadOnlySpan<Pending> batch)
    {
        var failure = WriteKept() ?? TryCommit(batch);
        if (failure is null)
        {
            SetFault(null);
            Tell(batch, null);
            return;
        }
        if (IsOfDisk(failure))
        {
            Keep(batch);
            SetFault(failure.Message);
        }
        Tell(batch, new IOException($"the state could not be written: {failure.Message}", failure));
    }

    /// <summary>Writes what was kept, in order. Why it cannot be written; null when nothing is left.</summary>
    private SqliteException? WriteKept()
    {
        if (_kept.Count == 0)
        {
            return null;
        }
        while (_kept.Count > 0)
        {
            var some = CollectionsMarshal.AsSpan(_kept)[..Math.Min(_kept.Count, BatchLimit)];
            if (TryCommit(some) is { } failure && IsOfDisk(failure))
            {
                return failure;
            }
            _kept.RemoveRange(0, some.Length);
        }
        SetFault(null);
        return null;
    }

    private void Keep(ReadOnlySpan<Pending> batch)
    {
        foreach (var pending in batch)
        {
            if (pending.Commit is not null)
            {
                continue;
            }
            if (pending.Entry is not null && _kept.Count >= QueueLimit)
            {
                Interlocked.Increment(ref _lost);
                continue;
            }
            _kept.Add(pending);
        }
    }

    private void SetFault(string? fault)
    {
        if ((_fault is null) != (fault is null))
        {
            _fault = fault;
            FaultChanged?.Invoke(fault);
        }
    }

    /// <summary>True for a failure of the disk, which may pass; a statement that can never succeed is not repeated.</summary>
    private static bool IsOfDisk(SqliteException failure) => (failure.SqliteErrorCode & PrimaryCode) is
        raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_NOMEM or raw.SQLITE_PERM;
}
