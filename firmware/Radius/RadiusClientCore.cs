using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>Fills a span with random bytes.</summary>
public delegate void RadiusRandom(Span<byte> destination);

/// <summary>Since the start: packets sent, repeated ones among them; questions that are over by what came of them; questions that are open.</summary>
public readonly record struct RadiusCounts(long Requests, long Accepted, long Rejected, long Challenged, long Unanswered, int Open);

/// <summary>
/// The client's rules: identifiers, repeated requests (the same identifier and authenticator), fail-over, servers that are unreachable, and
/// which packet is an answer. Synchronous and deterministic; the caller serializes, sends and keeps the clock.
/// </summary>
public sealed class RadiusClientCore(RadiusRandom random)
{
    /// <summary>Ports of one channel; each has 256 identifiers.</summary>
    public const int PortsMax = 64;

    /// <summary>So many tries in a row without an answer make a server unreachable for <c>status-ttl</c> (documented for 7.4.0).</summary>
    public const int SilentTriesMax = 6;

    /// <summary>The number of the try of what is over: no timer is for it.</summary>
    private const int Over = -1;

    /// <summary>Primary, secondary and tertiary, as many as there are.</summary>
    private static readonly ImmutableArray<int>[] InOrder = [[], [0], [0, 1], [0, 1, 2]];

    private readonly RadiusRequests _requests = new(random);
    private readonly Dictionary<long, Exchange> _exchanges = [];
    private readonly Dictionary<(string Channel, int Slot), Exchange> _slots = [];
    private readonly Dictionary<string, int> _lastSlot = new(StringComparer.Ordinal);
    private readonly Dictionary<IPEndPoint, (int SilentTries, DateTimeOffset Until)> _silent = [];
    private readonly PriorityQueue<(Exchange Exchange, int Try), DateTimeOffset> _timers = new();
    private readonly long[] _ignored = new long[Enum.GetValues<RadiusRefusal>().Length];
    private long _lastNumber;
    private RadiusCounts _counts;

    private sealed class Exchange(long number, RadiusQuery query, RadiusSettings settings, string nic, IPAddress local, ImmutableArray<int> servers)
    {
        public long Number => number;
        public RadiusQuery Query => query;
        public RadiusSettings Settings => settings;
        public string Nic => nic;
        public IPAddress Local => local;
        /// <summary>Which servers are tried, in order.</summary>
        public ImmutableArray<int> Servers => servers;
        public ImmutableArray<RadiusScheme> Schemes { get; } = query.Answers is not null ? [RadiusScheme.Pap] : query.Schemes.IsDefaultOrEmpty ? settings.Schemes : query.Schemes;
        public int ServerAt { get; set; }
        public int SchemeAt { get; set; }
        /// <summary>The last of them that a notice told of.</summary>
        public int NoticedServerAt { get; set; } = -1;
        public int Try { get; set; }
        public int Slot { get; set; } = -1;
        public string Channel { get; set; } = "";
        public byte[] Packet { get; set; } = [];
        public byte[] Proof { get; set; } = [];
        public DateTimeOffset ServerDeadline { get; set; }
        /// <summary>True when a broken connection was made anew for this request.</summary>
        public bool IsSecondConnection { get; set; }
        /// <summary>Why the last packet was refused that claimed to be the answer.</summary>
        public RadiusRefusal? Refused { get; set; }
        public int Server => servers[ServerAt];
        public RadiusTarget Target => settings.Targets[Server];
        public ReadOnlySpan<byte> Authenticator => Packet.AsSpan(4, RadiusPacket.AuthenticatorLength);
    }

    /// <summary>How many questions are open.</summary>
    public int Count => _exchanges.Count;

    /// <summary>What was asked, and what came of it.</summary>
    public RadiusCounts Counts => _counts with { Open = _exchanges.Count };

    /// <summary>Packets that were no answer to anything: late, forged, malformed.</summary>
    public long Ignored => _ignored.Sum();

