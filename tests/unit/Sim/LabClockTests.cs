using Appliance.Doubles.Clock;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

public sealed class LabClockTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2031, 5, 17, 11, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lab-clock-");
    private readonly FakeTimeProvider _wall = new(Start);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Real_time_follows_the_wall_and_keeps_what_was_advanced()
    {
        using var clock = Open();
        Assert.Equal(Start, clock.GetUtcNow());
        clock.Advance(TimeSpan.FromHours(1));
        _wall.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Start + TimeSpan.FromSeconds(3605), clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromHours(1), clock.Offset);
    }

    [Fact]
    public void Frozen_time_moves_by_hand_only()
    {
        using var clock = Open(ClockRate.Frozen);
        _wall.Advance(TimeSpan.FromDays(1));
        Assert.Equal(Start, clock.GetUtcNow());
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(Start + TimeSpan.FromSeconds(30), clock.GetUtcNow());
    }

    [Fact]
    public void Scaled_time_is_a_multiple_of_wall_time()
    {
        using var clock = Open(ClockRate.Parse("x60"));
        _wall.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Start + TimeSpan.FromMinutes(2), clock.GetUtcNow());
    }

    [Fact]
    public void A_change_of_mode_goes_on_from_now()
    {
        using var clock = Open(ClockRate.Frozen);
        _wall.Advance(TimeSpan.FromHours(1));
        clock.SetRate(ClockRate.Real);
        Assert.Equal(Start, clock.GetUtcNow());
        _wall.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Start + TimeSpan.FromSeconds(1), clock.GetUtcNow());
    }

    [Fact]
    public void A_wall_clock_that_is_set_back_does_not_take_lab_time_back()
    {
        var wall = new SteppedWall(_wall);
        using var clock = LabClock.Open(StateFile, ClockRate.Real, wall);
        wall.Step -= TimeSpan.FromHours(2);
        Assert.Equal(Start, clock.GetUtcNow());
        _wall.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(Start + TimeSpan.FromSeconds(3), clock.GetUtcNow());
    }

    [Fact]
    public async Task Real_mode_returns_to_a_wall_clock_that_was_set_back_and_forth_and_both_steps_are_reported()
    {
        var wall = new SteppedWall(_wall);
        using var clock = LabClock.Open(StateFile, ClockRate.Real, wall);
        var steps = new System.Collections.Concurrent.ConcurrentQueue<TimeSpan>();
        clock.WallStepped += steps.Enqueue;
        wall.Step -= TimeSpan.FromHours(2);
        _wall.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Start + TimeSpan.FromSeconds(5), clock.GetUtcNow());
        wall.Step += TimeSpan.FromHours(2);
        _wall.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Start + TimeSpan.FromSeconds(10) + TimeSpan.FromHours(2), clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromHours(2), clock.SetRate(ClockRate.Real));
        Assert.Equal(Start + TimeSpan.FromSeconds(10), clock.GetUtcNow());
        Assert.Equal(TimeSpan.Zero, clock.Offset);
        await EndToEnd.Until.TrueAsync(() => steps.Count == 2, "both steps");
        Assert.Equal([TimeSpan.FromHours(-2), TimeSpan.FromHours(2)], steps.Order());
        Assert.Equal(TimeSpan.Zero, clock.SetRate(ClockRate.Real));
    }

    [Fact]
    public void A_return_to_the_wall_clock_keeps_what_was_advanced_by_hand()
    {
        var wall = new SteppedWall(_wall);
        using var clock = LabClock.Open(StateFile, ClockRate.Real, wall);
        clock.Advance(TimeSpan.FromHours(1));
        wall.Step -= TimeSpan.FromHours(2);
        Assert.Equal(Start + TimeSpan.FromHours(1), clock.GetUtcNow());
        clock.SetRate(ClockRate.Real);
        Assert.Equal(Start - TimeSpan.FromHours(1), clock.GetUtcNow());
    }

    [Fact]
    public void Timers_keep_the_time_that_is_left_when_the_clock_returns()
    {
        var wall = new SteppedWall(_wall);
        using var clock = LabClock.Open(StateFile, ClockRate.Real, wall);
        wall.Step -= TimeSpan.FromHours(2);
        var fired = new List<string>();
        using var second = clock.CreateTimer(_ => fired.Add("second"), null, TimeSpan.FromSeconds(60), Timeout.InfiniteTimeSpan);
        using var first = clock.CreateTimer(_ => fired.Add("first"), null, TimeSpan.FromSeconds(30), Timeout.InfiniteTimeSpan);
        clock.SetRate(ClockRate.Real);
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty(fired);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["first"], fired);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(["first", "second"], fired);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(0)]
    public void A_step_while_the_clock_was_closed_is_reported_and_can_be_returned_from(int hours)
    {
        var wall = new SteppedWall(_wall);
        LabClock.Open(StateFile, ClockRate.Real, wall).Dispose();
        wall.Step += TimeSpan.FromHours(hours);
        using (var clock = LabClock.Open(StateFile, null, wall))
        {
            Assert.Equal(TimeSpan.FromHours(-hours), clock.SetBackWhileClosed);
            Assert.Equal(Start, clock.GetUtcNow());
        }
        using var again = LabClock.Open(StateFile, null, wall);
        Assert.Equal(TimeSpan.Zero, again.SetBackWhileClosed);
        again.SetRate(ClockRate.Real);
        Assert.Equal(Start + TimeSpan.FromHours(hours), again.GetUtcNow());
    }

    [Theory]
    [InlineData(1.0, false)]
    [InlineData(1.001, true)]
    public async Task A_step_of_more_than_a_second_is_reported(double seconds, bool reported)
    {
        var wall = new SteppedWall(_wall);
        using var clock = LabClock.Open(StateFile, ClockRate.Real, wall);
        var steps = new System.Collections.Concurrent.ConcurrentQueue<TimeSpan>();
        clock.WallStepped += steps.Enqueue;
        wall.Step += TimeSpan.FromSeconds(seconds);
        clock.GetUtcNow();
        wall.Step += TimeSpan.FromDays(1); // The second one always exists, and then so does the first.
        clock.GetUtcNow();
        await EndToEnd.Until.TrueAsync(() => steps.Contains(TimeSpan.FromDays(1)) && (!reported || steps.Count == 2), "the steps");
        Assert.Equal(reported ? 2 : 1, steps.Count);
    }

    [Theory]
    [InlineData("frozen")]
    [InlineData("x100")]
    public void A_change_of_mode_that_cannot_be_saved_changes_nothing(string mode)
    {
        using var clock = Open(ClockRate.Real);
        // A folder cannot be replaced by a file.
        File.Delete(StateFile);
        Directory.CreateDirectory(StateFile);
        var error = Assert.Throws<IOException>(() => clock.SetRate(ClockRate.Parse(mode)!.Value));
        Assert.Contains(StateFile, error.Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => clock.Advance(TimeSpan.FromHours(1)));
        Assert.Equal(ClockRate.Real, clock.Rate);
        _wall.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Start + TimeSpan.FromSeconds(5), clock.GetUtcNow());
        Assert.Equal([StateFile], Directory.EnumerateFileSystemEntries(_folder.FullName)); // No temporary file is left.
        Directory.Delete(StateFile);
        clock.SetRate(ClockRate.Frozen);
        Assert.Equal(ClockRate.Frozen, clock.Rate);
    }

    [Fact]
    public void Time_stamps_follow_lab_time()
    {
        using var clock = Open(ClockRate.Frozen);
        var began = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), clock.GetElapsedTime(began));
    }

    [Fact]
    public void Timers_fire_in_due_order_and_see_the_time_they_were_due_at()
    {
        using var clock = Open(ClockRate.Frozen);
        List<(string Name, TimeSpan At)> fired = [];
        void Add(string name) => fired.Add((name, clock.GetUtcNow() - Start));
        using var late = clock.CreateTimer(_ => Add("late"), null, TimeSpan.FromSeconds(20), Timeout.InfiniteTimeSpan);
        using var early = clock.CreateTimer(_ => Add("early"), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using var periodic = clock.CreateTimer(_ => Add("tick"), null, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10));
        using var beyond = clock.CreateTimer(_ => Add("beyond"), null, TimeSpan.FromSeconds(26), Timeout.InfiniteTimeSpan);
        clock.Advance(TimeSpan.FromSeconds(25));
        Assert.Equal([("early", Seconds(5)), ("tick", Seconds(10)), ("late", Seconds(20)), ("tick", Seconds(20))], fired);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(("beyond", Seconds(26)), fired[^1]);
        Assert.Equal(5, fired.Count);
    }

    [Fact]
    public void A_timer_that_re_arms_itself_fires_once_for_each_due_time()
    {
        using var clock = Open(ClockRate.Frozen);
        var fired = 0;
        ITimer? timer = null;
        timer = clock.CreateTimer(
            _ =>
            {
                fired++;
                timer!.Change(TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
            },
            null,
            TimeSpan.FromSeconds(10),
            Timeout.InfiniteTimeSpan
        );
        clock.Advance(TimeSpan.FromSeconds(35));
        Assert.Equal(3, fired);
        timer.Dispose();
        clock.Advance(TimeSpan.FromSeconds(35));
        Assert.Equal(3, fired);
    }

    [Fact]
    public void A_timer_that_re_arms_itself_for_at_once_cannot_hold_an_advance_up()
    {
        using var clock = Open(ClockRate.Frozen);
        var fired = 0;
        ITimer? timer = null;
        timer = clock.CreateTimer(
            _ =>
            {
                fired++;
                timer!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            },
            null,
            TimeSpan.FromSeconds(10),
            Timeout.InfiniteTimeSpan
        );
        clock.Advance(TimeSpan.FromSeconds(11));
        Assert.True(fired >= 1);
        timer.Dispose();
    }

    [Fact]
    public async Task Delays_and_deadlines_follow_an_advance()
    {
        using var clock = Open(ClockRate.Frozen);
        var delay = Task.Delay(TimeSpan.FromSeconds(60), clock);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(61), clock);
        clock.Advance(TimeSpan.FromSeconds(60));
        await delay;
        Assert.False(deadline.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(deadline.IsCancellationRequested);
    }

    [Fact]
    public async Task A_timer_fires_by_itself_when_its_time_has_come()
    {
        using var clock = Open(ClockRate.Parse("x10"));
        var delay = Task.Delay(TimeSpan.FromSeconds(60), clock);
        _wall.Advance(TimeSpan.FromSeconds(5));
        Assert.False(delay.IsCompleted);
        _wall.Advance(TimeSpan.FromSeconds(1));
        await delay;
    }

    [Theory]
    [InlineData("real")]
    [InlineData("frozen")]
    [InlineData("x100")]
    public void Time_never_runs_backwards_over_a_restart_after_a_kill(string mode)
    {
        var seen = DateTimeOffset.MinValue;
        for (var life = 0; life < 20; life++)
        {
            // Not disposed, so that no final write happens.
            var clock = LabClock.Open(StateFile, life == 0 ? ClockRate.Parse(mode) : null, _wall);
            Assert.Equal(mode, clock.Rate.ToString());
            Assert.True(clock.GetUtcNow() >= seen, $"life {life}: {clock.GetUtcNow():O} < {seen:O}");
            _wall.Advance(TimeSpan.FromSeconds(life * 3));
            clock.Advance(TimeSpan.FromSeconds(life % 3 * 7));
            seen = clock.GetUtcNow();
        }
    }

    [Theory]
    [InlineData("frozen")]
    [InlineData("x100")]
    public void A_clean_stop_keeps_the_exact_time(string mode)
    {
        DateTimeOffset seen;
        using (var clock = Open(ClockRate.Parse(mode)))
        {
            clock.Advance(TimeSpan.FromSeconds(1234));
            seen = clock.GetUtcNow();
        }
        _wall.Advance(TimeSpan.FromHours(1));
        using var again = Open();
        Assert.Equal(seen, again.GetUtcNow());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"mode\":\"x0\",\"position\":638000000000000000,\"offset\":0}")]
    [InlineData("{\"mode\":\"real\",\"position\":-1,\"offset\":0}")]
    [InlineData("not json")]
    public void A_damaged_file_is_told_and_not_guessed_at(string content)
    {
        File.WriteAllText(StateFile, content);
        Assert.Throws<InvalidDataException>(() => Open());
    }

    [Theory]
    [InlineData("x0")]
    [InlineData("x-1")]
    [InlineData("x1.5")]
    [InlineData("x10001")]
    [InlineData("X2")]
    [InlineData("Real")]
    [InlineData("")]
    public void Only_the_three_spellings_of_a_mode_are_taken(string text) => Assert.Null(ClockRate.Parse(text));

    [Fact]
    public void Advancing_backwards_or_beyond_the_calendar_is_refused_and_changes_nothing()
    {
        using var clock = Open(ClockRate.Frozen);
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(TimeSpan.FromSeconds(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(TimeSpan.MaxValue));
        Assert.Equal(Start, clock.GetUtcNow());
    }

    private string StateFile => Path.Combine(_folder.FullName, "clock.json");

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private LabClock Open(ClockRate? rate = null) => LabClock.Open(StateFile, rate, _wall);
}
