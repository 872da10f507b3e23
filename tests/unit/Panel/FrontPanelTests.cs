using System.Device.Gpio;
using Appliance.Doubles.Panel;
using Appliance.Hal;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Panel;

/// <summary>LED patterns and the reset button, to the millisecond.</summary>
public sealed class FrontPanelTests
{
    [Theory]
    [InlineData(PanelPhase.Starting, 100)]
    [InlineData(PanelPhase.NoConfiguration, 1000)]
    [InlineData(PanelPhase.Stopping, 250)]
    [InlineData(PanelPhase.Ready, 0)]
    public void StatusTellsThePhase(PanelPhase phase, int blink)
    {
        using var rig = new PanelRig();
        rig.Show(PanelPhase.Ready);
        rig.Wait(7);
        var set = rig.Now;
        rig.Show(phase);
        Assert.True(rig.IsLit("status"));
        rig.Wait(4500);
        // Lit since before; dark and lit again after each time of the pattern, from the moment that it was set.
        Assert.Equal(
            blink == 0 ? [] : Enumerable.Range(1, 4500 / blink).Select(round => (double)round * blink),
            rig.Times(PanelRig.StatusLine, set)
        );
        Assert.Empty(rig.Times(PanelRig.AlarmLine, TimeSpan.Zero));
    }

    [Fact]
    public void FromPowerOnUntilTheUnitSaysMoreItStarts()
    {
        using var rig = new PanelRig();
        rig.Wait(250);
        Assert.Equal([0, 100, 200], rig.Times(PanelRig.StatusLine, TimeSpan.Zero));
    }

    [Theory]
    [InlineData(PanelAlarm.None, new double[0], false)]
    [InlineData(PanelAlarm.Degraded, new double[] { 0 }, true)]
    [InlineData(PanelAlarm.LockedOut, new double[] { 0, 500, 1000, 1500, 2000 }, true)]
    public void AlarmTellsWhatToLookAt(PanelAlarm alarm, double[] times, bool lit)
    {
        using var rig = new PanelRig();
        rig.Show(PanelPhase.Ready, alarm);
        Assert.Equal(lit, rig.IsLit("alarm"));
        rig.Wait(2200);
        Assert.Equal(times, rig.Times(PanelRig.AlarmLine, TimeSpan.Zero));
    }

    [Fact]
    public void ALinkHasItsOwnLed()
    {
        using var rig = new PanelRig(activeLow: true);
        Assert.True(rig.Driver.LevelOf(PanelRig.Port1Line));
        rig.Show(PanelPhase.Ready, PanelAlarm.None, "port1");
        Assert.False(rig.Driver.LevelOf(PanelRig.Port1Line));
        rig.Show(PanelPhase.Ready);
        Assert.True(rig.Driver.LevelOf(PanelRig.Port1Line));
        Assert.Equal((true, false), (rig.IsLit("status"), rig.Driver.LevelOf(PanelRig.StatusLine)));
    }

