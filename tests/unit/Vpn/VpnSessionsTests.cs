using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Vpn;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Login;
using Appliance.Tests.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>
/// Sessions without HTTP: the grounds that they are opened on, their ends, and that an end holds, whatever the disk does.
/// </summary>
public sealed class VpnSessionsTests : IDisposable
{
    private static readonly LoginGrant BobsGrant = new("bob", "vpn-users", "full-access", LoginRig.Home, TwoFactor: false);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-sessions-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("", true)]
    [InlineData("config user local\nedit bob\nset status disable\nnext\nend\n", true)]
    [InlineData("config user local\nedit cat\nset status disable\nnext\nend\n", false)]
    [InlineData("config user local\nedit cat\nset passwd other\nnext\nend\n", false)]
    [InlineData("config user local\nedit cat\nset two-factor disable\nnext\nend\n", false)]
    [InlineData("config user fortitoken\nedit FTKMOB0000000002\nset status lock\nnext\nend\n", false)]
    [InlineData(GroundChanges.LeftTheGroup, false)]
    public async Task AProofOfYesterdaysUserOpensNone(string change, bool opens)
    {
        await using var state = Open();
        using var sessions = Sessions(state);
        var (before, after) = (LoginRig.TreeOf(""), LoginRig.TreeOf(change));
        sessions.InForce(new ConfigTree(before.Schema), before);
        var proved = CatsGrant(before);
        sessions.InForce(before, after);
        Assert.Equal(opens, (await sessions.OpenAsync(proved)).Cookie is not null);
    }

    public static TheoryData<string> Ending => GroundChanges.Ending;

    public static TheoryData<string> Harmless => GroundChanges.Harmless;

    /// <summary>
    /// A session also ends if the change came while the unit was off, or if its commit could not delete the session: the recorded basis no
    /// longer matches.
    /// </summary>
    [Theory]
    [MemberData(nameof(Ending))]
    public async Task A_session_is_not_valid_at_boot_when_its_ground_has_gone(string change)
    {
        var cookie = await During(
            LoginRig.TreeOf(GroundChanges.Others),
            async (sessions, tree) => (await sessions.OpenAsync(CatsGrant(tree))).Cookie!
        );
        var (user, count) = await During(
            LoginRig.TreeOf(GroundChanges.Others + change),
            (sessions, _) => Task.FromResult((sessions.Use(cookie, LoginRig.Home), sessions.Count))
        );
        Assert.Null(user);
        Assert.Equal(0, count);
        // It is removed from the disk: the old configuration does not restore it.
        Assert.Null(
            await During(LoginRig.TreeOf(GroundChanges.Others), (sessions, _) => Task.FromResult(sessions.Use(cookie, LoginRig.Home)))
        );
    }

    [Theory]
    [MemberData(nameof(Harmless))]
    public async Task A_session_is_valid_at_boot_whatever_else_changed(string change)
    {
        var cookie = await During(
            LoginRig.TreeOf(GroundChanges.Others),
            async (sessions, tree) => (await sessions.OpenAsync(CatsGrant(tree))).Cookie!
        );
        Assert.Equal(
            "cat",
            await During(
                LoginRig.TreeOf(GroundChanges.Others + change),
                (sessions, _) => Task.FromResult(sessions.Use(cookie, LoginRig.Home)?.Grant.User)
            )
        );
    }

    [Theory]
    [MemberData(nameof(Ending))]
    public async Task An_open_session_ends_with_the_commit_that_takes_its_ground_away(string change)
    {
        var (before, after) = (LoginRig.TreeOf(GroundChanges.Others), LoginRig.TreeOf(GroundChanges.Others + change));
        Assert.Null(
            await During(
                before,
                async (sessions, tree) =>
                {
                    var cookie = (await sessions.OpenAsync(CatsGrant(tree))).Cookie!;
                    sessions.InForce(before, after);
                    return sessions.Use(cookie, LoginRig.Home);
                }
            )
        );
    }

    /// <summary>
    /// A user of that name is created here and has a separate factor; the server leaves the group; the group wants another name of the
    /// server.
    /// </summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("config user local\nedit zoe\nset type password\nset passwd x\nnext\nend\n", false)]
    [InlineData("config user group\nedit vpn-users\nset member ann bob cat\nnext\nend\n", false)]
    [InlineData(
        "config user group\nedit others\nset member rad\nnext\nend\nconfig vpn ssl settings\nconfig authentication-rule\nedit 1\nset groups others\nnext\nend\nend\n",
        false
    )]
    [InlineData(
        "config user group\nedit vpn-users\nconfig match\nedit 1\nset server-name rad\nset group-name others\nnext\nend\nnext\nend\n",
        false
    )]
    public async Task A_remote_users_session_outlives_a_restart_and_ends_with_its_group(string change, bool goesOn)
    {
        const string Remote =
            "config user radius\nedit rad\nset server 192.0.2.77\nset secret s\nnext\nend\nconfig user group\nedit vpn-users\nset member ann bob cat rad\nnext\nend\n";
        var tree = LoginRig.TreeOf(Remote);
        var told = new RemoteVerdict.Accepted(["staff", "a \"quoted\"\ngroup"]);
        var grant = new LoginGrant("zoe", "vpn-users", "full-access", LoginRig.Home, TwoFactor: false) { IsRemote = true, Told = told };
        var cookie = await During(tree, async (sessions, _) => (await sessions.OpenAsync(grant)).Cookie!);
        await During(
            tree,
            (sessions, _) =>
            {
                Assert.Equal(told.Groups.AsEnumerable(), sessions.Use(cookie, LoginRig.Home)!.Grant.Told!.Groups);
                Assert.Null(sessions.Use(cookie, LoginRig.Elsewhere));
                sessions.InForce(tree, LoginRig.TreeOf(Remote + change));
                Assert.Equal(goesOn, sessions.Use(cookie, LoginRig.Home) is not null);
                return Task.FromResult(true);
            }
        );
    }

    [Fact]
    public async Task What_ends_after_a_restart_stays_ended()
    {
        var tree = LoginRig.TreeOf("");
        var (first, second) = await During(
            tree,
            async (sessions, _) => (await OpenAsync(sessions, "bob"), await OpenAsync(sessions, "bob"))
        );
        var third = await During(
            tree,
            async (sessions, _) =>
            {
                Assert.Equal(VpnEnding.Durable, await sessions.CloseAsync(first, LoginRig.Home));
                Assert.Equal(VpnEnding.None, await sessions.CloseAsync(first, LoginRig.Home));
                return await OpenAsync(sessions, "bob");
            }
        );
        var alive = await During(
            tree,
            (sessions, _) =>
                Task.FromResult<bool[]>([
                    .. new[] { first, second, third }.Select(cookie => sessions.Use(cookie, LoginRig.Home) is not null),
                ])
        );
        Assert.Equal([false, true, true], alive);
    }

    /// <summary>An earlier release recorded no credentials, so the validity of its sessions cannot be determined.</summary>
    [Fact]
    public async Task Sessions_in_the_table_of_an_earlier_release_end_with_the_update()
    {
        const string Earlier =
            "CREATE TABLE vpn_session (cookie TEXT PRIMARY KEY, tunnel INTEGER NOT NULL, user TEXT NOT NULL, grp TEXT NOT NULL, portal TEXT NOT NULL, source TEXT NOT NULL, two_factor INTEGER NOT NULL, began INTEGER NOT NULL)";
        var cookie = new string('a', 64);
        await using (var state = StateDatabase.Open(File, [Earlier]))
        {
            await state.CommitAsync(
                new StateWrite(
                    "INSERT INTO vpn_session VALUES ($0,1,'bob','vpn-users','full-access','192.0.2.7',0,$1)",
                    Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cookie))),
                    LoginRig.Start.UtcTicks
                )
            );
        }
        Assert.Null(await During(LoginRig.TreeOf(""), (sessions, _) => Task.FromResult(sessions.Use(cookie, LoginRig.Home))));
    }

    [Fact]
    public async Task A_hundred_thousand_sessions_are_open_at_once_and_no_more()
    {
        var state = StateDatabase.OpenForgetful();
        using var sessions = Sessions(state);
        var grant = new LoginGrant("bob", "vpn-users", "full-access", LoginRig.Home, TwoFactor: false);
        var cookie = "";
        for (var number = 0; number < 100_000; number++)
        {
            cookie = Assert.IsType<string>((await sessions.OpenAsync(grant)).Cookie);
        }
        Assert.Equal(new VpnOpening(null, Refusal.Overloaded), await sessions.OpenAsync(grant));
        Assert.Equal(VpnEnding.Durable, await sessions.CloseAsync(cookie, LoginRig.Home));
        Assert.NotNull((await sessions.OpenAsync(grant)).Cookie);
    }

    [Fact]
    public async Task A_session_that_could_not_be_stored_is_refused_and_not_listed()
    {
        var tree = LoginRig.TreeOf("");
        await During(
            tree,
            async (sessions, _) =>
            {
                using (new BrokenDisk(File))
                {
                    Assert.Equal(new VpnOpening(null, Refusal.Storage), await sessions.OpenAsync(BobsGrant));
                    Assert.Empty(sessions.List());
                    Assert.Equal(0, sessions.Count);
                }
                return 0;
            }
        );
    }

    /// <summary>
    /// The ways in which a session is ended from outside, each while the disk is full; then a clean stop after space was freed, a clean
    /// stop while it is still full, or no stop at all.
    /// </summary>
    [Theory]
    [InlineData("logout", true)]
    [InlineData("logout", false)]
    [InlineData("del-web", true)]
    [InlineData("del-web", false)]
    public async Task A_session_that_ended_while_the_disk_was_full_stays_ended(string way, bool spaceReturns)
    {
        var tree = LoginRig.TreeOf("");
        BrokenDisk? disk = null;
        var cookie = await During(
            tree,
            async (sessions, _) =>
            {
                var cookie = await OpenAsync(sessions, "bob");
                disk = new BrokenDisk(File);
                var ending =
                    way == "logout"
                        ? await sessions.CloseAsync(cookie, LoginRig.Home)
                        : await sessions.EndAsync(sessions.List()[0].Session, "admin");
                Assert.Equal(VpnEnding.NotDurable, ending);
                Assert.Null(sessions.Use(cookie, LoginRig.Home));
                Assert.Equal(0, sessions.Count);
                if (spaceReturns)
                {
                    disk.Dispose();
                }
                return cookie;
            }
        );
        if (!spaceReturns)
        {
            disk!.Dispose();
        }
        var restarted = await During(tree, (sessions, _) => Task.FromResult((sessions.Use(cookie, LoginRig.Home), sessions.Count)));
        Assert.Equal((null, 0), restarted);
        // Once more: now its row and the record beside the database are removed.
        Assert.Equal(
            (null, 0),
            await During(tree, (sessions, _) => Task.FromResult((sessions.Use(cookie, LoginRig.Home), sessions.Count)))
        );
        using var ended = EndedSessions.Open(Path.Combine(_folder.FullName, "sessions.ended"));
        Assert.True(ended.IsEmpty);
    }

    [Fact]
    public async Task A_session_that_a_commit_ended_while_the_disk_was_full_stays_ended_when_the_old_password_returns()
    {
        var (before, after) = (LoginRig.TreeOf(""), LoginRig.TreeOf("config user local\nedit bob\nset passwd another\nnext\nend\n"));
        BrokenDisk? disk = null;
        var cookie = await During(
            before,
            async (sessions, _) =>
            {
                var cookie = await OpenAsync(sessions, "bob");
                disk = new BrokenDisk(File);
                Assert.Equal(new VpnOpening(null, Refusal.Storage), await sessions.OpenAsync(BobsGrant)); // The disk fault is noticed now.
                sessions.InForce(before, after);
                return cookie;
            }
        );
        disk!.Dispose();
        Assert.Null(await During(before, (sessions, _) => Task.FromResult(sessions.Use(cookie, LoginRig.Home))));
    }

    [Fact]
    public async Task The_unit_is_ready_only_when_the_sessions_that_ended_while_it_was_off_are_deleted()
    {
        var (before, after) = (LoginRig.TreeOf(""), LoginRig.TreeOf("config user local\nedit bob\nset passwd another\nnext\nend\n"));
        await During(before, (sessions, _) => OpenAsync(sessions, "bob"));
        await using var state = Open();
        using var ended = EndedSessions.Open(Path.Combine(_folder.FullName, "sessions.ended"));
        using var sessions = Sessions(state, ended);
        sessions.InForce(new ConfigTree(after.Schema), after);
        using (new BrokenDisk(File))
        {
            await sessions.StartAsync();
            Assert.False(sessions.EndsDurable.IsCompleted);
            Assert.Equal(0, sessions.Count);
        }
        await Until.TrueAsync(() => sessions.EndsDurable.IsCompletedSuccessfully, "the deletion of the ended session");
    }

    [Fact]
    public async Task Without_ended_sessions_the_unit_is_ready_at_once() =>
        Assert.True(await During(LoginRig.TreeOf(""), (sessions, _) => Task.FromResult(sessions.EndsDurable.IsCompletedSuccessfully)));

    private static LoginGrant CatsGrant(ConfigTree tree) =>
        new("cat", "vpn-users", "full-access", LoginRig.Home, TwoFactor: true)
        {
            Account = new UserDirectory(tree).Find("cat"),
            Nic = "port1",
        };

    private string File => Path.Combine(_folder.FullName, "state.db");

    private static async Task<string> OpenAsync(VpnSessions sessions, string user) =>
        (await sessions.OpenAsync(new LoginGrant(user, "vpn-users", "full-access", LoginRig.Home, TwoFactor: false))).Cookie
        ?? throw new InvalidOperationException($"{user} got no session");

    /// <summary>One life of a unit with this configuration.</summary>
    private async Task<T> During<T>(ConfigTree tree, Func<VpnSessions, ConfigTree, Task<T>> life)
    {
        await using var state = Open();
        using var ended = EndedSessions.Open(Path.Combine(_folder.FullName, "sessions.ended"));
        using var sessions = Sessions(state, ended);
        sessions.InForce(new ConfigTree(tree.Schema), tree);
        await sessions.StartAsync();
        return await life(sessions, tree);
    }

    private VpnSessions Sessions(StateDatabase state, EndedSessions? ended = null) =>
        new(state, new EventLog(state, _time, "X"), _time, DeviceKey.Open(Path.Combine(_folder.FullName, "device.key")), ended: ended);

    private StateDatabase Open() => StateDatabase.Open(File, [EventLog.Table, VpnSessions.Table]);
}
