using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Tokens;

/// <summary>The result of checking a code.</summary>
public enum CodeOutcome
{
    /// <summary>The code is right and is now consumed.</summary>
    Accepted,

    /// <summary>The code is wrong, too far off, or already consumed for another step.</summary>
    Wrong,

    /// <summary>The token still displays a consumed code. The user must wait for the next one.</summary>
    Wait,

    /// <summary>
    /// The code belongs to a step outside the window but inside the resync window. The code after it would prove the token. Nothing is
    /// consumed.
    /// </summary>
    NextCodeWanted,
}

/// <summary>The verdict on a code.</summary>
/// <param name="Outcome">The result.</param>
/// <param name="Wait">With <see cref="CodeOutcome.Wait"/>: the rest of the step, more than zero and at most the step; otherwise
/// zero.</param>
/// <param name="Memory">With <see cref="CodeOutcome.Accepted"/>: the writes that must be durable before any answer leaves; otherwise
/// none.</param>
/// <param name="Drift">With <see cref="CodeOutcome.Accepted"/>: the steps that the token is ahead (negative if behind).</param>
public readonly record struct CodeVerdict(CodeOutcome Outcome, TimeSpan Wait, IReadOnlyList<StateWrite> Memory, int Drift = 0)
{
    /// <summary>
    /// True if the code is that of a consumed step: with <see cref="CodeOutcome.Wait"/>, and with some of <see cref="CodeOutcome.Wrong"/>.
    /// </summary>
    public bool Replayed { get; init; }
}

/// <summary>The result of a resynchronization.</summary>
public enum ResyncOutcome
{
    /// <summary>Both codes are right, consecutive and now consumed. The drift is known.</summary>
    Synced,

    /// <summary>The two codes are equal.</summary>
    SameCode,

    /// <summary>The first code is consumed, or older than the last consumed one.</summary>
    Used,

    /// <summary>No two consecutive steps inside the resync window have these codes.</summary>
    Wrong,
}

/// <summary>The verdict on two codes.</summary>
/// <param name="Outcome">The result.</param>
/// <param name="Drift">With <see cref="ResyncOutcome.Synced"/>: the steps that the token is ahead (negative if behind).</param>
/// <param name="Memory">With <see cref="ResyncOutcome.Synced"/>: the writes that must be durable before any answer leaves; otherwise
/// none.</param>
public readonly record struct ResyncVerdict(ResyncOutcome Outcome, int Drift, IReadOnlyList<StateWrite> Memory);

/// <summary>The time step of a token.</summary>
/// <param name="Running">The unit's own step.</param>
/// <param name="Own">The token's step, as far as its drift is known.</param>
/// <param name="LastStep">The greatest step whose code was accepted; -1 if none was.</param>
/// <param name="Memory">The core's record of the token; null if there is none. Only the core reads it.</param>
internal readonly record struct TokenPlace(long Running, long Own, long LastStep, TokenMemory? Memory);

/// <summary>The core's record of a token, from its first accepted code or known drift.</summary>
internal sealed class TokenMemory
{
    /// <summary>The greatest step whose code was accepted; -1 if none was.</summary>
    internal long LastStep { get; set; }

    /// <summary>The unit's own step at that time.</summary>
    internal long AcceptedStep { get; set; }

    /// <summary>The steps that the token is ahead (negative if behind).</summary>
    internal int Drift { get; set; }
}

/// <summary>The result of comparing a code with those of a token at a time step.</summary>
/// <param name="At">The token's time step.</param>
/// <param name="Value">The code's number; null if it cannot be a code of the token.</param>
/// <param name="Step">The unconsumed step that the code belongs to; null if there is none.</param>
/// <param name="WasUsed">True if the code belongs to a consumed step.</param>
internal readonly record struct CodeMatch(TokenPlace At, int? Value, long? Step, bool WasUsed);
