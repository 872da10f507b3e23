using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>
/// A login is one push, one decision and one line of audit, whatever the wire and the server's power do. EXACTLY_ONCE_LOGINS=100000 runs as
/// many as the promise names (scripts/exactly-once).
/// </summary>
public sealed class ExactlyOnceTests(ITestOutputHelper output)
{
    private const int Usual = 20_000;

    [Fact]
    public void OnePushOneDecision()
    {
        var logins = int.TryParse(Environment.GetEnvironmentVariable("EXACTLY_ONCE_LOGINS"), out var asked) ? asked : Usual;
        var seed = int.TryParse(Environment.GetEnvironmentVariable("EXACTLY_ONCE_SEED"), out var given) ? given : 20260105;
        var result = ExactlyOnce.Run(logins, seed);
        output.WriteLine(result.ToString());
        Assert.Equal(
            (logins, 0, 0, 0, 0, 0),
            (result.Logins, result.TwoPushes, result.TwoDecisions, result.Undecided, result.Unapproved, result.Contradicted)
        );
        // Each of these must have occurred, or the run proves nothing.
        Assert.True(
            result.Accepted > logins / 2
                && result.Rejected > logins / 20
                && result.Restarts > 5
                && result.Repeated > logins / 10
                && result.Lost > result.Datagrams / 4,
            result.ToString()
        );
    }

    [Fact]
    public void TheSameSeedIsTheSameRun() => Assert.Equal(ExactlyOnce.Run(500, 7), ExactlyOnce.Run(500, 7));
}
