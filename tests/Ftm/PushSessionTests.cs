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
        var first = _sessions.Open(new PushSessionId(1), Order("1"));
        Assert.NotNull(first);
        Assert.Null(_sessions.Open(new PushSessionId(2), Order("1")));
        Assert.NotNull(_sessions.Open(new PushSessionId(3), Order("2")));
        Assert.Equal(2, _sessions.Count);
        Assert.Same(first, _sessions.Take(new PushSessionId(1), Now));
        Assert.Null(_sessions.Take(new PushSessionId(2), Now));
    }

    [Fact]
    public void ACancelledSessionIsNotOpenAnyMore()
    {
        _sessions.Open(new PushSessionId(1), Order("1"));
        Assert.True(_sessions.IsOpen(new PushSessionId(1)));
        _sessions.Cancel("1");
        Assert.False(_sessions.IsOpen(new PushSessionId(1)));
    }

    private static PushOrder Order(string requestId) =>
        new(requestId, "ann", new Token("FTKMOB0000000001", null, false, "reg", ""), IPAddress.Loopback, Now, Now.AddSeconds(60), LoginId: 1);
}
