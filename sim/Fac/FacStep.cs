using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Storage;

namespace Appliance.Sim.Fac;

/// <summary>What somebody is told.</summary>
public abstract record FacVerdict
{
    private FacVerdict() { }

    /// <summary>He may.</summary>
    /// <param name="User">Who.</param>
    /// <param name="Proof">What goes back with MS-CHAPv2; else null.</param>
    public sealed record Accept(FacUser User, byte[]? Proof = null) : FacVerdict;

    /// <summary>Access is denied. The reason is for the log only.</summary>
    /// <param name="Reason">The reason in one word.</param>
    /// <param name="Message">The Reply-Message; "" for none.</param>
    public sealed record Reject(string Reason, string Message = "") : FacVerdict;

    /// <summary>More is wanted.</summary>
    /// <param name="State">Ten digits that name the login.</param>
    /// <param name="Text">What to ask for; the leading plus is the vendor's.</param>
    public sealed record Challenge(string State, string Text) : FacVerdict;
}

/// <summary>Something that must be remembered over a restart, until it expires; a null value forgets it.</summary>
public sealed record FacRecord(string Key, string? Value, DateTimeOffset Expires)
{
    /// <summary>Where records are kept.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS fac_record (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL)";

    /// <summary>The write that makes it durable.</summary>
    public StateWrite Write() => Value is null
        ? new StateWrite("DELETE FROM fac_record WHERE key = $0", Key)
        : new StateWrite("INSERT INTO fac_record (key, value, expires) VALUES ($0,$1,$2) ON CONFLICT(key) DO UPDATE SET value=excluded.value, expires=excluded.expires", Key, Value, Expires.UtcTicks);
}

/// <summary>By which way a packet comes and its answer goes.</summary>
public enum FacWay
{
    /// <summary>The UDP port of Access-Requests.</summary>
    Authentication,
    /// <summary>The UDP port of Accounting-Requests.</summary>
    Accounting,
    /// <summary>A connection of RADIUS over TLS, for both.</summary>
    RadSec,
}

/// <summary>An answer that goes out, by the way of its request; the entry is told once it has, so that a repeated request gets it again.</summary>
public sealed record FacReply(byte[] Packet, IPEndPoint To, FacEntry Entry);

/// <summary>A decision and what has to be done about it, in this order: events, commit, then pushes, replies and releases.</summary>
public sealed class FacStep
{
    /// <summary>A step of which nothing follows.</summary>
    public static readonly FacStep Nothing = new();

    private List<FacRecord>? _records;
    private List<StateWrite>? _memory;
    private List<EventEntry>? _events;
    private List<PushMessage>? _pushes;
    private List<(string State, FacVerdict Verdict)>? _released;
    private List<FacReply>? _replies;

    /// <summary>What the asker is told; null while he has to wait.</summary>
    public FacVerdict? Answer { get; set; }

    /// <summary>True when nothing has to be durable before the replies leave, and nothing else is to be done.</summary>
    public bool IsPlain => _records is null && _memory is null && _pushes is null && _released is null;

    /// <summary>What is to be remembered.</summary>
    public IReadOnlyList<FacRecord> Records => _records ?? [];

    /// <summary>Codes that are used up.</summary>
    public IReadOnlyList<StateWrite> Memory => _memory ?? [];

    /// <summary>What happened.</summary>
    public IReadOnlyList<EventEntry> Events => _events ?? [];

    /// <summary>Pushes to be sent.</summary>
    public IReadOnlyList<PushMessage> Pushes => _pushes ?? [];

    /// <summary>Verdicts for those who wait.</summary>
    public IReadOnlyList<(string State, FacVerdict Verdict)> Released => _released ?? [];

    /// <summary>Datagrams to be sent.</summary>
    public IReadOnlyList<FacReply> Replies => _replies ?? [];

    internal void Remember(FacRecord record) => (_records ??= []).Add(record);

    internal void UseUp(IReadOnlyList<StateWrite> writes) => (_memory ??= []).AddRange(writes);

    internal void Note(EventEntry entry) => (_events ??= []).Add(entry);

    internal void Push(PushMessage message) => (_pushes ??= []).Add(message);

    internal void Release(string state, FacVerdict verdict) => (_released ??= []).Add((state, verdict));

    internal void Send(FacReply reply) => (_replies ??= []).Add(reply);
}
