using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Tunnels.Policy;
using Appliance.Firmware.Tunnels.Ppp;
using Appliance.Firmware.Vpn;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Tunnels;

/// <summary>
/// The tunnels of the SSL VPN. A tunnel takes over the connection of its HTTP request. It ends with its session, and a session ends with
/// its tunnel unless <c>tunnel-connect-without-reauth</c> is set. Thread-safe.
/// </summary>
public sealed class TunnelService : ITunnelService, IConfigSubscriber, IAsyncDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    /// <summary>The time that clients get to read the last packet when the unit stops.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    /// <summary>The unit's own address in a link, which no client routes to (*assumed*: a device names its public address).</summary>
    private static readonly IPAddress OwnAddress = IPAddress.Parse("169.254.2.1");

    private readonly VpnSessions _sessions;
    private readonly EventLog _events;
    private readonly DebugTap _debug;
    private readonly TimeProvider _time;
    private readonly ITunnelNetwork _network;
    private readonly ITimer _tick;
    private readonly Lock _lock = new();
    private readonly AddressPool _pool = new();
    private readonly Dictionary<SessionKey, TunnelSession> _tunnels = [];
    private readonly ConcurrentDictionary<IPAddress, Tunnel> _byAddress = new();
    private readonly ConcurrentDictionary<Tunnel, Task> _serving = new();
    private volatile bool _stopping;
    private volatile TunnelConfiguration _settings = TunnelConfiguration.None;

    /// <summary>Creates the service. The network delivers packets from now on.</summary>
    public TunnelService(VpnSessions sessions, EventLog events, DebugTap debug, TimeProvider time, ITunnelNetwork network)
    {
        _sessions = sessions;
        _events = events;
        _debug = debug;
        _time = time;
        _network = network;
        network.Attach(Deliver);
        sessions.Ended += SessionEnded;
        _tick = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Packets and bytes by policy.</summary>
    public PolicyCounters Counters { get; } = new();

    /// <summary>The open tunnels, oldest first.</summary>
    public IReadOnlyList<TunnelStatus> List()
    {
        lock (_lock)
        {
            return
            [
                .. _tunnels
                    .Values.Where(entry => entry.Tunnel is not null)
                    .OrderBy(entry => entry.Tunnel!.Began)
                    .Select(entry => new TunnelStatus(
                        entry.Session,
                        entry.Lease.Address,
                        entry.Lease.Address6,
                        entry.Tunnel!.Transport.Name,
                        entry.Tunnel.IsUp,
                        entry.Tunnel.Began,
                        entry.Tunnel.Traffic
                    )),
            ];
        }
    }

    /// <inheritdoc/>
    public Task ConfigureAsync(HttpContext context, VpnSession session)
    {
        var settings = _settings;
        if (!settings.IsSupported)
        {
            return RefuseAsync(context);
        }
        var portal = settings.Portal(session.Grant.Portal);
        var user = UserOf(session);
        return VpnReply.BodyAsync(
            context,
            "text/xml; charset=utf-8",
            new TunnelXml(settings.Personality, portal, Reserve(session, settings)?.Lease, [.. settings.Rules.DestinationsFor(user)])
            {
                ChecksSource = settings.ChecksSource,
                ReconnectsWithoutLogin = settings.ReconnectsWithoutLogin,
                KeptFor = settings.KeptFor,
                IdleTimeout = settings.IdleTimeout,
                AuthTimeout = settings.AuthTimeout,
            }.Build()
        );
    }

    /// <inheritdoc/>
    public async Task ServeAsync(HttpContext context, VpnSession session)
    {
        var settings = _settings;
        if (Reserve(session, settings) is not { } entry)
        {
            await RefuseAsync(context).ConfigureAwait(false);
            return;
        }
        var connection = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
        var transport = new TlsTunnelTransport(connection.Output);
        if (Open(entry, settings, transport) is not { } tunnel)
        {
            await RefuseAsync(context).ConfigureAwait(false);
            return;
        }
        var served = CarryAsync(context, connection, transport, tunnel);
        _serving[tunnel] = served;
        await served.ConfigureAwait(false);
        _serving.TryRemove(tunnel, out _);
        await CloseAsync(entry, tunnel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next) => null;

    /// <inheritdoc/>
    public void InForce(ConfigTree previous, ConfigTree next)
    {
        var settings = TunnelConfiguration.From(next);
        _settings = settings;
        List<Tunnel> open;
        lock (_lock)
        {
            open = [.. _tunnels.Values.Select(entry => entry.Tunnel).OfType<Tunnel>()];
        }
        foreach (var tunnel in open)
        {
            tunnel.RulesChanged(settings.Rules);
        }
    }

    /// <summary>Ends every tunnel, with a text for its client, and waits briefly until the texts are sent. Sessions are kept.</summary>
    public async ValueTask DisposeAsync()
    {
        await _tick.DisposeAsync().ConfigureAwait(false);
        _sessions.Ended -= SessionEnded;
        _stopping = true;
        foreach (var tunnel in _serving.Keys)
        {
            tunnel.End("The unit is shut down");
        }
        await Task.WhenAny(Task.WhenAll(_serving.Values), Task.Delay(StopPatience, TimeProvider.System)).ConfigureAwait(false);
    }

    /// <summary>Carries frames until the tunnel ends or the connection closes.</summary>
    private static async Task CarryAsync(HttpContext context, IDuplexPipe connection, TlsTunnelTransport transport, Tunnel tunnel)
    {
        using var received = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var sending = SendAsync(transport, context, received.Token);
        await ReceiveAsync(connection.Input, tunnel, context.Features.Get<INicFeature>(), context.RequestAborted).ConfigureAwait(false);
        transport.Close();
        await received.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        context.Abort();
    }

    private static TunnelUser UserOf(VpnSession session) =>
        new(session.Grant.User, [.. session.Grant.Account?.Groups ?? [], session.Grant.Group]);

    /// <summary>Reserves addresses for a session, until it ends. Null if its portal has no tunnel or no free address.</summary>
    private TunnelSession? Reserve(VpnSession session, TunnelConfiguration settings)
    {
        var portal = settings.Portal(session.Grant.Portal);
        if (!settings.IsSupported || !portal.IsEnabled)
        {
            return null;
        }
        lock (_lock)
        {
            if (_tunnels.TryGetValue(SessionKey.Of(session), out var known))
            {
                return known;
            }
            if (_pool.Take(portal.Pool, settings.IsRoundRobin) is { } address)
            {
                var lease = new TunnelLease(address, portal.IsEnabled6 ? _pool.Take(portal.Pool6, settings.IsRoundRobin) : null);
                _tick.Change(TickInterval, TickInterval);
                return _tunnels[SessionKey.Of(session)] = new TunnelSession(session, lease);
            }
        }
        _events.Write(VpnEvents.PoolExhausted(session));
        return null;
    }

    private Tunnel? Open(TunnelSession entry, TunnelConfiguration settings, ITunnelTransport transport)
    {
        var portal = settings.Portal(entry.Session.Grant.Portal);
        var link = new PppLink(new PppParameters(OwnAddress, entry.Lease.Address, entry.Lease.Address6, portal.Dns))
        {
            Trace = _debug.IsWatched(DebugArea.SslVpn) ? line => _debug.Write(DebugArea.SslVpn, $"{line}") : null,
        };
        var log = new ForwardLog(_events, entry.Session);
        var policy = new TunnelPolicy(UserOf(entry.Session), settings.Rules, Counters, log);
        var tunnel = new Tunnel(entry.Lease, link, policy, _network, transport, _time, _ => CameUp(entry));
        Tunnel? replaced;
        lock (_lock)
        {
            if ((entry.WasUsed && !settings.ReconnectsWithoutLogin) || !_tunnels.ContainsKey(SessionKey.Of(entry.Session)))
            {
                return null;
            }
            replaced = entry.Tunnel;
            entry.WasUsed = true;
            entry.Tunnel = tunnel;
            entry.KeptUntil = null;
            entry.SeenBytes = 0;
            _byAddress[entry.Lease.Address] = tunnel;
            if (entry.Lease.Address6 is { } address6)
            {
                _byAddress[address6] = tunnel;
            }
        }
        replaced?.End("The client has connected again");
        return tunnel;
    }

    private void CameUp(TunnelSession entry) => _events.Write(VpnEvents.TunnelUp(entry.Session, entry.Lease.Address));

    private static async Task ReceiveAsync(PipeReader input, Tunnel tunnel, INicFeature? connection, CancellationToken aborted)
    {
        try
        {
            while (tunnel.Ended.End == PppEnd.None)
            {
                var read = await input.ReadAsync(aborted).ConfigureAwait(false);
                connection?.Served();
                var (consumed, intact) = Receive(read.Buffer, tunnel);
                input.AdvanceTo(consumed, read.Buffer.End);
                if (!intact)
                {
                    tunnel.End("Malformed frame");
                    return;
                }
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The connection broke: the same as its end.
        }
    }

    private static (SequencePosition Consumed, bool Intact) Receive(ReadOnlySequence<byte> buffer, Tunnel tunnel)
    {
        while (true)
        {
            switch (TunnelFrame.TryRead(ref buffer, out var packet))
            {
                case FrameRead.Packet when packet.IsSingleSegment:
                    tunnel.Receive(packet.FirstSpan);
                    break;
                case FrameRead.Packet:
                    var whole = ArrayPool<byte>.Shared.Rent((int)packet.Length);
                    packet.CopyTo(whole);
                    tunnel.Receive(whole.AsSpan(0, (int)packet.Length));
                    ArrayPool<byte>.Shared.Return(whole);
                    break;
                case FrameRead.Incomplete:
                    return (buffer.Start, true);
                default:
                    return (buffer.Start, false);
            }
        }
    }

    /// <summary>Sends until the tunnel ends, then gives the client time to read the last packet: an abort discards what is not read.</summary>
    private static async Task SendAsync(TlsTunnelTransport transport, HttpContext context, CancellationToken received)
    {
        try
        {
            await transport.SendAsync(context.RequestAborted).ConfigureAwait(false);
            await Task.Delay(StopPatience, TimeProvider.System, received).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The connection broke. The reader notices it too.
        }
        context.Abort();
    }

    /// <summary>
    /// Notes the end of a tunnel. The session ends too, unless the client may connect again: then it is kept for
    /// <c>tunnel-user-session-timeout</c>.
    /// </summary>
    private async Task CloseAsync(TunnelSession entry, Tunnel tunnel)
    {
        tunnel.Closed();
        var now = _time.GetUtcNow();
        bool current;
        lock (_lock)
        {
            current = ReferenceEquals(entry.Tunnel, tunnel);
            if (current)
            {
                entry.Tunnel = null;
                entry.KeptUntil = now + _settings.KeptFor;
                _byAddress.TryRemove(KeyValuePair.Create(entry.Lease.Address, tunnel));
                if (entry.Lease.Address6 is { } address6)
                {
                    _byAddress.TryRemove(KeyValuePair.Create(address6, tunnel));
                }
            }
        }
        var traffic = tunnel.Traffic;
        _events.Write(
            VpnEvents.TunnelDown(
                entry.Session,
                entry.Lease.Address,
                tunnel.Ended.Reason,
                traffic.SentBytes,
                traffic.ReceivedBytes,
                now - tunnel.Began
            )
        );
        if (current && !_settings.ReconnectsWithoutLogin && !_stopping)
        {
            await _sessions.EndAsync(entry.Session, "connection-closed").ConfigureAwait(false);
        }
    }

    private void SessionEnded(VpnSession session, string reason)
    {
        Tunnel? tunnel;
        lock (_lock)
        {
            if (!_tunnels.Remove(SessionKey.Of(session), out var entry))
            {
                return;
            }
            if (_tunnels.Count == 0)
            {
                _tick.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            tunnel = entry.Tunnel;
            _pool.Release(entry.Lease.Address);
            if (entry.Lease.Address6 is { } address6)
            {
                _pool.Release(address6);
            }
        }
        tunnel?.End($"Session ended: {reason}");
    }

    private void Deliver(ReadOnlySpan<byte> packet)
    {
        if (IpPacket.TryRead(packet, out var read) && _byAddress.TryGetValue(read.Destination, out var tunnel))
        {
            tunnel.Deliver(packet);
        }
    }

    private void Tick()
    {
        var now = _time.GetUtcNow();
        List<TunnelSession> all;
        lock (_lock)
        {
            all = [.. _tunnels.Values];
        }
        foreach (var entry in all)
        {
            if (entry.Tunnel is { } tunnel)
            {
                tunnel.Tick(now);
                var traffic = tunnel.Traffic;
                if (traffic.SentBytes + traffic.ReceivedBytes != entry.SeenBytes)
                {
                    entry.SeenBytes = traffic.SentBytes + traffic.ReceivedBytes;
                    _sessions.Touch(entry.Session);
                }
            }
            else if (entry.KeptUntil <= now)
            {
                _ = _sessions.EndAsync(entry.Session, "session-timeout");
            }
        }
    }

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return VpnReply.TextAsync(context, "forbidden\n");
    }
}
