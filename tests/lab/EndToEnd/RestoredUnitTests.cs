using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A whole unit that restores a file: its refusals, the users that can log in afterwards, and the tool's report.</summary>
public sealed class RestoredUnitTests
{
    private const string ForeignAdmin =
        "config system admin\nedit admin\nset accprofile super_admin\nset password ENC SH2mXo1pGxJ6b3jTqv0hT0cQf2oJ1m2c9xV7aY4WnD8rKk5LZs3uEw==\nnext\nend\n";

    [Fact]
    public async Task A_backup_whose_administrator_was_encrypted_elsewhere_lets_no_empty_password_in()
    {
        await using var lab = await TestLab.StartAsync();
        await PutOnStickAsync(
            lab,
            "theirs.conf",
            "#config-version=FGVM64-6.4.4-FW-build1803-201209:opmode=1:vdom=0:user=admin\n" + ForeignAdmin
        );
        var shown = await lab.CliAsync("execute restore config usb theirs.conf", "y");
        Assert.Contains(
            "line 5 ignored: the value was not encrypted by this unit; nothing matches the value until another one is set\n",
            shown,
            StringComparison.Ordinal
        );
        Assert.Contains("the file leaves no interface of this board: this unit's interfaces stay\n", shown, StringComparison.Ordinal);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("admin", "");
        await console.ReadToAsync("Login incorrect");
        Assert.DoesNotContain("Welcome", console.Shown, StringComparison.Ordinal);
        // The attached console is left, and sets another one.
        await lab.CliAsync("config system admin", "edit admin", "set password mine-again", "next", "end");
        await console.TypeAsync("admin", "mine-again");
        await console.ReadToAsync("Welcome");
    }

    [Fact]
    public async Task A_backup_of_another_unit_leaves_an_administrator_of_the_same_name_the_password_of_this_unit()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system admin", "edit admin", "set password of-this-unit", "next", "end");
        await PutOnStickAsync(lab, "theirs.conf", ForeignAdmin);
        Assert.Contains(
            "line 4 ignored: the value was not encrypted by this unit; this unit's own value stays\n",
            await lab.CliAsync("execute restore config usb theirs.conf", "y"),
            StringComparison.Ordinal
        );
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("admin", "", "admin", "of-this-unit");
        await console.ReadToAsync("Welcome");
        Assert.Contains("Login incorrect", console.Shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Dear all,\nthis is no configuration.\n",
        "the file is not a configuration: it neither begins with #config-version= nor has a table of this version"
    )]
    [InlineData("", "the file is empty")]
    [InlineData(
        "config vdom\nedit root\nnext\nend\n",
        "line 1: the file is a backup of a unit with several VDOMs, and this unit has none: restore the blocks of one VDOM"
    )]
    public async Task A_file_that_is_refused_leaves_the_unit_as_it_was(string text, string reason)
    {
        await using var lab = await TestLab.StartAsync();
        await PutOnStickAsync(lab, "g.conf", text);
        var before = await lab.CliAsync("show system interface", "show system admin");
        var shown = await lab.CliAsync("execute restore config usb g.conf", "y");
        Assert.Contains($"File check failed: {reason}\nCommand fail. Return code -1\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("OK", shown, StringComparison.Ordinal);
        Assert.Equal(before, await lab.CliAsync("show system interface", "show system admin"));
        Assert.Contains(
            lab.EventLines(),
            line => line.Contains("logid=\"0100032143\"", StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task The_tool_boots_a_backup_and_reports_on_stderr_what_its_check_prints()
    {
        var backup = await File.ReadAllTextAsync(Backup(), TestContext.Current.CancellationToken);
        await using var lab = new LabProcess();
        var ready = await lab.LoadAsync(backup);
        Assert.True(ready?["ready"]?.GetValue<bool>() ?? false, ready is null ? await lab.ErrorsAsync() : "");
        Assert.Equal(0, await lab.TerminateAsync());
        var errors = await lab.ErrorsAsync();
        var check = Appliance.Tool.RestoreVerb.Check(
            "x",
            System.Text.Encoding.UTF8.GetBytes(backup),
            Appliance.Firmware.Config.Personality.Default,
            "desktop"
        );
        Assert.True(check.Ignored.Count > 10);
        Assert.All(
            check.Ignored,
            line =>
                Assert.Contains(
                    $".conf{(line.Number == 0 ? "" : $":{line.Number}{(line.Last > line.Number ? $"-{line.Last}" : "")}")}: {line.Why}\n",
                    errors,
                    StringComparison.Ordinal
                )
        );
        Assert.Contains(" ignored by 6.4\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tool_ends_at_the_first_mistake_when_it_is_strict_and_at_a_file_that_is_none_always()
    {
        await using var lab = new LabProcess();
        var (exit, output) = await lab.FailAsync(await File.ReadAllTextAsync(Backup(), TestContext.Current.CancellationToken));
        Assert.Equal(
            (3, true),
            (exit, output.Contains("configuration, line 34: no such table in this version: system np6", StringComparison.Ordinal))
        );
        await using var other = new LabProcess();
        Assert.Null(await other.LoadAsync("this is no configuration\n"));
        Assert.Contains("configuration: the file is not a configuration", await other.ErrorsAsync(), StringComparison.Ordinal);
    }

    private static async Task PutOnStickAsync(TestLab lab, string name, string text)
    {
        Directory.CreateDirectory(Path.Combine(lab.State, "usb"));
        await File.WriteAllTextAsync(Path.Combine(lab.State, "usb", name), text, TestContext.Current.CancellationToken);
    }

    private static string Backup() => Repository.PathOf("tests/support/Config/Backups/harbour-6.4.conf");
}
