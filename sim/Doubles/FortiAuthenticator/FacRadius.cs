using System.Net;
using System.Text;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>
/// The RADIUS protocol of the emulator: which clients are served, which packets are dropped, which requests are repetitions (RFC 5080,
/// 2.2.2), and the form of each answer. As synchronous and deterministic as the rules in <see cref="FacCore"/>.
/// </summary>
public sealed partial class FacRadius(FacSettings settings, FacCore core)
{
    /// <summary>The fixed secret of RADIUS over TLS, where TLS authenticates the client (RFC 6614, 2.3).</summary>
    private static readonly RadiusSecret RadSecSecret = new("radsec");

    private const int EntriesMax = 200_000;

    /// <summary>
    /// The shortest time that an answer is kept for repetitions; the longest is twice that. It exceeds the time in which a client repeats a
    /// request that may be pending for a phone. If an answer were discarded earlier, a late repetition would be a second login.
    /// </summary>
    private readonly TimeSpan _answerLife = settings.TokenTimeout + TimeSpan.FromSeconds(30);

    // Two generations, of which the older is dropped as a whole, so that nothing has to be sorted by age.
    private Dictionary<FacKey, FacEntry> _entries = [];
    private Dictionary<FacKey, FacEntry> _olderEntries = [];
    private DateTimeOffset _generationEnds;
    private readonly Dictionary<string, (IPEndPoint Source, FacEntry Entry)> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, int> _waitingOf = [];
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
    private (IPAddress? Address, FacClient? Client) _lastClient;
    private readonly byte[] _buffer = new byte[RadiusPacket.LengthMax];

    /// <summary>The number of datagrams without an answer, by reason.</summary>
    public IReadOnlyDictionary<string, long> Dropped => _dropped;

    /// <summary>The number of answered datagrams, repetitions included.</summary>
    public long Answered { get; private set; }

    /// <summary>The number of requests that are pending for a phone.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Handles a datagram. Whatever its content, it does not affect other clients.</summary>
    public FacStep Receive(ReadOnlySpan<byte> datagram, IPEndPoint source, FacWay way, DateTimeOffset now)
    {
        if (now >= _generationEnds || _entries.Count >= EntriesMax)
        {
            NextGeneration(now);
        }
        if (ClientOf(source.Address, way) is not { } client)
        {
            return Drop("unknown_client");
        }
        if (RadiusPacket.Parse(datagram, out var packet) is var defect && defect != RadiusDefect.None)
        {
            return Drop($"malformed_{defect}");
        }
        if (FacRequest.Refusal(packet, client, way) is { } refusal)
        {
            return Drop(refusal);
        }
        var key = KeyOf(packet, source, way, client);
        if (Find(key, packet, source) is { } known)
        {
            return Repeated(known, source);
        }
        var entry = new FacEntry(client, packet.Authenticator.ToArray(), way) { Arrived = now };
        if (packet.Code == RadiusCode.StatusServer)
        {
            // RFC 5997, 3: the reply only reports that the server is alive. It is not stored, so the client may query again immediately.
            var step = new FacStep();
            Answer(step, entry, packet, source, way == FacWay.Accounting ? RadiusCode.AccountingResponse : RadiusCode.AccessAccept, null);
            return step;
        }
        return packet.Code == RadiusCode.AccountingRequest ? Account(packet, source, key, entry) : Access(packet, source, key, entry, now);
    }

    /// <summary>Builds the answers of pending requests from the verdicts that the rules released.</summary>
    public void Settle(FacStep step, DateTimeOffset now)
    {
        foreach (var (state, verdict) in step.Released)
        {
            if (_waiting.Remove(state, out var waiting))
            {
                Unwait(waiting.Source);
                var request = waiting.Entry.Request!;
                (waiting.Entry.Request, waiting.Entry.State) = (null, null);
                RadiusPacket.Parse(request, out var packet);
                Decide(step, waiting.Entry, packet, waiting.Source, verdict, now);
                step.Remember(new FacRecord(WaitPrefix + state, null, now));
            }
        }
    }

    /// <summary>Records that the reply has left: from now on a repeated request gets it again.</summary>
    public void Sent(FacReply reply)
    {
        reply.Entry.Sent = true;
        Answered++;
    }

    private FacClient? ClientOf(IPAddress address, FacWay way) =>
        ClientOf(address) is not { } client ? null
        : way == FacWay.RadSec ? client with { Secret = RadSecSecret, RequireMessageAuthenticator = false }
        : client;

    private FacClient? ClientOf(IPAddress address)
    {
        if (ReferenceEquals(address, _lastClient.Address))
        {
            return _lastClient.Client;
        }
        var client = settings.Clients.FirstOrDefault(client => client.Network.Contains(address));
        _lastClient = (address, client);
        return client;
    }

    private FacStep Repeated(FacEntry known, IPEndPoint source)
    {
        if (!known.Sent)
        {
            if (known.State is { } state)
            {
                // Over TLS a client repeats a request on a new connection when the previous one failed; the answer must find the new one.
                _waiting[state] = (source, known);
            }
            return Drop("duplicate_undecided");
        }
        var step = new FacStep();
        step.Send(new FacReply(known.Reply!, source, known));
        return step;
    }

