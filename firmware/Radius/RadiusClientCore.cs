using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>Fills a span with random bytes.</summary>
public delegate void RadiusRandom(Span<byte> destination);

/// <summary>
/// Counters since the start: packets sent, including retransmissions; finished requests by result; and requests that are open now.
/// </summary>
public readonly record struct RadiusCounts(long Requests, long Accepted, long Rejected, long Challenged, long Unanswered, int Open);

/// <summary>
/// The client's rules: identifiers, retransmission (same identifier and authenticator), fail-over, unreachable servers, and matching
/// replies to requests. Synchronous and deterministic. The caller serializes calls, sends the packets and keeps the clock.
/// </summary>
public sealed class RadiusClientCore(RadiusRandom random)
{
    /// <summary>Maximum number of ports of one channel; each has 256 identifiers.</summary>
    public const int PortsMax = 64;

    /// <summary>
    /// Number of consecutive tries without a reply that make a server unreachable for <c>status-ttl</c> (documented for 7.4.0).
    /// </summary>
    public const int SilentTriesMax = 6;

    /// <summary>The try number of a finished exchange; no timer matches it.</summary>
    private const int Over = -1;

    /// <summary>The default server order, by number of servers: primary, secondary, tertiary.</summary>
    private static readonly ImmutableArray<int>[] InOrder =
    [
        [],
        [0],
        [0, 1],
        [0, 1, 2],
    ];

    private readonly RadiusRequests _requests = new(random);
    private readonly Dictionary<long, RadiusExchange> _exchanges = [];
    private readonly Dictionary<(string Channel, int Slot), RadiusExchange> _slots = [];
    private readonly Dictionary<string, int> _lastSlot = new(StringComparer.Ordinal);
    private readonly Dictionary<IPEndPoint, (int SilentTries, DateTimeOffset Until)> _silent = [];
    private readonly PriorityQueue<(RadiusExchange Exchange, int Try), DateTimeOffset> _timers = new();
    private readonly long[] _ignored = new long[Enum.GetValues<RadiusRefusal>().Length];
    private long _lastNumber;
    private RadiusCounts _counts;

    /// <summary>The number of open requests.</summary>
    public int Count => _exchanges.Count;

    /// <summary>The counts of requests and results since the start.</summary>
    public RadiusCounts Counts => _counts with { Open = _exchanges.Count };

    /// <summary>The number of packets that match no request: late, forged or malformed.</summary>
    public long Ignored => _ignored.Sum();

    /// <summary>The time at which <see cref="Tick"/> is due; null when no timer is pending.</summary>
    public DateTimeOffset? NextDeadline
    {
        get
        {
            while (_timers.TryPeek(out var first, out var at))
            {
                if (first.Exchange.Try == first.Try)
                {
                    return at;
                }
                // Stale timers of exchanges that were answered or retransmitted since. Most timers are stale.
                _timers.Dequeue();
            }
            return null;
        }
    }

    /// <summary>Returns the number of packets refused for one reason.</summary>
    public long IgnoredFor(RadiusRefusal reason) => _ignored[(int)reason];

    /// <summary>Starts a request. The result is delivered with this step or a later one, under <paramref name="number"/>.</summary>
    /// <param name="query">The request.</param>
    /// <param name="settings">The servers and their settings.</param>
    /// <param name="nic">The interface to send from.</param>
    /// <param name="local">That interface's address.</param>
    /// <param name="now">The current time.</param>
    /// <param name="number">The number of the request.</param>
    public RadiusClientStep Start(
        RadiusQuery query,
        RadiusSettings settings,
        string nic,
        IPAddress local,
        DateTimeOffset now,
        out long number
    )
    {
        number = ++_lastNumber;
        var step = new RadiusClientStep();
        var servers = ServersFor(query, settings, now);
        if (
            servers.IsEmpty
            || Encoding.UTF8.GetByteCount(query.Password) > RadiusSecret.PasswordMax
            || Encoding.UTF8.GetByteCount(query.User) > RadiusWriter.ValueMax
        )
        {
            Told(step, number, new RadiusResult.NoAnswer());
            return step;
        }
        var exchange = new RadiusExchange(number, query, settings, nic, local, servers);
        _exchanges.Add(number, exchange);
        Ask(step, exchange, now);
        return step;
    }

