using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The bounds of the emulator's REST calls: who may call, with what, and what each call answers.</summary>
public sealed class FacApiTests
{
    private const string Right = "admin:testing123";

    [Fact]
    public async Task Each_call_has_its_status_and_no_body()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        using var http = Client(lab);
        var long50 = new string('u', 50);
        (string Method, string Path, string? Credentials, string Body, int Status)[] calls =
        [
            ("POST", "auth/", Right, """{"username":"bob","password":"bob-password"}""", 200),
            ("POST", "auth", Right, """{"username":"bob","password":"bob-password","more":1}""", 200),
            ("POST", "auth/", Right, """{"username":"bob","password":"wrong"}""", 401),
            ("POST", "auth/", Right, """{"username":"bob"}""", 400),
            ("POST", "auth/", Right, """{"username":"","password":"x"}""", 400),
            ("POST", "auth/", Right, """{"password":"x"}""", 400),
            ("POST", "auth/", Right, "[]", 400),
            ("POST", "auth/", Right, "", 400),
            ("POST", "auth/", Right, $$"""{"username":"{{long50}}","password":"x"}""", 401),
            ("POST", "auth/", Right, $$"""{"username":"{{long50}}u","password":"x"}""", 400),
            ("POST", "pushauth/", Right, $$"""{"username":"{{long50}}"}""", 404),
            ("POST", "pushauth/", Right, $$"""{"username":"{{long50}}u"}""", 400),
            ("POST", "pushauth", Right, """{"username":"cat"}""", 404),
            ("POST", "auth/", Right, new string(' ', 8193), 413),
            ("GET", "auth/", Right, "", 405),
            ("PUT", "pushauth/", Right, """{"username":"dan"}""", 405),
            ("GET", "auth/", null, "", 401),
            ("POST", "auth/", "admin:testing124", """{"username":"bob","password":"bob-password"}""", 401),
            ("POST", "auth/", "Admin:testing123", """{"username":"bob","password":"bob-password"}""", 401),
            ("POST", "auth/", "admin:testing1230", """{"username":"bob","password":"bob-password"}""", 401),
            ("POST", "other/", Right, "{}", 404),
        ];
        foreach (var (method, path, credentials, body, status) in calls)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1/" + path);
            request.Headers.Authorization = credentials is null
                ? null
                : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
            request.Content = method == "GET" ? null : new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await http.SendAsync(request);
            Assert.Equal((method, path, body, status), (method, path, body, (int)answer.StatusCode));
            Assert.Equal((0L, null), (answer.Content.Headers.ContentLength, answer.Headers.TransferEncodingChunked));
        }
        foreach (var header in new[] { "Basic !!!", "Basic", "Bearer " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Right)) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/");
            request.Headers.TryAddWithoutValidation("Authorization", header);
            request.Content = new StringContent("""{"username":"bob","password":"bob-password"}""", Encoding.UTF8, "application/json");
            using var answer = await http.SendAsync(request);
            Assert.Equal((header, 401), (header, (int)answer.StatusCode));
        }
    }

    private static HttpClient Client(TestLab lab)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { lab.Fac.Authority },
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationTime = lab.Clock.GetUtcNow().UtcDateTime,
        };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://{lab.Fac.Authentication.Address}:{lab.Fac.HttpsPort}") };
    }
}
