using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Firmware.Certificates;
using Appliance.Hal;

namespace Appliance.Lab.Scenarios;

/// <summary>The forms of an SSL VPN client over any interface. It trusts only the unit's CA.</summary>
internal static class VpnForms
{
    /// <summary>A client of one listener.</summary>
    public static HttpClient Over(INic nic, IPEndPoint to, X509Certificate2 authority, TimeProvider time)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellationToken) => new ConnectionStream(await nic.ConnectAsync(to, cancellationToken)),
        };
        handler.SslOptions.CertificateChainPolicy = TrustedPeer.NoPublicAuthorities();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            TrustedPeer.Refusal(certificate as X509Certificate2, chain, [authority], to.Address.ToString(), time.GetUtcNow()) is null;
        return new HttpClient(handler)
        {
            BaseAddress = new UriBuilder(Uri.UriSchemeHttps, to.Address.ToString(), to.Port).Uri,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Posts a form to <c>/remote/logincheck</c>. A lost or refused connection is a reply, too.</summary>
    public static async Task<ClientReply> PostAsync(HttpClient http, string form)
    {
        try
        {
            using var content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
            using var answer = await http.PostAsync(new Uri("/remote/logincheck", UriKind.Relative), content);
            var cookie =
                answer.Headers.TryGetValues("Set-Cookie", out var cookies)
                && cookies.Any(set =>
                    set.StartsWith("SVPNCOOKIE=", StringComparison.Ordinal) && !set.StartsWith("SVPNCOOKIE=;", StringComparison.Ordinal)
                );
            return new ClientReply((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), cookie);
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException or OperationCanceledException)
        {
            return new ClientReply(0, lost.InnerException?.Message ?? lost.Message, HasCookie: false);
        }
    }
}
