using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Radius;

/// <summary>The scheme that protects a password in transit.</summary>
public enum RadiusScheme
{
    /// <summary>PAP: the hidden User-Password (RFC 2865, 5.2).</summary>
    Pap,

    /// <summary>CHAP (RFC 1994).</summary>
    Chap,

    /// <summary>MS-CHAP (RFC 2433).</summary>
    MsChap,

    /// <summary>MS-CHAPv2 (RFC 2759).</summary>
    MsChap2,
}

/// <summary>The transport of the packets (<c>transport-protocol</c>).</summary>
public enum RadiusTransport
{
    /// <summary>RADIUS over UDP (RFC 2865).</summary>
    Udp,

    /// <summary>RADIUS over TCP (RFC 6613).</summary>
    Tcp,

    /// <summary>RadSec (RFC 6614).</summary>
    Tls,
}

/// <summary>One address of a server, and the secret shared with it.</summary>
public sealed record RadiusTarget(IPEndPoint EndPoint, RadiusSecret Secret)
{
    /// <summary>The attribute of <c>user radius</c> that holds the address.</summary>
    public string Attribute { get; init; } = "server";

    /// <summary>The attribute of <c>user radius</c> that holds the secret.</summary>
    public string SecretAttribute { get; init; } = "secret";
}

/// <summary>One entry of <c>user radius</c>, in the form that the client needs.</summary>
/// <param name="Name">The entry's name.</param>
/// <param name="Targets">The configured servers, at most three: primary, secondary, tertiary. Only addresses: names are not
/// resolved.</param>
/// <param name="Schemes">The schemes to try, in order. <c>auto</c> is PAP, MS-CHAPv2, CHAP, each after the previous one was
/// refused.</param>
public sealed record RadiusSettings(string Name, ImmutableArray<RadiusTarget> Targets, ImmutableArray<RadiusScheme> Schemes)
{
    private const int DefaultPort = 1812;

    /// <summary>The default port (RFC 6614, 2.1) and secret (RFC 6614, 2.3), *assumed* where none is configured.</summary>
    private const int DefaultTlsPort = 2083;
    private const string DefaultTlsSecret = "radsec";

    /// <summary>The limit used for <c>remoteauthtimeout 0</c> (no limit; 6.2.0 to 6.2.6), because every request must end.</summary>
    private static readonly TimeSpan ServerTimeMax = TimeSpan.FromMinutes(5);

    /// <summary>The time without a reply after which the request is retransmitted.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time for which one server is tried before the next: <c>remoteauthtimeout</c>, as the vendor documents it.</summary>
    public TimeSpan ServerTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time for which a server that did not reply is skipped (<c>status-ttl</c>). Zero means never, as before 7.4.0.</summary>
    public TimeSpan DeadTime { get; init; }

    /// <summary>The transport of the packets.</summary>
    public RadiusTransport Transport { get; init; }

    /// <summary>The certificates for RadSec; null for other transports.</summary>
    public RadiusTls? Tls { get; init; }

    /// <summary>True if a reply without a Message-Authenticator is refused.</summary>
    public bool RequireMessageAuthenticator { get; init; } = true;

    /// <summary>The <c>nas-ip</c>; if null, the address that the request is sent from.</summary>
    public IPAddress? NasIp { get; init; }

    /// <summary>The NAS-Identifier.</summary>
    public string NasId { get; init; } = "";

    /// <summary>The <c>source-ip</c>; null for any.</summary>
    public IPAddress? SourceIp { get; init; }

    /// <summary>The interface to send requests from; "" for any.</summary>
    public string Interface { get; init; } = "";

    /// <summary>True if the password is sent in ISO-8859-1 where it can be encoded in it; otherwise in UTF-8.</summary>
    public bool Latin1 { get; init; }

    /// <summary>True if every Access-Accept makes the user a member of every group that names the server (<c>all-usergroup</c>).</summary>
    public bool AllGroups { get; init; }

    /// <summary>The attribute that overrides the groups: <c>filter-Id</c>, <c>class</c>, or "" for none.</summary>
    public string GroupOverride { get; init; } = "";

    /// <summary>The accepted values of Class; empty for any.</summary>
    public ImmutableArray<string> Classes { get; init; } = [];

