using System.Net;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware.Radius;

/// <summary>
/// The asynchronous shell of <see cref="RadiusClientCore"/>: ports, connections, clock and waiters. A pending request holds no thread,
/// whether it waits for a server or for a phone behind it. Thread-safe.
/// </summary>
public sealed class RadiusClient : IConfigSubscriber, IAsyncDisposable
{
    private static readonly string[] ConnectionTables = ["user radius", "vpn certificate ca", "vpn certificate local"];
    private readonly IReadOnlyList<INic> _nics;
    private readonly TimeProvider _time;
    private readonly RadiusDebug _debug;
    private readonly RadiusClientCore _core = new(RandomNumberGenerator.Fill);
    private readonly Lock _gate = new();
    private readonly Dictionary<long, WorkWaiter<RadiusResult>> _waiting = [];
    private readonly Dictionary<(string Channel, int Port), IRadiusPath> _paths = [];
    private readonly ITimer _timer;
    private DateTimeOffset? _armed;
    private bool _stopped;
    private ConfigTree? _config;

    /// <summary>Creates a client on the unit's interfaces; <c>diagnose debug application fnbamd</c> shows its activity.</summary>
    public RadiusClient(IReadOnlyList<INic> nics, TimeProvider time, DebugTap debug)
    {
        _nics = nics;
        _time = time;
        _debug = new RadiusDebug(debug);
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Raised when a packet that claims to be a reply is refused, once for each request and reason, with the entry, the server and the
    /// reason. Called on the receiving thread; handlers must be quick.
    /// </summary>
    public event Action<string, IPEndPoint, RadiusRefusal>? Refused;

    /// <summary>Raised when a connection (TCP, TLS) cannot be established, with the entry, the server and the cause.</summary>
    public event Action<string, IPEndPoint, string>? NotConnected;

    /// <summary>
    /// Raised for each packet sent or received, on the thread that carries it. For the first packet of a request, runs in the caller's
    /// execution context. Handlers must be quick.
    /// </summary>
    public event Action<RadiusTraffic>? Traffic;

    /// <summary>Returns the number of packets refused for one reason.</summary>
    public long IgnoredFor(RadiusRefusal reason)
    {
        lock (_gate)
        {
            return _core.IgnoredFor(reason);
        }
    }

    /// <summary>Returns the counts of requests and results since the start.</summary>
    public RadiusCounts Counts()
    {
        lock (_gate)
        {
            return _core.Counts;
        }
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        Volatile.Write(ref _config, next);
        if (ConnectionTables.Any(table => previous.List(table) != next.List(table)))
        {
            // Secrets or certificates may have changed: open requests are sent again on new connections.
            lock (_gate)
            {
                foreach (var connection in _paths.Values.OfType<RadiusConnection>())
                {
                    connection.End();
                }
            }
        }
        return null;
    }

    /// <summary>
    /// Sends a request to an entry of <c>user radius</c>. The continuation runs on the receiving thread, so a caller with more than brief
    /// work must switch to another thread. The result is <see cref="RadiusResult.NoAnswer"/> if there is no entry of that name or no server
    /// replies.
    /// </summary>
    public Task<RadiusResult> AskAsync(string server, RadiusQuery query, CancellationToken cancellationToken)
    {
        var config = Volatile.Read(ref _config);
        return config is not null && RadiusSettings.From(config, server) is { } settings
            ? AskAsync(settings, query, cancellationToken)
            : Task.FromResult<RadiusResult>(new RadiusResult.NoAnswer());
    }

    /// <summary>Sends a request in the same way, with the settings that the caller supplies.</summary>
    public async Task<RadiusResult> AskAsync(RadiusSettings settings, RadiusQuery query, CancellationToken cancellationToken)
    {
        if (NicOf(settings) is not { } nic)
        {
            return new RadiusResult.NoAnswer();
        }
        // Continuations run where the reply is received: waking a pool thread for each would cost more than everything else together.
        var waiter = new WorkWaiter<RadiusResult>(WorkTracker.Of(_time), TaskCreationOptions.None);
        long number;
        RadiusClientStep step;
        lock (_gate)
        {
            if (_stopped)
            {
                return new RadiusResult.NoAnswer();
            }
            var now = _time.GetUtcNow();
            step = _core.Start(query, settings, nic.Name, nic.Addresses[0], now, out number);
            _waiting.Add(number, waiter);
            Collect(step, now);
        }
        Carry(step);
        waiter.Park();
        if (!cancellationToken.CanBeCanceled)
        {
            return await waiter.Task.ConfigureAwait(false);
        }
        await using var abandoned = cancellationToken.Register(() => Abandon(number, waiter, cancellationToken)).ConfigureAwait(false);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        IRadiusPath[] paths;
        WorkWaiter<RadiusResult>[] waiters;
        lock (_gate)
        {
            _stopped = true;
            (paths, waiters) = ([.. _paths.Values], [.. _waiting.Values]);
            _waiting.Clear();
            _paths.Clear();
        }
        await _timer.DisposeAsync().ConfigureAwait(false);
        foreach (var path in paths)
        {
            await path.DisposeAsync().ConfigureAwait(false);
        }
        foreach (var waiter in waiters)
        {
            waiter.Answer(new RadiusResult.NoAnswer());
        }
    }

    /// <summary>
    /// The interface that has the <c>source-ip</c> or the configured name; otherwise the first. Null if the requested address or interface
    /// does not exist.
    /// </summary>
    private INic? NicOf(RadiusSettings settings) =>
        settings.SourceIp is { } source ? _nics.FirstOrDefault(nic => nic.Addresses.Contains(source))
        : settings.Interface.Length > 0 ? _nics.FirstOrDefault(nic => nic.Name == settings.Interface)
        : _nics[0];

    private void Tick()
    {
        RadiusClientStep step;
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }
            var now = _time.GetUtcNow();
            _armed = null;
            step = _core.Tick(now);
            Collect(step, now);
        }
        Carry(step);
    }

    private void Receive((string Channel, int Port) key, ReadOnlySpan<byte> packet, IPEndPoint from)
    {
        _debug.Received(packet);
        Traffic?.Invoke(new RadiusTraffic(key.Channel, key.Port, from, null, packet.ToArray()));
        RadiusClientStep step;
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }
            var now = _time.GetUtcNow();
            step = _core.Receive(key.Channel, key.Port, packet, from, now);
            Collect(step, now);
        }
        Carry(step);
    }

    private void Lost((string Channel, int Port) key, RadiusConnection connection, RadiusSend send, bool wasConnected, string why)
    {
        RadiusClientStep step;
        lock (_gate)
        {
            if (_stopped || !_paths.TryGetValue(key, out var known) || known != connection)
            {
                return;
            }
            _paths.Remove(key);
            var now = _time.GetUtcNow();
            step = _core.Lost(key.Channel, key.Port, wasConnected, why, now);
            Collect(step, now);
        }
        if (!wasConnected)
        {
            // Notified before the waiting callers continue, so that a caller that gets no answer can find the cause.
            _debug.NotConnected(send, why);
            NotConnected?.Invoke(send.Settings.Name, send.To, why);
        }
        Carry(step);
    }

    /// <summary>Collects completed waiters, the paths of outgoing packets, and the next timer. Called with the lock held.</summary>
    private void Collect(RadiusClientStep step, DateTimeOffset now)
    {
        foreach (var (number, result) in step.Finished)
        {
            if (_waiting.Remove(number, out var waiter))
            {
                step.Answered.Add((waiter, result));
            }
        }
        foreach (var send in step.Sends)
        {
            if (PathOf(send) is { } path)
            {
                step.Carried.Add((path, send));
            }
        }
        if (_core.NextDeadline is { } next && (_armed is null || next < _armed))
        {
            _armed = next;
            _timer.Change(next > now ? next - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Delivers notices, sends packets and completes waiters. Called without the lock.</summary>
    private void Carry(RadiusClientStep step)
    {
        foreach (var (query, notice) in step.Notices)
        {
            query.Noticed?.Invoke(notice);
        }
        foreach (var (path, send) in step.Carried)
        {
            _debug.Sent(send);
            Traffic?.Invoke(new RadiusTraffic(send.Channel, send.Port, send.To, send.Number, send.Packet));
            path.Send(send.Packet, send.To);
        }
        foreach (var (entry, server, reason) in step.Refused)
        {
            _debug.Refused(reason);
            Refused?.Invoke(entry, server, reason);
        }
        foreach (var (waiter, result) in step.Answered)
        {
            waiter.Answer(result);
        }
    }

    /// <summary>
    /// The path of a packet, opened on first use. Null if none can be opened: the packet is lost, and the request times out.
    /// </summary>
    private IRadiusPath? PathOf(RadiusSend send)
    {
        var key = (send.Channel, send.Port);
        if (_paths.TryGetValue(key, out var known))
        {
            return known;
        }
        try
        {
            var nic = _nics.First(nic => nic.Name == send.Nic);
            RadiusReceived receive = (packet, from) => Receive(key, packet, from);
            IRadiusPath path =
                send.Settings.Transport == RadiusTransport.Udp
                    ? send.Port == 0
                        ? new RadiusDatagrams(nic.OpenDatagrams(0), receive)
                        : new RadiusSpareDatagrams(nic.OpenDatagrams(0), receive)
                    : new RadiusConnection(
                        nic,
                        send.Settings,
                        send.To,
                        _time,
                        receive,
                        (connection, wasConnected, why) => Lost(key, connection, send, wasConnected, why)
                    );
            _paths.Add(key, path);
            return path;
        }
        catch (AddressInUseException)
        {
            return null;
        }
    }

    private void Abandon(long number, WorkWaiter<RadiusResult> waiter, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _waiting.Remove(number);
            _core.Abandon(number);
        }
        waiter.Abandon(cancellationToken);
    }
}
