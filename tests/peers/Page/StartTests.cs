using System.Text.RegularExpressions;
using Appliance.Lab.Page;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Appliance.Tests.Page;

/// <summary>The user's first access to the page: the lab opens it, or reports why there is none.</summary>
[Trait("Peer", "tmux")]
public sealed class StartTests : IDisposable
{
    /// <summary>The programs that the scripts need in addition to the .NET SDK and Node.js.</summary>
    private static readonly string[] Tools =
    [
        "bash",
        "sh",
        "env",
        "dirname",
        "grep",
        "find",
        "sort",
        "cksum",
        "mkdir",
        "mv",
        "cat",
        "flock",
        "xargs",
        "rm",
        "touch",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-start-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_lab_opens_its_page_at_a_desktop_unless_told_not_to_and_its_console_follows_the_terminal()
    {
        var (bin, opened, socket) = (Folder("bin"), Path.Combine(_folder.FullName, "opened"), Path.Combine(_folder.FullName, "tmux.sock"));
        Script(Path.Combine(bin, "xdg-open"), $"echo noise; echo noise >&2; echo \"$1\" > {opened}.new; mv {opened}.new {opened}");
        using var claim = LoopbackNetwork.Claim();
        var network = claim.Prefix;
        Task<PeerRun> TmuxAsync(params string[] arguments) => Peer.RunAsync("tmux", ["-S", socket, "-f", "/dev/null", .. arguments]);
        async Task<string> ScreenAsync() => (await TmuxAsync("capture-pane", "-p", "-t", "lab")).Output;
        Task SeenAsync(string text) =>
            Until.TrueAsync(async () => (await ScreenAsync()).Contains(text, StringComparison.Ordinal), $"'{text}' on the screen");
        Task UpAsync(string more) =>
            TmuxAsync(
                "send-keys",
                "-t",
                "lab",
                $"clear; DISPLAY=:99 PATH={bin}:$PATH dotnet {Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll")} up {more} --clock frozen --lab-port 0 --network {network} --state {_folder.FullName}/state",
                "Enter"
            );
        await TmuxAsync("new-session", "-d", "-s", "lab", "-x", "150", "-y", "40", "sh");
        try
        {
            await TmuxAsync("send-keys", "-t", "lab", "PS1='shell> '", "Enter");
            await UpAsync("--no-open");
            await SeenAsync("lab-appliance #");
            Assert.False(File.Exists(opened));
            await TmuxAsync("send-keys", "-t", "lab", "C-c");
            await SeenAsync("\nshell>");
            await UpAsync("");
            await Until.TrueAsync(() => File.Exists(opened), "the browser");
            await SeenAsync("lab-appliance #");
            var screen = await ScreenAsync();
            var address = (await File.ReadAllTextAsync(opened)).Trim();
            Assert.Matches("^http://127\\.0\\.0\\.1:[0-9]+/$", address);
            Assert.Matches($"page +│ {Regex.Escape(address)} ", screen);
            Assert.DoesNotContain("noise", screen, StringComparison.Ordinal);
            using var browser = new HttpClient();
            Assert.Contains(
                PageFiles.Embedded.IsBuilt ? "<title>Appliance lab</title>" : "without its page",
                await (await browser.GetAsync(address)).Content.ReadAsStringAsync(),
                StringComparison.Ordinal
            );
            // The terminal gets fewer rows during the session, and so does a page of output.
            await TmuxAsync("resize-window", "-t", "lab", "-x", "100", "-y", "12");
            await TmuxAsync("send-keys", "-t", "lab", "show full-configuration system global", "Enter");
            await SeenAsync("--More--");
            var lines = (await ScreenAsync()).Split('\n');
            Assert.Equal(
                10,
                lines.Count(line =>
                    line.StartsWith("config system global", StringComparison.Ordinal) || line.StartsWith("    ", StringComparison.Ordinal)
                )
            );
            await TmuxAsync("send-keys", "-t", "lab", "q");
            await TmuxAsync("send-keys", "-t", "lab", "C-c");
            await Until.TrueAsync(
                async () => (await ScreenAsync()).TrimEnd().EndsWith("shell>", StringComparison.Ordinal),
                "the end of the lab"
            );
        }
        finally
        {
            await TmuxAsync("kill-server");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("v18.19.0")]
    public async Task Without_Node_the_lab_runs_and_says_that_it_has_no_page(string? node)
    {
        var (bin, home) = (Folder("bin"), Folder("checkout"));
        foreach (var tool in Tools)
        {
            var found = new[] { "/usr/bin/", "/bin/" }.Select(folder => folder + tool).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(bin, tool), found);
        }
        // A fake SDK that builds immediately, because the test is about the script.
        Script(
            Path.Combine(bin, "dotnet"),
            $"case \"$1\" in --list-sdks) echo 10.0.100 ;; build) mkdir -p {home}/sim/Tool/bin/Release/net10.0 && touch {home}/sim/Tool/bin/Release/net10.0/Appliance.Tool.dll ;; *) shift; echo \"the lab: $*\" ;; esac"
        );
        if (node is not null)
        {
            Script(Path.Combine(bin, "node"), $"[ \"$1\" = --version ] && echo {node}; exit 1");
            Script(Path.Combine(bin, "npm"), "exit 1");
        }
        foreach (var folder in new[] { "hal", "firmware", "sim/web", "boards", "scripts" })
        {
            Directory.CreateDirectory(Path.Combine(home, folder));
        }
        foreach (var file in new[] { "run", "scripts/web" })
        {
            File.Copy(Repository.PathOf(file), Path.Combine(home, file));
        }
        var run = await Peer.RunAsync("env", ["-i", $"PATH={bin}", Path.Combine(home, "run"), "up", "--headless"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("run: Node.js 20.19 or newer is not here: the lab runs without its page", run.Output, StringComparison.Ordinal);
        Assert.Contains("the lab: up --headless", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_without_the_page_says_so_in_its_place()
    {
        var files = PageFiles.Of(typeof(string).Assembly);
        Assert.False(files.IsBuilt);
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { Response = { Body = body } };
        await files.StartAsync(context);
        Assert.Equal(404, context.Response.StatusCode);
        Assert.Contains(
            "without its page: Node.js 20.19 or newer was not found",
            System.Text.Encoding.UTF8.GetString(body.ToArray()),
            StringComparison.Ordinal
        );
    }

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder.FullName, name)).FullName;

    private static void Script(string file, string text)
    {
        File.WriteAllText(file, $"#!/bin/sh\n{text}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
