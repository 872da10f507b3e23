using System.Security.Cryptography;

namespace Appliance.Lab.Units;

/// <summary>The command lines that log in at a unit's SSL VPN, ready to be copied.</summary>
internal static class LoginLines
{
    /// <summary>Returns one line for each client; empty while the unit serves no SSL VPN.</summary>
    public static IReadOnlyList<string> Of(ILabUnit unit)
    {
        if (
            unit.Services.FirstOrDefault(service => service.Service == "sslvpn") is not { } vpn
            || unit.ServiceCertificate("sslvpn") is not { } certificate
        )
        {
            return [];
        }
        var digest = Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
        var pin = Convert.ToBase64String(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        return
        [
            $"openfortivpn {vpn.EndPoint} -u ann -p ann-password --trusted-cert {digest}",
            $"echo ann-password | openconnect --protocol=fortinet --authenticate --user ann --passwd-on-stdin --servercert pin-sha256:{pin} https://{vpn.EndPoint}",
        ];
    }
}