    /// <summary>
    /// Processes a received packet. It counts as the reply only if it comes from the server that was queried and is signed over the
    /// request.
    /// </summary>
    /// <param name="channel">The channel that it arrived on (<see cref="RadiusSend.Channel"/>).</param>
    /// <param name="port">The port of that channel.</param>
    /// <param name="datagram">The packet.</param>
    /// <param name="from">The address of the sender.</param>
    /// <param name="now">The current time.</param>
    public RadiusClientStep Receive(string channel, int port, ReadOnlySpan<byte> datagram, IPEndPoint from, DateTimeOffset now)
    {
        var step = new RadiusClientStep();
        if (RadiusPacket.Parse(datagram, out var packet) != RadiusDefect.None)
        {
            _ignored[(int)RadiusRefusal.Malformed]++;
            return step;
        }
        if (!_slots.TryGetValue((channel, (port * 256) + packet.Identifier), out var exchange) || !exchange.Target.EndPoint.Equals(from))
        {
            _ignored[(int)RadiusRefusal.NotAsked]++;
            return step;
        }
        if (exchange.RefusalOf(packet) is { } refusal)
        {
            _ignored[(int)refusal]++;
            if (exchange.Refused != refusal)
            {
                exchange.Refused = refusal;
                step.Refused.Add((exchange.Settings.Name, exchange.Target.EndPoint, refusal));
                step.Notices.Add((exchange.Query, new RadiusNotice(exchange.Server, refusal)));
            }
            return step;
        }
        _silent.Remove(exchange.Target.EndPoint);
        if (packet.Code == RadiusCode.AccessReject && exchange.SchemeAt + 1 < exchange.Schemes.Length)
        {
            exchange.SchemeAt++;
            Ask(step, exchange, now);
            return step;
        }
        Finish(step, exchange, RadiusAnswers.Read(packet, exchange.Server));
        return step;
    }

    /// <summary>
    /// Handles a connection that failed or closed. Its requests are sent once more on a new connection, then to the next server.
    /// </summary>
    public RadiusClientStep Lost(string channel, int port, bool wasConnected, string why, DateTimeOffset now)
    {
        var step = new RadiusClientStep();
        for (var slot = port * 256; slot < (port + 1) * 256; slot++)
        {
            if (!_slots.TryGetValue((channel, slot), out var exchange))
            {
                continue;
            }
            if (wasConnected && !exchange.IsSecondConnection)
            {
                exchange.IsSecondConnection = true;
                Send(step, exchange, now);
                continue;
            }
            step.Notices.Add((exchange.Query, new RadiusNotice(exchange.Server, Failure: why)));
            CountSilence(exchange, now);
            AskNext(step, exchange, now);
        }
        return step;
    }

    /// <summary>
    /// Processes the timers that are due (<see cref="NextDeadline"/>): retransmits, fails over to the next server, or gives up.
    /// </summary>
    public RadiusClientStep Tick(DateTimeOffset now)
    {
        var step = new RadiusClientStep();
        while (_timers.TryPeek(out var due, out var at) && at <= now)
        {
            _timers.Dequeue();
            var exchange = due.Exchange;
            if (exchange.Try != due.Try)
            {
                continue;
            }
            CountSilence(exchange, now);
            if (now >= exchange.ServerDeadline)
            {
                AskNext(step, exchange, now);
            }
            else if (exchange.Settings.Transport == RadiusTransport.Udp)
            {
                Send(step, exchange, now);
            }
            else
            {
                // A stream loses nothing (RFC 6613, 2.6.1), so there is no retransmission and only the timeout applies.
                Remind(exchange, now);
            }
        }
        return step;
    }

    /// <summary>Drops a request whose caller no longer waits for the result.</summary>
    public void Abandon(long number)
    {
        if (_exchanges.Remove(number, out var exchange))
        {
            _slots.Remove((exchange.Channel, exchange.Slot));
            exchange.Try = Over;
        }
    }

    /// <summary>
    /// The servers to try for a query. The response to a challenge goes to the server that issued it. Otherwise unreachable servers are
    /// skipped, unless all are unreachable (*assumed*).
    /// </summary>
    private ImmutableArray<int> ServersFor(RadiusQuery query, RadiusSettings settings, DateTimeOffset now)
    {
        if (query.Answers is { } challenge)
        {
            return challenge.Server < settings.Targets.Length ? [challenge.Server] : [];
        }
        var all = InOrder[settings.Targets.Length];
        if (all.Length < 2 || _silent.Count == 0)
        {
            return all;
        }
        var reachable = all.RemoveAll(server =>
            _silent.TryGetValue(settings.Targets[server].EndPoint, out var silent) && now < silent.Until
        );
        return reachable.IsEmpty ? all : reachable;
    }