    [Fact]
    public void HoldingResetCountsDownAndIsDueAfterFiveSeconds()
    {
        using var rig = new PanelRig();
        rig.Show(PanelPhase.Ready);
        rig.Wait(1000);
        var pressed = rig.Now;
        rig.Contact(down: true);
        rig.Wait(4999);
        Assert.Empty(rig.Resets);
        Assert.True(rig.Panel.View().Buttons[0].Pressed);
        Assert.Equal(4999, rig.Panel.View().Buttons[0].Held.TotalMilliseconds);
        rig.Wait(1);
        Assert.Equal([pressed + TimeSpan.FromSeconds(5)], rig.Resets);
        // Three seconds of 250 ms, two of 100 ms; alarm comes on when the contact has settled, in step with the press.
        double[] toggles =
        [
            .. Enumerable.Range(1, 12).Select(round => round * 250.0),
            .. Enumerable.Range(1, 20).Select(round => 3000 + (round * 100.0)),
        ];
        Assert.Equal([20, .. toggles], rig.Times(PanelRig.AlarmLine, pressed));
        Assert.Equal(toggles, rig.Times(PanelRig.StatusLine, pressed));
        // Both stay on, however long it is held, until the unit changes them.
        rig.Wait(10_000);
        Assert.Single(rig.Resets);
        Assert.True(rig.IsLit("status") && rig.IsLit("alarm"));
        rig.Contact(down: false);
        rig.Wait(100);
        Assert.True(rig.IsLit("status") && rig.IsLit("alarm"));
        rig.Show(PanelPhase.Ready);
        Assert.False(rig.IsLit("alarm"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(19)]
    [InlineData(300)]
    [InlineData(4990)]
    [InlineData(4999)]
    public void AShorterPressDoesNothing(int milliseconds)
    {
        using var rig = new PanelRig();
        rig.Show(PanelPhase.Ready);
        rig.Contact(down: true);
        rig.Wait(milliseconds);
        rig.Contact(down: false);
        rig.Wait(10_000);
        Assert.Empty(rig.Resets);
        Assert.Equal((true, false, false), (rig.IsLit("status"), rig.IsLit("alarm"), rig.Panel.View().Buttons[0].Pressed));
        if (milliseconds < 20)
        {
            Assert.Empty(rig.Times(PanelRig.AlarmLine, TimeSpan.Zero)); // Shorter than the debounce time: no press.
        }
    }

    [Fact]
    public void ContactsThatBounceAreOnePress()
    {
        using var rig = new PanelRig();
        rig.Show(PanelPhase.Ready);
        foreach (var down in new[] { true, false, true, false, true })
        {
            rig.Contact(down);
            rig.Wait(3);
        }
        var settled = rig.Now - TimeSpan.FromMilliseconds(3);
        rig.Wait(2500);
        rig.Contact(down: false); // Jumps open for a moment while it is held.
        rig.Wait(10);
        rig.Contact(down: true);
        rig.Wait(3000);
        Assert.Equal([settled + TimeSpan.FromSeconds(5)], rig.Resets);
    }

    [Fact]
    public void AnOpenContactAtTheEndDecidesFirst()
    {
        using var rig = new PanelRig();
        rig.Contact(down: true);
        rig.Wait(4995);
        rig.Contact(down: false);
        rig.Wait(15);
        Assert.Empty(rig.Resets);
        rig.Contact(down: true); // It was a bounce: held all the time, and five seconds have passed.
        rig.Wait(1);
        Assert.Single(rig.Resets);
    }

    [Fact]
    public void AButtonThatIsDownAtPowerOnMustBeLetGoFirst()
    {
        using var rig = new PanelRig(heldDown: true);
        rig.Wait(20_000);
        Assert.Empty(rig.Resets);
        rig.Contact(down: false);
        rig.Wait(50);
        rig.Contact(down: true);
        rig.Wait(5000);
        Assert.Single(rig.Resets);
    }

    [Fact]
    public void OnlyWhatTheBoardDeclaresIsTouchedAndAllIsDarkAfterwards()
    {
        var rig = new PanelRig();
        Assert.Equal([10, 11, 12, 13, 15], rig.Driver.OpenLines);
        rig.Show(PanelPhase.Ready, PanelAlarm.Degraded, "port1");
        rig.Dispose();
        Assert.Empty(rig.Driver.OpenLines);
        Assert.All(rig.Changes.GroupBy(change => change.Line), line => Assert.False(line.Last().Lit));
        rig.Contact(down: true);
        rig.Wait(6000);
        Assert.Empty(rig.Resets);
    }

    [Fact]
    public void ALineThatCannotBeHadIsNamedAndTheOthersAreFreeAgain()
    {
        var driver = new SimGpioDriver(32);
        using var gpio = new GpioController(driver);
        using var somebodyElse = new GpioController(driver);
        somebodyElse.OpenPin(2);
        var board = new Board("b", []) { GpioChip = "chip", Leds = [new("status", 1, false), new("ha", 2, false)] };
        Assert.StartsWith(
            "led ha: line 2 of chip cannot be opened",
            Assert.Throws<IOException>(() => new FrontPanel(board, gpio, null, new FakeTimeProvider())).Message,
            StringComparison.Ordinal
        );
        Assert.Equal([2], driver.OpenLines);
    }

    [Fact]
    public async Task TheDisplayShowsTheNewestLinesAndABrokenOneStopsNothing()
    {
        var display = new FakeDisplay();
        using var rig = new PanelRig(display: display);
        rig.Show(PanelPhase.Ready);
        await Until.TrueAsync(() => display.Shown is ["line one    ", "line two    "], "lines");
        display.Broken = true;
        rig.Panel.Show(new PanelState(PanelPhase.Ready, PanelAlarm.None, new HashSet<string>(), ["much longer than it has room for"]));
        await Until.TrueAsync(() => rig.Panel.View().DisplayFault == "no answer", "a fault");
        Assert.True(rig.IsLit("status"));
        display.Broken = false;
        rig.Panel.Show(new PanelState(PanelPhase.Ready, PanelAlarm.None, new HashSet<string>(), ["much longer than it has room for"]));
        await Until.TrueAsync(
            () => display.Shown is ["much longer ", "            "] && rig.Panel.View().DisplayFault is null,
            "the lines again"
        );
        rig.Contact(down: true);
        rig.Wait(2100);
        await Until.TrueAsync(() => display.Shown[0] == "Reset in 3 s", "the countdown");
    }

    [Fact]
    public void TheFanFollowsTheTemperature()
    {
        var driver = new SimGpioDriver(8);
        using var gpio = new GpioController(driver);
        var time = new FakeTimeProvider();
        var celsius = "50000";
        var board = new Board("b", [])
        {
            GpioChip = "chip",
            TemperatureFile = "sensor",
            Fan = new BoardFan(3, 65, 55),
        };
        using (var cooling = new Cooling(board, gpio, time, () => celsius))
        {
            Assert.Equal((false, false, 50.0), (driver.LevelOf(3), cooling.FanRuns!.Value, cooling.Celsius()!.Value));
            foreach (
                var (reading, runs) in new[]
                {
                    ("64999", false),
                    ("65000\n", true),
                    ("55000", true),
                    ("54999", false),
                    ("rubbish", true),
                    ("20000", false),
                }
            )
            {
                celsius = reading;
                time.Advance(TimeSpan.FromSeconds(5));
                Assert.Equal((reading, runs), (reading, driver.LevelOf(3)));
            }
        }
        Assert.Empty(driver.OpenLines);
    }

    private sealed class FakeDisplay : ICharacterDisplay
    {
        public volatile bool Broken;
        public volatile IReadOnlyList<string> Shown = [];

        public int Columns => 12;

        public int Rows => 2;

        public void Show(IReadOnlyList<string> lines) => Shown = Broken ? throw new IOException("no answer") : lines;

        public void Dispose() { }
    }
}
