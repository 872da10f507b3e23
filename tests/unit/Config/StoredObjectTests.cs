using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The requirements for storing an entry, and its name and display: at the console, in a batch and in a file.</summary>
public sealed class StoredObjectTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly ConfigStore _store;

    public StoredObjectTests()
    {
        _store = ConfigStore.Open(
            StoreFolder.Schema,
            _folder.File,
            _folder.Key(),
            "",
            ConfigRules.Values,
            null,
            ConfigRules.First(["port1"], strict: true)
        );
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Incomplete =>
        new()
        {
            { "user local", "passwd", "set type password" },
            { "user local", "fortitoken", "set passwd x|set two-factor fortitoken" },
            { "user local", "email-to", "set passwd x|set two-factor email" },
            { "user local", "sms-phone", "set passwd x|set two-factor sms" },
            { "user local", "radius-server", "set type radius" },
            { "user local", "ldap-server", "set type ldap" },
            { "user local", "tacacs+-server", "set type tacacs+" },
            { "system admin", "fortitoken", "set accprofile prof_admin|set two-factor fortitoken" },
            { "system admin", "email-to", "set accprofile prof_admin|set two-factor email" },
            { "system admin", "sms-phone", "set accprofile prof_admin|set two-factor sms" },
            { "user radius", "server", "set secret x" },
            { "user radius", "secret", "set server 192.0.2.1" },
            { "user ldap", "server", "set dn dc=lab" },
            { "user ldap", "dn", "set server 192.0.2.1" },
            { "user tacacs+", "server", "set key x" },
            { "system snmp community", "name", "set status enable" },
            { "firewall addrgrp", "member", "set comment x" },
        };

    [Theory]
    [MemberData(nameof(Incomplete))]
    public void An_entry_without_a_required_attribute_is_not_created_at_the_console(string table, string attribute, string lines)
    {
        var session = new CliSession(_store, []);
        foreach (var line in Lines(table, lines)[..^2])
        {
            Assert.DoesNotContain("fail", session.Execute(line), StringComparison.Ordinal);
        }
        Assert.Contains(
            $"Attribute '{attribute}' MUST be set.\nCommand fail. Return code -56\n",
            session.Execute("next"),
            StringComparison.Ordinal
        );
        Assert.Null(_store.Current.List(table).Find("7"));
    }

    [Theory]
    [MemberData(nameof(Incomplete))]
    public void An_entry_without_a_required_attribute_is_not_created_in_a_batch(string table, string attribute, string lines)
    {
        Assert.Contains("-56: next\n", Batch(Lines(table, lines)), StringComparison.Ordinal);
        Assert.Null(_store.Current.List(table).Find("7"));
        Assert.NotNull(_store.Current.Schema.Table(table)!.Attribute(attribute));
    }

    [Theory]
    [MemberData(nameof(Incomplete))]
    public void An_entry_without_a_required_attribute_is_not_created_by_a_file(string table, string attribute, string lines)
    {
        string[] file = Lines(table, lines);
        var (ignored, error) = _store.Restore(string.Join('\n', file) + "\n");
        Assert.Null(error);
        Assert.Contains(ignored, line => line.Why == $"Attribute '{attribute}' MUST be set." && line.Last == file.Length - 1);
        Assert.Null(_store.Current.List(table).Find("7"));
    }

    [Theory]
    [InlineData("user radius", "set rsso enable")]
    [InlineData("user local", "set type password|set passwd x")]
    public void An_attribute_is_required_only_while_its_condition_holds(string table, string lines)
    {
        Assert.DoesNotContain("-56", Batch(Lines(table, lines)), StringComparison.Ordinal);
        Assert.NotNull(_store.Current.List(table).Find("7"));
    }

    [Fact]
    public void A_stored_entry_stays_as_it_was_if_a_required_attribute_is_taken_away()
    {
        Batch(Lines("user local", "set passwd first"));
        Assert.Contains("-56: next\n", Batch(Lines("user local", "set status disable|unset passwd")), StringComparison.Ordinal);
        Assert.Equal(
            ("first", "enable"),
            (_store.Current.List("user local").Find("7")!.Text("passwd"), _store.Current.List("user local").Find("7")!.Text("status"))
        );
    }

    public static TheoryData<string, string, string> Sisters =>
        new()
        {
            { "firewall addrgrp", "all", "set member none" },
            { "firewall addrgrp", "SSLVPN_TUNNEL_ADDR1", "set member none" },
            { "user group", "guest", "set comment x" },
            { "user local", "Guest-group", "set passwd x" },
        };

    [Theory]
    [MemberData(nameof(Sisters))]
    public void The_name_of_a_factory_object_of_the_sister_table_is_refused_on_every_path(string table, string name, string line)
    {
        line = _store.Current.Schema.Table(table)!.Attribute(line.Split(' ')[1]) is null ? "show" : line;
        Assert.Contains("-163: next\n", Batch([$"config {table}", $"edit {name}", line, "next", "end"]), StringComparison.Ordinal);
        Assert.Contains(
            "-163: rename 7 to ",
            Batch([$"config {table}", "edit 7", line, "next", $"rename 7 to {name}", "end"]),
            StringComparison.Ordinal
        );
        Assert.Contains("-163: clone 7 to ", Batch([$"config {table}", $"clone 7 to {name}", "end"]), StringComparison.Ordinal);
        Assert.Null(_store.Current.List(table).Find(name));
        Assert.NotNull(_store.Current.List(table).Find("7"));
        var (ignored, error) = _store.Restore($"config {table}\nedit {name}\nnext\nend\n");
        Assert.Null(error);
        Assert.Equal(
            (2, 3, true),
            ignored
                .Where(one => one.Number > 0)
                .Select(one => (one.Number, one.Last, one.Why.Contains("-163", StringComparison.Ordinal)))
                .Single()
        );
        Assert.Null(_store.Current.List(table).Find(name));
        using var fresh = new StoreFolder();
        var refused = Assert.Throws<FormatException>(() => fresh.Open($"config {table}\nedit {name}\nnext\nend\n"));
        Assert.Contains("line 2: object set operator error, -163", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_and_a_group_of_addresses_never_share_a_name()
    {
        Batch(["config firewall address", "edit both", "next", "end"]);
        Assert.Contains(
            "-163: next\n",
            Batch(["config firewall addrgrp", "edit both", "set member all", "next", "end"]),
            StringComparison.Ordinal
        );
        Batch(["config firewall addrgrp", "edit group", "set member both", "next", "end"]);
        Assert.Contains("-163: next\n", Batch(["config firewall address", "edit group", "next", "end"]), StringComparison.Ordinal);
        var (ignored, _) = _store.Restore(
            "config firewall addrgrp\nedit g\nset member all\nnext\nend\nconfig firewall address\nedit g\nnext\nend\n"
        );
        Assert.Equal([(7, 8)], ignored.Where(one => one.Number > 0).Select(one => (one.Number, one.Last)));
    }

    [Fact]
    public void A_user_and_a_group_may_share_a_name_of_their_own()
    {
        Assert.DoesNotContain(
            "-163",
            Batch([.. Lines("user local", "set passwd x"), "config user group", "edit 7", "next", "end"]),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("config system ha\nset hbdev port3 50\nset monitor port1 port1\nend\n", "system ha", "    set hbdev \"port3\" 50\n")]
    [InlineData("config system ha\nset cpu-threshold 5 0 0\nset monitor port1\nend\n", "system ha", "    set monitor \"port1\"\n")]
    [InlineData("config system ha\nset cpu-threshold 5 0 0\nend\n", "system ha", "    set cpu-threshold 5 0 0\n")]
    [InlineData(
        "config firewall address\nedit a\nset type geography\nset country US\nnext\nend\n",
        "firewall address",
        "        set country \"US\"\n"
    )]
    [InlineData(
        "config system central-management\nset fmg 10.0.0.1 10.0.0.2\nend\n",
        "system central-management",
        "    set fmg \"10.0.0.1\" \"10.0.0.2\"\n"
    )]
    [InlineData(
        "config system admin\nedit a\nset accprofile prof_admin\nset ssh-public-key1 \"ssh-rsa AAAA a@b\"\nnext\nend\n",
        "system admin",
        "        set ssh-public-key1 \"ssh-rsa AAAA a@b\"\n"
    )]
    [InlineData(
        "config system admin\nedit a\nset accprofile prof_admin\nnext\nend\n",
        "system admin",
        "        set accprofile \"prof_admin\"\n        set vdom \"root\"\n"
    )]
    [InlineData("config user local\nedit a\nset passwd x\nnext\nend\n", "user local", "        set type password\n        set passwd ENC ")]
    [InlineData(
        "config vpn certificate local\nedit a\nset certificate \"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\"\nnext\nend\n",
        "vpn certificate local",
        "        set certificate \"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\"\n"
    )]
    [InlineData(
        "config vpn certificate local\nedit a\nset private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\"\nnext\nend\n",
        "vpn certificate local",
        "        set private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\"\n"
    )]
    [InlineData(
        "config vpn certificate local\nedit a\nset private-key \"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\"\nnext\nend\n",
        "vpn certificate local",
        "        set private-key ENC "
    )]
    public void A_value_is_shown_as_the_device_shows_it(string file, string table, string shown)
    {
        Assert.Null(_store.Restore(file).Error);
        var text = new ConfigText(_store.Seal).Table(_store.Current, _store.Current.Schema.Table(table)!).ToString();
        Assert.Contains(shown, text, StringComparison.Ordinal);
        Assert.DoesNotContain("BEGIN PRIVATE KEY", text, StringComparison.Ordinal);
        var again = _store.Restore(text);
        Assert.Null(again.Error);
        Assert.DoesNotContain(again.Ignored, line => line.Number > 0);
    }

    [Fact]
    public void A_clone_has_a_UUID_that_no_other_entry_has()
    {
        Batch([
            "config firewall address",
            "edit one",
            "next",
            "clone one to two",
            "rename one to three",
            "clone two to one",
            "clone three to four",
            "edit five",
            "next",
            "end",
        ]);
        var uuids = _store.Current.List("firewall address").Entries.Select(entry => entry.Entry.Text("uuid")).ToArray();
        Assert.Equal(3 + 5, uuids.Length);
        Assert.Equal(uuids.Length, uuids.Distinct().Count());
        Assert.All(uuids, uuid => Assert.True(Guid.TryParseExact(uuid, "D", out _), uuid));
    }

    private static string[] Lines(string table, string lines) => [$"config {table}", "edit 7", .. lines.Split('|'), "next", "end"];

    /// <summary>Runs lines as a batch; the log of their return codes.</summary>
    private string Batch(params string[] lines)
    {
        var session = new CliSession(_store, []);
        session.Execute("execute batch start");
        foreach (var line in lines)
        {
            session.Execute(line);
        }
        session.Execute("execute batch end");
        return session.Execute("execute batch lastlog");
    }
}
