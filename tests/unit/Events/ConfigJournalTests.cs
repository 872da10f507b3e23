using System.Globalization;
using System.Text.RegularExpressions;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Appliance.Tests.Config;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Events;

/// <summary>The events of configuration changes, field by field as public device logs have them.</summary>
public sealed partial class ConfigJournalTests : IAsyncDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly ConfigStore _store;

    public ConfigJournalTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.Folder, "state.db"), [EventLog.Table]);
        _events = new EventLog(_state, new FakeTimeProvider(), "FG1");
        _store = _folder.Open();
        _store.Committed += new ConfigJournal(_events).Record;
    }

    [Fact]
    public void A_changed_attribute_of_a_single_object_is_44546_with_old_and_new_value()
    {
        Global("admintimeout", "120");
        Assert.Equal(
            """logdesc="Attribute configured" user="admin" ui="console" action="Edit" cfgtid=N cfgpath="system.global" cfgattr="admintimeout[5->120]" msg="Edit system.global " """.TrimEnd(),
            Said()
        );
        Assert.Equal("0100044546", _events.After(0)[^1].Entry.LogId);
    }

    [Fact]
    public void An_added_entry_is_44547_with_its_values_and_its_secrets_masked()
    {
        Put(
            "user local",
            "zoe",
            entry => entry.With("type", ["password"]).With("passwd", ["zoe-password"]).With("email-to", ["zoe@example.com"])
        );
        var said = Said();
        Assert.StartsWith(
            """logdesc="Object attribute configured" user="admin" ui="console" action="Add" cfgtid=N cfgpath="user.local" cfgobj="zoe" cfgattr=""",
            said,
            StringComparison.Ordinal
        );
        Assert.EndsWith(" msg=\"Add user.local zoe\"", said, StringComparison.Ordinal);
        Assert.Contains("passwd[*]", said, StringComparison.Ordinal);
        Assert.Contains("email-to[zoe@example.com]", said, StringComparison.Ordinal);
        Assert.DoesNotContain("zoe-password", said, StringComparison.Ordinal);
        Assert.Equal("0100044547", _events.After(0)[^1].Entry.LogId);
    }

    [Fact]
    public void An_edited_entry_has_each_attribute_with_both_values_and_no_separator()
    {
        Put("user local", "zoe", entry => entry.With("passwd", ["one"]));
        Put("user local", "zoe", entry => entry.With("status", ["disable"]).With("passwd", ["two"]).With("email-to", ["zoe@example.com"]));
        Assert.Equal(
            ["email-to[->zoe@example.com]", "passwd[*]", "status[enable->disable]"],
            Attribute().Matches(Field("cfgattr")).Select(match => match.Value).Order(StringComparer.Ordinal)
        );
        Assert.DoesNotContain("] ", Field("cfgattr"), StringComparison.Ordinal);
        Assert.Equal("Edit user.local zoe", Field("msg"));
    }

    [Fact]
    public void A_deleted_entry_has_no_cfgattr()
    {
        Put("user local", "zoe", entry => entry.With("passwd", ["one"]));
        Assert.Null(_store.Commit(tree => tree.With("user local", tree.List("user local").Without("zoe"))));
        Assert.Equal(
            """logdesc="Object attribute configured" user="admin" ui="console" action="Delete" cfgtid=N cfgpath="user.local" cfgobj="zoe" msg="Delete user.local zoe" """.TrimEnd(),
            Said()
        );
    }

    [Fact]
    public void An_entry_of_a_nested_table_is_named_with_its_values()
    {
        Put("user radius", "fac", entry => entry.With("server", ["192.0.2.1"]).With("secret", ["x"]));
        Put(
            "user group",
            "all",
            entry =>
                entry.WithChildren(
                    "match",
                    entry
                        .Children("match")
                        .With("1", new ConfigObject(entry.Schema.Child("match")!).With("server-name", ["fac"]).With("group-name", ["vpn"]))
                )
        );
        Assert.Contains("match:1[server-name[fac]group-name[vpn]]", Field("cfgattr"), StringComparison.Ordinal);
    }

    [Fact]
    public void Events_of_one_commit_share_a_number_and_the_next_commit_has_a_greater_one()
    {
        Assert.Null(
            _store.Commit(tree =>
                tree.With("system global", tree.Object("system global").With("admintimeout", ["7"]))
                    .With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["5000"]))
            )
        );
        var first = _events.After(0).Select(record => Field("cfgtid", record)).ToArray();
        Assert.Equal(2, first.Length);
        Assert.Single(first.Distinct());
        Global("admintimeout", "8");
        Assert.True(long.Parse(Field("cfgtid"), CultureInfo.InvariantCulture) > long.Parse(first[0], CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_moved_entry_is_44545_with_its_place()
    {
        var path = StoreFolder.Schema.Paths.First(path => StoreFolder.Schema.Table(path) is { Ordered: true, IsList: true, Key: not null });
        foreach (var key in new[] { "1", "2", "3" })
        {
            Put(path, key, entry => entry);
        }
        Assert.Null(_store.Commit(tree => tree.With(path, tree.List(path).Moved("3", "1", after: false))));
        Assert.Equal(
            ("0100044545", "Object configured", "Move", "3->1"),
            (_events.After(0)[^1].Entry.LogId, _events.After(0)[^1].Entry.Description, Field("action"), Field("cfgobj"))
        );
        Assert.Null(_store.Commit(tree => tree.With(path, tree.List(path).Moved("3", "2", after: true))));
        Assert.Equal("3->2", Field("cfgobj"));
    }

    [Fact]
    public void A_value_of_several_lines_is_masked_and_the_whole_is_limited()
    {
        var schema = StoreFolder.Schema.Table("system admin")!;
        var lines = new ConfigObject(schema).With("comments", ["one\ntwo"]);
        Assert.Equal("comments[*]", ConfigJournal.Edited(null, lines));
        var many = new ConfigObject(schema).With("comments", [new string('x', 4000)]);
        Assert.Equal(2048, ConfigJournal.Edited(null, many).Length);
    }

    [Fact]
    public void A_commit_of_more_than_a_hundred_objects_is_one_event()
    {
        Assert.Null(
            _store.Commit(tree =>
                tree.With(
                    "user local",
                    Enumerable
                        .Range(0, 101)
                        .Aggregate(
                            tree.List("user local"),
                            (table, number) => table.With($"u{number}", new ConfigObject(table.Schema).With("passwd", ["x"]))
                        )
                )
            )
        );
        Assert.Equal(
            """logdesc="Attribute configured" user="admin" ui="console" action="Edit" cfgtid=N msg="Edit more than 100 objects of user.local" """.TrimEnd(),
            Said()
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _state.DisposeAsync();
        _folder.Dispose();
    }

    private void Global(string attribute, string value) =>
        Assert.Null(_store.Commit(tree => tree.With("system global", tree.Object("system global").With(attribute, [value]))));

    private void Put(string path, string key, Func<ConfigObject, ConfigObject> change) =>
        Assert.Null(
            _store.Commit(tree =>
                tree.With(path, tree.List(path).With(key, change(tree.List(path).Find(key) ?? new ConfigObject(tree.List(path).Schema))))
            )
        );

    /// <summary>Returns the last line after its header, with N for the number of the transaction.</summary>
    private string Said() => Transaction().Replace(_events.After(0)[^1].Line.Split(" tz=\"+0000\" ")[1], "cfgtid=N");

    private string Field(string name, EventRecord? record = null) =>
        (record ?? _events.After(0)[^1]).Entry.Fields.Single(field => field.Name == name).Value;

    [GeneratedRegex("cfgtid=[0-9]+")]
    private static partial Regex Transaction();

    [GeneratedRegex(@"[a-z0-9-]+\[[^\]]*\]")]
    private static partial Regex Attribute();
}
