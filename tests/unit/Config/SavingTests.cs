using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>
/// The time at which a change is on disk: immediately, on request, or until the revert timer undoes it. And the revisions that saves leave.
/// </summary>
public sealed class SavingTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AutomaticSavesEachCommit()
    {
        var store = _folder.Open(time: _time);
        SetPort(store, 5001);
        Assert.False(store.HasUnsaved);
        Assert.Equal(5001, Port(_folder.Open()));
    }

    [Fact]
    public void ManualSavesWhenAsked()
    {
        var store = _folder.Open(time: _time);
        SetMode(store, "manual");
        SetPort(store, 5001);
        Assert.True(store.HasUnsaved);
        Assert.Equal(5001, Port(store));
        // A restart in between: the change is gone, the mode is not.
        Assert.Equal((4433, "manual"), (Port(_folder.Open()), Mode(_folder.Open())));
        Assert.Null(store.SaveNow());
        Assert.False(store.HasUnsaved);
        Assert.Equal(5001, Port(_folder.Open()));
    }

    [Fact]
    public void BackToAutomaticSavesWhatWasOpen()
    {
        var store = _folder.Open(time: _time);
        SetMode(store, "manual");
        SetPort(store, 5001);
        SetMode(store, "automatic");
        Assert.False(store.HasUnsaved);
        Assert.Equal((5001, "automatic"), (Port(_folder.Open()), Mode(_folder.Open())));
    }

    [Fact]
    public async Task RevertUndoesWhatWasNotSavedInTime()
    {
        var store = _folder.Open(time: _time);
        await using var state = StateDatabase.Open(Path.Combine(_folder.Folder, "state.db"), [EventLog.Table]);
        var events = new EventLog(state, _time, "FGVMLAB000000000");
        using var timer = new RevertTimer(store, events, _time);
        var seen = new List<long>();
        Assert.Null(store.Subscribe(new Follower(seen)));
        Assert.Null(
            store.Commit(tree =>
                tree.With("system global", tree.Object("system global").With("cfg-save", ["revert"]).With("cfg-revert-timeout", ["60"]))
            )
        );
        SetPort(store, 5001);
        _time.Advance(TimeSpan.FromSeconds(59));
        SetPort(store, 5002); // The session is still active: the time runs from the last change.
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(5002, Port(store));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(4433, Port(store));
        Assert.Equal("revert", Mode(store));
        Assert.False(store.HasUnsaved);
        Assert.Equal([4433, 4433, 5001, 5002, 4433], seen);
        Assert.Contains("logid=\"0100036881\"", Assert.Single(events.After(0)).Line, StringComparison.Ordinal);

        // A change that is saved in time stays.
        SetPort(store, 5003);
        Assert.Null(store.SaveNow());
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(5003, Port(store));
        Assert.Equal(5003, Port(_folder.Open()));
        Assert.Single(events.After(0));
    }

    [Fact]
    public void A_revert_reports_that_nothing_is_unsaved_and_a_refused_one_does_not()
    {
        var store = _folder.Open(time: _time);
        SetMode(store, "manual");
        var saved = 0;
        store.Saved += () => saved++;
        SetPort(store, 5001);
        Assert.Equal(0, saved);
        Assert.Null(store.Revert(() => false));
        Assert.Equal((5001, 0), (Port(store), saved));
        Assert.Null(store.Revert());
        Assert.Equal((4433, 1), (Port(store), saved));
        Assert.Null(store.Revert());
        Assert.Equal(2, saved);
    }

    [Fact]
    public async Task ARevertThatCannotBeIsToldAndTriedAgain()
    {
        var store = _folder.Open(time: _time);
        await using var state = StateDatabase.Open(Path.Combine(_folder.Folder, "state.db"), [EventLog.Table]);
        var events = new EventLog(state, _time, "FGVMLAB000000000");
        using var timer = new RevertTimer(store, events, _time);
        var follower = new Follower([]);
        Assert.Null(store.Subscribe(follower));
        Assert.Null(
            store.Commit(tree =>
                tree.With("system global", tree.Object("system global").With("cfg-save", ["revert"]).With("cfg-revert-timeout", ["60"]))
            )
        );
        SetPort(store, 5001);
        follower.Refuses = 4433;
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(5001, Port(store));
        Assert.Contains("status=\"failure\"", Assert.Single(events.After(0)).Line, StringComparison.Ordinal);
        follower.Refuses = 0;
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(4433, Port(store));
        Assert.Contains("status=\"success\"", events.After(0)[^1].Line, StringComparison.Ordinal);
    }

    [Fact]
    public void EachSaveLeavesTheOneBeforeAsARevision()
    {
        var store = _folder.Open(time: _time);
        SetPort(store, 5001);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(store.Keep(new ConfigAuthor("ann", "console", "super_admin"), "before the change: \"really\""));
        SetPort(store, 5002);
        Assert.Equal(
            [
                new ConfigRevision(1, _time.Start, "admin", "6.4.0-build1579", ""),
                new ConfigRevision(2, _time.Start, "admin", "6.4.0-build1579", ""),
                new ConfigRevision(3, _time.Start.AddMinutes(1), "ann", "6.4.0-build1579", "before the change: \"really\""),
            ],
            store.Revisions()
        );
        foreach (var (number, port) in new[] { (1, "4433"), (2, "5001"), (3, "5001") })
        {
            Assert.Equal(port != "4433", store.Revision(number)!.Contains($"set server-port {port}\n", StringComparison.Ordinal));
        }
        // They outlive a restart, and numbers are not given twice.
        store = _folder.Open(time: _time);
        Assert.Equal(3, store.Revisions().Count);
        SetPort(store, 5003);
        Assert.Equal([1, 2, 3, 4], store.Revisions().Select(revision => revision.Number));
        Assert.True(store.DeleteRevision(2));
        Assert.False(store.DeleteRevision(2));
        Assert.Null(store.Revision(2));
        Assert.Equal([1, 3, 4], _folder.Open().Revisions().Select(revision => revision.Number));
        var (ignored, error) = store.Restore(store.Revision(1)!);
        Assert.Null(error);
        Assert.Empty(ignored);
        Assert.Equal(4433, Port(_folder.Open()));
    }

    [Fact]
    public void WhatChangesNothingIsNotSaved()
    {
        var store = _folder.Open(time: _time);
        SetPort(store, 5001);
        SetPort(store, 5001);
        Assert.Null(store.Commit(tree => tree));
        Assert.Equal([1], store.Revisions().Select(revision => revision.Number));
    }

    [Fact]
    public void AFactoryResetKeepsKeysAndRevisions()
    {
        var store = _folder.Open("config user local\nedit \"ann\"\nset passwd \"first\"\nnext\nend\n", _time);
        Assert.Null(store.Commit(tree => tree.With("user local", tree.List("user local").Without("ann"))));
        Assert.Null(store.Reset());
        Assert.Equal("first", _folder.Open().Current.List("user local").Find("ann")!.Text("passwd"));
        Assert.Equal([1, 2], store.Revisions().Select(revision => revision.Number));
        Assert.Contains("passwd ENC", store.Revision(1), StringComparison.Ordinal);
        Assert.Empty(store.Restore(store.Revision(1)!).Ignored);
    }

    [Fact]
    public void AFileOfAnEarlierReleaseBoots()
    {
        // One digest over all, no parts, no revision line.
        var body =
            "#config-version=FGVM64-6.04.00-FW-build1579-200330:opmode=1:vdom=0:user=admin\n#conf_file_ver=7\nconfig system ftm-push\n    set server-port 5001\nend\n";
        File.WriteAllText(
            _folder.File,
            body
                + "#checksum="
                + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(body)))
                + "\n"
        );
        var store = _folder.Open();
        Assert.Null(store.BootWarning);
        Assert.Equal(5001, Port(store));
        SetPort(store, 5002);
        Assert.Equal(5002, Port(_folder.Open()));
    }

    private static void SetPort(ConfigStore store, int port) =>
        Assert.Null(store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", [$"{port}"]))));

    private static void SetMode(ConfigStore store, string mode) =>
        Assert.Null(store.Commit(tree => tree.With("system global", tree.Object("system global").With("cfg-save", [mode]))));

    private static long Port(ConfigStore store) => store.Current.Object("system ftm-push").Number("server-port");

    private static string Mode(ConfigStore store) => store.Current.Object("system global").Text("cfg-save");

    private sealed class Follower(List<long> seen) : IConfigSubscriber
    {
        public long Refuses { get; set; }

        public ConfigError? Apply(ConfigTree previous, ConfigTree next)
        {
            var port = next.Object("system ftm-push").Number("server-port");
            seen.Add(port);
            return port == Refuses ? new ConfigError(-1, "the port is taken") : null;
        }
    }
}
