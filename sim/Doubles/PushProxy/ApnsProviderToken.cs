using System.Security.Cryptography;
using Appliance.Doubles.Providers;

namespace Appliance.Doubles.PushProxy;

/// <summary>
/// The provider token: an ES256 token that APNs accepts for an hour and does not want renewed within 20 minutes. This one is renewed after
/// 50. Synchronous; the caller serializes and supplies the time.
/// </summary>
internal sealed class ApnsProviderToken(ECDsa key, string teamId, string keyId)
{
    internal static readonly TimeSpan RenewAfter = TimeSpan.FromMinutes(50);
    internal static readonly TimeSpan NeverWithin = TimeSpan.FromMinutes(20);

    private string? _token;
    private DateTimeOffset _made;

    /// <summary>Returns the token to present now.</summary>
    public string At(DateTimeOffset now)
    {
        // After a setback of the clock the token would be from the future, so it is renewed, too.
        if (_token is null || now - _made >= RenewAfter || now < _made)
        {
            _made = now;
            _token = Jwt.Make(
                $$"""{"alg":"ES256","kid":"{{keyId}}"}""",
                $$"""{"iss":"{{teamId}}","iat":{{now.ToUnixTimeSeconds()}}}""",
                data => key.SignData(data, HashAlgorithmName.SHA256)
            );
        }
        return _token;
    }

    /// <summary>Discards a token that APNs reported as expired. Returns true if a new one may be created by now.</summary>
    public bool Renew(DateTimeOffset now)
    {
        if (_token is not null && now - _made < NeverWithin)
        {
            return false;
        }
        _token = null;
        return true;
    }
}
