using System.Net;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// Callers that are slow on purpose cost no other caller an answer. scripts/slow-callers is the same at full size, with times.
/// </summary>
[Trait("Peer", "slowhttptest")]
public sealed class SlowCallerTests
{
    private const string NoSuchSession = """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456"}""";

    /// <summary>Slow heads, slow bodies, ranges, slow reading.</summary>
    private static readonly string[] Modes = ["-H", "-B", "-R", "-X"];

    [Fact]
    public async Task HonestPhonesAreAnsweredBesideAllFourKinds()
    {
        await using var lab = await TestLab.StartAsync();
        var url = $"https://{lab.Port1}:4433/api/v1/pushauthresp/";
        var slow = Task.WhenAll(
            Modes.Select(mode =>
                Peer.RunAsync(
                    "slowhttptest",
                    ["-c", "150", mode, "-i", "1", "-r", "75", "-l", "4", "-p", "2", "-t", "POST", "-f", "application/json", "-u", url]
                )
            )
        );
        var calls = 0;
        while (!slow.IsCompleted)
        {
            using var web = new Web(lab);
            using var answer = await web.CallbackAsync(lab.Port1, 4433, NoSuchSession);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            calls++;
        }
        Assert.All(await slow, run => Assert.Contains("connected", run.Output, StringComparison.Ordinal));
        Assert.True(calls > 0);
    }
}
