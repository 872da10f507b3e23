using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>
/// A secret that nobody has and nothing matches: it stands where a value is needed and none is to be had (an ENC value of another unit). It is 256 random
/// bits, so that it is no constant that could be presented, behind a character that no value has when it is set.
/// </summary>
internal static class UnmatchableSecret
{
    private const char Mark = '\0';

    /// <summary>A new one.</summary>
    internal static string Create() => Mark + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
}
