using System.Threading.Tasks.Sources;

namespace Appliance.Firmware.Storage;

/// <summary>
/// Writes that belong together and somebody who waits for them. Pooled: it goes back when its outcome was taken, so it is awaited exactly
/// once. Who waits goes on elsewhere, never on the writer's thread.
/// </summary>
internal sealed class StateCommit : IValueTaskSource
{
    private readonly Action<StateCommit> _giveBack;
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    /// <param name="giveBack">Takes it when nobody needs it any more; called on any thread.</param>
    internal StateCommit(Action<StateCommit> giveBack) => _giveBack = giveBack;

    /// <summary>What is to be written; untouched until it is done.</summary>
    internal IReadOnlyList<StateWrite> Writes { get; set; } = [];

    /// <summary>Completes when it is durable.</summary>
    internal ValueTask Task => new(this, _core.Version);

    /// <summary>It is durable.</summary>
    internal void Succeed() => _core.SetResult(true);

    /// <summary>Nothing of it is.</summary>
    internal void Fail(IOException error) => _core.SetException(error);

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
