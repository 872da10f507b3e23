using System.Globalization;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Vpn;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>The lifetime of a session, the clients that may use its cookie, and its events.</summary>
public sealed class VpnTimersTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-timers-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly VpnSessions _sessions;
    private readonly ConfigTree _tree = LoginRig.TreeOf("config vpn ssl settings\nset idle-timeout 300\nset auth-timeout 1000\nend\n");

    public VpnTimersTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, VpnSessions.Table]);
        _events = new EventLog(_state, _time, "X");
        _sessions = new VpnSessions(_state, _events, _time, DeviceKey.Open(Path.Combine(_folder.FullName, "device.key")));
        _sessions.InForce(new ConfigTree(_tree.Schema), _tree);
    }

    public async ValueTask DisposeAsync()
    {
        _sessions.Dispose();
        await _state.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_session_that_is_not_used_ends_at_its_idle_timeout()
    {
        var cookie = await OpenAsync("bob");
        _time.Advance(TimeSpan.FromSeconds(300) - TimeSpan.FromTicks(1));
        Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
        // Used: its idle time starts again.
        _time.Advance(TimeSpan.FromSeconds(299));
        Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
        _time.Advance(TimeSpan.FromSeconds(300));
        Assert.Null(_sessions.Use(cookie, LoginRig.Home));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, _sessions.Count);
        Assert.Equal("idle-timeout", Fields().Last(fields => fields["action"] == "tunnel-down")["reason"]);
    }

    [Fact]
    public async Task A_session_ends_at_its_auth_timeout_however_often_it_is_used()
    {
        var cookie = await OpenAsync("bob");
        for (var used = 0; used < 4; used++)
        {
            _time.Advance(TimeSpan.FromSeconds(240));
            Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
        }
        _time.Advance(TimeSpan.FromSeconds(40) - TimeSpan.FromTicks(1));
        Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Null(_sessions.Use(cookie, LoginRig.Home));
        _time.Advance(TimeSpan.FromSeconds(5));
        var end = Fields().Last(fields => fields["action"] == "tunnel-down");
        Assert.Equal("auth-timeout", end["reason"]);
        Assert.InRange(int.Parse(end["duration"], CultureInfo.InvariantCulture), 1000, 1005);
    }

    [Fact]
    public async Task What_is_left_of_a_session_counts_down()
    {
        var cookie = await OpenAsync("bob");
        _time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal(
            (TimeSpan.FromSeconds(200), TimeSpan.FromSeconds(900)),
            _sessions.List().Select(each => (each.IdleLeft, each.AuthLeft)).Single()
        );
        _sessions.Use(cookie, LoginRig.Home);
        Assert.Equal(
            (TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(900)),
            _sessions.List().Select(each => (each.IdleLeft, each.AuthLeft)).Single()
        );
    }

    [Fact]
    public async Task Without_timers_a_session_lives_for_ever_and_nothing_is_left()
    {
        var never = LoginRig.TreeOf("config vpn ssl settings\nset idle-timeout 0\nset auth-timeout 0\nend\n");
        _sessions.InForce(_tree, never);
        var cookie = await OpenAsync("bob");
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), _sessions.List().Select(each => (each.IdleLeft, each.AuthLeft)).Single());
        _time.Advance(TimeSpan.FromDays(30));
        Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
    }

    [Theory]
    [InlineData("enable", false)]
    [InlineData("disable", true)]
    public async Task A_cookie_is_good_from_the_address_of_its_login_unless_that_is_not_checked(string check, bool good)
    {
        _sessions.InForce(_tree, LoginRig.TreeOf($"config vpn ssl settings\nset auth-session-check-source-ip {check}\nend\n"));
        var cookie = await OpenAsync("bob");
        Assert.Equal(good, _sessions.Use(cookie, LoginRig.Elsewhere) is not null);
        Assert.NotNull(_sessions.Use(cookie, LoginRig.Home));
        Assert.Null(_sessions.Use(cookie[..^1], LoginRig.Home));
        Assert.Equal(VpnEnding.None, await _sessions.CloseAsync("no cookie", LoginRig.Home));
        Assert.Equal(good, await _sessions.CloseAsync(cookie, LoginRig.Elsewhere) != VpnEnding.None);
    }

    [Fact]
    public async Task A_logout_and_an_end_from_outside_are_one_event_each_with_the_sessions_number()
    {
        var cookie = await OpenAsync("bob");
        await OpenAsync("cat");
        var (bob, cat) = (_sessions.List()[0].Session, _sessions.List()[1].Session);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.NotEqual(VpnEnding.None, await _sessions.CloseAsync(cookie, LoginRig.Home));
        Assert.Equal(VpnEnding.None, await _sessions.CloseAsync(cookie, LoginRig.Home));
        Assert.Null(_sessions.Use(cookie, LoginRig.Home));
        Assert.NotEqual(VpnEnding.None, await _sessions.EndAsync(cat, "admin"));
        Assert.Equal(VpnEnding.None, await _sessions.EndAsync(cat, "admin"));
        Assert.Equal(0, _sessions.Count);
        Assert.Equal(
            [
                ("tunnel-up", bob.TunnelId, "bob", "login successfully"),
                ("tunnel-up", cat.TunnelId, "cat", "login successfully"),
                ("tunnel-down", bob.TunnelId, "bob", "logout"),
                ("tunnel-down", cat.TunnelId, "cat", "admin"),
            ],
            Fields()
                .Select(fields =>
                    (fields["action"], uint.Parse(fields["tunnelid"], CultureInfo.InvariantCulture), fields["user"], fields["reason"])
                )
        );
        Assert.Equal(["7", "7"], Fields().Where(fields => fields["action"] == "tunnel-down").Select(fields => fields["duration"]));
    }

    [Fact]
    public void A_failed_login_has_no_session_and_its_source()
    {
        var failed = VpnEvents
            .Failed("", IPAddress.Parse("203.0.113.9"), "sslvpn_login_permission_denied")
            .Fields.ToDictionary(field => field.Name, field => field.Value);
        Assert.Equal(
            ("ssl-login-fail", "0", "203.0.113.9", "N/A", "N/A"),
            (failed["action"], failed["tunnelid"], failed["remip"], failed["user"], failed["group"])
        );
        Assert.Equal("ann", VpnEvents.Failed("ann", IPAddress.Loopback, "x").Fields.Single(field => field.Name == "user").Value);
    }

    private async Task<string> OpenAsync(string user) =>
        (
            await _sessions.OpenAsync(
                new LoginGrant(user, "vpn-users", "full-access", LoginRig.Home, TwoFactor: user == "cat")
                {
                    Account = new UserDirectory(_tree).Find(user),
                    Nic = "port1",
                }
            )
        ).Cookie
        ?? throw new InvalidOperationException($"{user} got no session");

    private IEnumerable<Dictionary<string, string>> Fields() =>
        _events
            .After(0, 100)
            .Select(record => record.Entry)
            .Where(entry => entry.Subtype == "vpn")
            .Select(entry => entry.Fields.ToDictionary(field => field.Name, field => field.Value));
}
