using System.Security.Cryptography;

namespace Appliance.Doubles.Providers;

/// <summary>A service account whose assertions are accepted.</summary>
/// <param name="Email">The account's name, the issuer of its assertions.</param>
/// <param name="KeyId">The id of its key.</param>
/// <param name="PublicKey">The public RSA key.</param>
public sealed record ServiceAccount(string Email, string KeyId, RSA PublicKey);

/// <summary>The answer of the token endpoint (RFC 6749, section 5): an access token, or an error word with its description.</summary>
public sealed record OAuthReply(int Http, string? AccessToken, int ExpiresIn, string? Error, string? Description);

/// <summary>
/// The token endpoint for service accounts, as a core (RFC 7523 with Google's rules: RS256, a life of at most an hour, the right audience
/// and scope). Synchronous; the caller serializes.
/// </summary>
public sealed class OAuthRules(ServiceAccount account, string audience)
{
    internal const string GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    internal const string Scope = "https://www.googleapis.com/auth/firebase.messaging";
    private const string WiderScope = "https://www.googleapis.com/auth/cloud-platform";
    private const int LifeSeconds = 3599;
    private const int TokensMax = 1000;
    private static readonly TimeSpan AssertionMax = TimeSpan.FromHours(1);

    private readonly Dictionary<string, DateTimeOffset> _expiry = new(StringComparer.Ordinal);

    /// <summary>Decides a request for a token; <paramref name="fresh"/> is the random text that becomes the token.</summary>
    public OAuthReply Decide(IReadOnlyDictionary<string, string> form, string fresh, DateTimeOffset now)
    {
        if (!form.TryGetValue("grant_type", out var grant))
        {
            return Refuse("invalid_request", "Required parameter is missing: grant_type");
        }
        if (grant != GrantType)
        {
            return Refuse("unsupported_grant_type", $"Invalid grant_type: {grant}");
        }
        if (!form.TryGetValue("assertion", out var text))
        {
            return Refuse("invalid_request", "Required parameter is missing: assertion");
        }
        if (Jwt.Parse(text) is not { Algorithm: "RS256" } assertion)
        {
            return Refuse("invalid_grant", "Invalid JWT: Failed to parse");
        }
        if (assertion.TextClaim("iss") != account.Email)
        {
            return Refuse("invalid_grant", "Invalid grant: account not found");
        }
        if (
            (assertion.KeyId is { } keyId && keyId != account.KeyId)
            || !account.PublicKey.VerifyData(assertion.Signed, assertion.Signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        )
        {
            return Refuse("invalid_grant", "Invalid JWT Signature.");
        }
        if (assertion.TextClaim("aud") != audience)
        {
            return Refuse("invalid_grant", "Invalid JWT: The audience is not this token endpoint");
        }
        if (
            assertion.TimeClaim("iat") is not { } issued
            || assertion.TimeClaim("exp") is not { } expires
            || issued > now
            || expires <= now
            || expires - issued > AssertionMax
        )
        {
            return Refuse(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."
            );
        }
        if (assertion.TextClaim("scope") is not { } scope || !scope.Split(' ').Any(word => word is Scope or WiderScope))
        {
            return Refuse("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
        }
        if (_expiry.Count >= TokensMax)
        {
            foreach (var old in _expiry.Where(token => token.Value <= now).Select(token => token.Key).ToArray())
            {
                _expiry.Remove(old);
            }
        }
        _expiry[fresh] = now + TimeSpan.FromSeconds(LifeSeconds);
        return new OAuthReply(200, fresh, LifeSeconds, null, null);
    }

    /// <summary>Returns true for <c>Bearer</c> with an issued token that has not expired.</summary>
    public bool IsValid(string? authorization, DateTimeOffset now) =>
        authorization is ['B' or 'b', ..]
        && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && _expiry.TryGetValue(authorization["Bearer ".Length..], out var expires)
        && now < expires;

    private static OAuthReply Refuse(string error, string description) =>
        new(error == "invalid_client" ? 401 : 400, null, 0, error, description);
}
