using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Radius;

/// <summary>How a password travels.</summary>
public enum RadiusScheme
{
    /// <summary>Hidden (RFC 2865, 5.2).</summary>
    Pap,
    /// <summary>RFC 1994.</summary>
    Chap,
    /// <summary>RFC 2433.</summary>
    MsChap,
    /// <summary>RFC 2759.</summary>
    MsChap2,
}

/// <summary>What carries the packets (<c>transport-protocol</c>).</summary>
public enum RadiusTransport
{
    /// <summary>RFC 2865.</summary>
    Udp,
    /// <summary>RFC 6613.</summary>
    Tcp,
    /// <summary>RadSec, RFC 6614.</summary>
    Tls,
}

/// <summary>One address that a server answers at, and what is shared with it.</summary>
public sealed record RadiusTarget(IPEndPoint EndPoint, RadiusSecret Secret)
{
    /// <summary>The attribute of <c>user radius</c> that has the address.</summary>
    public string Attribute { get; init; } = "server";

    /// <summary>The attribute that has the secret.</summary>
    public string SecretAttribute { get; init; } = "secret";
}

/// <summary>One entry of <c>user radius</c>, as the client needs it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Targets">Primary, secondary, tertiary; those that are set, so three at most. Only addresses: names are not resolved.</param>
/// <param name="Schemes">What is tried, in order: <c>auto</c> is PAP, MS-CHAPv2, CHAP, each after the other was refused.</param>
public sealed record RadiusSettings(string Name, ImmutableArray<RadiusTarget> Targets, ImmutableArray<RadiusScheme> Schemes)
{
    private const int DefaultPort = 1812;

    /// <summary>RFC 6614, 2.1, and the secret of the same document, 2.3: *assumed* where none is set.</summary>
    private const int DefaultTlsPort = 2083;
    private const string DefaultTlsSecret = "radsec";

    /// <summary>What <c>remoteauthtimeout 0</c> (none; 6.2.0 to 6.2.6) is here: an end there must be.</summary>
    private static readonly TimeSpan ServerTimeMax = TimeSpan.FromMinutes(5);

    /// <summary>After so long without an answer the request is repeated.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one server is tried before the next is: <c>remoteauthtimeout</c>, as the vendor's documents have it.</summary>
    public TimeSpan ServerTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For how long a server that did not answer is left out (<c>status-ttl</c>; zero: never, as before 7.4.0).</summary>
    public TimeSpan DeadTime { get; init; }

    /// <summary>What carries the packets.</summary>
    public RadiusTransport Transport { get; init; }

    /// <summary>Certificates of RadSec; null without it.</summary>
    public RadiusTls? Tls { get; init; }

    /// <summary>True: an answer without a Message-Authenticator is none.</summary>
    public bool RequireMessageAuthenticator { get; init; } = true;

    /// <summary>The <c>nas-ip</c>; null takes the address that the request leaves from.</summary>
    public IPAddress? NasIp { get; init; }

    /// <summary>The NAS-Identifier.</summary>
    public string NasId { get; init; } = "";

    /// <summary>The <c>source-ip</c>; null for any.</summary>
    public IPAddress? SourceIp { get; init; }

    /// <summary>The interface that requests leave by; "" for any.</summary>
    public string Interface { get; init; } = "";

    /// <summary>True: the password is sent in ISO-8859-1 where it can be, not in UTF-8.</summary>
    public bool Latin1 { get; init; }

    /// <summary>True: every accept makes a member of every group that names the server (<c>all-usergroup</c>).</summary>
    public bool AllGroups { get; init; }

    /// <summary>Which attribute overrides the groups: <c>filter-Id</c>, <c>class</c>, or "".</summary>
    public string GroupOverride { get; init; } = "";

    /// <summary>Values of Class that count; empty: any.</summary>
    public ImmutableArray<string> Classes { get; init; } = [];

