using System.Runtime.InteropServices;
using Appliance.Firmware.Storage;
using OtpNet;

namespace Appliance.Firmware.Tokens;

/// <summary>What became of a code.</summary>
public enum CodeOutcome
{
    /// <summary>The code is right and is used up now.</summary>
    Accepted,
    /// <summary>The code is wrong, out of the window, or was used in another step.</summary>
    Wrong,
    /// <summary>A code of the running step was used already: wait for the next.</summary>
    Wait,
}

/// <summary>The verdict on a code.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Wait">With <see cref="CodeOutcome.Wait"/>: the rest of the step, more than zero and at most the step; else zero.</param>
/// <param name="Memory">With <see cref="CodeOutcome.Accepted"/>: the write that must be durable before anybody is told.</param>
public readonly record struct CodeVerdict(CodeOutcome Outcome, TimeSpan Wait, StateWrite Memory);

/// <summary>
/// The token core: decides whether a code is right, and sees that it works once. Synchronous; the caller gives the time and
/// serializes the calls (the login core owns it).
/// </summary>
/// <remarks>
/// A used step is remembered by the seed's identity, not by the serial number, so that deleting and re-creating a token forgets
/// nothing. The window is one step either way (*assumed*: the vendor's is not public).
/// </remarks>
public sealed class TokenCore
{
    /// <summary>The table of used steps.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS token_use (identity TEXT PRIMARY KEY, last_step INTEGER NOT NULL, accepted_step INTEGER NOT NULL)";

    private static readonly VerificationWindow Window = new(previous: 1, future: 1);
    private readonly Dictionary<string, Use> _used;

    /// <param name="LastStep">The greatest step whose code was accepted.</param>
    /// <param name="AcceptedStep">The appliance's own step at that moment.</param>
    private readonly record struct Use(long LastStep, long AcceptedStep);

    /// <summary>A core that remembers what the database remembers.</summary>
    public TokenCore(StateDatabase state) =>
        _used = state.Read("SELECT identity, last_step, accepted_step FROM token_use", row => (row.GetString(0), new Use(row.GetInt64(1), row.GetInt64(2))))
            .ToDictionary(row => row.Item1, row => row.Item2, StringComparer.Ordinal);

    /// <summary>A core that remembers nothing; for tests of the rules.</summary>
    public TokenCore() => _used = new(StringComparer.Ordinal);

    /// <summary>Checks a code, and uses it up when it is right.</summary>
    public CodeVerdict Check(TokenSeed seed, ReadOnlySpan<char> code, DateTimeOffset now)
    {
        if (code.Length != seed.Digits || code.ContainsAnyExceptInRange('0', '9'))
        {
            return new(CodeOutcome.Wrong, default, default);
        }
        var totp = new Totp(ImmutableCollectionsMarshal.AsArray(seed.Secret), (int)seed.Step.TotalSeconds, seed.Algorithm, seed.Digits);
        if (!totp.VerifyTotp(now.UtcDateTime, code.ToString(), out var step, Window))
        {
            return new(CodeOutcome.Wrong, default, default);
        }
        var known = _used.TryGetValue(seed.Identity, out var use);
        if (known && step <= use.LastStep)
        {
            return Step(seed, now) == use.AcceptedStep ? new(CodeOutcome.Wait, Rest(seed, now), default) : new(CodeOutcome.Wrong, default, default);
        }
        var memory = new Use(step, Math.Max(Step(seed, now), known ? use.AcceptedStep : 0));
        _used[seed.Identity] = memory;
        return new(CodeOutcome.Accepted, default, new StateWrite(
            "INSERT INTO token_use (identity, last_step, accepted_step) VALUES ($0,$1,$2) ON CONFLICT(identity) DO UPDATE SET last_step=max(last_step, excluded.last_step), accepted_step=max(accepted_step, excluded.accepted_step)",
            seed.Identity, memory.LastStep, memory.AcceptedStep));
    }

    /// <summary>The rest of the running step when a code of it was accepted already, so that no further one can be; else null.</summary>
    public TimeSpan? WaitFor(TokenSeed seed, DateTimeOffset now) =>
        _used.TryGetValue(seed.Identity, out var use) && use.AcceptedStep == Step(seed, now) && use.LastStep >= Step(seed, now) ? Rest(seed, now) : null;

    private static long Step(TokenSeed seed, DateTimeOffset now) => (now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / seed.Step.Ticks;

    private static TimeSpan Rest(TokenSeed seed, DateTimeOffset now) => seed.Step - TimeSpan.FromTicks((now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) % seed.Step.Ticks);
}
