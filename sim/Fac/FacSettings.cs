using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;

namespace Appliance.Sim.Fac;

/// <summary>What a client's users are asked for once their password was right.</summary>
public enum FacPolicy
{
    /// <summary>A challenge: a code, or nothing for a push.</summary>
    CodeOrEmpty,
    /// <summary>A challenge: a code, or the word <c>push</c>.</summary>
    TypePush,
    /// <summary>Nothing: the push goes out at once, and the one request is answered when the phone has.</summary>
    PushWithoutChallenge,
}

/// <summary>A RADIUS client, or a network of them.</summary>
/// <param name="Network">Their addresses; the first entry that holds one counts.</param>
/// <param name="Secret">What is shared with them.</param>
/// <param name="Policy">What their users are asked for.</param>
/// <param name="RequireMessageAuthenticator">True: a request without one is not answered.</param>
/// <param name="PendingMax">Requests of one address that may wait for a phone at once; what is more is not answered.</param>
public sealed record FacClient(IPNetwork Network, RadiusSecret Secret, FacPolicy Policy, bool RequireMessageAuthenticator, int PendingMax);

/// <summary>A user of the stand-in.</summary>
/// <param name="Name">The name; another spelling is another user.</param>
/// <param name="Password">The password.</param>
/// <param name="Group">The <c>Fortinet-Group-Name</c> that an accept carries; "" for none.</param>
/// <param name="Tokens">His tokens; none: the password is enough.</param>
public sealed record FacUser(string Name, string Password, string Group, ImmutableArray<Token> Tokens)
{

    /// <summary>Says nothing of secrets.</summary>
    public override string ToString() => Name;
}

