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
        var first = _sessions.Open(new PushSessionId(1), Order(1));
        Assert.NotNull(first);
        Assert.Null(_sessions.Open(new PushSessionId(2), Order(1)));
        Assert.NotNull(_sessions.Open(new PushSessionId(3), Order(2)));
        Assert.Equal(2, _sessions.Count);
        Assert.Same(first, _sessions.Take(new PushSessionId(1), Now));
        Assert.Null(_sessions.Take(new PushSessionId(2), Now));
    }

    [Theory]
    [InlineData(30, false)]
    [InlineData(31, false)]
    [InlineData(32, true)]
    [InlineData(33, false)]
    [InlineData(34, false)]
    public void An_id_has_32_digits(int digits, bool read) =>
        Assert.Equal(read, PushSessionId.Parse(System.Text.Encoding.ASCII.GetBytes(new string('a', digits))) is not null);

    [Fact]
    public void ACancelledSessionIsNotOpenAnyMore()
    {
        _sessions.Open(new PushSessionId(1), Order(1));
        Assert.True(_sessions.IsOpen(new PushSessionId(1)));
        _sessions.Cancel(1);
        Assert.False(_sessions.IsOpen(new PushSessionId(1)));
    }

    [Fact]
    public async Task OneOfAllAnswersThatComeAtOnceTakesTheSession()
    {
        const int Sessions = 200;
        const int Phones = 4;
        for (var number = 1; number <= Sessions; number++)
        {
            _sessions.Open(new PushSessionId((UInt128)number), Order(number));
        }
        using var start = new Barrier(Phones);
        var taken = await Task.WhenAll(
            Enumerable
                .Range(0, Phones)
                .Select(_ =>
                    Task.Factory.StartNew(
                        () =>
                        {
                            start.SignalAndWait(TestContext.Current.CancellationToken);
                            return Enumerable
                                .Range(1, Sessions)
                                .Select(number => _sessions.Take(new PushSessionId((UInt128)number), Now))
                                .OfType<PushSession>()
                                .ToList();
                        },
                        TestContext.Current.CancellationToken,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                )
        );
        Assert.Equal(
            Enumerable.Range(1, Sessions),
            taken.SelectMany(sessions => sessions).Select(session => (int)session.Order.LoginId).Order()
        );
    }

    [Fact]
    public void ASessionThatWasCancelledWhileItWasTakenDoesNotComeBack()
    {
        _sessions.Open(new PushSessionId(1), Order(1));
        var taken = _sessions.Take(new PushSessionId(1), Now)!;
        _sessions.Cancel(1);
        _sessions.Return(taken, decided: false);
        Assert.Null(_sessions.Take(new PushSessionId(1), Now));
        Assert.Equal(0, _sessions.Count);
    }

    private static PushOrder Order(long loginId) =>
        new(
            $"{loginId}",
            "ann",
            new Token("FTKMOB0000000001", null, false, "reg", ""),
            IPAddress.Loopback,
            Now,
            Now.AddSeconds(60),
            loginId
        );
}
