using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Page;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>Verbs of the console that a backup does not contain have the same effect in a file.</summary>
public sealed class FileVerbTests : IDisposable
{
    private const string Needed = "set srcintf port1\nset dstintf port1\nset schedule always\nset service ALL\n";
    private const string Objects =
        "config system interface\nedit port1\nnext\nend\n"
        + """
            config firewall address
            edit a
            set subnet 10.0.0.0 255.0.0.0
            set comment "first"
            next
            edit b
            set subnet 10.1.0.0 255.255.0.0
            next
            edit c
            next
            end
            config firewall addrgrp
            edit g
            set member "a" "b"
            next
            end
            config firewall policy
            edit 1

            """
        + Needed
        + """
            set srcaddr "a"
            set dstaddr "b"
            set action accept
            next
            edit 2

            """
        + Needed
        + """
            set srcaddr "b"
            set dstaddr "g"
            next
            edit 3

            """
        + Needed
        + """
            set srcaddr "b"
            set dstaddr "b"
            next
            end
            config vpn ssl settings
            config authentication-rule
            edit 1
            set realm one
            next
            edit 2
            set realm two
            next
            end
            end

            """;

    private readonly StoreFolder _console = new();
    private readonly StoreFolder _file = new();

    public void Dispose()
    {
        _console.Dispose();
        _file.Dispose();
    }

