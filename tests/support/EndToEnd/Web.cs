using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Tests.EndToEnd;

/// <summary>A headless HTTP client: trusts the unit's device CA only, keeps cookies, follows no redirect.</summary>
internal sealed class Web : IDisposable
{
    private readonly HttpClient _http;

    public Web(TestLab lab)
    {
        var authority = lab.Unit.DeviceCa;
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    CertificateChainPolicy = new X509ChainPolicy
                    {
                        TrustMode = X509ChainTrustMode.CustomRootTrust,
                        CustomTrustStore = { authority },
                        RevocationMode = X509RevocationMode.NoCheck,
                        VerificationTime = lab.Clock.GetUtcNow().UtcDateTime,
                    },
                },
            }
        );
    }

    public Task<HttpResponseMessage> GetAsync(string url) => _http.GetAsync(url);

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => _http.SendAsync(request);

    public Task<HttpResponseMessage> PostAsync(string url, HttpContent content) => _http.PostAsync(url, content);

    public Task<HttpResponseMessage> FormAsync(string url, string body) =>
        _http.PostAsync(url, new StringContent(body, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded"));

    public Task<HttpResponseMessage> CallbackAsync(string address, int port, string json) =>
        _http.PostAsync(
            $"https://{address}:{port}/api/v1/pushauthresp/",
            new StringContent(json, System.Text.Encoding.UTF8, "application/json")
        );

    /// <summary>Returns true if the port is closed.</summary>
    public static async Task<bool> IsRefusedAsync(string address, int port)
    {
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Parse(address), port);
            return false;
        }
        catch (System.Net.Sockets.SocketException error) when (error.SocketErrorCode == System.Net.Sockets.SocketError.ConnectionRefused)
        {
            return true;
        }
    }

    public void Dispose() => _http.Dispose();
}
