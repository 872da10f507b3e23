using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Sim.Providers;

/// <summary>Which token a provider knows a phone by.</summary>
public static class DeviceTokens
{
    /// <summary>
    /// A registration id that has the form of the provider's own tokens is one. Any other (the lab's names, for example) stands for a
    /// token made from it, always the same.
    /// </summary>
    /// <param name="platform"><c>ios</c> or <c>android</c>.</param>
    /// <param name="registrationId">The token's <c>reg-id</c>; not empty.</param>
    public static string Of(string platform, string registrationId)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(registrationId));
        return platform == "ios"
            ? IsApns(registrationId) ? registrationId : Convert.ToHexStringLower(digest)
            : IsFcm(registrationId) ? registrationId : "lab:" + Base64Url.EncodeToString(SHA512.HashData(digest));
    }

    private static bool IsApns(string text) => text.Length is >= 64 and <= 200 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit);

    private static bool IsFcm(string text) => text.Length >= 100 && text.Contains(':', StringComparison.Ordinal) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':');
}
