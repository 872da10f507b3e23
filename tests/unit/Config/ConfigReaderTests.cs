using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The ignored parts of a file, and their report: each line and block once, by its numbers.</summary>
public sealed class ConfigReaderTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    // A block that this release does not support, with a block and an open quote inside.
    [InlineData(
        "config webfilter profile\nedit \"a\"\nset comment \"several\nend\nlines\"\nconfig web\nset x 1\nend\nnext\nend\nconfig system dns\nset primary 1.1.1.1\nend\n",
        "1-10 no such table in this version: webfilter profile"
    )]
    [InlineData(
        "config system interface\nedit \"port1\"\nconfig nothing\nedit 1\nset a b\nnext\nend\nset alias \"x\"\nnext\nend\n",
        "3-7 no such table in this version: nothing"
    )]
    // A value over several lines that is no good, and the line after it.
    [InlineData(
        "config system global\nset hostname \"a\nb\"\nset remoteauthtimeout 9999\nend\n",
        "2-2 node_check_object fail! for hostname ab|4-4 node_check_object fail! for remoteauthtimeout 9999"
    )]
    [InlineData(
        "config user local\nedit \"a<b\"\nset passwd x\nnext\nedit \"ok\"\nset passwd x\nnext\nend\n",
        "2-4 The string contains XSS vulnerability characters"
    )]
    [InlineData(
        "config user local\nedit \"a<b\"\nset passwd x\nend\nconfig system dns\nset primary 1.1.1.1\nend\n",
        "2-3 The string contains XSS vulnerability characters"
    )]
    // References: to absent entries, to later entries, to skipped entries.
    [InlineData(
        "config user group\nedit \"g\"\nset member \"late\" \"never\"\nnext\nend\nconfig user local\nedit \"late\"\nset passwd x\nnext\nend\n",
        "3-3 entry not found in datasource: user group member never"
    )]
    [InlineData(
        "config user group\nedit \"g\"\nset member \"late\"\nnext\nend\nconfig user local\nedit \"late\"\nset passwd x\nset fortitoken \"FTK1\"\nnext\nend\n",
        "9-9 entry not found in datasource: user local fortitoken FTK1"
    )]
    [InlineData(
        "config router static\nedit 1\nset device \"port9\"\nset gateway 1.2.3.4\nnext\nend\n",
        "3-3 entry not found in datasource: router static device port9"
    )]
    [InlineData(
        "config vpn ssl settings\nconfig authentication-rule\nedit 1\nset groups \"gone\"\nset portal \"web\"\nnext\nend\nend\n",
        "4-4 entry not found in datasource: authentication-rule groups gone|5-5 entry not found in datasource: authentication-rule portal web"
    )]
    [InlineData(
        "config user group\nedit \"g\"\nset member \"never\"\nset member \"late\"\nnext\nend\nconfig user local\nedit \"late\"\nset passwd x\nnext\nend\n",
        ""
    )]
    [InlineData("config system dns\nset primary 1.1.1.1\n", "3-3 the text ends inside a config level; the open entry is omitted")]
    [InlineData(
        "config system dns\nset primary \"1.1.1.1\n",
        "2-3 Unmatched double quote.|3-3 the text ends inside a config level; the open entry is omitted"
    )]
    // The text ends with a backslash or a quote.
    [InlineData(
        "config nothing\nset a \\",
        "1-2 no such table in this version: nothing|2-2 the text ends inside a config level; the open entry is omitted"
    )]
    [InlineData(
        "config nothing\nset a \"",
        "1-2 no such table in this version: nothing|2-2 the text ends inside a config level; the open entry is omitted"
    )]
    [InlineData(
        "config system dns\nset primary \\",
        "2-2 Unmatched double quote.|2-2 the text ends inside a config level; the open entry is omitted"
    )]
    [InlineData(
        "next\nend\nset a b\n# config x\n\n   \nexit\n",
        "1-1 command parse error before 'next'|2-2 command parse error before 'end'|3-3 command parse error before 'set'|7-7 command parse error before 'exit'"
    )]
    [InlineData("config system dns\r\nset primary 1.1.1.1\r\nset nonsense 1\r\nend\r\n", "3-3 command parse error before 'nonsense'")]
    public void WhatIsLeftOutIsTold(string text, string expected)
    {
        var ignored = ConfigStore.Check(StoreFolder.Schema, text, ConfigRules.Values);
        Assert.Equal(expected, string.Join('|', ignored.Select(line => $"{line.Number}-{line.Last} {line.Why}")));
    }

    [Fact]
    public void ABackupOfAnotherUnitLoadsWithoutItsSecrets()
    {
        using var other = new StoreFolder();
        var theirs = other
            .Open(
                "config user local\nedit \"ann\"\nset type password\nset email-to \"ann@lab\"\nset passwd \"secret\"\nnext\nend\nconfig system global\nset hostname \"theirs\"\nend\n"
            )
            .BackupText(full: false, "admin");
        var ours = _folder.Open();
        var (ignored, error) = ours.Restore(theirs);
        Assert.Null(error);
        var line = Assert.Single(ignored);
        Assert.Equal("the value was not encrypted by this unit; nothing matches the value until another one is set", line.Why);
        Assert.StartsWith("        set passwd ENC ", theirs.Split('\n')[line.Number - 1], StringComparison.Ordinal);
        Assert.Equal("ann@lab", ours.Current.List("user local").Find("ann")!.Text("email-to"));
        Assert.NotEqual("", ours.Current.List("user local").Find("ann")!.Text("passwd"));
        Assert.Equal("theirs", _folder.Open().Current.Object("system global").Text("hostname"));
    }

    [Theory]
    [InlineData("config system dns\nset primary 1.1.1.1\n")]
    [InlineData("config system dns\nset primary 1.1.1.1\nend\nconfig system global\nset alias \"x\n")]
    [InlineData("config no such table\nset primary 1.1.1.1\n")]
    [InlineData("config no such table\nedit \"x\nend\n")]
    [InlineData("config user group\nedit a b\nset member c\n")]
    public void AFileThatIsCutShortChangesNothing(string text)
    {
        var store = _folder.Open("config system global\nset hostname \"first\"\nend\n");
        var error = store.Restore(text).Error;
        Assert.StartsWith("File check failed: line ", error!.Lines[0], StringComparison.Ordinal);
        Assert.Equal("first", store.Current.Object("system global").Text("hostname"));
    }

    [Fact]
    public void EachBackupOfAUnitLoadsThereWhole()
    {
        var store = _folder.Open(Appliance.Lab.Composition.LabBoard.DefaultConfiguration());
        var before = Text(store);
        foreach (var full in new[] { false, true })
        {
            var backup = store.BackupText(full, "admin");
            Assert.Null(store.Reset());
            Assert.Null(store.Commit(tree => tree.With("system dns", tree.Object("system dns").With("primary", ["9.9.9.9"]))));
            var (ignored, error) = store.Restore(backup);
            Assert.Null(error);
            Assert.Empty(ignored);
            Assert.Equal(before, Text(store));
        }
    }

    private static string Text(ConfigStore store) => new ConfigText(secret => secret).Tree(store.Current).ToString();
}
