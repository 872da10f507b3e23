using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Storage;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The answer to a request.</summary>
public abstract record FacVerdict
{
    private FacVerdict() { }

    /// <summary>Access is granted.</summary>
    /// <param name="User">The authenticated user.</param>
    /// <param name="Proof">The proof that the accept carries with MS-CHAPv2; otherwise null.</param>
    public sealed record Accept(FacUser User, byte[]? Proof = null) : FacVerdict;

    /// <summary>Access is denied. The reason is for the log only.</summary>
    /// <param name="Reason">The reason in one word.</param>
    /// <param name="Message">The Reply-Message; "" for none.</param>
    public sealed record Reject(string Reason, string Message = "") : FacVerdict;

    /// <summary>Another response is required.</summary>
    /// <param name="State">Ten digits that name the login.</param>
    /// <param name="Text">The prompt; the leading plus is the vendor's.</param>
    public sealed record Challenge(string State, string Text) : FacVerdict;
}

/// <summary>A stored value that survives a restart until it expires; a null value deletes it.</summary>
public sealed record FacRecord(string Key, string? Value, DateTimeOffset Expires)
{
    /// <summary>The table of the records.</summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS fac_record (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL)";

    /// <summary>Returns the write that makes the record durable.</summary>
    public StateWrite Write() =>
        Value is null
            ? new StateWrite("DELETE FROM fac_record WHERE key = $0", Key)
            : new StateWrite(
                "INSERT INTO fac_record (key, value, expires) VALUES ($0,$1,$2) ON CONFLICT(key) DO UPDATE SET value=excluded.value, expires=excluded.expires",
                Key,
                Value,
                Expires.UtcTicks
            );
}

/// <summary>The port or connection by which a packet arrives and its answer leaves.</summary>
public enum FacWay
{
    /// <summary>The UDP port of Access-Requests.</summary>
    Authentication,

    /// <summary>The UDP port of Accounting-Requests.</summary>
    Accounting,

    /// <summary>A connection of RADIUS over TLS, for both.</summary>
    RadSec,
}

/// <summary>
/// An outgoing answer, by the way of its request. The entry is marked once the answer has left, so that a repeated request gets it again.
/// </summary>
public sealed record FacReply(byte[] Packet, IPEndPoint To, FacEntry Entry);

/// <summary>A decision and its effects, in this order: events, commit, then pushes, replies and releases.</summary>
public sealed class FacStep
{
    /// <summary>A step without effects.</summary>
    public static readonly FacStep Nothing = new();

    private List<FacRecord>? _records;
    private List<StateWrite>? _memory;
    private List<EventEntry>? _events;
    private List<PushMessage>? _pushes;
    private List<(string State, FacVerdict Verdict)>? _released;
    private List<FacReply>? _replies;

    /// <summary>The answer to the request; null while it is pending.</summary>
    public FacVerdict? Answer { get; set; }

    /// <summary>True if nothing has to be durable before the replies leave, and there is nothing else to do.</summary>
    public bool IsPlain => _records is null && _memory is null && _pushes is null && _released is null;

    /// <summary>The records to store.</summary>
    public IReadOnlyList<FacRecord> Records => _records ?? [];

    /// <summary>The writes that mark codes as consumed.</summary>
    public IReadOnlyList<StateWrite> Memory => _memory ?? [];

    /// <summary>The events to log.</summary>
    public IReadOnlyList<EventEntry> Events => _events ?? [];

    /// <summary>The pushes to send.</summary>
    public IReadOnlyList<PushMessage> Pushes => _pushes ?? [];

    /// <summary>The verdicts of pending logins.</summary>
    public IReadOnlyList<(string State, FacVerdict Verdict)> Released => _released ?? [];

    /// <summary>The datagrams to send.</summary>
    public IReadOnlyList<FacReply> Replies => _replies ?? [];

    internal void Remember(FacRecord record) => (_records ??= []).Add(record);

    internal void UseUp(IReadOnlyList<StateWrite> writes) => (_memory ??= []).AddRange(writes);

    internal void Note(EventEntry entry) => (_events ??= []).Add(entry);

    internal void Push(PushMessage message) => (_pushes ??= []).Add(message);

    internal void Release(string state, FacVerdict verdict) => (_released ??= []).Add((state, verdict));

    internal void Send(FacReply reply) => (_replies ??= []).Add(reply);
}
