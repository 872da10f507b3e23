using System.Net;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Storage;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The counts of wrong codes themselves: every bound, every source, and over a restart.</summary>
public sealed class CodeGuessThrottleTests : IDisposable
{
    private const string Token = "FTKMOB0000000001";
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly IPAddress Home = IPAddress.Parse("198.51.100.7");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("203.0.113.9");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-guesses-");
    private readonly List<StateWrite> _writes = [];
    private CodeGuessThrottle _limit = new();

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(5, 1)]
    [InlineData(6, 2)]
    [InlineData(7, 4)]
    [InlineData(15, 1024)]
    [InlineData(16, 1440)]
    [InlineData(100, 1440)]
    [InlineData(int.MaxValue, 1440)]
    public void The_wait_doubles_from_a_minute_to_a_day(int failures, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), CodeGuessThrottle.WaitAfter(failures));

    [Fact]
    public void The_fifth_wrong_code_brings_the_wait_and_its_end_is_exact()
    {
        for (var failure = 1; failure <= 4; failure++)
        {
            Assert.Equal(TimeSpan.Zero, Fail(Elsewhere));
            Assert.Null(_limit.WaitFor(Token, Elsewhere, Start));
        }
        Assert.Equal(TimeSpan.FromMinutes(1), Fail(Elsewhere));
        Assert.Equal(TimeSpan.FromMinutes(1), _limit.WaitFor(Token, Elsewhere, Start));
        Assert.Equal(TimeSpan.FromTicks(1), _limit.WaitFor(Token, Elsewhere, Start.AddMinutes(1).AddTicks(-1)));
        Assert.Null(_limit.WaitFor(Token, Elsewhere, Start.AddMinutes(1)));
        Assert.Null(_limit.WaitFor("another token", Elsewhere, Start));
    }

    [Fact]
    public void Sources_that_never_proved_the_factor_share_one_count_and_a_proved_one_has_its_own()
    {
        Prove(Home);
        Assert.True(_limit.IsKnown(Token, Home));
        Assert.False(_limit.IsKnown(Token, Elsewhere));
        for (var failure = 0; failure < 5; failure++)
        {
            Fail(IPAddress.Parse($"203.0.113.{failure}"));
        }
        Assert.NotNull(_limit.WaitFor(Token, Elsewhere, Start));
        Assert.Null(_limit.WaitFor(Token, Home, Start));
        Assert.Equal(TimeSpan.Zero, Fail(Home));
    }

    [Fact]
    public void A_proof_forgives_the_count_that_it_came_under_and_no_other()
    {
        Prove(Home);
        for (var failure = 0; failure < 5; failure++)
        {
            Fail(Home);
            Fail(Elsewhere);
        }
        Prove(Home);
        Assert.Null(_limit.WaitFor(Token, Home, Start));
        Assert.NotNull(_limit.WaitFor(Token, Elsewhere, Start));
        Assert.Equal(TimeSpan.Zero, Fail(Home));
        // A proof from a new source makes it known and clears the count of the unknown sources.
        Prove(Elsewhere);
        Assert.True(_limit.IsKnown(Token, Elsewhere));
        Assert.Null(_limit.WaitFor(Token, IPAddress.Parse("203.0.113.200"), Start));
        Assert.Equal(TimeSpan.Zero, Fail(IPAddress.Parse("203.0.113.200")));
    }

    [Fact]
    public void A_proof_from_a_known_source_with_nothing_to_forgive_writes_nothing()
    {
        Prove(Home);
        Assert.Single(_writes);
        _writes.Clear();
        Prove(Home);
        Assert.Empty(_writes);
        Fail(Home);
        _writes.Clear();
        Prove(Home);
        Assert.NotEmpty(_writes);
    }

    [Fact]
    public async Task The_seventeenth_known_source_takes_the_place_of_the_one_that_proved_the_factor_longest_ago()
    {
        for (var number = 0; number < 16; number++)
        {
            _limit.Prove(Token, IPAddress.Parse($"10.0.0.{number}"), Start.AddSeconds(number == 3 ? -1 : number), _writes);
        }
        Assert.True(_limit.IsKnown(Token, IPAddress.Parse("10.0.0.3")));
        _limit.Prove(Token, Home, Start.AddHours(1), _writes);
        for (var pass = 0; pass < 2; pass++)
        {
            Assert.False(_limit.IsKnown(Token, IPAddress.Parse("10.0.0.3")));
            Assert.All(
                Enumerable.Range(0, 16).Where(number => number != 3),
                number => Assert.True(_limit.IsKnown(Token, IPAddress.Parse($"10.0.0.{number}")))
            );
            Assert.True(_limit.IsKnown(Token, Home));
            await RestartAsync();
        }
    }

    [Fact]
    public void A_clock_that_was_set_back_lengthens_no_wait()
    {
        for (var failure = 0; failure < 6; failure++)
        {
            Fail(Elsewhere);
        }
        Assert.Equal(TimeSpan.FromMinutes(2), _limit.WaitFor(Token, Elsewhere, Start.AddDays(-1)));
    }

    [Fact]
    public async Task A_restart_forgives_nothing_and_forgets_no_proof()
    {
        Prove(Home);
        for (var failure = 0; failure < 6; failure++)
        {
            Fail(Elsewhere);
        }
        for (var failure = 0; failure < 4; failure++)
        {
            Fail(Home);
        }
        await RestartAsync();
        Assert.Equal(TimeSpan.FromMinutes(2), _limit.WaitFor(Token, Elsewhere, Start));
        Assert.Null(_limit.WaitFor(Token, Home, Start));
        Assert.Equal(TimeSpan.FromMinutes(1), Fail(Home));
    }

    [Fact]
    public async Task An_operators_forgiveness_covers_every_source_and_a_restart()
    {
        Prove(Home);
        for (var failure = 0; failure < 5; failure++)
        {
            Fail(Home);
            Fail(Elsewhere);
        }
        _limit.ForgiveAll("another token", _writes);
        Assert.NotNull(_limit.WaitFor(Token, Home, Start));
        _limit.ForgiveAll(Token, _writes);
        for (var pass = 0; pass < 2; pass++)
        {
            Assert.Null(_limit.WaitFor(Token, Home, Start));
            Assert.Null(_limit.WaitFor(Token, Elsewhere, Start));
            Assert.True(_limit.IsKnown(Token, Home));
            await RestartAsync();
        }
        Assert.Equal(TimeSpan.Zero, Fail(Home));
        Assert.Equal(TimeSpan.Zero, Fail(Elsewhere));
    }

    private TimeSpan Fail(IPAddress from) => _limit.Fail(Token, from, Start, _writes);

    private void Prove(IPAddress from) => _limit.Prove(Token, from, Start, _writes);

    /// <summary>Restarts the unit, which then has only the written state.</summary>
    private async Task RestartAsync()
    {
        await using var state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [CodeGuessThrottle.Table]);
        await state.CommitAsync([.. _writes]);
        _writes.Clear();
        _limit = new CodeGuessThrottle();
        _limit.Load(state);
    }
}
