using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Link;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Agent;

/// <summary>
/// The network listener for controllers. It serves one at a time: the newest that proves the key takes over. Any other caller gets no
/// further than the handshake.
/// </summary>
internal sealed class AgentListener(LabAgent agent, IPEndPoint at, byte[] key, Action<string> tell) : IDisposable
{
    /// <summary>The maximum number of callers that have not proved the key yet. One more is closed immediately.</summary>
    private const int StrangersMax = 8;

    private readonly X509Certificate2 _certificate = AgentHandshake.MakeCertificate(TimeProvider.System.GetUtcNow());
    private readonly SemaphoreSlim _one = new(1, 1);
    private CancellationTokenSource? _newest;
    private int _strangers;

    /// <summary>Serves until <paramref name="stop"/> is cancelled.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    public async Task ServeAsync(CancellationToken stop)
    {
        await using var listener = new SocketNic("controller", at.Address).Listen(at.Port);
        tell($"the agent waits for its controller at {listener.EndPoint}");
        while (await listener.AcceptAsync(stop).ConfigureAwait(false) is { } caller)
        {
            _ = MeetAsync(caller, stop);
        }
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _one.Dispose();
        _newest?.Dispose();
    }

    private async Task MeetAsync(ConnectionContext caller, CancellationToken stop)
    {
        await using var wire = new ConnectionStream(caller);
        try
        {
            if (await AdmitAsync(wire, stop).ConfigureAwait(false) is { } controller)
            {
                await using (controller.ConfigureAwait(false))
                {
                    await TakeOverAsync(controller, stop).ConfigureAwait(false);
                }
            }
        }
        catch (Exception gone)
            when (gone is IOException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            tell($"{caller.RemoteEndPoint}: {gone.Message}");
        }
    }

    private async Task<Stream?> AdmitAsync(Stream wire, CancellationToken stop)
    {
        if (Interlocked.Increment(ref _strangers) > StrangersMax)
        {
            Interlocked.Decrement(ref _strangers);
            return null;
        }
        try
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
            late.CancelAfter(AgentHandshake.Patience);
            return await AgentHandshake.AdmitAsync(wire, _certificate, key, late.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _strangers);
        }
    }

    private async Task TakeOverAsync(Stream controller, CancellationToken stop)
    {
        using var own = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var before = Interlocked.Exchange(ref _newest, own);
        try
        {
            if (before is not null)
            {
                await before.CancelAsync().ConfigureAwait(false);
            }
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended by itself.
        }
        await _one.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            await agent.ServeAsync(controller, own.Token).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
            Interlocked.CompareExchange(ref _newest, null, own);
        }
    }
}