/// <summary>What the stand-in is made of, read from the board's <c>fac.json</c>.</summary>
/// <param name="Address">Where it listens.</param>
/// <param name="AuthenticationPort">UDP; 0 takes a free one.</param>
/// <param name="AccountingPort">UDP; 0 takes a free one.</param>
/// <param name="HttpsPort">TCP, for its REST calls and the phones; 0 takes a free one.</param>
/// <param name="TokenTimeout">How long a challenge and a push live.</param>
/// <param name="ApiKey">What REST callers show, with the name <c>admin</c>.</param>
/// <param name="Clients">Who may ask.</param>
/// <param name="Users">Who may be let in.</param>
/// <param name="RadSecPort">TCP, for RADIUS over TLS; 0 takes a free one, null serves none.</param>
/// <param name="RadSecClientCa">A PEM file; with it only clients with a certificate of a CA in it are served over TLS. Null: every client of <paramref name="Clients"/> is.</param>
/// <param name="LogDecisions">False: who was let in or refused is no event; pushes and accounting still are.</param>
public sealed record FacSettings(
    IPAddress Address, int AuthenticationPort, int AccountingPort, int HttpsPort, TimeSpan TokenTimeout, string ApiKey, ImmutableArray<FacClient> Clients, ImmutableArray<FacUser> Users,
    bool LogDecisions = true, int? RadSecPort = null, string? RadSecClientCa = null)
{
    private static readonly (string Word, FacPolicy Policy)[] Policies =
        [("code-or-empty", FacPolicy.CodeOrEmpty), ("type-push", FacPolicy.TypePush), ("push-without-challenge", FacPolicy.PushWithoutChallenge)];

    /// <summary>Reads a description.</summary>
    /// <exception cref="FormatException">It is not one; the message says what is wrong.</exception>
    public static FacSettings Parse(ReadOnlySpan<byte> json)
    {
        FacText text;
        try
        {
            text = JsonSerializer.Deserialize(json, FacTextJson.Default.FacText) ?? throw new FormatException("null is no description");
        }
        catch (JsonException error)
        {
            throw new FormatException(error.Message, error);
        }
        // Nullable annotations do not reach into lists.
        if (text.Clients.Contains(null!) || text.Tokens.Contains(null!) || text.Users.Contains(null!) || text.Users.Any(user => user.Tokens.Contains(null!)))
        {
            throw new FormatException("null in a list");
        }
        if (text.Users.GroupBy(user => user.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { Key: var twice })
        {
            throw new FormatException($"user {twice} is there twice");
        }
        if (text.Tokens.GroupBy(token => token.Serial, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { Key: var serial })
        {
            throw new FormatException($"token {serial} is there twice");
        }
        if (text.Users.FirstOrDefault(user => Encoding.UTF8.GetByteCount(user.Password) > RadiusSecret.PasswordMax) is { } longest)
        {
            throw new FormatException($"user {longest.Name}: a password may have {RadiusSecret.PasswordMax} bytes");
        }
        if (text.Clients.FirstOrDefault(client => client.PendingMax < 0) is { } negative)
        {
            throw new FormatException($"client {negative.Network}: pendingMax must not be negative");
        }
        var tokens = text.Tokens.ToDictionary(token => token.Serial, token => new Token(
            token.Serial, TokenSeed.Parse(token.Seed) ?? throw new FormatException($"token {token.Serial}: the seed cannot be read"), Locked: false, token.RegId, token.OsVer));
        return new FacSettings(
            IPAddress.TryParse(text.Address, out var address) ? address : throw new FormatException($"'{text.Address}' is no address"),
            Port(text.AuthPort), Port(text.AcctPort), Port(text.HttpsPort),
            text.TokenTimeout is >= 1 and <= 3600 ? TimeSpan.FromSeconds(text.TokenTimeout) : throw new FormatException("tokenTimeout must be from 1 to 3600 seconds"), text.ApiKey,
            [.. text.Clients.Select(Client)],
            [.. text.Users.Select(user => new FacUser(user.Name, user.Password, user.Group, [.. user.Tokens.Select(own =>
                tokens.TryGetValue(own, out var token) ? token : throw new FormatException($"user {user.Name}: no token {own}"))]))], text.LogDecisions,
            text.RadSecPort is { } radSecPort ? Port(radSecPort) : null, text.RadSecClientCa);
    }

    /// <summary>A policy as the description spells it.</summary>
    public static string Word(FacPolicy policy) => Array.Find(Policies, known => known.Policy == policy).Word;

    /// <summary>The CAs of clients over TLS; empty where none are set.</summary>
    /// <exception cref="FormatException">The file cannot be read, or holds none.</exception>
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
        return authorities.Count > 0 ? [.. authorities] : throw new FormatException($"radSecClientCa: {RadSecClientCa} holds no certificate");
    }

    private static int Port(int port) => port is >= 0 and <= 65535 ? port : throw new FormatException($"{port} is no port");

    private static FacClient Client(FacClientText client)
    {
        var policy = Array.Find(Policies, known => known.Word == client.Policy) is { Word: not null } found ? found.Policy
            : throw new FormatException($"client {client.Network}: policy must be {string.Join(", ", Policies.Select(known => known.Word))}, not '{client.Policy}'");
        if (!IPNetwork.TryParse(client.Network, out var network))
        {
            throw new FormatException($"'{client.Network}' is no network");
        }
        return client.Secret.Length == 0 ? throw new FormatException($"client {client.Network}: a secret is needed") : new(network, new RadiusSecret(client.Secret), policy, client.RequireMessageAuthenticator, client.PendingMax);
    }
}

internal sealed record FacClientText(string Network, string Secret, string Policy = "code-or-empty", bool RequireMessageAuthenticator = true, int PendingMax = 10_000);

internal sealed record FacTokenText(string Serial, string Seed, string RegId = "", string OsVer = "");

internal sealed record FacUserText(string Name, string Password, string Group, IReadOnlyList<string> Tokens);

internal sealed record FacText(
    string Address, int AuthPort, int AcctPort, int HttpsPort, int TokenTimeout, string ApiKey, IReadOnlyList<FacClientText> Clients, IReadOnlyList<FacTokenText> Tokens, IReadOnlyList<FacUserText> Users, bool LogDecisions = true, int? RadSecPort = null, string? RadSecClientCa = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FacText))]
internal sealed partial class FacTextJson : JsonSerializerContext;
