using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The console on a real terminal: tmux types the keys and reads the screen.</summary>
[Trait("Peer", "tmux")]
public sealed class TmuxTests
{
    [Fact]
    public async Task CliIsATerminalAndPutsTheOldOneBack()
    {
        await using var lab = await TestLab.StartAsync();
        var socket = Path.Combine(lab.State, "tmux.sock");
        var program = Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll");
        Task<PeerRun> TmuxAsync(params string[] arguments) => Peer.RunAsync("tmux", ["-S", socket, "-f", "/dev/null", .. arguments]);
        async Task<string> ScreenAsync() => (await TmuxAsync("capture-pane", "-p", "-t", "lab")).Output;
        Task SeenAsync(string text) =>
            Until.TrueAsync(async () => (await ScreenAsync()).Contains(text, StringComparison.Ordinal), $"'{text}' on the screen");
        await TmuxAsync("new-session", "-d", "-s", "lab", "-x", "80", "-y", "24", "sh");
        try
        {
            await TmuxAsync(
                "send-keys",
                "-t",
                "lab",
                $"PS1='shell> '; stty -g > {lab.State}/before; dotnet {program} cli --state {lab.State}; stty -g > {lab.State}/after",
                "Enter"
            );
            await SeenAsync("lab-appliance #");
            // Not echoed, answered immediately, and the line continues.
            await TmuxAsync("send-keys", "-t", "lab", "config system s?");
            await SeenAsync("sms-server");
            await SeenAsync("lab-appliance # config system s");
            await TmuxAsync("send-keys", "-t", "lab", "C-c");
            await TmuxAsync("send-keys", "-t", "lab", "sho", "Tab", "full-configuration system global", "Enter");
            await SeenAsync("--More--");
            Assert.Equal(
                22,
                (await ScreenAsync())
                    .Split('\n')
                    .Count(line =>
                        line.StartsWith("config system global", StringComparison.Ordinal)
                        || line.StartsWith("    ", StringComparison.Ordinal)
                    )
            );
            await TmuxAsync("send-keys", "-t", "lab", "q");
            await Until.TrueAsync(async () => !(await ScreenAsync()).Contains("--More--", StringComparison.Ordinal), "the end of paging");
            await TmuxAsync("send-keys", "-t", "lab", "exit", "Enter");
            await Until.TrueAsync(
                () => File.Exists($"{lab.State}/after") && new FileInfo($"{lab.State}/after").Length > 0,
                "the shell again"
            );
            Assert.Equal(await File.ReadAllTextAsync($"{lab.State}/before"), await File.ReadAllTextAsync($"{lab.State}/after"));
            // A signal also ends it and restores the terminal.
            await TmuxAsync(
                "send-keys",
                "-t",
                "lab",
                $"clear; sh -c 'echo $$ > {lab.State}/pid; exec dotnet {program} cli --state {lab.State}'; stty -g > {lab.State}/killed",
                "Enter"
            );
            await Until.TrueAsync(() => File.Exists($"{lab.State}/pid") && new FileInfo($"{lab.State}/pid").Length > 0, "the program");
            await SeenAsync("lab-appliance #");
            await Peer.RunAsync("kill", ["-TERM", (await File.ReadAllTextAsync($"{lab.State}/pid")).Trim()]);
            await Until.TrueAsync(
                () => File.Exists($"{lab.State}/killed") && new FileInfo($"{lab.State}/killed").Length > 0,
                "the shell after the signal"
            );
            Assert.Equal(await File.ReadAllTextAsync($"{lab.State}/before"), await File.ReadAllTextAsync($"{lab.State}/killed"));
        }
        finally
        {
            await TmuxAsync("kill-server");
        }
    }
}
