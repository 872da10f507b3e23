using System.Security.Cryptography;

namespace Appliance.Tests.EndToEnd;

/// <summary>The real VPN clients against a lab.</summary>
internal static class VpnClients
{
    /// <summary>openfortivpn against this lab, until it ends by itself.</summary>
    public static Task<PeerRun> OpenfortivpnAsync(this TestLab lab, string user, string password, params string[] more) =>
        Peer.RunAsync(
            "openfortivpn",
            [
                lab.Vpn,
                "-u",
                user,
                "-p",
                password,
                "--trusted-cert",
                Convert.ToHexStringLower(SHA256.HashData(lab.Unit.ServiceCertificate("sslvpn")!.RawData)),
                "-v",
                .. more,
            ]
        );

    /// <summary>openconnect against this lab; a code null answers no challenge, "" answers it with nothing.</summary>
    public static Task<PeerRun> OpenconnectAsync(this TestLab lab, string user, string password, string? code = null) =>
        Peer.RunAsync(
            "openconnect",
            [
                "--protocol=fortinet",
                "--authenticate",
                $"--form-entry=_login:username={user}",
                $"--form-entry=_login:credential={password}",
                "--servercert",
                "pin-sha256:"
                    + Convert.ToBase64String(SHA256.HashData(lab.Unit.ServiceCertificate("sslvpn")!.PublicKey.ExportSubjectPublicKeyInfo())),
                .. code is null ? Array.Empty<string>() : [$"--form-entry=_challenge:code={code}"],
                $"https://{lab.Vpn}",
            ]
        );
}