    /// <summary>Counts a try without a reply. Does not count the response to a challenge: the server may be waiting for a phone.</summary>
    private void CountSilence(RadiusExchange exchange, DateTimeOffset now)
    {
        if (exchange.Query.Answers is not null || exchange.Settings.DeadTime == TimeSpan.Zero)
        {
            return;
        }
        var tries = _silent.GetValueOrDefault(exchange.Target.EndPoint).SilentTries + 1;
        _silent[exchange.Target.EndPoint] = (tries, tries >= SilentTriesMax ? now + exchange.Settings.DeadTime : default);
    }

    private void AskNext(RadiusClientStep step, RadiusExchange exchange, DateTimeOffset now)
    {
        if (exchange.ServerAt + 1 >= exchange.Servers.Length)
        {
            Finish(step, exchange, new RadiusResult.NoAnswer { Because = exchange.Refused, Server = exchange.Server });
            return;
        }
        exchange.ServerAt++;
        exchange.Refused = null;
        Ask(step, exchange, now);
    }

    /// <summary>Sends a new request to the current server, under a separate identifier.</summary>
    private void Ask(RadiusClientStep step, RadiusExchange exchange, DateTimeOffset now)
    {
        _slots.Remove((exchange.Channel, exchange.Slot));
        exchange.Channel = exchange.Settings.ChannelTo(exchange.Target, exchange.Nic);
        if (FreeSlot(exchange.Channel) is not { } slot)
        {
            Finish(step, exchange, new RadiusResult.NoAnswer());
            return;
        }
        exchange.Slot = slot;
        exchange.IsSecondConnection = false;
        _slots.Add((exchange.Channel, slot), exchange);
        (exchange.Packet, exchange.Proof) = _requests.Write(
            exchange.Query,
            exchange.Settings,
            exchange.Target.Secret,
            exchange.Schemes[exchange.SchemeAt],
            (byte)slot,
            exchange.Local,
            exchange.Number
        );
        exchange.ServerDeadline = now + exchange.Settings.ServerTime;
        if (exchange.NoticedServerAt != exchange.ServerAt)
        {
            exchange.NoticedServerAt = exchange.ServerAt;
            step.Notices.Add((exchange.Query, new RadiusNotice(exchange.Server)));
        }
        Send(step, exchange, now);
    }

    private void Send(RadiusClientStep step, RadiusExchange exchange, DateTimeOffset now)
    {
        _counts = _counts with { Requests = _counts.Requests + 1 };
        step.Sends.Add(
            new RadiusSend(
                exchange.Nic,
                exchange.Channel,
                exchange.Slot / 256,
                exchange.Packet,
                exchange.Target.EndPoint,
                exchange.Settings
            )
            {
                Number = exchange.Number,
            }
        );
        Remind(exchange, now);
    }

    private void Remind(RadiusExchange exchange, DateTimeOffset now)
    {
        var next = now + exchange.Settings.Timeout;
        _timers.Enqueue((exchange, ++exchange.Try), next < exchange.ServerDeadline ? next : exchange.ServerDeadline);
    }

    /// <summary>
    /// The next identifier after the last one assigned, so that an identifier is reused as late as possible. Null when all are in use.
    /// </summary>
    private int? FreeSlot(string channel)
    {
        const int Slots = PortsMax * 256;
        var last = _lastSlot.GetValueOrDefault(channel, -1);
        // The first port is used while it has room, because each port costs a socket.
        var ports = Math.Min(PortsMax, (_exchanges.Count / 128) + 1) * 256;
        for (var tried = 1; tried <= Slots; tried++)
        {
            var slot = tried <= ports ? (last + tried) % ports : tried - 1;
            if (!_slots.ContainsKey((channel, slot)))
            {
                _lastSlot[channel] = slot;
                return slot;
            }
        }
        return null;
    }

    private void Finish(RadiusClientStep step, RadiusExchange exchange, RadiusResult result)
    {
        Abandon(exchange.Number);
        Told(step, exchange.Number, result);
    }

    private void Told(RadiusClientStep step, long number, RadiusResult result)
    {
        _counts = result switch
        {
            RadiusResult.Accept => _counts with { Accepted = _counts.Accepted + 1 },
            RadiusResult.Reject => _counts with { Rejected = _counts.Rejected + 1 },
            RadiusResult.Challenge => _counts with { Challenged = _counts.Challenged + 1 },
            _ => _counts with { Unanswered = _counts.Unanswered + 1 },
        };
        step.Finished.Add((number, result));
    }
}