    /// <summary>Reads an entry; null if there is none of this name.</summary>
    public static RadiusSettings? From(ConfigTree config, string name)
    {
        if (config.List("user radius").Find(name) is not { } entry)
        {
            return null;
        }
        var global = config.Object("system global");
        var transport = Has(entry, "transport-protocol")
            ? entry.Text("transport-protocol") switch
            {
                "tls" => RadiusTransport.Tls,
                "tcp" => RadiusTransport.Tcp,
                _ => RadiusTransport.Udp,
            }
            : RadiusTransport.Udp;
        var port =
            entry.Number("radius-port") is > 0 and var set ? (int)set
            : transport == RadiusTransport.Tls ? DefaultTlsPort
            : DefaultPort;
        string SecretOf(string attribute) =>
            entry.Text(attribute) is { Length: > 0 } secret ? secret
            : transport == RadiusTransport.Tls ? DefaultTlsSecret
            : "";
        var targets = new[] { ("server", "secret"), ("secondary-server", "secondary-secret"), ("tertiary-server", "tertiary-secret") }
            .Where(pair => IPAddress.TryParse(entry.Text(pair.Item1), out _) && SecretOf(pair.Item2).Length > 0)
            .Select(pair => new RadiusTarget(
                new IPEndPoint(IPAddress.Parse(entry.Text(pair.Item1)), port),
                new RadiusSecret(SecretOf(pair.Item2))
            )
            {
                Attribute = pair.Item1,
                SecretAttribute = pair.Item2,
            });
        var timeout = TimeSpan.FromSeconds(Math.Max(1, entry.Number("timeout")));
        var whole = TimeSpan.FromSeconds(global.Number("remoteauthtimeout"));
        return new RadiusSettings(name, [.. targets], SchemesOf(entry.Text("auth-type")))
        {
            Timeout = timeout,
            ServerTime = whole > TimeSpan.Zero ? whole : ServerTimeMax,
            DeadTime = Has(entry, "status-ttl") ? TimeSpan.FromSeconds(entry.Number("status-ttl")) : TimeSpan.Zero,
            RequireMessageAuthenticator = Has(entry, "require-message-authenticator")
                ? entry.Enabled("require-message-authenticator")
                : IsHardened(config.Schema.Personality.Release),
            NasIp = AddressOf(entry.Text("nas-ip")),
            NasId = Has(entry, "nas-id-type") && entry.Text("nas-id-type") == "custom" ? entry.Text("nas-id") : global.Text("hostname"),
            SourceIp = AddressOf(entry.Text("source-ip")),
            Interface =
                Has(entry, "interface-select-method") && entry.Text("interface-select-method") == "specify" ? entry.Text("interface")
                : Has(entry, "source-ip-interface") ? entry.Text("source-ip-interface")
                : "",
            Transport = transport,
            Tls = transport == RadiusTransport.Tls ? TlsOf(config, entry) : null,
            Latin1 = entry.Text("password-encoding") == "ISO-8859-1",
            AllGroups = entry.Enabled("all-usergroup"),
            GroupOverride = Has(entry, "group-override-attr-type") ? entry.Text("group-override-attr-type") : "",
            Classes = entry.Words("class"),
        };
    }

    /// <summary>The schemes of an <c>auth-type</c>.</summary>
    public static ImmutableArray<RadiusScheme> SchemesOf(string authType) =>
        authType switch
        {
            "pap" => [RadiusScheme.Pap],
            "chap" => [RadiusScheme.Chap],
            "ms_chap" => [RadiusScheme.MsChap],
            "ms_chap_v2" => [RadiusScheme.MsChap2],
            _ => [RadiusScheme.Pap, RadiusScheme.MsChap2, RadiusScheme.Chap],
        };

    /// <summary>
    /// The name of the path to a server. The datagrams of one interface share their ports; a connection belongs to one server.
    /// </summary>
    internal string ChannelTo(RadiusTarget target, string nic) =>
        Transport == RadiusTransport.Udp ? nic : $"{nic} {Transport} {Name} {target.EndPoint}";

    /// <summary>
    /// Returns true for the releases that refuse a reply without a Message-Authenticator but have no setting for it yet (CVE-2024-3596).
    /// </summary>
    private static bool IsHardened(Version release) =>
        (release.Major, release.Minor) switch
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
            authority?.Text("ca") ?? "",
            own?.Text("certificate") ?? "",
            own?.Text("private-key") ?? "",
            own?.Text("password") ?? "",
            entry.Enabled("server-identity-check"),
            entry.Text("tls-min-proto-version") == "TLSv1-3"
        );
    }

    private static bool Has(ConfigObject entry, string attribute) => entry.Schema.Attribute(attribute) is not null;

    private static IPAddress? AddressOf(string text) =>
        IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) ? address : null;
}
