using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Tokens;

/// <summary>
/// An activation code to be delivered to a token's owner. The only object that holds the code in clear text; never logged.
/// </summary>
public sealed record ActivationOrder(string Serial, TokenOwner Owner, string Code, DateTimeOffset Expires)
{
    /// <summary>Returns a description without the code.</summary>
    public override string ToString() => $"activation of {Serial}";
}

/// <summary>A decision of the core and its effects, which the shell performs in this order: events, commit, orders.</summary>
public sealed class TokenStep
{
    /// <summary>The writes that must be durable before any answer leaves.</summary>
    public List<StateWrite> Memory { get; } = [];

    /// <summary>The events to log.</summary>
    public List<EventEntry> Events { get; } = [];

    /// <summary>The activation codes to send.</summary>
    public List<ActivationOrder> Orders { get; } = [];
}

/// <summary>The result of an activation code that a phone presents.</summary>
public enum ActivationOutcome
{
    /// <summary>Right and in time. The code is reserved for this phone until it is confirmed or given back.</summary>
    Held,

    /// <summary>No token has this code.</summary>
    Unknown,

    /// <summary>The code has expired.</summary>
    Expired,

    /// <summary>The code was already consumed. The token has the Error status from now on.</summary>
    Used,
}

/// <summary>
/// The lifecycle of the tokens: synchronous and deterministic. Each call supplies what the configuration has (owner, lock, seed). The rest
/// (pending codes, consumed codes, faults) is stored here and in the state database.
/// </summary>
public sealed class TokenLife
{
    /// <summary>The SQL that creates the table of token records.</summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS token_life (serial TEXT PRIMARY KEY, owner TEXT NOT NULL, code TEXT NOT NULL, expires INTEGER NOT NULL, used TEXT NOT NULL, activated INTEGER NOT NULL, fault INTEGER NOT NULL)";

    /// <summary>The length of an activation code: 16 characters of base32, 80 random bits.</summary>
    public const int CodeLength = 16;

    private readonly Dictionary<string, Memory> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _serialByCode = new(StringComparer.Ordinal);
    private readonly HashSet<string> _held = new(StringComparer.Ordinal);

    /// <summary>Creates a core without stored state, for tests of the rules.</summary>
    public TokenLife() { }

