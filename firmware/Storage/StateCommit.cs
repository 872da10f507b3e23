using System.Threading.Tasks.Sources;

namespace Appliance.Firmware.Storage;

/// <summary>
/// Writes that belong together, and their waiting caller. Pooled: it returns to the pool when its outcome is taken, so it must be awaited
/// exactly once. The caller never continues on the writer's thread. Several callers with the same outcome may continue one after the other
/// on one thread.
/// </summary>
internal sealed class StateCommit : IValueTaskSource, IThreadPoolWorkItem
{
    private readonly Action<StateCommit> _giveBack;
    private ManualResetValueTaskSourceCore<bool> _core;
    private IOException? _failure;

    /// <param name="giveBack">Returns the commit to the pool when it is no longer needed; called on any thread.</param>
    internal StateCommit(Action<StateCommit> giveBack) => _giveBack = giveBack;

    void IThreadPoolWorkItem.Execute()
    {
        var failure = _failure;
        for (var commit = this; commit is not null;)
        {
            // The notified caller returns the commit to the pool, so it must not be accessed after that.
            (var next, commit.Next, commit._failure) = (commit.Next, null, null);
            if (failure is null)
            {
                commit._core.SetResult(true);
            }
            else
            {
                commit._core.SetException(failure);
            }
            commit = next;
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Writes = [];
            _giveBack(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>The writes. They must not change until the commit is done.</summary>
    internal IReadOnlyList<StateWrite> Writes { get; set; } = [];

    /// <summary>Completes when the writes are durable.</summary>
    internal ValueTask Task => new(this, _core.Version);

    /// <summary>The commit that is notified after this one, on the same thread; null for none.</summary>
    internal StateCommit? Next { get; set; }

    /// <summary>Reports the outcome to the callers of this commit and of the <see cref="Next"/> ones, on a thread of the pool.</summary>
    /// <param name="failure">The reason that nothing is durable; null if everything is.</param>
    internal void Tell(IOException? failure)
    {
        _failure = failure;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
