using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Text.RegularExpressions;
using OtpNet;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// kill -9 in the middle of commits and logins: the unit boots every time, with the old or the new state, and no consumed code is accepted
/// again.
/// </summary>
public sealed partial class KillTests : IDisposable
{
    /// <summary>200 in CI; elsewhere enough to see it work.</summary>
    private static readonly int Rounds = Environment.GetEnvironmentVariable("CI") == "true" ? 200 : 20;

    private readonly HttpClient _web = new(
        new SocketsHttpHandler
        {
#pragma warning disable CA5359 // The peer's identity is not under test.
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        }
    );

    [Fact]
    public async Task NothingAcknowledgedIsLost()
    {
        await using var lab = new LabProcess();
        await lab.StartAsync();
        // This test tries dozens of old codes; their cost for a source is not under test.
        await lab.CliAsync("config vpn ssl settings\nset login-attempt-limit 0\nend\n");
        var (acknowledged, written, used) = (4433, 4433, new Dictionary<string, string>(StringComparer.Ordinal));
        var logins = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            var random = new Random(round);
            using var killed = new CancellationTokenSource();
            var committing = CommitAsync();
            var loggingIn = LogInAsync();
            // Killed while work is under way, at a moment that each seed puts elsewhere.
            var operations = random.Next(1, 40);
            var afterLogin = random.Next(2) == 0;
            await Until.TrueAsync(() => afterLogin ? loggingIn.IsCompleted : Volatile.Read(ref _operations) >= operations, "work to kill");
            for (var spin = random.Next(2000); spin > 0; spin--)
            {
                await Task.Yield();
            }
            await lab.KillAsync();
            await killed.CancelAsync();
            await Task.WhenAll(committing, loggingIn);
            Volatile.Write(ref _operations, 0);

            await lab.StartAsync();
            var port = int.Parse(
                ServerPort().Match(await lab.CliAsync("get system ftm-push\n")).Groups[1].Value,
                CultureInfo.InvariantCulture
            );
            Assert.True(port == acknowledged || port == written, $"round {round}: {port} is neither {acknowledged} nor {written}");
            (acknowledged, written) = (port, port);
            foreach (var (step, code) in used)
            {
                Assert.False(await TryAsync(code), $"round {round}: the code of step {step} was accepted again");
            }
            // The next step, so that the next round has a new code.
            (await lab.Api.PostAsJsonAsync("/lab/clock", new { advanceSeconds = 60 })).EnsureSuccessStatusCode();
            foreach (var old in used.Keys.Order(StringComparer.Ordinal).SkipLast(3).ToArray())
            {
                used.Remove(old);
            }

            async Task CommitAsync()
            {
                try
                {
                    while (!killed.IsCancellationRequested)
                    {
                        written = random.Next(20_000, 60_000);
                        await lab.CliAsync($"config system ftm-push\nset server-port {written}\nend\n");
                        acknowledged = written;
                        Interlocked.Increment(ref _operations);
                    }
                }
                catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
                {
                    // Killed: acknowledged or not is open for this one.
                }
            }

            async Task LogInAsync()
            {
                try
                {
                    var now = await lab.NowAsync();
                    var code = new Totp(Convert.FromHexString(TestLab.CatSeed), 60, OtpHashMode.Sha1, 6).ComputeTotp(now.UtcDateTime);
                    var step = $"{now.ToUnixTimeSeconds() / 60}";
                    if (await TryAsync(code))
                    {
                        used[step] = code;
                        logins++;
                    }
                    Interlocked.Increment(ref _operations);
                }
                catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
                {
                    // Killed before the reply arrived: the code may or may not be consumed.
                }
            }
        }
        Assert.True(
            logins >= Rounds / 4,
            $"only {logins} logins of {Rounds} rounds were acknowledged before the kill: the test has lost its meaning"
        );

        async Task<bool> TryAsync(string code)
        {
            var login = $"https://{lab.Address}:10443/remote/logincheck";
            var challenge = await FormAsync(login, "username=cat&credential=cat-password&realm=&ajax=1&just_logged_in=1");
            var (id, magic) = (Field(challenge, "reqid"), Field(challenge, "magic"));
            return (
                await FormAsync(login, $"username=cat&realm=&reqid={id}&polid=1-{magic}&grp=&code={code}&code2=&magic={magic}")
            ).StartsWith("ret=1,", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ATerminationIsClean()
    {
        await using var lab = new LabProcess();
        var ready = await lab.StartAsync();
        Assert.True(ready["ready"]!.GetValue<bool>());
        Assert.Contains(
            ready["services"]!.AsArray(),
            service => service!["service"]!.GetValue<string>() == "ftm" && service["nic"]!.GetValue<string>() == "port1"
        );
        Assert.Equal(0, await lab.TerminateAsync());
    }

    public void Dispose() => _web.Dispose();

    private int _operations;

    private async Task<string> FormAsync(string url, string body)
    {
        using var answer = await _web.PostAsync(
            url,
            new StringContent(body, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded")
        );
        return answer.StatusCode == HttpStatusCode.OK ? await answer.Content.ReadAsStringAsync() : $"{(int)answer.StatusCode}";
    }

    private static string Field(string text, string name) => Regex.Match(text, $"[,]{name}=([^,]*)").Groups[1].Value;

    [GeneratedRegex(@"server-port +: (\d+)")]
    private static partial Regex ServerPort();
}
