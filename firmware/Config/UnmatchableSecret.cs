using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>
/// A secret that nothing matches, for a required value that is not available (an ENC value of another unit). It has 256 random bits, so
/// that it is not a constant that a client could present, behind a character that no configured value can contain.
/// </summary>
internal static class UnmatchableSecret
{
    private const char Mark = '\0';

    /// <summary>Creates a new unmatchable secret.</summary>
    internal static string Create() => Mark + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
}
