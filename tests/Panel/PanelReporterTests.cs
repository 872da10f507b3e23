using System.Net;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Sim.Lab;
using Appliance.Sim.Nics;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Panel;

/// <summary>What the panel is told when time does not stand still meanwhile.</summary>
public sealed class PanelReporterTests
{
    [Fact]
    public async Task ALockOutThatEndsWhileItIsShownDoesNotStayOnThePanel()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-panel-");
        try
        {
            var time = new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 0, TimeSpan.Zero));
            var network = new SimNetwork();
            var panel = new SlowPanel(time);
            INic[] nics = [.. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"10.0.0.{number}")))];
            await using var unit = await Unit.StartAsync(new UnitOptions(
                folder.FullName, nics, time, new NoPushProxy(),
                LabBoard.DefaultConfiguration().Replace("127.0.1.", "10.0.0.", StringComparison.Ordinal) + "config user setting\nset auth-lockout-threshold 1\nset auth-lockout-duration 60\nend\n", NullLoggerFactory.Instance) { Panel = panel });
            using var client = InMemoryTests.Http(unit, new SimNic(network, "client", IPAddress.Parse("10.0.0.100")), time);
            using var denied = await client.PostAsync("https://10.0.0.1:10443/remote/logincheck", new FormUrlEncodedContent([new("username", "bob"), new("credential", "wrong"), new("ajax", "1")]));
            await Until.TrueAsync(() => panel.WasLockedOut && panel.Alarm == PanelAlarm.None, "the end of the lock-out on the panel");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The lock-out is over by the time at which it is shown.</summary>
    private sealed class SlowPanel(FakeTimeProvider time) : IFrontPanel
    {
        private volatile PanelState? _state;

        public event Action? ResetHeld { add { } remove { } }

        public bool WasLockedOut { get; private set; }

        public PanelAlarm Alarm => _state!.Alarm;

        public void Show(PanelState state)
        {
            _state = state;
            if (state.Alarm == PanelAlarm.LockedOut)
            {
                WasLockedOut = true;
                time.Advance(TimeSpan.FromSeconds(61));
            }
        }

        public PanelView View() => throw new NotSupportedException();
    }
}
