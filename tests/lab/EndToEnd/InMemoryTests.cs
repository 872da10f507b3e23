using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Nerdbank.Streams;
using OtpNet;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The whole appliance with interfaces in memory: no socket is opened, and the clock is the test's.</summary>
public sealed class InMemoryTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);

    [Fact]
    public async Task APushLoginWithoutASocket()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-memory-");
        try
        {
            var network = new SimNetwork();
            var time = new FakeTimeProvider(Start);
            var pushes = new Capture();
            INic[] nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"10.0.0.{number}"))),
            ];
            await using var unit = await Unit.StartAsync(
                new UnitOptions(
                    folder.FullName,
                    nics,
                    time,
                    pushes,
                    LabBoard.DefaultConfiguration(network: "10.0.0"),
                    NullLoggerFactory.Instance
                )
            );
            using var client = Http(unit, new SimNic(network, "client", IPAddress.Parse("10.0.0.100")), time);
            using var phone = Http(unit, new SimNic(network, "phone", IPAddress.Parse("10.0.0.200")), time);

            const string LoginCheck = "https://10.0.0.1:10443/remote/logincheck";
            var challenge = await FormAsync(client, LoginCheck, "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1");
            var fields = challenge.Split(',').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
            var waiting = FormAsync(
                client,
                LoginCheck,
                $"username=ann&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp=&portal=&peer=&ftmpush=1"
            );

            var message = await pushes.Messages.Reader.ReadAsync();
            Assert.Equal(
                ("10.0.0.1", 4433, "ann", "10.0.0.100"),
                (message.CallbackHost, message.CallbackPort, message.User, message.ClientAddress.ToString())
            );
            Assert.Matches("^[0-9a-f]{32}$", message.SessionId);
            var code = new Totp("lab-seed-of-ann-0001"u8.ToArray(), 60, OtpHashMode.Sha1, 6).ComputeTotp(Start.UtcDateTime);
            var answer = $$"""{"session_id":"{{message.SessionId}}","action":"validate","token_code":"{{code}}"}""";
            Assert.Equal(HttpStatusCode.OK, await CallbackAsync(phone, answer));
            Assert.Equal("ret=1,redir=/remote/index", await waiting);
            Assert.Equal(HttpStatusCode.Unauthorized, await CallbackAsync(phone, answer));
            await Assert.ThrowsAsync<HttpRequestException>(() => phone.GetAsync("https://10.0.0.2:4433/"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<HttpStatusCode> CallbackAsync(HttpClient phone, string answer)
    {
        using var reply = await phone.PostAsync(
            "https://10.0.0.1:4433/api/v1/pushauthresp/",
            new StringContent(answer, Encoding.UTF8, "application/json")
        );
        return reply.StatusCode;
    }

    private static async Task<string> FormAsync(HttpClient client, string url, string body)
    {
        using var reply = await client.PostAsync(url, new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded"));
        return await reply.Content.ReadAsStringAsync();
    }

    /// <summary>HTTPS from an interface in memory, trusting the unit's CA alone.</summary>
    private static HttpClient Http(Unit unit, SimNic nic, TimeProvider time) =>
        new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                    (
                        await nic.ConnectAsync(
                            new IPEndPoint(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port),
                            cancellationToken
                        )
                    ).Transport.AsStream(),
                SslOptions = new SslClientAuthenticationOptions
                {
                    CertificateChainPolicy = new X509ChainPolicy
                    {
                        TrustMode = X509ChainTrustMode.CustomRootTrust,
                        CustomTrustStore = { unit.DeviceCa },
                        RevocationMode = X509RevocationMode.NoCheck,
                        VerificationTime = time.GetUtcNow().UtcDateTime,
                    },
                },
            }
        );

    private sealed class Capture : IPushSender
    {
        public Channel<PushMessage> Messages { get; } = Channel.CreateUnbounded<PushMessage>();

        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
        {
            Messages.Writer.TryWrite(message);
            return ValueTask.FromResult(PushResult.Sent);
        }
    }
}
