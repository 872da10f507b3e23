using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Firmware.Tunnels;

/// <summary>The settings of a tunnel, as <c>fortisslvpn_xml</c> reports them.</summary>
/// <param name="Personality">The release profile.</param>
/// <param name="Portal">The portal.</param>
/// <param name="Lease">The client's addresses; null if the portal has no tunnel or no free address.</param>
/// <param name="PolicyRoutes">The destinations of the policies for the user.</param>
internal sealed record TunnelXml(Personality Personality, TunnelPortal Portal, TunnelLease? Lease, IReadOnlyList<AddressRange> PolicyRoutes)
{
    /// <summary>True if the session is valid from its login's address only.</summary>
    internal bool ChecksSource { get; init; }

    /// <summary>True if a client can connect again with the same cookie.</summary>
    internal bool ReconnectsWithoutLogin { get; init; }

    /// <summary>The time for which a session is kept without its connection.</summary>
    internal TimeSpan KeptFor { get; init; }

    /// <summary>The idle limit; zero for none.</summary>
    internal TimeSpan IdleTimeout { get; init; }

    /// <summary>The limit of a session's duration; zero for none.</summary>
    internal TimeSpan AuthTimeout { get; init; }

    /// <summary>True if DTLS is offered.</summary>
    internal bool OffersDtls { get; init; }

    /// <summary>
    /// Builds the document. openfortivpn takes every slash for the end of a tag, wants a blank before each attribute, and reads the first
    /// <c>split-tunnel-info</c> only. openconnect needs <c>assigned-addr</c>. IPv6 stands behind IPv4.
    /// </summary>
    internal string Build()
    {
        var release = Personality.Release;
        var text = new StringBuilder("<?xml version='1.0' encoding='utf-8'?>\n");
        text.Append(CultureInfo.InvariantCulture, $"<sslvpn-tunnel ver='2' dtls='{(OffersDtls ? 1 : 0)}' patch='1'>\n");
        text.Append(OffersDtls ? "<dtls-config heartbeat-interval='10' heartbeat-fail-count='10' heartbeat-idle-timeout='10'/>\n" : "");
        text.Append("<tunnel-method value='ppp'/>\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"<fos platform='{Personality.Platform}' major='{release.Major}' minor='{release.Minor:00}' patch='{release.Build}' build='{Personality.Build}' "
                + $"branch='{Personality.Build}' mr_num='{release.Minor:00}'/>\n"
        );
        text.Append(
            CultureInfo.InvariantCulture,
            $"<auth-ses check-src-ip='{(ChecksSource ? 1 : 0)}' tun-connect-without-reauth='{(ReconnectsWithoutLogin ? 1 : 0)}' "
                + $"tun-user-ses-timeout='{(long)KeptFor.TotalSeconds}'/>\n"
        );
        text.Append("<client-config save-password='off' keep-alive='off' auto-connect='off'/>\n");
        Ipv4(text);
        Ipv6(text);
        text.Append(CultureInfo.InvariantCulture, $"<idle-timeout val='{(long)IdleTimeout.TotalSeconds}'/>\n");
        text.Append(CultureInfo.InvariantCulture, $"<auth-timeout val='{(long)AuthTimeout.TotalSeconds}'/>\n");
        return text.Append("</sslvpn-tunnel>\n").ToString();
    }

    private void Ipv4(StringBuilder text)
    {
        text.Append("<ipv4>");
        if (Lease is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"<assigned-addr ipv4='{Lease.Address}'/>");
        }
        foreach (var server in Portal.Dns.Where(server => server.AddressFamily == AddressFamily.InterNetwork))
        {
            text.Append(CultureInfo.InvariantCulture, $"<dns ip='{server}'/>");
        }
        foreach (var suffix in Portal.DnsSuffixes.Where(IsDomain))
        {
            text.Append(CultureInfo.InvariantCulture, $"<dns domain='{suffix}'/>");
        }
        if (Lease is not null && Portal.Splits)
        {
            var routes = (Portal.Routes.Count > 0 ? Portal.Routes : PolicyRoutes).Where(range =>
                IsFamily(range, AddressFamily.InterNetwork)
            );
            var negate = Portal is { RoutesAreNegated: true, Routes.Count: > 0 } ? " negate='1'" : "";
            text.Append(CultureInfo.InvariantCulture, $"<split-tunnel-info{negate}>");
            foreach (var prefix in routes.SelectMany(range => range.Prefixes()).Distinct())
            {
                text.Append(CultureInfo.InvariantCulture, $"<addr ip='{prefix.BaseAddress}' mask='{Mask(prefix.PrefixLength)}'/>");
            }
            text.Append("</split-tunnel-info>");
        }
        text.Append("</ipv4>\n");
    }

    private void Ipv6(StringBuilder text)
    {
        if (Lease?.Address6 is not { } address)
        {
            return;
        }
        text.Append(CultureInfo.InvariantCulture, $"<ipv6><assigned-addr ipv6='{address}' prefix-len='128'/>");
        foreach (var server in Portal.Dns.Where(server => server.AddressFamily == AddressFamily.InterNetworkV6))
        {
            text.Append(CultureInfo.InvariantCulture, $"<dns ipv6='{server}'/>");
        }
        if (Portal.Splits6)
        {
            var routes = (Portal.Routes6.Count > 0 ? Portal.Routes6 : PolicyRoutes).Where(range =>
                IsFamily(range, AddressFamily.InterNetworkV6)
            );
            text.Append("<split-tunnel-info>");
            foreach (var prefix in routes.SelectMany(range => range.Prefixes()).Distinct())
            {
                text.Append(CultureInfo.InvariantCulture, $"<addr ipv6='{prefix.BaseAddress}' prefix-len='{prefix.PrefixLength}'/>");
            }
            text.Append("</split-tunnel-info>");
        }
        text.Append("</ipv6>\n");
    }

    private static bool IsFamily(AddressRange range, AddressFamily family) => range.First.AddressFamily == family;

    /// <summary>A value that neither parser misreads: no slash, no quote, no markup.</summary>
    private static bool IsDomain(string value) =>
        value.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_');

    private static IPAddress Mask(int length) =>
        AddressSet.Address(length == 0 ? 0 : (UInt128)(uint.MaxValue << (32 - length)), AddressFamily.InterNetwork);
}
