using System.Threading.Tasks.Sources;

namespace Appliance.Firmware.Storage;

/// <summary>
/// Writes that belong together and somebody who waits for them. Pooled: it goes back when its outcome was taken, so it is awaited exactly
/// once. Who waits goes on elsewhere, never on the writer's thread: one after the other with some of those whose outcome is the same.
/// </summary>
internal sealed class StateCommit : IValueTaskSource, IThreadPoolWorkItem
{
    private readonly Action<StateCommit> _giveBack;
    private ManualResetValueTaskSourceCore<bool> _core;
    private IOException? _failure;

    /// <param name="giveBack">Takes it when nobody needs it any more; called on any thread.</param>
    internal StateCommit(Action<StateCommit> giveBack) => _giveBack = giveBack;

    /// <summary>What is to be written; untouched until it is done.</summary>
    internal IReadOnlyList<StateWrite> Writes { get; set; } = [];

    /// <summary>Completes when it is durable.</summary>
    internal ValueTask Task => new(this, _core.Version);

    /// <summary>Whose outcome is told after this one's, on the same thread; null for nobody's.</summary>
    internal StateCommit? Next { get; set; }

    /// <summary>Tells the outcome to who waits for this one and for the <see cref="Next"/> ones, on some thread of the pool.</summary>
    /// <param name="failure">Why nothing is durable; null when everything is.</param>
    internal void Tell(IOException? failure)
    {
        _failure = failure;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        var failure = _failure;
        for (var commit = this; commit is not null;)
        {
            // Who is told gives the commit back: nothing of it may be touched after that.
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

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
}
