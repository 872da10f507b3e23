using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary><c>alias NAME</c> runs the lines of <c>system alias</c>.</summary>
public sealed class AliasTests : IDisposable
{
    private const string Root = "lab-appliance # ";
    private readonly StoreFolder _folder = new();
    private readonly ConfigStore _store;

    public AliasTests() => _store = _folder.Open(LabBoard.DefaultConfiguration());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_after_a_question_and_after_an_answer_that_takes_its_time_are_run()
    {
        var shown = await RunAsync("execute ask\nexecute wait\nexecute say", "alias a\ny\n");
        Assert.EndsWith(
            $"{Root}alias a\nsure? (y/n)y\nasked\n\nwaited\n\n{Root}",
            shown.Replace("said\n\n", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Contains("waited\n\nsaid\n\n", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_to_a_question_goes_on_with_the_next_line() =>
        Assert.EndsWith(
            $"{Root}alias a\nsure? (y/n)n\n\nsaid\n\n{Root}",
            await RunAsync("execute ask\nexecute say", "alias a\nn\n"),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task An_alias_runs_no_other_alias() =>
        Assert.Contains(
            "alias a cannot be used in an alias\nCommand fail. Return code -1",
            await RunAsync("alias a\nexecute say", "alias a\n"),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task An_alias_may_be_cut_to_what_fits_one_alone() =>
        Assert.EndsWith(
            $"{Root}al look\nsaid\n\n{Root}",
            await RunAsync("execute say", "al look\n", name: "looking"),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task Each_line_of_an_alias_needs_its_own_permission()
    {
        Define("a", "get system status\nexecute fortitoken sync");
        using var session = new CliSession(_store, [Command("execute say", _ => "said\n")], Administrator.Nobody);
        var shown = await ConsoleStream.TranscriptAsync(session, "alias a\n", TestContext.Current.CancellationToken);
        Assert.Contains("Permission denied.", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("said", shown, StringComparison.Ordinal);
    }

    private static CliCommand Command(string words, Func<CliCall, CliReply> run) =>
        new(words, "A command of the test.", Permissions.Maintenance.Write, CliArguments.None, run);

    private async Task<string> RunAsync(string command, string script, string name = "a")
    {
        Define(name, command);
        using var session = new CliSession(
            _store,
            [
                Command("execute ask", _ => new CliReply("sure? (y/n)") { OnYes = () => "asked\n" }),
                Command("execute wait", _ => new CliReply("") { Later = WaitAsync }),
                Command("execute say", _ => "said\n"),
            ]
        );
        return await ConsoleStream.TranscriptAsync(session, script, TestContext.Current.CancellationToken);
    }

    private void Define(string name, string command) =>
        Assert.Null(
            _store.Commit(tree =>
                tree.With(
                    "system alias",
                    tree.List("system alias").With(name, new ConfigObject(tree.Schema.Table("system alias")!).With("command", [command]))
                )
            )
        );

    private static async Task<CliReply> WaitAsync(CancellationToken stop)
    {
        await Task.Yield();
        return "waited\n";
    }
}
