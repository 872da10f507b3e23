using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>Fills a span with random bytes.</summary>
public delegate void RadiusRandom(Span<byte> destination);

/// <summary>
/// The client's rules: identifiers, repeated requests (the same identifier and authenticator), fail-over, dead servers, and which
/// datagram is an answer. Synchronous and deterministic; the caller serializes, sends and keeps the clock.
/// </summary>
public sealed class RadiusClientCore(RadiusRandom random)
{
    /// <summary>Ports of one interface; each has 256 identifiers.</summary>
    public const int PortsMax = 64;

    private const string Vdom = "root";
    private const uint VirtualPort = 5; // NAS-Port-Type, RFC 2865, 5.41

    private readonly Dictionary<long, Exchange> _exchanges = [];
    private readonly Dictionary<(string Nic, int Slot), Exchange> _slots = [];
    private readonly Dictionary<string, int> _lastSlot = new(StringComparer.Ordinal);
    private readonly Dictionary<IPEndPoint, DateTimeOffset> _deadUntil = [];
    private readonly PriorityQueue<(long Number, int Try), DateTimeOffset> _timers = new();
    private readonly byte[] _buffer = new byte[RadiusPacket.LengthMax];
    private long _lastNumber;

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
        public int Try { get; set; }
        public int Slot { get; set; } = -1;
        public byte[] Packet { get; set; } = [];
        public byte[] Proof { get; set; } = [];
        public DateTimeOffset ServerDeadline { get; set; }
        public RadiusTarget Target => settings.Targets[servers[ServerAt]];
        public ReadOnlySpan<byte> Authenticator => Packet.AsSpan(4, RadiusPacket.AuthenticatorLength);
    }

    /// <summary>How many questions are open.</summary>
    public int Count => _exchanges.Count;

    /// <summary>Datagrams that were no answer to anything: late, forged, malformed.</summary>
    public long Ignored { get; private set; }

    /// <summary>When <see cref="Tick"/> has something to do next; null when nothing waits.</summary>
    public DateTimeOffset? NextDeadline => _timers.TryPeek(out _, out var at) ? at : null;

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
        // A challenge is answered to whoever made it; else the living come first.
        ImmutableArray<int> servers = query.Answers is { } challenge ? [challenge.Server]
            : [.. Enumerable.Range(0, settings.Targets.Length).OrderBy(server => _deadUntil.TryGetValue(settings.Targets[server].EndPoint, out var until) && now < until ? 1 : 0)];
        if (servers.IsEmpty || servers[0] >= settings.Targets.Length || Encoding.UTF8.GetByteCount(query.Password) > RadiusSecret.PasswordMax || Encoding.UTF8.GetByteCount(query.User) > RadiusWriter.ValueMax)
        {
            step.Finished.Add((number, new RadiusResult.NoAnswer()));
            return step;
        }
        var exchange = new Exchange(number, query, settings, nic, local, servers);
        _exchanges.Add(number, exchange);
        Ask(step, exchange, now);
        return step;
    }

    /// <summary>A datagram came. Counts only as the answer of the server that was asked, signed over what it was asked.</summary>
    public RadiusClientStep Receive(string nic, int port, ReadOnlySpan<byte> datagram, IPEndPoint from, DateTimeOffset now)
    {
        var step = new RadiusClientStep();
        if (RadiusPacket.Parse(datagram, out var packet) != RadiusDefect.None || !_slots.TryGetValue((nic, (port * 256) + packet.Identifier), out var exchange) || !IsAnswer(packet, exchange, from))
        {
            Ignored++;
            return step;
        }
        var target = exchange.Target;
        _deadUntil.Remove(target.EndPoint);
        if (packet.Code == RadiusCode.AccessReject && exchange.SchemeAt + 1 < exchange.Schemes.Length)
        {
            exchange.SchemeAt++;
            Ask(step, exchange, now);
            return step;
        }
        Finish(step, exchange, Result(packet, exchange.Servers[exchange.ServerAt]));
        return step;
    }

    /// <summary>The time has come to <see cref="NextDeadline"/>: asks again, or the next server, or gives up.</summary>
    public RadiusClientStep Tick(DateTimeOffset now)
    {
        var step = new RadiusClientStep();
        while (_timers.TryPeek(out var due, out var at) && at <= now)
        {
            _timers.Dequeue();
            if (!_exchanges.TryGetValue(due.Number, out var exchange) || exchange.Try != due.Try)
            {
                continue;
            }
            if (now < exchange.ServerDeadline)
            {
                Send(step, exchange, now);
                continue;
            }
            if (exchange.Settings.DeadTime > TimeSpan.Zero)
            {
                _deadUntil[exchange.Target.EndPoint] = now + exchange.Settings.DeadTime;
            }
            if (exchange.ServerAt + 1 >= exchange.Servers.Length)
            {
                Finish(step, exchange, new RadiusResult.NoAnswer());
                continue;
            }
            exchange.ServerAt++;
            Ask(step, exchange, now);
        }
        return step;
    }

    /// <summary>Nobody waits for the answer any more.</summary>
    public void Abandon(long number)
    {
        if (_exchanges.Remove(number, out var exchange))
        {
            _slots.Remove((exchange.Nic, exchange.Slot));
        }
    }

    private static bool IsAnswer(RadiusPacket packet, Exchange exchange, IPEndPoint from)
    {
        var target = exchange.Target;
        if (!target.EndPoint.Equals(from) || packet.Code is not (RadiusCode.AccessAccept or RadiusCode.AccessReject or RadiusCode.AccessChallenge) || !target.Secret.IsAnswer(packet, exchange.Authenticator))
        {
            return false;
        }
        // None was sent, so none can come back: the room that CVE-2024-3596 needs.
        if (packet.Count(RadiusAttribute.ProxyState) > 0)
        {
            return false;
        }
        var signed = packet.Count(RadiusAttribute.MessageAuthenticator) > 0;
        if (signed ? !target.Secret.IsSigned(packet, exchange.Authenticator) : exchange.Settings.RequireMessageAuthenticator)
        {
            return false;
        }
        // With MS-CHAPv2 the server has to prove that it knows the password, too.
        return packet.Code != RadiusCode.AccessAccept || exchange.Proof.Length == 0
            || (packet.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Success, out var proof) && proof.Length > 1 && CryptographicOperations.FixedTimeEquals(proof[1..], exchange.Proof));
    }

    private static RadiusResult Result(RadiusPacket packet, int server) => packet.Code switch
    {
        RadiusCode.AccessAccept => new RadiusResult.Accept(
            Texts(packet, RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName), Texts(packet, 0, (byte)RadiusAttribute.Class), Texts(packet, 0, (byte)RadiusAttribute.FilterId),
            Number(packet, RadiusAttribute.SessionTimeout), Number(packet, RadiusAttribute.IdleTimeout))
        { Server = server },
        RadiusCode.AccessChallenge => Challenge(packet, server),
        _ => new RadiusResult.Reject(string.Concat(Texts(packet, 0, (byte)RadiusAttribute.ReplyMessage))) { Server = server },
    };

    private static RadiusResult.Challenge Challenge(RadiusPacket packet, int server)
    {
        var message = string.Concat(Texts(packet, 0, (byte)RadiusAttribute.ReplyMessage));
        // A leading plus with code 001 tells of a FortiAuthenticator that can push (*assumed*: the table of codes is not public).
        var plus = message.StartsWith('+');
        var canPush = plus && Texts(packet, RadiusVendor.Fortinet, (byte)FortinetAttribute.FacChallengeCode).Contains("001") && message.Contains(" no code ", StringComparison.Ordinal);
        var typePush = plus && message.Contains("'push'", StringComparison.Ordinal);
        return new(packet.TryGet(RadiusAttribute.State, out var state) ? [.. state] : default, plus ? message[1..] : message, canPush || typePush, typePush) { Server = server };
    }

    private static ImmutableArray<string> Texts(RadiusPacket packet, uint vendor, byte type)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        foreach (var field in packet)
        {
            if (vendor == 0 && (byte)field.Type == type)
            {
                texts.Add(Encoding.UTF8.GetString(field.Value));
            }
            else if (vendor != 0 && field.Type == RadiusAttribute.VendorSpecific && field.Value.Length > 4 && BinaryPrimitives.ReadUInt32BigEndian(field.Value) == vendor)
            {
                var inner = new RadiusPacket.Fields(field.Value[4..]);
                while (inner.MoveNext())
                {
                    if ((byte)inner.Current.Type == type)
                    {
                        texts.Add(Encoding.UTF8.GetString(inner.Current.Value));
                    }
                }
            }
        }
        return texts.ToImmutable();
    }

    private static long Number(RadiusPacket packet, RadiusAttribute type) => packet.TryGet(type, out var value) && value.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;

    /// <summary>A new request to the server at hand, under an identifier of its own.</summary>
    private void Ask(RadiusClientStep step, Exchange exchange, DateTimeOffset now)
    {
        _slots.Remove((exchange.Nic, exchange.Slot));
        if (FreeSlot(exchange.Nic) is not { } slot)
        {
            Finish(step, exchange, new RadiusResult.NoAnswer());
            return;
        }
        exchange.Slot = slot;
        _slots.Add((exchange.Nic, slot), exchange);
        exchange.Packet = Build(exchange, (byte)slot);
        exchange.ServerDeadline = now + exchange.Settings.ServerTime;
        Send(step, exchange, now);
    }

    private void Send(RadiusClientStep step, Exchange exchange, DateTimeOffset now)
    {
        step.Sends.Add(new RadiusSend(exchange.Nic, exchange.Slot / 256, exchange.Packet, exchange.Target.EndPoint));
        var next = now + exchange.Settings.Timeout;
        _timers.Enqueue((exchange.Number, ++exchange.Try), next < exchange.ServerDeadline ? next : exchange.ServerDeadline);
    }

    /// <summary>The one after the last that was taken: an identifier rests for as long as it can. Null when all are in use.</summary>
    private int? FreeSlot(string nic)
    {
        const int Slots = PortsMax * 256;
        var last = _lastSlot.GetValueOrDefault(nic, -1);
        // The first port as long as it has room: a port costs a socket.
        var ports = Math.Min(PortsMax, (_exchanges.Count / 128) + 1) * 256;
        for (var tried = 1; tried <= Slots; tried++)
        {
            var slot = tried <= ports ? (last + tried) % ports : tried - 1;
            if (!_slots.ContainsKey((nic, slot)))
            {
                _lastSlot[nic] = slot;
                return slot;
            }
        }
        return null;
    }

    private byte[] Build(Exchange exchange, byte identifier)
    {
        var (query, settings, target) = (exchange.Query, exchange.Settings, exchange.Target);
        Span<byte> authenticator = stackalloc byte[RadiusPacket.AuthenticatorLength];
        random(authenticator);
        var writer = new RadiusWriter(_buffer, RadiusCode.AccessRequest, identifier, authenticator, sign: true);
        if (settings.NasId.Length > 0)
        {
            writer.Add(RadiusAttribute.NasIdentifier, settings.NasId);
        }
        writer.Add(RadiusAttribute.UserName, query.User);
        AddCredential(ref writer, exchange, authenticator);
        writer.Add(RadiusAttribute.NasIpAddress, settings.NasIp ?? exchange.Local);
        writer.Add(RadiusAttribute.NasPort, 1u);
        writer.Add(RadiusAttribute.NasPortType, VirtualPort);
        if (query.Caller is { } caller)
        {
            writer.Add(RadiusAttribute.CallingStationId, caller.ToString());
        }
        writer.Add(RadiusAttribute.AcctSessionId, exchange.Number.ToString("x8", System.Globalization.CultureInfo.InvariantCulture));
        writer.Add(RadiusAttribute.ConnectInfo, query.ConnectInfo);
        writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.VdomName, Vdom);
        if (query.Answers is { State.IsDefault: false } challenge)
        {
            writer.Add(RadiusAttribute.State, challenge.State.AsSpan());
        }
        return _buffer[..writer.EndRequest(target.Secret)];
    }

    private void AddCredential(scoped ref RadiusWriter writer, Exchange exchange, scoped ReadOnlySpan<byte> authenticator)
    {
        var (query, scheme) = (exchange.Query, exchange.Schemes[exchange.SchemeAt]);
        var password = exchange.Settings.Latin1 && query.Password.All(c => c <= 0xff) ? Encoding.Latin1.GetBytes(query.Password) : Encoding.UTF8.GetBytes(query.Password);
        Span<byte> value = stackalloc byte[RadiusSecret.PasswordMax];
        exchange.Proof = [];
        switch (scheme)
        {
            case RadiusScheme.Pap:
                writer.Add(RadiusAttribute.UserPassword, value[..exchange.Target.Secret.HidePassword(password, authenticator, value)]);
                return;
            case RadiusScheme.Chap:
                Span<byte> challenge = stackalloc byte[MD5.HashSizeInBytes];
                random(challenge);
                value[0] = challenge[0];
                RadiusSecret.ChapDigest(value[0], password, challenge, value[1..]);
                writer.Add(RadiusAttribute.ChapPassword, value[..(1 + MD5.HashSizeInBytes)]);
                writer.Add(RadiusAttribute.ChapChallenge, challenge);
                return;
            default:
                AddMsChap(ref writer, exchange, scheme);
                return;
        }
    }

    /// <summary>RFC 2548, 2.1 and 2.3: ident, flags, and either LM (never) and NT answers, or peer challenge, zeros and the NT answer.</summary>
    private void AddMsChap(scoped ref RadiusWriter writer, Exchange exchange, RadiusScheme scheme)
    {
        const int AnswerAt = 26;
        var hash = MsChap.PasswordHash(exchange.Query.Password);
        Span<byte> challenge = stackalloc byte[scheme == RadiusScheme.MsChap ? MsChap.Challenge1Length : MsChap.ChallengeLength];
        random(challenge);
        Span<byte> response = stackalloc byte[AnswerAt + MsChap.ResponseLength];
        response.Clear();
        if (scheme == RadiusScheme.MsChap)
        {
            response[1] = 1;
            MsChap.Respond(challenge, hash, response[AnswerAt..]);
        }
        else
        {
            var peer = response.Slice(2, MsChap.ChallengeLength);
            random(peer);
            MsChap.Respond2(challenge, peer, exchange.Query.User, hash, response[AnswerAt..]);
            exchange.Proof = Encoding.ASCII.GetBytes(MsChap.AuthenticatorResponse(challenge, peer, exchange.Query.User, hash, response[AnswerAt..]));
        }
        writer.AddVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChapChallenge, challenge);
        writer.AddVendor(RadiusVendor.Microsoft, (byte)(scheme == RadiusScheme.MsChap ? MicrosoftAttribute.MsChapResponse : MicrosoftAttribute.MsChap2Response), response);
    }

    private void Finish(RadiusClientStep step, Exchange exchange, RadiusResult result)
    {
        Abandon(exchange.Number);
        step.Finished.Add((exchange.Number, result));
    }
}