    /// <summary>Creates a core with the stored state of the database.</summary>
    public TokenLife(StateDatabase state)
    {
        foreach (
            var (serial, memory) in state.Read(
                "SELECT serial, owner, code, expires, used, activated, fault FROM token_life",
                row =>
                    (
                        row.GetString(0),
                        new Memory(
                            row.GetString(1),
                            row.GetString(2),
                            new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero),
                            row.GetString(4),
                            new DateTimeOffset(row.GetInt64(5), TimeSpan.Zero),
                            (Fault)row.GetInt32(6)
                        )
                    )
            )
        )
        {
            Keep(serial, memory);
        }
    }

    /// <summary>Encodes 10 random bytes as an activation code.</summary>
    public static string CodeOf(byte[] random) =>
        random.Length == 10 ? OtpNet.Base32Encoding.ToString(random) : throw new ArgumentException("a code has 10 bytes", nameof(random));

    /// <summary>
    /// Updates the records to a configuration. An owner that lost a token loses its code, and a mobile token that is assigned without a
    /// seed is provisioned. Repeating it changes nothing, so every boot does it.
    /// </summary>
    /// <param name="previous">The configuration before; at boot the same as the next.</param>
    /// <param name="next">The configuration in force.</param>
    /// <param name="newCode">Returns a fresh random code.</param>
    /// <param name="life">The life of a code.</param>
    /// <param name="now">The current time.</param>
    public TokenStep Follow(ConfigTree previous, ConfigTree next, Func<string> newCode, TimeSpan life, DateTimeOffset now)
    {
        var step = new TokenStep();
        var entries = TokenEntry.All(next);
        foreach (var gone in _tokens.Keys.Except(entries.Select(entry => entry.Serial)).ToArray())
        {
            Put(step, gone, Memory.None);
        }
        var oldTokens = previous.List("user fortitoken");
        foreach (var entry in entries)
        {
            var memory = Of(entry.Serial);
            var owner = entry.Owner?.Id ?? "";
            var typed = entry is { Seed.Length: > 0, SeedMade: false };
            if (memory.Owner == owner)
            {
                if (memory.Code.Length > 0 && typed && oldTokens.Find(entry.Serial)?.Text("seed") != entry.Seed)
                {
                    // The administrator set a seed, so there is nothing left to activate.
                    Put(step, entry.Serial, memory with { Code = "", Expires = default });
                }
            }
            else if (owner.Length == 0 || !entry.Mobile || entry.Seed.Length > 0)
            {
                Put(step, entry.Serial, entry.Mobile ? Memory.None with { Owner = owner } : memory with { Owner = owner });
            }
            else
            {
                Issue(step, entry.Serial, entry.Owner!, newCode(), now + life);
            }
        }
        return step;
    }

    /// <summary>Provisions a mobile token (again) with a new code. A pending code becomes void, and a fault is cleared.</summary>
    /// <param name="entry">An assigned mobile token.</param>
    /// <param name="code">A fresh random code.</param>
    /// <param name="expires">The expiry of the code.</param>
    public TokenStep Provision(TokenEntry entry, string code, DateTimeOffset expires)
    {
        var step = new TokenStep();
        Issue(step, entry.Serial, entry.Owner ?? throw new ArgumentException("the token has no owner", nameof(entry)), code, expires);
        return step;
    }

    /// <summary>Clears the fault of a token.</summary>
    public TokenStep Mend(string serial)
    {
        var step = new TokenStep();
        Put(step, serial, Of(serial) with { Fault = Fault.None });
        return step;
    }

    /// <summary>Activates a hardware token. With a seed it becomes usable; without one its status is an activation error.</summary>
    public (bool Done, TokenStep Step) ActivateHardware(TokenEntry entry, DateTimeOffset now)
    {
        var step = new TokenStep();
        var done = entry.Seed.Length > 0;
        step.Events.Add(TokenEvents.Requested(entry.Serial, $"Activation of {entry.Serial} requested"));
        step.Events.Add(
            done
                ? TokenEvents.Activated(entry.Serial, $"{entry.Serial} was activated")
                : TokenEvents.Refused(entry.Serial, "token not exist in FortiGuard")
        );
        Put(step, entry.Serial, Of(entry.Serial) with { Fault = done ? Fault.None : Fault.NotExist, Activated = done ? now : default });
        return (done, step);
    }

    /// <summary>
    /// Evaluates a code that a phone presents. A right code is reserved: no other phone can use it until <see cref="Confirm"/> or
    /// <see cref="GiveBack"/>.
    /// </summary>
    public (ActivationOutcome Outcome, string Serial, TokenStep Step) Present(string code, DateTimeOffset now)
    {
        var step = new TokenStep();
        var digest = DigestOf(code);
        if (!_serialByCode.TryGetValue(digest, out var serial))
        {
            step.Events.Add(TokenEvents.Refused("N/A", "activation code invalid"));
            return (ActivationOutcome.Unknown, "", step);
        }
        var memory = _tokens[serial];
        if (memory.Used == digest || _held.Contains(digest))
        {
            step.Events.Add(TokenEvents.Refused(serial, TokenStatusText.Of(TokenStatus.AlreadyActivated)));
            if (memory.Used == digest)
            {
                Put(step, serial, memory with { Fault = Fault.AlreadyActivated });
            }
            return (ActivationOutcome.Used, serial, step);
        }
        if (now >= memory.Expires)
        {
            step.Events.Add(TokenEvents.Refused(serial, TokenStatusText.Of(TokenStatus.ProvisionTimeout)));
            return (ActivationOutcome.Expired, serial, step);
        }
        _held.Add(digest);
        return (ActivationOutcome.Held, serial, step);
    }

    /// <summary>
    /// Consumes the code after the configuration has the phone's seed and registration. False if the code became void in the meantime.
    /// </summary>
    public (bool Done, TokenStep Step) Confirm(string serial, string code, DateTimeOffset now)
    {
        var step = new TokenStep();
        var (memory, digest) = (Of(serial), DigestOf(code));
        _held.Remove(digest);
        if (memory.Code != digest)
        {
            return (false, step);
        }
        Put(step, serial, memory with { Code = "", Expires = default, Used = digest, Activated = now, Fault = Fault.None });
        step.Events.Add(TokenEvents.Activated(serial, $"{serial} was activated by a phone"));
        return (true, step);
    }

    /// <summary>Releases a code whose phone could not receive its seed. The code may be presented again.</summary>
    public void GiveBack(string code) => _held.Remove(DigestOf(code));

    /// <summary>Returns the status of a token.</summary>
    public TokenStatus Status(TokenEntry entry, DateTimeOffset now) =>
        (entry, Of(entry.Serial)) switch
        {
            ({ Locked: true }, _) => TokenStatus.Locked,
            (_, { Fault: Fault.NotExist }) => TokenStatus.ActivationError,
            ({ Owner: null }, _) => TokenStatus.New,
            ({ Mobile: false }, _) => TokenStatus.Active,
            (_, { Fault: Fault.AlreadyActivated }) => TokenStatus.AlreadyActivated,
            (_, { Code.Length: > 0 } memory) => now < memory.Expires ? TokenStatus.Provisioning : TokenStatus.ProvisionTimeout,
            ({ Seed.Length: > 0 }, _) => TokenStatus.Provisioned,
            _ => TokenStatus.Provisioning,
        };

    /// <summary>Returns the expiry of a token's pending code, even if it has passed; null if there is no code.</summary>
    public DateTimeOffset? CodeExpires(string serial) => Of(serial) is { Code.Length: > 0 } memory ? memory.Expires : null;

    private void Issue(TokenStep step, string serial, TokenOwner owner, string code, DateTimeOffset expires)
    {
        Put(step, serial, Of(serial) with { Owner = owner.Id, Code = DigestOf(code), Expires = expires, Fault = Fault.None });
        step.Events.Add(TokenEvents.Requested(serial, $"Activation code of {serial} issued to {owner.Name}"));
        step.Orders.Add(new ActivationOrder(serial, owner, code, expires));
    }

    private void Put(TokenStep step, string serial, Memory memory)
    {
        if (Of(serial) == memory)
        {
            return;
        }
        Keep(serial, memory);
        step.Memory.Add(
            memory == Memory.None
                ? new StateWrite("DELETE FROM token_life WHERE serial=$0", serial)
                : new StateWrite(
                    "INSERT OR REPLACE INTO token_life (serial, owner, code, expires, used, activated, fault) VALUES ($0,$1,$2,$3,$4,$5,$6)",
                    serial,
                    memory.Owner,
                    memory.Code,
                    memory.Expires.UtcTicks,
                    memory.Used,
                    memory.Activated.UtcTicks,
                    (int)memory.Fault
                )
        );
    }

    private void Keep(string serial, Memory memory)
    {
        var before = Of(serial);
        foreach (var digest in new[] { before.Code, before.Used })
        {
            _serialByCode.Remove(digest);
        }
        if (memory == Memory.None)
        {
            _tokens.Remove(serial);
            return;
        }
        _tokens[serial] = memory;
        foreach (var digest in new[] { memory.Code, memory.Used }.Where(digest => digest.Length > 0))
        {
            _serialByCode[digest] = serial;
        }
    }

    private Memory Of(string serial) => _tokens.GetValueOrDefault(serial) ?? Memory.None;

    /// <summary>Returns the digest of a code. Case, blanks and hyphens are ignored, because users copy codes with them.</summary>
    private static string DigestOf(string code) =>
        Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(code.Where(c => c is not (' ' or '-')).Select(char.ToUpperInvariant))))
        );

    private enum Fault
    {
        None,
        AlreadyActivated,
        NotExist,
    }

    /// <param name="Owner">The owner that the token was assigned to; "" for none.</param>
    /// <param name="Code">The digest of the pending code; "" for none.</param>
    /// <param name="Expires">The expiry of that code.</param>
    /// <param name="Used">The digest of the code that a phone consumed; "" for none.</param>
    /// <param name="Activated">The time of that activation, or of a hardware token's.</param>
    /// <param name="Fault">The fault since then.</param>
    private sealed record Memory(string Owner, string Code, DateTimeOffset Expires, string Used, DateTimeOffset Activated, Fault Fault)
    {
        public static readonly Memory None = new("", "", default, "", default, Fault.None);
    }
}
