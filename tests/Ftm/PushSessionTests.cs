using System.Net;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;
using Xunit;

namespace Appliance.Tests.Ftm;

public sealed class PushSessionTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly PushSessions _sessions = new();

    [Fact]
    public void ALoginHasOnePushHoweverOftenItIsAskedFor()
    {
        var first = _sessions.Open("aa", Order("1"));
        Assert.NotNull(first);
        Assert.Null(_sessions.Open("bb", Order("1")));
        Assert.NotNull(_sessions.Open("cc", Order("2")));
        Assert.Equal(2, _sessions.Count);
        Assert.Same(first, _sessions.Take("aa", Now));
        Assert.Null(_sessions.Take("bb", Now));
    }

    [Fact]
    public void ACancelledSessionIsNotOpenAnyMore()
    {
        _sessions.Open("aa", Order("1"));
        Assert.True(_sessions.IsOpen("aa"));
        _sessions.Cancel("1");
        Assert.False(_sessions.IsOpen("aa"));
    }

    private static PushOrder Order(string requestId) =>
        new(requestId, "ann", new Token("FTKMOB0000000001", null, false, "reg", ""), IPAddress.Loopback, Now, Now.AddSeconds(60), LoginId: 1);
}
