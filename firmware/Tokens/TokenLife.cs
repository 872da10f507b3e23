using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Tokens;

/// <summary>An activation code on its way to the owner of a token. The only thing that holds the code in clear; never logged.</summary>
public sealed record ActivationOrder(string Serial, TokenOwner Owner, string Code, DateTimeOffset Expires)
{
    /// <summary>Says nothing of the code.</summary>
    public override string ToString() => $"activation of {Serial}";
}

/// <summary>A decision of the core and what the shell has to do about it, in this order: events, commit, orders.</summary>
public sealed class TokenStep
{
    /// <summary>What must be durable before anybody is told.</summary>
    public List<StateWrite> Memory { get; } = [];
    /// <summary>What happened.</summary>
    public List<EventEntry> Events { get; } = [];
    /// <summary>Codes to be sent.</summary>
    public List<ActivationOrder> Orders { get; } = [];
}

/// <summary>What became of an activation code that a phone presents.</summary>
public enum ActivationOutcome
{
    /// <summary>Right and in time. It is held for this phone until it is confirmed or given back.</summary>
    Held,
    /// <summary>Nobody's code.</summary>
    Unknown,
    /// <summary>Its time is over.</summary>
    Expired,
    /// <summary>It was used already; the token is in the Error status from now on.</summary>
    Used,
}

/// <summary>
/// The life of the tokens: synchronous and deterministic. What the configuration says (owner, lock, seed) comes in with each
/// call; what it cannot say (codes that are out, that were used, faults) is remembered here and in the state database.
/// </summary>
public sealed class TokenLife
{
    /// <summary>The table of what is remembered of each token.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS token_life (serial TEXT PRIMARY KEY, owner TEXT NOT NULL, code TEXT NOT NULL, expires INTEGER NOT NULL, used TEXT NOT NULL, activated INTEGER NOT NULL, fault INTEGER NOT NULL)";

    /// <summary>The length of an activation code: 16 characters of base32, 80 random bits.</summary>
    public const int CodeLength = 16;

    private readonly Dictionary<string, Memory> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _serialByCode = new(StringComparer.Ordinal);
    private readonly HashSet<string> _held = new(StringComparer.Ordinal);

    private enum Fault { None, AlreadyActivated, NotExist }

    /// <param name="Owner">Whom the token was given to; "" for nobody.</param>
    /// <param name="Code">The digest of the code that is out; "" for none.</param>
    /// <param name="Expires">When that code ends.</param>
    /// <param name="Used">The digest of the code that a phone used; "" for none.</param>
    /// <param name="Activated">When it did, or when a hardware token was activated.</param>
    /// <param name="Fault">What went wrong since.</param>
    private sealed record Memory(string Owner, string Code, DateTimeOffset Expires, string Used, DateTimeOffset Activated, Fault Fault)
    {
        public static readonly Memory None = new("", "", default, "", default, Fault.None);
    }

    /// <summary>A core that remembers nothing; for tests of the rules.</summary>
    public TokenLife() { }

    /// <summary>A core that remembers what the database remembers.</summary>
    public TokenLife(StateDatabase state)
    {
        foreach (var (serial, memory) in state.Read("SELECT serial, owner, code, expires, used, activated, fault FROM token_life", row => (row.GetString(0), new Memory(
            row.GetString(1), row.GetString(2), new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero), row.GetString(4), new DateTimeOffset(row.GetInt64(5), TimeSpan.Zero), (Fault)row.GetInt32(6)))))
        {
            Keep(serial, memory);
        }
    }

    /// <summary>Makes an activation code of 10 random bytes.</summary>
    public static string CodeOf(byte[] random) => random.Length == 10 ? OtpNet.Base32Encoding.ToString(random) : throw new ArgumentException("a code has 10 bytes", nameof(random));

    /// <summary>
    /// Brings the memory up to date with a configuration: who lost a token has lost its code, and a mobile token that somebody got
    /// without a seed is provisioned. Doing it again changes nothing, so a boot does it too.
    /// </summary>
    /// <param name="previous">The configuration before; at boot the same as the next.</param>
    /// <param name="next">The configuration in force.</param>
    /// <param name="newCode">Gives a fresh random code.</param>
    /// <param name="life">How long a code lives.</param>
    /// <param name="now">The time.</param>
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
                    // The administrator gave it a seed by hand: there is nothing left to activate.
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

    /// <summary>Provisions a mobile token (again): a new code; one that was out is void, and a fault is forgotten.</summary>
    /// <param name="entry">A mobile token that somebody has.</param>
    /// <param name="code">A fresh random code.</param>
    /// <param name="expires">When it ends.</param>
    public TokenStep Provision(TokenEntry entry, string code, DateTimeOffset expires)
    {
        var step = new TokenStep();
        Issue(step, entry.Serial, entry.Owner ?? throw new ArgumentException("nobody has the token", nameof(entry)), code, expires);
        return step;
    }

    /// <summary>Forgets what went wrong with a token.</summary>
    public TokenStep Mend(string serial)
    {
        var step = new TokenStep();
        Put(step, serial, Of(serial) with { Fault = Fault.None });
        return step;
    }

    /// <summary>Activates a hardware token: with a seed it works, without one nobody knows it.</summary>
    public (bool Done, TokenStep Step) ActivateHardware(TokenEntry entry, DateTimeOffset now)
    {
        var step = new TokenStep();
        var done = entry.Seed.Length > 0;
        step.Events.Add(TokenEvents.Requested(entry.Serial, $"Activation of {entry.Serial} requested"));
        step.Events.Add(done ? TokenEvents.Activated(entry.Serial, $"{entry.Serial} was activated") : TokenEvents.Refused(entry.Serial, "token not exist in FortiGuard"));
        Put(step, entry.Serial, Of(entry.Serial) with { Fault = done ? Fault.None : Fault.NotExist, Activated = done ? now : default });
        return (done, step);
    }

    /// <summary>
    /// A phone presents a code. When it is right it is held: nobody else can use it until <see cref="Confirm"/> or <see cref="GiveBack"/>.
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

    /// <summary>The configuration has the phone's seed and registration: the code is used up. False when it is void meanwhile.</summary>
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

    /// <summary>The phone could not be given its seed: the code may be presented again.</summary>
    public void GiveBack(string code) => _held.Remove(DigestOf(code));

    /// <summary>Where a token stands.</summary>
    public TokenStatus Status(TokenEntry entry, DateTimeOffset now) => (entry, Of(entry.Serial)) switch
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

    /// <summary>When the code that is out for a token ends, also when that is over; null when none is out.</summary>
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
        step.Memory.Add(memory == Memory.None
            ? new StateWrite("DELETE FROM token_life WHERE serial=$0", serial)
            : new StateWrite(
                "INSERT OR REPLACE INTO token_life (serial, owner, code, expires, used, activated, fault) VALUES ($0,$1,$2,$3,$4,$5,$6)",
                serial, memory.Owner, memory.Code, memory.Expires.UtcTicks, memory.Used, memory.Activated.UtcTicks, (int)memory.Fault));
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

    /// <summary>Case, blanks and hyphens are how people copy a code, and no part of it.</summary>
    private static string DigestOf(string code) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(code.Where(c => c is not (' ' or '-')).Select(char.ToUpperInvariant)))));
}
