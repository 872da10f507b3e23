using System.Net;
using Appliance.Doubles.Faults;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Faults;

public sealed class FaultBoardTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly FaultSubject Ann = new("ann", IPAddress.Parse("10.1.2.3"), "FTKMOB0000000001");
    private readonly FaultBoard _board = new();

    [Fact]
    public void AFaultFiresAsOftenAsItWasAskedTo()
    {
        _board.Set([new Fault(FaultWord.PushDrop, Times: 2)], Now);
        Assert.Equal([1, 2], new[] { Take(), Take() }.Select(firing => firing!.Number));
        Assert.Null(Take());
        Assert.Equal(new FaultState(new Fault(FaultWord.PushDrop, Times: 2), 2, 0), Assert.Single(_board.Faults));
    }

    [Fact]
    public void AFaultBeginsAfterItsTime()
    {
        _board.Set([new Fault(FaultWord.PushDrop, After: TimeSpan.FromSeconds(5))], Now);
        Assert.Null(Take(Now.AddSeconds(5).AddTicks(-1)));
        Assert.NotNull(Take(Now.AddSeconds(5)));
    }

    [Fact]
    public void TheFirstThatSuitsFires()
    {
        _board.Set([new Fault(FaultWord.PushDelay, Times: 1), new Fault(FaultWord.PushDrop)], Now);
        Assert.Equal(FaultWord.PushDelay, _board.Take(Ann, Now, FaultPoint.Arrival)!.Fault.Word);
        Assert.Equal(FaultWord.PushDrop, _board.Take(Ann, Now, FaultPoint.Arrival)!.Fault.Word);
        Assert.Null(_board.Take(Ann, Now, FaultPoint.Arrival, FaultWord.PushDuplicate));
        Assert.Null(_board.Take(Ann, Now, FaultPoint.ProviderReply));
    }

    [Theory]
    [InlineData("ann", null, null, true)]
    [InlineData("Ann", null, null, false)]
    [InlineData(null, "10.1.0.0/16", null, true)]
    [InlineData(null, "10.1.2.3/32", null, true)]
    [InlineData(null, "10.2.0.0/16", null, false)]
    [InlineData(null, null, "FTKMOB0000000001", true)]
    [InlineData("ann", "10.1.0.0/16", "FTKMOB0000000002", false)]
    public void AFaultMeansWhomItSays(string? user, string? source, string? phone, bool fires)
    {
        var match = new FaultMatch(user, source is null ? null : IPNetwork.Parse(source), phone);
        _board.Set([new Fault(FaultWord.PushDrop, Match: match)], Now);
        Assert.Equal(fires, Take() is not null);
        // An unknown user matches only a fault without a condition.
        Assert.Null(_board.Take(new FaultSubject(null, null, null), Now, FaultPoint.Arrival));
    }

    [Fact]
    public void TheSameSeedsAndQuestionsGiveTheSameAnswers() =>
        Gen.Select(Gen.Double[0, 1], Gen.Int, Gen.Bool.Array[1, 200])
            .Sample(
                (probability, seed, questions) =>
                {
                    bool[] Run()
                    {
                        var board = new FaultBoard();
                        board.Set(
                            [
                                new Fault(FaultWord.PushDrop, Probability: probability, Seed: seed, Match: new FaultMatch("ann")),
                                new Fault(FaultWord.PushDelay, Seed: seed + 1, Probability: 0.5),
                            ],
                            Now
                        );
                        return
                        [
                            .. questions.Select(ann =>
                                board.Take(ann ? Ann : new FaultSubject("bob", null, null), Now, FaultPoint.Arrival, FaultWord.PushDrop) is not null
                            ),
                        ];
                    }
                    var first = Run();
                    Assert.Equal(first, Run());
                    // Opportunities of other users do not count for a fault.
                    Assert.Equal(first.Where((_, index) => questions[index]), RunFor(questions.Count(ann => ann)));
                    bool[] RunFor(int count)
                    {
                        var board = new FaultBoard();
                        board.Set([new Fault(FaultWord.PushDrop, Probability: probability, Seed: seed, Match: new FaultMatch("ann"))], Now);
                        return [.. Enumerable.Range(0, count).Select(_ => board.Take(Ann, Now, FaultPoint.Arrival, FaultWord.PushDrop) is not null)];
                    }
                }
            );

    [Fact]
    public void AProbabilityIsOne()
    {
        _board.Set([new Fault(FaultWord.PushDrop, Probability: 0.3, Seed: 11)], Now);
        Assert.InRange(Enumerable.Range(0, 10_000).Count(_ => Take() is not null), 2_800, 3_200);
    }

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        var faults = FaultText.Read(
            """{"faults":[{"fault":"push.delay","times":3,"p":0.25,"after":1.5,"match":{"user":"ann","src":"10.0.0.0/8","phone":"F1"},"seed":-4,"delayMs":250}]}"""u8.ToArray()
        );
        Assert.Equal(
            new Fault(
                FaultWord.PushDelay,
                3,
                0.25,
                TimeSpan.FromSeconds(1.5),
                new FaultMatch("ann", IPNetwork.Parse("10.0.0.0/8"), "F1"),
                -4,
                TimeSpan.FromMilliseconds(250)
            ),
            Assert.Single(faults)
        );
        _board.Set(faults, Now);
        Assert.Equal(
            """{"faults":[{"fault":"push.delay","times":3,"p":0.25,"after":1.5,"match":{"user":"ann","src":"10.0.0.0/8","phone":"F1"},"seed":-4,"delayMs":250,"fired":0,"left":3}]}""",
            FaultText.Write(_board.Faults).ToJsonString()
        );
    }

    [Theory]
    [InlineData("[]", "object with the one field faults")]
    [InlineData("""{"faults":{}}""", "faults must be a list")]
    [InlineData("""{"faults":[1]}""", "faults[0] must be an object")]
    [InlineData("""{"faults":[{}]}""", "faults[0].fault must be one of push.drop")]
    [InlineData("""{"faults":[{"fault":"push.lose"}]}""", "not \"push.lose\"")]
    [InlineData("""{"faults":[{"fault":"disk.full"}]}""", "not \"disk.full\"")]
    [InlineData("""{"faults":[{"fault":"push.drop"},{"fault":"push.drop","colour":1}]}""", "faults[1]: push.drop has no field 'colour'")]
    [InlineData("""{"faults":[{"fault":"push.drop","delayMs":1}]}""", "push.drop has no field 'delayMs'")]
    [InlineData("""{"faults":[{"fault":"push.delay"}]}""", "faults[0]: push.delay needs delayMs")]
    [InlineData("""{"faults":[{"fault":"push.drop","times":0}]}""", "faults[0].times must be a whole number from 1")]
    [InlineData("""{"faults":[{"fault":"push.drop","times":1.5}]}""", "faults[0].times must be a whole number")]
    [InlineData("""{"faults":[{"fault":"push.drop","p":1.1}]}""", "faults[0].p must be a number from 0 to 1")]
    [InlineData("""{"faults":[{"fault":"push.drop","p":"1"}]}""", "faults[0].p")]
    [InlineData("""{"faults":[{"fault":"push.drop","after":-1}]}""", "faults[0].after")]
    [InlineData("""{"faults":[{"fault":"push.drop","match":{"name":"ann"}}]}""", "faults[0].match has no field 'name'")]
    [InlineData(
        """{"faults":[{"fault":"push.drop","match":{"src":"10.0.0.0/33"}}]}""",
        "faults[0].match.src must be an address or a network"
    )]
    [InlineData("""{"faults":[{"fault":"push.drop","match":{"user":""}}]}""", "faults[0].match.user")]
    [InlineData("""{"faults":[{"fault":"push.drop","fault":"push.drop"}]}""", "not JSON")]
    [InlineData("""{"faults":[],"more":1}""", "one field faults")]
    public void WhatIsWrongIsNamed(string text, string named) =>
        Assert.Contains(
            named,
            Assert.Throws<FormatException>(() => FaultText.Read(System.Text.Encoding.UTF8.GetBytes(text))).Message,
            StringComparison.Ordinal
        );

    private FaultFiring? Take(DateTimeOffset? now = null) => _board.Take(Ann, now ?? Now, FaultPoint.Arrival);
}
