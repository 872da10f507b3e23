using System.Text;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The refusals of a restore, the parts of the unit that it keeps, and its handling of secrets that it cannot open.</summary>
public sealed class RestoreTests : IDisposable
{
    private const string Elsewhere = "the value was not encrypted by this unit";
    private const string Unit = """
        config system global
        set hostname "mine"
        end
        config system interface
        edit port1
        set allowaccess ping ftm
        set alias "kept"
        next
        end
        config system accprofile
        edit "few"
        set authgrp read
        next
        end
        config system admin
        edit admin
        set accprofile super_admin
        set password "mine-admin"
        next
        edit helper
        set accprofile few
        set password "mine-helper"
        next
        end
        config user fortitoken
        edit FTKMOB00MINE0001
        set seed "otpauth://totp/x?secret=NRQWELLTMVSWILLPMYWWC3TOFUYDAMBR&period=60&digits=6"
        next
        end
        config user radius
        edit rad
        set server 192.0.2.9
        set secret "mine-radius"
        config accounting-server
        edit 1
        set server 192.0.2.9
        set secret "mine-accounting"
        next
        end
        next
        end
        config user local
        edit ann
        set type password
        set passwd "mine-ann"
        next
        end

        """;

    private static readonly string[] Ports = ["port1", "port2"];
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData(" \n\t\r\n", "the file is empty")]
    [InlineData(
        "Dear all,\nplease find the new rules attached.\n",
        "the file is not a configuration: it neither begins with #config-version= nor has a table of this version"
    )]
    [InlineData(
        "config webfilter profile\nedit a\nnext\nend\n",
        "the file is not a configuration: it neither begins with #config-version= nor has a table of this version"
    )]
    [InlineData(
        "#config-version=FGVM64-7.4.7-FW-build2731-250120:opmode=1:vdom=1:user=admin\nconfig system global\nset hostname theirs\nend\n",
        "line 1: the file is a backup of a unit with several VDOMs, and this unit has none: restore the blocks of one VDOM"
    )]
    [InlineData(
        "config vdom\nedit root\nnext\nend\nconfig global\nconfig system global\nset hostname theirs\nend\nend\n",
        "line 1: the file is a backup of a unit with several VDOMs, and this unit has none: restore the blocks of one VDOM"
    )]
    [InlineData(
        "config system global\nset hostname theirs\nend\nconfig global\nconfig system dns\nend\nend\n",
        "line 4: the file is a backup of a unit with several VDOMs, and this unit has none: restore the blocks of one VDOM"
    )]
    [InlineData("config system global\nset hostname theirs\nset alias \"open\nend\n", "line 3: Unmatched double quote.")]
    [InlineData("config system global\nset hostname theirs\n", "line 3: the text ends inside a config level; the open entry is omitted")]
    public void A_file_that_is_no_whole_configuration_is_refused_and_changes_nothing(string text, string reason)
    {
        var store = Open();
        var before = store.Current;
        var error = store.Restore(text).Error;
        Assert.Equal((-1, "File check failed: " + reason), (error!.Code, error.Lines[0]));
        Assert.Same(before, store.Current);
        // The check gives the same verdict, and so does a first start.
        Assert.Equal(reason, RestoreVerb.Check("x", Encoding.UTF8.GetBytes(text), Personality.Default, "desktop").Refused);
        using var fresh = new StoreFolder();
        Assert.Equal("configuration: " + reason, Assert.Throws<FormatException>(() => Open(fresh, text, strict: false)).Message);
        Assert.False(File.Exists(fresh.File));
    }

    [Fact]
    public void A_file_in_another_encoding_is_refused_as_not_utf8()
    {
        var verdict = RestoreVerb.Check(
            "x",
            [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("config system global\nset hostname theirs\nend\n")],
            Personality.Default,
            "desktop"
        );
        Assert.Equal("the file is not UTF-8 text", verdict.Refused);
    }

    [Theory]
    [InlineData("#config-version=FGVM64-6.4.0-FW-build1579-200330:opmode=1:vdom=0:user=admin\n")]
    [InlineData("\uFEFFconfig system global\nset hostname theirs\nend\n")]
    public void A_head_or_a_table_makes_a_configuration(string text) =>
        Assert.Null(RestoreVerb.Check("x", Encoding.UTF8.GetBytes(text), Personality.Default, "desktop").Refused);

    [Fact]
    public void A_restore_that_leaves_no_administrator_and_no_interface_keeps_those_of_the_unit_with_what_they_need()
    {
        var store = Open();
        var (ignored, error) = store.Restore("config system global\nset hostname theirs\nend\n");
        Assert.Null(error);
        Assert.Equal(
            [
                new IgnoredLine(0, "the file leaves no administrator with profile super_admin: this unit's administrators stay"),
                new IgnoredLine(0, "the file leaves no interface of this board: this unit's interfaces stay"),
            ],
            ignored
        );
        var saved = Open().Current;
        Assert.Equal("theirs", saved.Object("system global").Text("hostname"));
        Assert.Equal(["admin", "helper"], saved.List("system admin").Keys);
        Assert.Equal("mine-helper", saved.List("system admin").Find("helper")!.Text("password"));
        Assert.Equal("read", saved.List("system accprofile").Find("few")!.Text("authgrp"));
        Assert.Equal("kept", saved.List("system interface").Find("port1")!.Text("alias"));
        Assert.Equal(["guest"], saved.List("user local").Keys);
    }

    [Fact]
    public void An_administrator_without_the_profile_of_all_rights_does_not_replace_the_units_own()
    {
        var store = Open();
        var (_, error) = store.Restore(
            "config system admin\nedit admin\nset accprofile prof_admin\nset password weak\nnext\nedit other\nset accprofile prof_admin\nset password other\nnext\nend\n"
        );
        Assert.Null(error);
        Assert.Equal(
            ("super_admin", "mine-admin"),
            (
                store.Current.List("system admin").Find("admin")!.Text("accprofile"),
                store.Current.List("system admin").Find("admin")!.Text("password")
            )
        );
        Assert.Equal("prof_admin", store.Current.List("system admin").Find("other")!.Text("accprofile"));
    }

    [Fact]
    public void The_last_administrator_with_all_rights_cannot_be_deleted()
    {
        var store = Open();
        var error = store.Commit(tree => tree.With("system admin", tree.List("system admin").Schema.EmptyTable));
        Assert.Equal((-45, "there must be an administrator with profile super_admin"), (error!.Code, error.Lines[0]));
    }

    [Fact]
    public void Secrets_of_another_unit_stay_the_units_own_or_match_nothing()
    {
        using var other = new StoreFolder();
        var theirs = other
            .Open(
                """
                config system admin
                edit admin
                set accprofile super_admin
                set password "theirs-admin"
                next
                edit stranger
                set accprofile super_admin
                set password "theirs-stranger"
                next
                end
                config user fortitoken
                edit FTKMOB00MINE0001
                set seed "otpauth://totp/x?secret=NRQWELLTMVSWILLPMYWWGYLUFUYDAMBS&period=60&digits=6"
                next
                edit FTKMOB0THEIRS001
                set seed "otpauth://totp/x?secret=NRQWELLTMVSWILLPMYWWGYLUFUYDAMBS&period=60&digits=6"
                next
                end
                config user radius
                edit rad
                set server 192.0.2.9
                set secret "theirs-radius"
                set secondary-secret "theirs-second"
                config accounting-server
                edit 1
                set secret "theirs-accounting"
                next
                end
                next
                end
                config user local
                edit ann
                set passwd "theirs-ann"
                next
                edit eve
                set passwd "theirs-eve"
                next
                end

                """
            )
            .BackupText(full: false, "admin");
        var store = Open();
        var (ignored, error) = store.Restore(theirs);
        Assert.Null(error);
        // One line of the report for each, by its number.
        var lines = theirs.Split('\n');
        Assert.Equal(
            lines
                .Select((line, at) => (line, at))
                .Where(pair => pair.line.Contains(" ENC ", StringComparison.Ordinal))
                .Select(pair => pair.at + 1),
            ignored.Where(line => line.Why.StartsWith(Elsewhere, StringComparison.Ordinal)).Select(line => line.Number)
        );
        Assert.Equal(9, ignored.Count(line => line.Number > 0));

        var tree = Open().Current;
        string Secret(string table, string key, string attribute) => tree.List(table).Find(key)!.Text(attribute);
        Assert.Equal("mine-admin", Secret("system admin", "admin", "password"));
        Assert.Equal("mine-ann", Secret("user local", "ann", "passwd"));
        Assert.Equal("mine-radius", Secret("user radius", "rad", "secret"));
        Assert.Equal("mine-accounting", tree.List("user radius").Find("rad")!.Children("accounting-server").Find("1")!.Text("secret"));
        Assert.Contains(
            "NRQWELLTMVSWILLPMYWWC3TOFUYDAMBR",
            Secret("user fortitoken", "FTKMOB00MINE0001", "seed"),
            StringComparison.Ordinal
        );
        Assert.Equal("", Secret("user fortitoken", "FTKMOB0THEIRS001", "seed"));
        string[] unmatched =
        [
            Secret("system admin", "stranger", "password"),
            Secret("user local", "eve", "passwd"),
            Secret("user radius", "rad", "secondary-secret"),
        ];
        Assert.All(unmatched, secret => Assert.True(secret.Length > 40 && !secret.Contains("theirs", StringComparison.Ordinal)));
        Assert.Equal(3, unmatched.Distinct().Count());
        // They are shown sealed, and the shown text is valid on this unit: a second restore loses nothing.
        Assert.Empty(store.Restore(store.BackupText(full: false, "admin")).Ignored);
        Assert.Equal(unmatched[0], store.Current.List("system admin").Find("stranger")!.Text("password"));
    }

    [Theory]
    [InlineData("set password ENC SH2notOfThisUnit=", Elsewhere)]
    [InlineData("set password one two", "command parse error before '***'")]
    [InlineData("set password", "incomplete command in the end")]
    [InlineData("set password \"caf\uFFFD-pass1\"", "the line is not UTF-8")]
    [InlineData("append password \"caf\uFFFD-pass1\"", "the line is not UTF-8")]
    public void A_password_that_cannot_be_read_never_becomes_the_empty_one(string line, string why)
    {
        using var fresh = new StoreFolder();
        var store = Open(fresh, $"config system admin\nedit admin\nset accprofile super_admin\n{line}\nnext\nend\n", strict: false);
        var password = store.Current.List("system admin").Find("admin")!.Text("password");
        Assert.Equal(4, store.Ignored[^1].Number);
        Assert.StartsWith(why, store.Ignored[^1].Why, StringComparison.Ordinal);
        Assert.True(password.Length > 40);
    }

    [Fact]
    public void A_line_that_is_not_utf8_is_named_and_refused_by_check_restore_and_first_start()
    {
        byte[] file =
        [
            .. "config system interface\nedit port1\nset alias \"caf"u8,
            0xe9,
            .. "\"\nset description ok\nnext\nedit port2\nset alias \"caf\u00e9\"\nnext\nend\nconfig user local\nedit bob\nset passwd \"caf"u8,
            0xe9,
            .. "-pass1\"\nnext\nend\n"u8,
        ];
        (int, string)[] expected =
        [
            (3, "the line is not UTF-8"),
            (12, "the line is not UTF-8; nothing matches the value until another one is set"),
        ];
        Assert.Equal(
            expected,
            RestoreVerb
                .Check("x", file, Personality.Default, "desktop")
                .Ignored.Where(line => line.Number > 0)
                .Select(line => (line.Number, line.Why))
        );
        var store = Open();
        Assert.Equal(
            expected,
            store.Restore(ConfigStore.TextOf(file)).Ignored.Where(line => line.Number > 0).Select(line => (line.Number, line.Why))
        );
        using var fresh = new StoreFolder();
        var first = Open(fresh, ConfigStore.TextOf(file), strict: false);
        Assert.Equal(expected, first.Ignored.Where(line => line.Number > 0).Select(line => (line.Number, line.Why)));
        foreach (var tree in new[] { store.Current, first.Current })
        {
            Assert.Equal(
                ("", "ok", "café"),
                (
                    tree.List("system interface").Find("port1")!.Text("alias"),
                    tree.List("system interface").Find("port1")!.Text("description"),
                    tree.List("system interface").Find("port2")!.Text("alias")
                )
            );
            Assert.DoesNotContain('\uFFFD', tree.List("user local").Find("bob")!.Text("passwd"));
        }
        using var strict = new StoreFolder();
        Assert.Equal(
            "configuration, line 3: the line is not UTF-8",
            Assert.Throws<FormatException>(() => Open(strict, ConfigStore.TextOf(file), strict: true)).Message
        );
    }

    [Fact]
    public void An_entry_that_breaks_a_rule_across_tables_is_left_out_and_named_and_the_rest_loads()
    {
        var text = """
            config system interface
            edit port1
            set ip 10.0.0.1 255.255.255.0
            next
            edit port2
            set ip 10.0.0.2 255.255.255.0
            set alias "second"
            next
            end
            config system admin
            edit admin
            set accprofile super_admin
            next
            edit nobody
            next
            end
            config system settings
            set opmode transparent
            end
            config user fortitoken
            edit FTKMOB00MINE0001
            next
            end
            config user local
            edit ann
            set passwd x
            set two-factor fortitoken
            set fortitoken FTKMOB00MINE0001
            next
            edit bob
            set passwd x
            set two-factor fortitoken
            set fortitoken FTKMOB00MINE0001
            next
            edit cat
            set passwd x
            set email-to cat@lab
            next
            end

            """;
        IgnoredLine[] expected =
        [
            new(5, "object set operator error, -54 discard the setting", 8),
            new(14, "Attribute 'accprofile' MUST be set.", 15),
            new(17, "Attribute 'opmode' value 'transparent' checking fail -7610", 19),
            new(30, "FortiToken FTKMOB00MINE0001 is already assigned to ann, bob cannot have it", 34),
        ];
        var store = Open();
        var (ignored, error) = store.Restore(text);
        Assert.Null(error);
        Assert.Equal(expected, ignored);
        Assert.Equal(["guest", "ann", "cat"], store.Current.List("user local").Keys);
        Assert.Equal(
            ["10.0.0.1", "0.0.0.0"],
            new[] { "port1", "port2" }.Select(name => store.Current.List("system interface").Find(name)!.Text("ip"))
        );
        Assert.Equal(expected, RestoreVerb.Check("x", Encoding.UTF8.GetBytes(text), Personality.Default, "desktop").Ignored);
        using var fresh = new StoreFolder();
        Assert.Equal(expected, Open(fresh, text, strict: false).Ignored);
    }

    [Theory]
    [InlineData(
        "config system admin\nedit more\nset accprofile prof_admin\nset password p\nset trusthost1 10.0.0.999 255.0.0.0\nnext\nend\n",
        "system admin",
        "more",
        5,
        "invalid ip address"
    )]
    [InlineData(
        "config system admin\nedit more\nset accprofile prof_admin\nset password p\nset two-factor retina-scan\nnext\nend\n",
        "system admin",
        "more",
        5,
        "node_check_object fail! for two-factor retina-scan"
    )]
    [InlineData(
        "config user local\nedit more\nset passwd p\nset email-to a@b\nset two-factor retina-scan\nnext\nend\n",
        "user local",
        "more",
        5,
        "node_check_object fail! for two-factor retina-scan"
    )]
    [InlineData(
        "config vpn ssl settings\nconfig authentication-rule\nedit 7\nset realm x\nset source-interface wan9\nnext\nend\nend\n",
        "vpn ssl settings",
        "7",
        5,
        "entry not found in datasource: authentication-rule source-interface wan9"
    )]
    public void An_entry_that_loses_what_restricts_it_is_left_out_whole(string text, string table, string key, int line, string why)
    {
        var store = Open();
        var (ignored, error) = store.Restore(text);
        Assert.Null(error);
        Assert.Equal(
            [(3 - (table == "vpn ssl settings" ? 0 : 1), "the entry would allow more without line 5", 6), (line, why, line)],
            ignored.Where(one => one.Number > 0).Select(one => (one.Number, one.Why, one.Last))
        );
        Assert.Null(
            table == "vpn ssl settings"
                ? store.Current.Object(table).Children("authentication-rule").Find(key)
                : store.Current.List(table).Find(key)
        );
    }

    [Fact]
    public void An_entry_that_lacks_what_it_needs_is_named_with_all_its_lines()
    {
        var verdict = RestoreVerb.Check(
            "x",
            "config system dhcp server\nedit 1\nset netmask 255.255.255.0\nconfig ip-range\nedit 1\nset end-ip 10.0.0.9\nnext\nend\nnext\nend\n"u8.ToArray(),
            Personality.Default,
            "desktop"
        );
        Assert.All(
            verdict.Ignored.Where(line => line.Why.EndsWith("MUST be set.", StringComparison.Ordinal)),
            line => Assert.True(line.Last > line.Number)
        );
    }

    private ConfigStore Open() => Open(_folder, Unit, strict: true);

    private static ConfigStore Open(StoreFolder folder, string first, bool strict) =>
        ConfigStore.Open(
            StoreFolder.Schema,
            folder.File,
            folder.Key(),
            first,
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict)
        );
}
