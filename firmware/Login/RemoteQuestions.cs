using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Login;

/// <summary>The pending requests to remote servers: at most one a login, without a thread. Thread-safe.</summary>
/// <param name="gateways">The gateway to remote servers. Without one, no server can be queried.</param>
/// <param name="answered">Receives a verdict.</param>
/// <param name="noticed">Receives a report on an address.</param>
/// <param name="work">Tracks the running work for the clock; null if the clock does not need it.</param>
/// <param name="stop">Cancelled when the unit stops.</param>
internal sealed class RemoteQuestions(
    LoginGateways gateways,
    Func<RemoteOrder, RemoteVerdict, Task> answered,
    Action<RemoteOrder, RemoteNotice> noticed,
    WorkTracker? work,
    CancellationToken stop
)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Number, CancellationTokenSource NobodyWaits)> _asked = new(StringComparer.Ordinal);

    /// <summary>Cancels and starts requests as a step requires. Returns immediately.</summary>
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

    /// <summary>Starts a request. A separate method, so that its closure is allocated only when a server is queried.</summary>
    private void Ask(RemoteOrder order)
    {
        var nobodyWaits = CancellationTokenSource.CreateLinkedTokenSource(stop);
        (int Number, CancellationTokenSource NobodyWaits) former;
        lock (_lock)
        {
            _asked.TryGetValue(order.RequestId, out former);
            // Two steps of one login may arrive here in either order. The later request counts.
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
        // Not awaited: the verdict comes back as a separate step.
        WorkTracker.Run(work, () => AskAsync(order, nobodyWaits));
    }

    private async Task AskAsync(RemoteOrder order, CancellationTokenSource nobodyWaits)
    {
        await Task.Yield();
        RemoteVerdict verdict = new RemoteVerdict.Unavailable($"no client for servers of type {order.Server.Type}");
        try
        {
            if (gateways.Remote is { } gateway)
            {
                verdict = await gateway.AskAsync(order, notice => noticed(order, notice), nobodyWaits.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (nobodyWaits.IsCancellationRequested)
        {
            verdict = new RemoteVerdict.Unavailable("no request waits for it");
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
            // The verdict arrived at this moment.
        }
    }
}