    [Theory]
    [InlineData("config firewall address\nrename a to first\nend\n", "")]
    [InlineData("config firewall address\nrename a to first\nrename first to a\nend\n", "")]
    [InlineData("config firewall address\nrename none-there to x\nend\n", "entry not found in table")]
    [InlineData("config firewall address\nrename a to b\nend\n", "a duplicate entry already exists: b")]
    [InlineData("config firewall address\nrename a too b\nend\n", "command parse error before 'too'")]
    [InlineData("config firewall address\nrename a\nend\n", "incomplete command in the end")]
    [InlineData("config firewall address\nrename a to \"<b>\"\nend\n", "The string contains XSS vulnerability characters")]
    [InlineData("config firewall address\nclone a to copy\nend\n", "")]
    [InlineData("config firewall address\nclone a to c\nend\n", "a duplicate entry already exists: c")]
    [InlineData("config firewall address\nclone a to copy now\nend\n", "command parse error before 'now'")]
    [InlineData("config firewall address\ndelete c\nend\n", "")]
    [InlineData("config firewall address\ndelete a\nend\n", "The entry is used by other 2 entries")]
    [InlineData("config firewall address\ndelete x\nend\n", "entry not found in table")]
    [InlineData("config firewall address\ndelete\nend\n", "incomplete command in the end")]
    [InlineData("config firewall address\ndelete c now\nend\n", "command parse error before 'now'")]
    [InlineData("config firewall policy\nmove 3 before 1\nend\n", "")]
    [InlineData("config firewall policy\nmove 1 after 2\nend\n", "")]
    [InlineData("config firewall policy\nmove 1 after 9\nend\n", "entry not found in table")]
    [InlineData("config firewall policy\nmove 1 beside 2\nend\n", "command parse error before 'beside'")]
    [InlineData("config firewall address\nmove a after b\nend\n", "command parse error before 'move'")]
    [InlineData("config firewall policy\npurge\ny\nend\n", "")]
    [InlineData("config firewall policy\npurge\nn\nend\n", "")]
    [InlineData("config firewall address\npurge\ny\nend\n", "The entry is used by other 5 entries")]
    [InlineData("config firewall policy\npurge now\nend\n", "command parse error before 'now'")]
    [InlineData("config firewall addrgrp\nedit g\nappend member c\nnext\nend\n", "")]
    [InlineData("config firewall addrgrp\nedit g\nappend member never\nnext\nend\n", "entry not found in datasource")]
    [InlineData("config firewall addrgrp\nedit g\nappend member\nnext\nend\n", "incomplete command in the end")]
    [InlineData("config firewall addrgrp\nedit g\nselect member c\nnext\nend\n", "")]
    [InlineData("config firewall addrgrp\nedit g\nunselect member a\nnext\nend\n", "")]
    [InlineData("config firewall addrgrp\nedit g\nunselect member c\nnext\nend\n", "entry not found in datasource")]
    [InlineData("config firewall address\nedit a\nclear comment\nnext\nend\n", "")]
    [InlineData("config firewall address\nedit a\nset comment dropped\nabort\nconfig system dns\nset primary 192.0.2.1\nend\n", "")]
    [InlineData("config vpn ssl settings\nconfig authentication-rule\nmove 2 before 1\nend\nend\n", "")]
    [InlineData("config vpn ssl settings\nconfig authentication-rule\ndelete 1\nend\nend\n", "")]
    [InlineData("config vpn ssl settings\nconfig authentication-rule\npurge\ny\nend\nend\n", "")]
    [InlineData("config vpn ssl settings\nconfig authentication-rule\nrename 2 to 7\nclone 7 to 8\nend\nend\n", "")]
    public void A_verb_does_in_a_file_what_it_does_at_the_console(string script, string error)
    {
        var typed = _console.Open();
        using var session = new CliSession(typed, []);
        var said = string.Concat((Objects + script).Split('\n').Select(session.Execute));
        var restored = _file.Open();
        var (ignored, refusal) = restored.Restore(Objects + script);
        Assert.Null(refusal);
        Assert.Equal(Shown(typed), Shown(restored));
        Assert.Equal(error.Length > 0 ? 1 : 0, ignored.Count);
        if (error.Length > 0)
        {
            Assert.Contains(error, said, StringComparison.Ordinal);
            Assert.StartsWith(error, ignored[0].Why, StringComparison.Ordinal);
        }
        else
        {
            Assert.DoesNotContain("Command fail", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_purge_that_no_line_answers_is_done()
    {
        var store = _file.Open();
        Assert.Empty(
            store
                .Restore(Objects + "config firewall policy\npurge\nedit 9\n" + Needed + "set srcaddr a\nset dstaddr a\nnext\nend\n")
                .Ignored
        );
        Assert.Equal(["9"], store.Current.List("firewall policy").Keys);
    }

    [Fact]
    public void A_clone_in_a_file_gets_a_uuid_of_its_own()
    {
        var store = _file.Open();
        Assert.Empty(store.Restore(Objects + "config firewall address\nclone a to copy\nend\n").Ignored);
        var addresses = store.Current.List("firewall address");
        Assert.NotEqual(addresses.Find("a")!.Text("uuid"), addresses.Find("copy")!.Text("uuid"));
        Assert.Equal("first", addresses.Find("copy")!.Text("comment"));
    }

    [Fact]
    public void What_a_renamed_or_cloned_entry_refers_to_in_vain_is_named_by_the_line_that_wrote_it()
    {
        var store = _file.Open();
        var (ignored, error) = store.Restore("config user group\nedit g\nset member never\nnext\nclone g to h\nrename g to i\nend\n");
        Assert.Null(error);
        Assert.Equal([new IgnoredLine(3, "entry not found in datasource: user group member never")], ignored);
        Assert.Equal(["i", "h"], store.Current.List("user group").Keys);
    }

    [Fact]
    public void An_appended_word_that_refers_to_nothing_costs_no_other_word()
    {
        var store = _file.Open();
        var (ignored, _) = store.Restore(
            Objects
                + "config firewall addrgrp\nedit h\nset member never\nappend member a\nappend member late\nnext\nend\nconfig firewall address\nedit late\nnext\nend\n"
        );
        Assert.Equal("entry not found in datasource: firewall addrgrp member never", Assert.Single(ignored).Why);
        Assert.Equal(["a", "late"], store.Current.List("firewall addrgrp").Find("h")!.Words("member"));
    }

    [Fact]
    public void A_name_that_stands_in_two_lines_is_named_where_it_leads_nowhere()
    {
        var verdict = RestoreVerb.Check(
            "x",
            "config user group\nedit one\nset member \"x\"\nnext\nend\nconfig user local\nedit x\nset passwd p\nset radius-server \"x\"\nnext\nend\n"u8.ToArray(),
            Personality.Default,
            "desktop"
        );
        Assert.Equal([9], verdict.Ignored.Where(line => line.Number > 0).Select(line => line.Number));
    }

    private static string Shown(ConfigStore store) => new ConfigText(_ => "****").Tree(store.Current).ToString();
}
