using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Appliance.Firmware.Storage;

/// <content>
/// Handles a disk that cannot be written. Callers that wait for a write are notified immediately. Writes without a waiting caller (events,
/// ends of sessions) are kept and retried until they are durable.
/// </content>
public sealed partial class StateDatabase
{
    /// <summary>The low byte of a SQLite result code. The other bits give details of the same failure.</summary>
    private const int PrimaryCode = 0xff;

    /// <summary>
    /// The interval at which kept writes are retried while there is nothing else to write. It depends on the disk, so it does not follow
    /// the unit's clock.
    /// </summary>
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    /// <summary>The writes of failed transactions without a waiting caller, oldest first. Used by the writer's thread only.</summary>
    private readonly List<Pending> _kept = [];
    private volatile string? _fault;
    private long _lost;

    /// <summary>The reason that the database cannot be written now; null if it can.</summary>
    public string? Fault => _fault;

    /// <summary>
    /// The number of events lost since the start, because the disk could not be written for so long that there were too many to keep.
    /// </summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>
    /// Raised when <see cref="Fault"/> begins (with the reason) and ends (null), on the writer's thread; handlers must be quick.
    /// </summary>
    public event Action<string?>? FaultChanged;

    /// <summary>
    /// Commits a batch. A failed transaction (disk full, I/O error) fails every commit in it, so no caller sees a success that is not on
    /// disk. Writes without a waiting caller are kept.
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

    /// <summary>Writes the kept writes, in order. Returns the failure; null if none is left.</summary>
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

    /// <summary>True for a disk failure, which may be temporary. A statement that can never succeed is not retried.</summary>
    private static bool IsOfDisk(SqliteException failure) =>
        (failure.SqliteErrorCode & PrimaryCode)
            is raw.SQLITE_FULL
                or raw.SQLITE_IOERR
                or raw.SQLITE_BUSY
                or raw.SQLITE_LOCKED
                or raw.SQLITE_READONLY
                or raw.SQLITE_CANTOPEN
                or raw.SQLITE_NOMEM
                or raw.SQLITE_PERM;
}