    private FacStep Access(RadiusPacket packet, IPEndPoint source, FacKey key, FacEntry entry, DateTimeOffset now)
    {
        if (!packet.TryGet(RadiusAttribute.UserName, out var name) || name.IsEmpty || packet.Count(RadiusAttribute.UserName) > 1)
        {
            return Drop("no_user_name");
        }
        var user = entry.User = Encoding.UTF8.GetString(name);
        if (FacCredential.Of(packet, entry.Client.Secret, user) is not { } credential)
        {
            // Well-formed, but of no service offered here (EAP among them): RFC 2865, 4.3 requires a Reject.
            var rejected = new FacStep();
            if (settings.LogDecisions)
            {
                rejected.Note(
                    FacEvents.Decided(
                        user,
                        source.Address,
                        packet.Count(RadiusAttribute.EapMessage) > 0 ? "EAP" : "none",
                        "failed",
                        "no_credential"
                    )
                );
            }
            Put(key, entry);
            Decide(rejected, entry, packet, source, new FacVerdict.Reject("no_credential"), now);
            return rejected;
        }
        if (_waitingOf.GetValueOrDefault(source.Address) >= entry.Client.PendingMax)
        {
            return Drop("overloaded");
        }
        var asker = new FacAsker(source.Address, entry.Client.Policy, FacRequest.CallerOf(packet) ?? source.Address);
        string state;
        FacStep step;
        if (packet.TryGet(RadiusAttribute.State, out var given))
        {
            state = Encoding.ASCII.GetString(given);
            step = core.Second(state, user, credential, asker, now);
        }
        else
        {
            step = core.First(user, credential, asker, now, out state);
        }
        Put(key, entry);
        Settle(step, now);
        if (step.Answer is { } verdict)
        {
            Decide(step, entry, packet, source, verdict, now);
            return step;
        }
        Wait(state, source, entry, SkeletonOf(packet));
        step.Remember(WaitRecord(entry, source, now));
        return step;
    }

    private FacStep Account(RadiusPacket packet, IPEndPoint source, FacKey key, FacEntry entry)
    {
        // RFC 2866, 4.1 and 5: a request that cannot be recorded is not answered.
        if (
            !packet.TryGet(RadiusAttribute.AcctStatusType, out var type)
            || type.Length != 4
            || !packet.TryGet(RadiusAttribute.AcctSessionId, out var session)
            || session.IsEmpty
        )
        {
            return Drop("bad_accounting");
        }
        var status = type[3] switch
        {
            1 => "start",
            2 => "stop",
            3 => "interim-update",
            7 => "on",
            8 => "off",
            _ => null,
        };
        if (status is null || (type[0] | type[1] | type[2]) != 0)
        {
            return Drop("bad_accounting");
        }
        var step = new FacStep();
        entry.User = FacRequest.TextOf(packet, RadiusAttribute.UserName);
        step.Note(
            FacEvents.Accounting(
                status,
                entry.User,
                Encoding.UTF8.GetString(session),
                source.Address,
                FacRequest.NumberOf(packet, RadiusAttribute.AcctSessionTime),
                FacRequest.NumberOf(packet, RadiusAttribute.AcctInputOctets),
                FacRequest.NumberOf(packet, RadiusAttribute.AcctOutputOctets)
            )
        );
        // An answer implies a record: it leaves with the commit of a record, behind the event in the same queue.
        step.Remember(
            new FacRecord(
                $"accounting/{source.Address}/{Convert.ToHexStringLower(session)}",
                status is "stop" or "off" ? null : status,
                DateTimeOffset.MaxValue
            )
        );
        Put(key, entry);
        Answer(step, entry, packet, source, RadiusCode.AccountingResponse, null);
        return step;
    }

    /// <summary>
    /// Answers an Access-Request. An answer that depends on something durable is stored with it, so that a repetition after a restart gets
    /// the same answer.
    /// </summary>
    private void Decide(FacStep step, FacEntry entry, RadiusPacket request, IPEndPoint source, FacVerdict verdict, DateTimeOffset now)
    {
        Answer(
            step,
            entry,
            request,
            source,
            verdict switch
            {
                FacVerdict.Accept => RadiusCode.AccessAccept,
                FacVerdict.Challenge => RadiusCode.AccessChallenge,
                _ => RadiusCode.AccessReject,
            },
            verdict
        );
        if (!step.IsPlain)
        {
            step.Remember(AnswerRecord(entry, request, source, now));
        }
    }

    private void Answer(FacStep step, FacEntry entry, RadiusPacket request, IPEndPoint source, RadiusCode code, FacVerdict? verdict)
    {
        entry.Reply = FacAnswer.Write(_buffer, request, code, verdict, entry.Client.Secret);
        step.Send(new FacReply(entry.Reply, source, entry));
    }

    private void Wait(string state, IPEndPoint source, FacEntry entry, byte[] skeleton)
    {
        (entry.State, entry.Request) = (state, skeleton);
        _waiting.Add(state, (source, entry));
        _waitingOf[source.Address] = _waitingOf.GetValueOrDefault(source.Address) + 1;
    }

    private void Unwait(IPEndPoint source)
    {
        if (--_waitingOf[source.Address] == 0)
        {
            _waitingOf.Remove(source.Address);
        }
    }

    private void NextGeneration(DateTimeOffset now)
    {
        (_olderEntries, _entries) = (_entries, []);
        _generationEnds = now + _answerLife;
        foreach (var (source, entry) in _waiting.Values)
        {
            // A request that is pending for a phone is never discarded.
            RadiusPacket.Parse(entry.Request, out var packet);
            Put(KeyOf(packet, source, entry.Way, entry.Client), entry);
        }
    }

    private FacStep Drop(string reason)
    {
        _dropped[reason] = _dropped.GetValueOrDefault(reason) + 1;
        return FacStep.Nothing;
    }
}
