using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Doubles.Providers;

/// <summary>The providers' tokens of phones.</summary>
public static class DeviceTokens
{
    /// <summary>
    /// Returns the provider's token for a registration id. An id that has the form of the provider's tokens is one itself. Any other (the
    /// lab's names, for example) represents a token derived from it, always the same.
    /// </summary>
    /// <param name="platform"><c>ios</c> or <c>android</c>.</param>
    /// <param name="registrationId">The token's <c>reg-id</c>; not empty.</param>
    public static string Of(string platform, string registrationId)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(registrationId));
        return platform == "ios"
            ? IsApns(registrationId)
                ? registrationId
                : Convert.ToHexStringLower(digest)
            : IsFcm(registrationId)
                ? registrationId
                : "lab:" + Base64Url.EncodeToString(SHA512.HashData(digest));
    }

    private static bool IsApns(string text) => text.Length is >= 64 and <= 200 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit);

    private static bool IsFcm(string text) =>
        text.Length >= 100
        && text.Contains(':', StringComparison.Ordinal)
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':');
}
