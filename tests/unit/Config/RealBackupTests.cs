using System.Text.RegularExpressions;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Appliance.Lab.Page;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>
/// Backups as real units of several releases write them (Backups/, with our own values): every line has its effect or is named.
/// </summary>
public sealed partial class RealBackupTests : IDisposable
{
    private const string Elsewhere = "the value was not encrypted by this unit; nothing matches the value until another one is set";
    private static readonly string[] Ports = ["port1", "port2", "port3", "port4"];
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string[]> Backups =>
        new()
        {
            {
                "harbour-6.4",
                [
                    "34-37 no such table in this version: system np6",
                    "76-80 node_check_object fail! for name port5",
                    "81-86 node_check_object fail! for name ssl.root",
                    "88-92 no such table in this version: system custom-language",
                    $"97 {Elsewhere}",
                    $"103 {Elsewhere}",
                    $"110 {Elsewhere}",
                    "117-121 no such table in this version: system storage",
                    $"158 {Elsewhere}",
                    "215-219 no such table in this version: firewall service category",
                    "233 the value was not encrypted by this unit; there is no value until another one is set",
                    $"242 {Elsewhere}",
                    $"249 {Elsewhere}",
                ]
            },
            {
                "quay-7.4",
                [
                    "0 the file leaves no interface of this board: this unit's interfaces stay",
                    "14-21 node_check_object fail! for name wan1",
                    "22-30 node_check_object fail! for name internal",
                    "32-36 no such table in this version: system physical-switch",
                    "37-45 no such table in this version: system virtual-switch",
                    $"50 {Elsewhere}",
                    "53-59 no such table in this version: system replacemsg admin pre_admin-disclaimer-text",
                    $"63 {Elsewhere}",
                    "78 entry not found in datasource: vpn ssl settings source-interface wan1",
                    "90 entry not found in datasource: router static device wan1",
                ]
            },
            { "pier-7.6", [$"43 {Elsewhere}", $"53 {Elsewhere}"] },
        };

    [Theory]
    [MemberData(nameof(Backups))]
    public void Every_line_of_a_backup_has_its_effect_or_is_named(string name, string[] expected)
    {
        var report = RestoreVerb.Check(name, File.ReadAllBytes(FileOf(name)), PersonalityOf(name), "desktop");
        Assert.Null(report.Refused);
        Assert.Equal(
            expected,
            report.Ignored.Select(line => $"{line.Number}{(line.Last > line.Number ? $"-{line.Last}" : "")} {line.Why}")
        );
    }

    [Theory]
    [MemberData(nameof(Backups))]
    public void What_is_shown_after_a_restore_is_the_text_of_each_block_without_the_lines_that_are_named(string name, string[] named)
    {
        var text = File.ReadAllText(FileOf(name));
        var store = ConfigStore.Open(
            ConfigSchema.Load(PersonalityOf(name)),
            _folder.File,
            _folder.Key(),
            "",
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict: true)
        );
        var (ignored, error) = store.Restore(text);
        Assert.Null(error);
        Assert.Equal(named.Length, ignored.Count);
        var lines = text.Split('\n').Select((line, at) => (Line: line, Number: at + 1)).ToArray();
        // A secret that could not be had is shown sealed like any other; the seed of a token is not there at all.
        bool Lost(int number) =>
            ignored.Any(left => number >= left.Number && number <= left.Last && !left.Why.StartsWith(Elsewhere, StringComparison.Ordinal));
        var compared = 0;
        for (var at = 0; at < lines.Length; at++)
        {
            if (!lines[at].Line.StartsWith("config ", StringComparison.Ordinal) || Lost(lines[at].Number))
            {
                continue;
            }
            var end = Array.FindIndex(lines, at, line => line.Line == "end");
            var table = store.Current.Schema.Table(lines[at].Line["config ".Length..])!;
            var kept = lines[at..(end + 1)].Where(line => !Lost(line.Number)).Select(line => line.Line).ToArray();
            // Of a table that lost every entry the unit keeps its own.
            if (kept.Length > 2)
            {
                var shown = new ConfigText(_ => "****").Table(store.Current, table).ToString();
                Assert.Equal(Sealed().Replace(string.Join('\n', kept), "ENC ****") + "\n", shown);
                compared++;
            }
            at = end;
        }
        Assert.InRange(compared, 5, 100);
    }

    [Theory]
    [MemberData(nameof(Backups))]
    public void A_restore_on_a_unit_reports_what_its_check_reported(string name, string[] expected)
    {
        var store = ConfigStore.Open(
            ConfigSchema.Load(PersonalityOf(name)),
            _folder.File,
            _folder.Key(),
            "",
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict: true)
        );
        var check = RestoreVerb.Check(name, File.ReadAllBytes(FileOf(name)), PersonalityOf(name), "desktop", _folder.Folder);
        var (ignored, error) = store.Restore(File.ReadAllText(FileOf(name)));
        Assert.Null(error);
        Assert.Equal(check.Ignored, ignored);
        Assert.Equal(expected.Length, ignored.Count);
    }

    [Theory]
    [MemberData(nameof(Backups))]
    public void A_new_unit_that_boots_a_backup_has_what_a_restore_gives(string name, string[] expected)
    {
        var first = ConfigStore.Open(
            ConfigSchema.Load(PersonalityOf(name)),
            _folder.File,
            _folder.Key(),
            File.ReadAllText(FileOf(name)),
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict: false)
        );
        using var other = new StoreFolder();
        var restored = ConfigStore.Open(
            ConfigSchema.Load(PersonalityOf(name)),
            other.File,
            other.Key(),
            "",
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict: true)
        );
        Assert.Equal(restored.Restore(File.ReadAllText(FileOf(name))).Ignored, first.Ignored);
        Assert.Equal(expected.Length, first.Ignored.Count);
        Assert.True(first.IsFirst);
        Assert.Equal(Shown(restored), Shown(first));
    }

    private static string Shown(ConfigStore store) => new ConfigText(_ => "****").Tree(store.Current).ToString();

    private static Personality PersonalityOf(string name) => Personality.Find(name.Split('-')[1])!;

    private static string FileOf(string name) => Repository.PathOf($"tests/support/Config/Backups/{name}.conf");

    [GeneratedRegex(@"ENC \S+$", RegexOptions.Multiline)]
    private static partial Regex Sealed();
}
