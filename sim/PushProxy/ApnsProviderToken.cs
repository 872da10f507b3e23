using System.Security.Cryptography;
using Appliance.Sim.Providers;

namespace Appliance.Sim.PushProxy;

/// <summary>
/// The provider token: an ES256 token that APNs takes for an hour and does not want renewed within 20 minutes. This one is renewed after 50.
/// Synchronous; the caller serializes and gives the time.
/// </summary>
internal sealed class ApnsProviderToken(ECDsa key, string teamId, string keyId)
{
    internal static readonly TimeSpan RenewAfter = TimeSpan.FromMinutes(50);
    internal static readonly TimeSpan NeverWithin = TimeSpan.FromMinutes(20);

    private string? _token;
    private DateTimeOffset _made;

    /// <summary>The token to show now.</summary>
    public string At(DateTimeOffset now)
    {
        // A clock that was set back makes the token one from the future: also a reason.
        if (_token is null || now - _made >= RenewAfter || now < _made)
        {
            _made = now;
            _token = Jwt.Make($$"""{"alg":"ES256","kid":"{{keyId}}"}""", $$"""{"iss":"{{teamId}}","iat":{{now.ToUnixTimeSeconds()}}}""", data => key.SignData(data, HashAlgorithmName.SHA256));
        }
        return _token;
    }

    /// <summary>APNs called it expired. True when another one may be made by now.</summary>
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
