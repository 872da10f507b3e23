using Appliance.Firmware.Events;

namespace Appliance.Firmware.Login;

/// <summary>What remote servers are being asked: at most one question a login, without a thread. Thread-safe.</summary>
/// <param name="answered">Takes a verdict.</param>
/// <param name="noticed">Takes what happens to an address meanwhile.</param>
/// <param name="work">What the clock wants to know of; null when it does not ask.</param>
/// <param name="stop">The unit stops.</param>
internal sealed class RemoteQuestions(Func<RemoteOrder, RemoteVerdict, Task> answered, Action<RemoteOrder, RemoteNotice> noticed, WorkInHand? work, CancellationToken stop)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Number, CancellationTokenSource NobodyWaits)> _asked = new(StringComparer.Ordinal);

    /// <summary>The way to remote servers; null while there is none, and then none can be asked.</summary>
    internal IRemoteGateway? Gateway { get; set; }

    /// <summary>Does what a step says: ends questions, begins one. Returns at once.</summary>
    internal void Carry(LoginStep step)
    {
        foreach (var requestId in step.Abandoned)
        {
            (int, CancellationTokenSource NobodyWaits) former;
            lock (_lock)
            {
                _asked.Remove(requestId, out former);
            }
            Cancel(former.NobodyWaits);
        }
        if (step.Remote is { } order)
        {
            Ask(order);
        }
    }

    /// <summary>A method of its own: what it needs for later is made only when a server is asked.</summary>
    private void Ask(RemoteOrder order)
    {
        var nobodyWaits = CancellationTokenSource.CreateLinkedTokenSource(stop);
        (int Number, CancellationTokenSource NobodyWaits) former;
        lock (_lock)
        {
            _asked.TryGetValue(order.RequestId, out former);
            // Two steps of one login may come here in either order: the later question counts.
            if (former.Number < order.Number)
            {
                _asked[order.RequestId] = (order.Number, nobodyWaits);
            }
            else
            {
                former.NobodyWaits = nobodyWaits;
            }
        }
        Cancel(former.NobodyWaits);
        // Not awaited: its verdict comes back by a step of its own.
        WorkInHand.Run(work, () => AskAsync(order, nobodyWaits));
    }

    private async Task AskAsync(RemoteOrder order, CancellationTokenSource nobodyWaits)
    {
        await Task.Yield();
        RemoteVerdict verdict = new RemoteVerdict.Unavailable($"nothing here asks servers of type {order.Server.Type}");
        try
        {
            if (Gateway is { } gateway)
            {
                verdict = await gateway.AskAsync(order, notice => noticed(order, notice), nobodyWaits.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (nobodyWaits.IsCancellationRequested)
        {
            verdict = new RemoteVerdict.Unavailable("nobody waits for it any more");
        }
        lock (_lock)
        {
            if (_asked.TryGetValue(order.RequestId, out var latest) && latest.Number == order.Number)
            {
                _asked.Remove(order.RequestId);
            }
        }
        nobodyWaits.Dispose();
        await answered(order, verdict).ConfigureAwait(false);
    }

    private static void Cancel(CancellationTokenSource? former)
    {
        try
        {
            former?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Its verdict came in this moment.
        }
    }
}