    /// <summary>Reads an entry; null when there is none of this name.</summary>
    public static RadiusSettings? From(ConfigTree config, string name)
    {
        if (config.List("user radius").Find(name) is not { } entry)
        {
            return null;
        }
        var global = config.Object("system global");
        var transport = Has(entry, "transport-protocol") ? entry.Text("transport-protocol") switch { "tls" => RadiusTransport.Tls, "tcp" => RadiusTransport.Tcp, _ => RadiusTransport.Udp } : RadiusTransport.Udp;
        var port = entry.Number("radius-port") is > 0 and var set ? (int)set : transport == RadiusTransport.Tls ? DefaultTlsPort : DefaultPort;
        string SecretOf(string attribute) => entry.Text(attribute) is { Length: > 0 } secret ? secret : transport == RadiusTransport.Tls ? DefaultTlsSecret : "";
        var targets = new[] { ("server", "secret"), ("secondary-server", "secondary-secret"), ("tertiary-server", "tertiary-secret") }
            .Where(pair => IPAddress.TryParse(entry.Text(pair.Item1), out _) && SecretOf(pair.Item2).Length > 0)
            .Select(pair => new RadiusTarget(new IPEndPoint(IPAddress.Parse(entry.Text(pair.Item1)), port), new RadiusSecret(SecretOf(pair.Item2))) { Attribute = pair.Item1, SecretAttribute = pair.Item2 });
        var timeout = TimeSpan.FromSeconds(Math.Max(1, entry.Number("timeout")));
        var whole = TimeSpan.FromSeconds(global.Number("remoteauthtimeout"));
        return new RadiusSettings(name, [.. targets], SchemesOf(entry.Text("auth-type")))
        {
            Timeout = timeout,
            ServerTime = whole > TimeSpan.Zero ? whole : ServerTimeMax,
            DeadTime = Has(entry, "status-ttl") ? TimeSpan.FromSeconds(entry.Number("status-ttl")) : TimeSpan.Zero,
            RequireMessageAuthenticator = Has(entry, "require-message-authenticator") ? entry.Enabled("require-message-authenticator") : IsHardened(config.Schema.Personality.Release),
            NasIp = AddressOf(entry.Text("nas-ip")),
            NasId = Has(entry, "nas-id-type") && entry.Text("nas-id-type") == "custom" ? entry.Text("nas-id") : global.Text("hostname"),
            SourceIp = AddressOf(entry.Text("source-ip")),
            Interface = Has(entry, "interface-select-method") && entry.Text("interface-select-method") == "specify" ? entry.Text("interface")
                : Has(entry, "source-ip-interface") ? entry.Text("source-ip-interface") : "",
            Transport = transport,
            Tls = transport == RadiusTransport.Tls ? TlsOf(config, entry) : null,
            Latin1 = entry.Text("password-encoding") == "ISO-8859-1",
            AllGroups = entry.Enabled("all-usergroup"),
            GroupOverride = Has(entry, "group-override-attr-type") ? entry.Text("group-override-attr-type") : "",
            Classes = entry.Words("class"),
        };
    }

    /// <summary>Names the way to a server: datagrams of one interface share their ports, connections are to one server.</summary>
    internal string ChannelTo(RadiusTarget target, string nic) => Transport == RadiusTransport.Udp ? nic : $"{nic} {Transport} {Name} {target.EndPoint}";

    /// <summary>The schemes of an <c>auth-type</c>.</summary>
    public static ImmutableArray<RadiusScheme> SchemesOf(string authType) => authType switch
    {
        "pap" => [RadiusScheme.Pap],
        "chap" => [RadiusScheme.Chap],
        "ms_chap" => [RadiusScheme.MsChap],
        "ms_chap_v2" => [RadiusScheme.MsChap2],
        _ => [RadiusScheme.Pap, RadiusScheme.MsChap2, RadiusScheme.Chap],
    };

    /// <summary>The releases that refuse an answer without a Message-Authenticator, before there was a setting (CVE-2024-3596).</summary>
    private static bool IsHardened(Version release) => (release.Major, release.Minor) switch
    {
        (7, 2) => release.Build >= 10,
        (7, 4) => release.Build >= 5,
        (7, >= 6) or ( > 7, _) => true,
        _ => false,
    };

    private static RadiusTls TlsOf(ConfigTree config, ConfigObject entry)
    {
        var authority = config.List("vpn certificate ca").Find(entry.Text("ca-cert"));
        var own = config.List("vpn certificate local").Find(entry.Text("client-cert"));
        return new RadiusTls(
            authority?.Text("ca") ?? "", own?.Text("certificate") ?? "", own?.Text("private-key") ?? "", own?.Text("password") ?? "",
            entry.Enabled("server-identity-check"), entry.Text("tls-min-proto-version") == "TLSv1-3");
    }

    private static bool Has(ConfigObject entry, string attribute) => entry.Schema.Attribute(attribute) is not null;

    private static IPAddress? AddressOf(string text) => IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) ? address : null;
}