    /// <summary>When <see cref="Tick"/> has something to do next; null when nothing waits.</summary>
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
                // Answered, or repeated, since: left behind, and most of them are.
                _timers.Dequeue();
            }
            return null;
        }
    }

    /// <summary>How many packets were refused for one reason.</summary>
    public long IgnoredFor(RadiusRefusal reason) => _ignored[(int)reason];

    /// <summary>Asks. The result comes with this step or a later one, under the number.</summary>
    /// <param name="query">What.</param>
    /// <param name="settings">Whom.</param>
    /// <param name="nic">By which interface.</param>
    /// <param name="local">That interface's address.</param>
    /// <param name="now">The time.</param>
    /// <param name="number">Names the question.</param>
    public RadiusClientStep Start(RadiusQuery query, RadiusSettings settings, string nic, IPAddress local, DateTimeOffset now, out long number)
    {
        number = ++_lastNumber;
        var step = new RadiusClientStep();
        var servers = ServersFor(query, settings, now);
        if (servers.IsEmpty || Encoding.UTF8.GetByteCount(query.Password) > RadiusSecret.PasswordMax || Encoding.UTF8.GetByteCount(query.User) > RadiusWriter.ValueMax)
        {
            Told(step, number, new RadiusResult.NoAnswer());
            return step;
        }
        var exchange = new Exchange(number, query, settings, nic, local, servers);
        _exchanges.Add(number, exchange);
        Ask(step, exchange, now);
        return step;
    }

    /// <summary>A packet came. Counts only as the answer of the server that was asked, signed over what it was asked.</summary>
    /// <param name="channel">On which channel (<see cref="RadiusSend.Channel"/>).</param>
    /// <param name="port">On which port of it.</param>
    /// <param name="datagram">What.</param>
    /// <param name="from">From where.</param>
    /// <param name="now">The time.</param>
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
        if (Refusal(packet, exchange) is { } refusal)
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

    /// <summary>A connection could not be made, or ended: what was asked on it is asked once more on a new one, then of the next server.</summary>
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

    /// <summary>The time has come to <see cref="NextDeadline"/>: asks again, or the next server, or gives up.</summary>
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
                // A stream loses nothing (RFC 6613, 2.6.1): only the time counts.
                Remind(exchange, now);
            }
        }
        return step;
    }

    /// <summary>Nobody waits for the answer any more.</summary>
    public void Abandon(long number)
    {
        if (_exchanges.Remove(number, out var exchange))
        {
            _slots.Remove((exchange.Channel, exchange.Slot));
            exchange.Try = Over;
        }
    }

    /// <summary>A challenge is answered to whoever made it. Else those that are unreachable are left out, unless all are (*assumed*).</summary>
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
        var reachable = all.RemoveAll(server => _silent.TryGetValue(settings.Targets[server].EndPoint, out var silent) && now < silent.Until);
        return reachable.IsEmpty ? all : reachable;
    }

    private static RadiusRefusal? Refusal(RadiusPacket packet, Exchange exchange)
    {
        var target = exchange.Target;
        if (packet.Code is not (RadiusCode.AccessAccept or RadiusCode.AccessReject or RadiusCode.AccessChallenge))
        {
            return RadiusRefusal.WrongCode;
        }
        if (!target.Secret.IsAnswer(packet, exchange.Authenticator))
        {
            return RadiusRefusal.WrongAuthenticator;
        }
        // None was sent, so none can come back: the room that CVE-2024-3596 needs.
        if (packet.Count(RadiusAttribute.ProxyState) > 0)
        {
            return RadiusRefusal.UnknownProxyState;
        }
        if (packet.Count(RadiusAttribute.MessageAuthenticator) == 0)
        {
            if (exchange.Settings.RequireMessageAuthenticator)
            {
                return RadiusRefusal.NoMessageAuthenticator;
            }
        }
        else if (!target.Secret.IsSigned(packet, exchange.Authenticator))
        {
            return RadiusRefusal.WrongMessageAuthenticator;
        }
        // With MS-CHAPv2 the server has to prove that it knows the password, too.
        return packet.Code != RadiusCode.AccessAccept || exchange.Proof.Length == 0
            || (packet.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Success, out var proof) && proof.Length > 1 && CryptographicOperations.FixedTimeEquals(proof[1..], exchange.Proof))
            ? null : RadiusRefusal.NoServerProof;
    }

    /// <summary>A try without an answer. Not while a challenge is answered: the server may be waiting for a phone.</summary>
    private void CountSilence(Exchange exchange, DateTimeOffset now)
    {
        if (exchange.Query.Answers is not null || exchange.Settings.DeadTime == TimeSpan.Zero)
        {
            return;
        }
        var tries = _silent.GetValueOrDefault(exchange.Target.EndPoint).SilentTries + 1;
        _silent[exchange.Target.EndPoint] = (tries, tries >= SilentTriesMax ? now + exchange.Settings.DeadTime : default);
    }

    private void AskNext(RadiusClientStep step, Exchange exchange, DateTimeOffset now)
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

    /// <summary>A new request to the server at hand, under an identifier of its own.</summary>
    private void Ask(RadiusClientStep step, Exchange exchange, DateTimeOffset now)
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
        (exchange.Packet, exchange.Proof) = _requests.Write(exchange.Query, exchange.Settings, exchange.Target.Secret, exchange.Schemes[exchange.SchemeAt], (byte)slot, exchange.Local, exchange.Number);
        exchange.ServerDeadline = now + exchange.Settings.ServerTime;
        if (exchange.NoticedServerAt != exchange.ServerAt)
        {
            exchange.NoticedServerAt = exchange.ServerAt;
            step.Notices.Add((exchange.Query, new RadiusNotice(exchange.Server)));
        }
        Send(step, exchange, now);
    }

    private void Send(RadiusClientStep step, Exchange exchange, DateTimeOffset now)
    {
        _counts = _counts with { Requests = _counts.Requests + 1 };
        step.Sends.Add(new RadiusSend(exchange.Nic, exchange.Channel, exchange.Slot / 256, exchange.Packet, exchange.Target.EndPoint, exchange.Settings) { Number = exchange.Number });
        Remind(exchange, now);
    }

    private void Remind(Exchange exchange, DateTimeOffset now)
    {
        var next = now + exchange.Settings.Timeout;
        _timers.Enqueue((exchange, ++exchange.Try), next < exchange.ServerDeadline ? next : exchange.ServerDeadline);
    }

    /// <summary>The one after the last that was taken: an identifier rests for as long as it can. Null when all are in use.</summary>
    private int? FreeSlot(string channel)
    {
        const int Slots = PortsMax * 256;
        var last = _lastSlot.GetValueOrDefault(channel, -1);
        // The first port as long as it has room: a port costs a socket.
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

    private void Finish(RadiusClientStep step, Exchange exchange, RadiusResult result)
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
