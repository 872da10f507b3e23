using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Vpn;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>Sessions without a wire: a proof that is no longer true opens none.</summary>
public sealed class VpnSessionsTests : IDisposable
{
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
    public async Task AProofOfYesterdaysUserOpensNone(string change, bool opens)
    {
        await using var state = Open();
        using var sessions = new VpnSessions(state, new EventLog(state, _time, "X"), _time);
        var (before, after) = (LoginRig.TreeOf(""), LoginRig.TreeOf(change));
        sessions.Apply(new ConfigTree(before.Schema), before);
        var proved = new LoginGrant("cat", "vpn-users", "full-access", LoginRig.Home, TwoFactor: true) { Entry = new UserDirectory(before).Find("cat")!.Entry };
        sessions.Apply(before, after);
        Assert.Equal(opens, await sessions.OpenAsync(proved) is not null);
    }

    [Fact]
    public async Task ARemoteUsersSessionOutlivesARestartAndEndsWithHisGroup()
    {
        var tree = LoginRig.TreeOf("");
        string? cookie;
        await using (var state = Open())
        {
            using var sessions = new VpnSessions(state, new EventLog(state, _time, "X"), _time);
            sessions.Apply(new ConfigTree(tree.Schema), tree);
            cookie = await sessions.OpenAsync(new LoginGrant("zoe", "vpn-users", "full-access", LoginRig.Home, TwoFactor: false) { IsRemote = true });
        }
        await using var again = Open();
        using var reopened = new VpnSessions(again, new EventLog(again, _time, "X"), _time);
        reopened.Apply(new ConfigTree(tree.Schema), tree);
        Assert.NotNull(reopened.Use(cookie!, LoginRig.Home));
        Assert.Null(reopened.Use(cookie!, LoginRig.Elsewhere));
        // Somebody of that name is made here: whoever he is, he has a factor of his own.
        reopened.Apply(tree, LoginRig.TreeOf("config user local\nedit zoe\nset type password\nset passwd x\nnext\nend\n"));
        Assert.Null(reopened.Use(cookie!, LoginRig.Home));
    }

    /// <summary>Each has a row of its own, whenever it began; also in the table of a release that looked for cookies on disk.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatEndsAfterARestartStaysEnded(bool olderTable)
    {
        var table = olderTable ? VpnSessions.Table.Replace("cookie TEXT NOT NULL", "cookie TEXT PRIMARY KEY", StringComparison.Ordinal) : VpnSessions.Table;
        Assert.Equal(olderTable, table != VpnSessions.Table);
        var (first, second) = await During(table, async sessions => (await OpenAsync(sessions, "ann"), await OpenAsync(sessions, "cat")));
        var third = await During(table, async sessions =>
        {
            Assert.True(await sessions.CloseAsync(first, LoginRig.Home));
            return await OpenAsync(sessions, "bob");
        });
        var users = await During(table, sessions => Task.FromResult<string?[]>([.. new[] { first, second, third }.Select(cookie => sessions.Use(cookie, LoginRig.Home)?.Grant.User)]));
        Assert.Equal([null, "cat", "bob"], users);
    }

    private static async Task<string> OpenAsync(VpnSessions sessions, string user) =>
        await sessions.OpenAsync(new LoginGrant(user, "", "full-access", LoginRig.Home, TwoFactor: false)) ?? throw new InvalidOperationException($"{user} got no session");

    /// <summary>One life of a unit.</summary>
    private async Task<T> During<T>(string table, Func<VpnSessions, Task<T>> life)
    {
        await using var state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, table]);
        using var sessions = new VpnSessions(state, new EventLog(state, _time, "X"), _time);
        return await life(sessions);
    }

    private StateDatabase Open() => StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, VpnSessions.Table]);
}
