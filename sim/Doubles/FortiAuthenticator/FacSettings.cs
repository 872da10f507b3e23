using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The policy for the second factor, after the password was right.</summary>
public enum FacPolicy
{
    /// <summary>A challenge that accepts a code, or an empty response for a push.</summary>
    CodeOrEmpty,

    /// <summary>A challenge that accepts a code, or the word <c>push</c>.</summary>
    TypePush,

    /// <summary>No challenge: the push is sent immediately, and the one request is answered when the phone has answered.</summary>
    PushWithoutChallenge,
}

/// <summary>A RADIUS client, or a network of them.</summary>
/// <param name="Network">The clients' addresses; the first entry that contains an address applies.</param>
/// <param name="Secret">The shared secret.</param>
/// <param name="Policy">The policy for the second factor of their users.</param>
/// <param name="RequireMessageAuthenticator">True: a request without a Message-Authenticator is not answered.</param>
/// <param name="PendingMax">The number of requests of one address that may be pending for a phone; further ones are not answered.</param>
public sealed record FacClient(IPNetwork Network, RadiusSecret Secret, FacPolicy Policy, bool RequireMessageAuthenticator, int PendingMax);

/// <summary>A user of the emulator.</summary>
/// <param name="Name">The name, case-sensitive.</param>
/// <param name="Password">The password.</param>
/// <param name="Group">The <c>Fortinet-Group-Name</c> that an accept carries; "" for none.</param>
/// <param name="Tokens">The user's tokens; if empty, the password is sufficient.</param>
public sealed record FacUser(string Name, string Password, string Group, ImmutableArray<Token> Tokens)
{
    /// <summary>The activation of each token, for the enrolment of its phone.</summary>
    public IEnumerable<TokenActivation> Activations() =>
        Tokens.Select(token => new TokenActivation(
            token.Serial,
            [.. token.Seed!.Secret],
            token.Seed.Step,
            token.Seed.Digits,
            token.RegistrationId,
            token.OsVersion,
            Name
        ));

    /// <summary>Returns the name alone, never a secret.</summary>
    public override string ToString() => Name;
}

