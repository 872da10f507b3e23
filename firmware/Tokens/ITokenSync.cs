namespace Appliance.Firmware.Tokens;

/// <summary>The drift of tokens, as the keeper of the codes knows it (the owner of <see cref="TokenCore"/>). Thread-safe.</summary>
public interface ITokenSync
{
    /// <summary>How many steps the token's clock is ahead of the unit's, as learned so far; 0 when nothing was.</summary>
    long Drift(TokenSeed seed);

    /// <summary>
    /// Two codes of neighbouring steps tell how far a token's clock is off. True when they did; what was learned, and that both codes are
    /// used up, is durable then.
    /// </summary>
    Task<bool> ResyncAsync(TokenSeed seed, string code, string nextCode);
}