/// <summary>The emulator's settings, read from the board's <c>fac.json</c>.</summary>
/// <param name="Address">The address to listen on.</param>
/// <param name="AuthenticationPort">The UDP port of Access-Requests; 0 chooses a free one.</param>
/// <param name="AccountingPort">The UDP port of Accounting-Requests; 0 chooses a free one.</param>
/// <param name="HttpsPort">The TCP port for REST calls and the phones; 0 chooses a free one.</param>
/// <param name="TokenTimeout">The life of a challenge and of a push.</param>
/// <param name="ApiKey">The key that REST callers present, with the name <c>admin</c>.</param>
/// <param name="Clients">The RADIUS clients that are served.</param>
/// <param name="Users">The users that may authenticate.</param>
/// <param name="RadSecPort">The TCP port of RADIUS over TLS; 0 chooses a free one, null serves none.</param>
/// <param name="RadSecClientCa">
/// A PEM file: over TLS, only clients with a certificate of a CA in it are served. Null serves every client of <paramref name="Clients"/>.
/// </param>
/// <param name="LogDecisions">False: accepts and rejects are not logged as events; pushes and accounting still are.</param>
public sealed record FacSettings(
    IPAddress Address,
    int AuthenticationPort,
    int AccountingPort,
    int HttpsPort,
    TimeSpan TokenTimeout,
    string ApiKey,
    ImmutableArray<FacClient> Clients,
    ImmutableArray<FacUser> Users,
    bool LogDecisions = true,
    int? RadSecPort = null,
    string? RadSecClientCa = null
)
{
    private const int PendingMax = 10_000;
    private const string APort = "a port from 0 to 65535";

    private static readonly (string Word, FacPolicy Policy)[] Policies =
    [
        ("code-or-empty", FacPolicy.CodeOrEmpty),
        ("type-push", FacPolicy.TypePush),
        ("push-without-challenge", FacPolicy.PushWithoutChallenge),
    ];

    private static readonly JsonField[] TokenFields =
    [
        new("serial", "a serial number"),
        new("seed", "hex, base32 or an otpauth URI"),
        new("regId", "a text", Required: false),
        new("osVer", "a text", Required: false),
    ];

    private static readonly JsonField[] UserFields =
    [
        new("name", "a text"),
        new("password", "a text"),
        new("group", "a text"),
        new("tokens", "a list of serial numbers"),
    ];

    private static readonly JsonField[] ClientFields =
    [
        new("network", "a network as 10.0.0.0/8"),
        new("secret", "a text"),
        new("policy", "a policy", Required: false),
        new("requireMessageAuthenticator", "true or false", Required: false),
        new("pendingMax", "a number", Required: false),
    ];

    /// <summary>Reads a description.</summary>
    /// <exception cref="FormatException">
    /// The description is invalid; the message names the path, what was expected, and the value.
    /// </exception>
    public static FacSettings Parse(ReadOnlySpan<byte> json)
    {
        var file = JsonPart
            .Read(json)
            .Object(
                null,
                new("address", "an IP address"),
                new("authPort", APort),
                new("acctPort", APort),
                new("httpsPort", APort),
                new("tokenTimeout", "1 to 3600 seconds"),
                new("apiKey", "a text"),
                new("clients", "a list"),
                new("tokens", "a list"),
                new("users", "a list"),
                new("logDecisions", "true or false", Required: false),
                new("radSecPort", APort, Required: false),
                new("radSecClientCa", "a PEM file", Required: false)
            );
        var tokens = new Dictionary<string, Token>(StringComparer.Ordinal);
        foreach (var part in file["tokens"].List())
        {
            var (serial, token) = TokenOf(part);
            if (!tokens.TryAdd(serial, token))
            {
                throw part.Object(("token", "serial"), TokenFields)["serial"].Wrong("a serial number that no other token has");
            }
        }
        var users = new List<FacUser>();
        foreach (var part in file["users"].List())
        {
            var user = UserOf(part, tokens);
            if (users.Exists(known => known.Name == user.Name))
            {
                throw part.Object(("user", "name"), UserFields)["name"].Wrong("a name that no other user has");
            }
            users.Add(user);
        }
        return new FacSettings(
            AddressOf(file["address"]),
            file["authPort"].Port(),
            file["acctPort"].Port(),
            file["httpsPort"].Port(),
            TimeSpan.FromSeconds(file["tokenTimeout"].Number(1, 3600)),
            file["apiKey"].Text(secret: true),
            [.. file["clients"].List().Select(ClientOf)],
            [.. users],
            file.Find("logDecisions")?.Flag() ?? true,
            file.Find("radSecPort")?.Port(),
            file.Find("radSecClientCa")?.Text("a PEM file")
        );
    }

    /// <summary>Returns a policy as the description spells it.</summary>
    public static string Word(FacPolicy policy) => Array.Find(Policies, known => known.Policy == policy).Word;

    /// <summary>Loads the CAs of clients over TLS; empty if none are set.</summary>
    /// <exception cref="FormatException">The file cannot be read, or contains no certificate.</exception>
    internal IReadOnlyList<X509Certificate2> LoadRadSecAuthorities()
    {
        if (RadSecClientCa is null)
        {
            return [];
        }
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(RadSecClientCa);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new FormatException($"radSecClientCa: {error.Message}", error);
        }
        return authorities.Count > 0
            ? [.. authorities]
            : throw new FormatException($"radSecClientCa: {RadSecClientCa} contains no certificate");
    }

    private static IPAddress AddressOf(JsonPart part) =>
        IPAddress.TryParse(part.Text("an IP address"), out var address) ? address : throw part.Wrong("an IP address");

    private static (string Serial, Token Token) TokenOf(JsonPart part)
    {
        var token = part.Object(("token", "serial"), TokenFields);
        var (serial, seed) = (token["serial"].Text(), token["seed"]);
        return (
            serial,
            new Token(
                serial,
                TokenSeed.Parse(seed.Text("a seed", secret: true), out var fault) ?? throw seed.Wrong($"a seed ({fault})", secret: true),
                Locked: false,
                token.Find("regId")?.Text() ?? "",
                token.Find("osVer")?.Text() ?? ""
            )
        );
    }

    private static FacUser UserOf(JsonPart part, Dictionary<string, Token> tokens)
    {
        var user = part.Object(("user", "name"), UserFields);
        var password = user["password"].Text("a text", secret: true);
        if (Encoding.UTF8.GetByteCount(password) > RadiusSecret.PasswordMax)
        {
            throw user["password"].Wrong($"at most {RadiusSecret.PasswordMax} bytes", secret: true);
        }
        return new FacUser(
            user["name"].Text(),
            password,
            user["group"].Text(),
            [
                .. user["tokens"]
                    .List()
                    .Select(own =>
                        tokens.GetValueOrDefault(own.Text("a serial number")) ?? throw own.Wrong("the serial number of an entry of tokens")
                    ),
            ]
        );
    }

    private static FacClient ClientOf(JsonPart part)
    {
        var client = part.Object(("client", "network"), ClientFields);
        var network = IPNetwork.TryParse(client["network"].Text("a network as 10.0.0.0/8"), out var parsed)
            ? parsed
            : throw client["network"].Wrong("a network as 10.0.0.0/8");
        var secret = client["secret"].Text("a text that is not empty", secret: true) is { Length: > 0 } given
            ? new RadiusSecret(given)
            : throw client["secret"].Wrong("a text that is not empty", secret: true);
        var policy = FacPolicy.CodeOrEmpty;
        if (client.Find("policy") is { } word)
        {
            var words = string.Join(", ", Policies.Select(known => known.Word));
            policy = Array.Find(Policies, known => known.Word == word.Text(words)) is { Word: not null } found
                ? found.Policy
                : throw word.Wrong(words);
        }
        return new(
            network,
            secret,
            policy,
            client.Find("requireMessageAuthenticator")?.Flag() ?? true,
            client.Find("pendingMax")?.Number(0, int.MaxValue) ?? PendingMax
        );
    }
}
