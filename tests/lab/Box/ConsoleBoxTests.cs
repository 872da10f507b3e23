using System.Text.RegularExpressions;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Composition;
using Appliance.Lab.Remote;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using Xunit;

namespace Appliance.Tests.Box;

/// <summary>Scenarios on a remote unit, their lines typed at its serial console; and consoles that are not that unit's.</summary>
public sealed class ConsoleBoxTests
{
    private const int Speed = 115200;

    /// <summary>Independent of time: a consumed code is reported for as long as it is displayed, and that may end at any moment.</summary>
    private const string OverARestart = """
        title: What was typed before a restart is there after it
        steps:
          - cli: |
              config user group
              edit kept
              end
          - reboot:
          - cli: show user group
            shows: [edit "kept"]
          - login: bob
            answer: in
        """;

    private const string OfAFreshState = """
        title: Nothing of it is there in the next scenario
        steps:
          - cli: |
              get system status
              show user group
            shows: [edit "vpn-users"]
            hides: [edit "kept"]
          - login: bob
            answer: in
          - expect-login: in
        """;

    /// <summary>
    /// All differences between a terminal and a script: pages, ends of rows, question marks, tabs, quotes, prompts, and sessions that are
    /// left open or are left.
    /// </summary>
    private static readonly string[] Scripts =
    [
        "show\n",
        "\n",
        "show system interface\nget system interface physical\nshow full-configuration\n",
        "config system interface\nedit port2\nset alias \"this one has a name that goes on and on beyond the end of the row of a terminal, really\"\nshow\nabort\n",
        "config system interface\nedit port2\nset alias two\nend\nshow system interface port2\nconfig system interface\nedit port2\nunset alias\nend\nshow system interface port2\n",
        "config system global\nset hostname another-name\nend\nshow system global\nconfig system global\nset hostname lab-appliance\nend\n",
        "config user group\nedit left\nset comments left\n",
        "show user group left\n",
        "config user group\nedit \"two words\"\nset comments \"first\n\n  second ?\nthird\"\nabort\n",
        "bogus\nconfig nonsense\nshow nonsense\nconfig system global\nset nonsense 1\nset hostname \"no such name\"\nend\n",
        "execute reboot\nn\nget system hostname\n",
        "config user group\npurge\nN\nshow\nabort\n",
        "execute shutdown\n",
        "?\n",
        "show system ?\nshow ?\nconfig user ?\nconfig system interface\nedit ?\nabort\nbogus ?\n",
        "# why?\nshow system dns # why? not\n",
        "config user group\nedit why\nset comments \"why?\"\nshow\nabort\n",
        "\tshow system dns\nshow\tsystem  global\n",
        "config user local\nedit zoë\nset email-to \"zoë@ürich.example\"\nshow\nabort\n",
        "show | grep -f port2\nshow system interface | grep alias\n",
        "exit\nshow system global\n",
        "config system global\nquit\nabort\nqui\nshow\n",
        "execute batch start\nexit\nexecute batch status\n",
        "show \\\nsystem \\\ndns\n",
        "diagnose debug enable\ndiagnose debug disable\n",
    ];

    private static readonly Regex Sealed = new(@"ENC \S+");

    [Fact]
    public async Task ScenariosAreTypedAtTheConsole()
    {
        await using var cable = new SerialCable();
        await using var unit = await AgentProcess.StartAsync(cable.UnitDevice);
        var site = new RemoteSite(TargetFile.Load(unit.WriteBox("console.json", "lab.key", cable.ControllerDevice)));
        var before = cable.ControllerSettings;
        // Fresh states in sequence, a restart in one of them, and no input of one in the next.
        foreach (
            var read in new[]
            {
                Read("push-approve"),
                Read("callback-server-ip"),
                ScenarioText.Read("over.yaml", OverARestart),
                ScenarioText.Read("fresh.yaml", OfAFreshState),
            }
        )
        {
            var result = await ScenarioRun.RunAsync(
                read,
                1,
                (scenario, _) => new RemoteTarget(site, scenario),
                tell: _ =>
                {
                    // At each step: the target is started.
                    Assert.True(cable.ControllerIsTaken);
                    Assert.NotEqual(before, cable.ControllerSettings);
                }
            );
            Assert.True(result.Failure is null && result.Skipped is null && result.Steps > 2, ScenarioReport.Text([result]));
            Assert.Equal(before, cable.ControllerSettings);
            Assert.False(cable.ControllerIsTaken);
        }
        Assert.Contains($"\rset server-ip {unit.Network}.2\r", cable.Typed, StringComparison.Ordinal);
        Assert.Contains("execute reboot\ry", cable.Typed, StringComparison.Ordinal);
        Assert.Contains("show user group\r", cable.Typed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheTranscriptIsThatOfTheLink()
    {
        await using var cable = new SerialCable();
        await using var unit = await AgentProcess.StartAsync(cable.UnitDevice);
        await using var linked = await LinkAsync(unit);
        await using var console = SerialConsoleDriver.Open(new SerialDevice(cable.ControllerDevice, Speed));
        await console.ProveAsync(linked.SayAsync);
        foreach (var script in Scripts)
        {
            // A secret is sealed again for each reader.
            Assert.Equal(
                Sealed.Replace(await linked.CliAsync(script), "ENC"),
                Sealed.Replace(await console.TranscriptAsync(script), "ENC")
            );
        }
        // Long enough for pages; and they were answered at the console.
        Assert.True((await linked.CliAsync("show full-configuration\n")).Count(letter => letter == '\n') > 200);
        Assert.Contains("show full-configuration\r   ", cable.Typed, StringComparison.Ordinal);
        // The last one ends both, each in a separate session.
        Assert.EndsWith(
            "(y/n)y\n\nSystem is rebooting...\n\n",
            await console.TranscriptAsync("execute reboot\ny\nget system status\n"),
            StringComparison.Ordinal
        );
        await EndToEnd.Until.TrueAsync(
            async () =>
            {
                await linked.LookAsync();
                return linked is { IsUp: true, Boots: 2 };
            },
            "the next unit"
        );
        Assert.Equal(await linked.CliAsync("show system dns\n"), await console.TranscriptAsync("show system dns\n"));
        Assert.EndsWith(
            "(y/n)y\n\nSystem is shutting down...\n\n",
            await console.TranscriptAsync("execute shutdown\ny\nget system status\n"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task AConsoleOfAnotherUnitIsRefusedAndNothingIsTypedThere()
    {
        await using var cable = new SerialCable();
        await using var other = await AgentProcess.StartAsync(cable.UnitDevice);
        await using var others = await LinkAsync(other);
        await using var otherCable = new SerialCable();
        await using var unit = await AgentProcess.StartAsync(otherCable.UnitDevice);
        var wrong = await Assert.ThrowsAsync<LabFailure>(() => StartAsync(unit, cable.ControllerDevice));
        Assert.Equal(FailureKind.Missing, wrong.Kind);
        Assert.Contains(
            $"the console {cable.ControllerDevice} is another unit's, or not of this speed (115200)",
            wrong.Message,
            StringComparison.Ordinal
        );
        Assert.Equal("", cable.Typed);
        // It was shut again, and is the other one's still.
        await using var box = await StartAsync(other, cable.ControllerDevice);
        Assert.Contains("hostname", await box.CliAsync("show system global"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AUnitThatServesNoConsoleSaysSo()
    {
        await using var cable = new SerialCable();
        await using var unit = await AgentProcess.StartAsync();
        var none = await Assert.ThrowsAsync<LabFailure>(() => StartAsync(unit, cable.ControllerDevice));
        Assert.Equal(FailureKind.Missing, none.Kind);
        Assert.Contains("it serves no console (Appliance.Agent --console)", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADeviceThatCannotBeHadIsToldBeforeAnythingIsDone()
    {
        await using var cable = new SerialCable();
        await using var unit = await AgentProcess.StartAsync(cable.UnitDevice);
        foreach (
            var (device, told) in new[]
            {
                ("/dev/nothing-is-here", "the console: /dev/nothing-is-here does not exist"),
                (unit.TargetFile, $"the console: {unit.TargetFile} is not a terminal"),
            }
        )
        {
            Assert.Equal((FailureKind.Missing, told), Told(await Assert.ThrowsAsync<LabFailure>(() => StartAsync(unit, device))));
        }
        using (SerialStream.Open(cable.ControllerDevice, Speed))
        {
            var taken = cable.ControllerSettings;
            Assert.Equal(
                (FailureKind.Missing, $"the console: {cable.ControllerDevice} is in use by another program"),
                Told(await Assert.ThrowsAsync<LabFailure>(() => StartAsync(unit, cable.ControllerDevice)))
            );
            Assert.Equal(taken, cable.ControllerSettings);
            Assert.True(cable.ControllerIsTaken);
        }
        // No unit was begun: it would have shown its prompt.
        Assert.DoesNotContain(" # ", cable.Shown, StringComparison.Ordinal);
        await using (var box = await StartAsync(unit, cable.ControllerDevice))
        {
            Assert.Contains("hostname", await box.CliAsync("show system global"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ACableThatChangesLettersIsSeenAtOnce()
    {
        await using var cable = new SerialCable();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var console = SerialConsoleDriver.Open(new SerialDevice(cable.ControllerDevice, Speed));
        using var far = SerialStream.Open(cable.UnitDevice, Speed);
        var unit = PlayAsync();
        await console.ProveAsync(word => far.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"\r\n{word}\r\nbox # ")).AsTask());
        Assert.Equal("box # show\n\nbox # ", await console.TranscriptAsync("show\n"));
        var failure = await Assert.ThrowsAsync<LabFailure>(() => console.TranscriptAsync("set alias exact\n"));
        Assert.Contains(
            $"the console {cable.ControllerDevice} does not show 'set alias exact' as it was typed. It shows:\n",
            failure.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("box # set alias ejact", failure.Message, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unit);

        async Task PlayAsync()
        {
            var keys = new byte[256];
            while (true)
            {
                var text = System.Text.Encoding.ASCII.GetString(keys, 0, await far.ReadAsync(keys, stop.Token));
                var shown = text.Replace("\x03", "\r\n\r\nbox # ", StringComparison.Ordinal)
                    .Replace('x', 'j')
                    .Replace("boj", "box", StringComparison.Ordinal)
                    .Replace("show\r", "show\r\r\n\r\nbox # ", StringComparison.Ordinal);
                await far.WriteAsync(
                    System.Text.Encoding.ASCII.GetBytes(
                        shown.Contains("\r\r\n", StringComparison.Ordinal) || text == "\x03"
                            ? shown
                            : shown.Replace("\r", "\r\r\nbox # ", StringComparison.Ordinal)
                    ),
                    stop.Token
                );
            }
        }
    }

    [Theory]
    [InlineData("set alias \"a\tb\"")]
    [InlineData("show \x01")]
    public void WhatNoKeysMakeIsRefused(string line) =>
        Assert.Contains(
            "cannot be typed at a console",
            Assert.Throws<LabFailure>(() => TypedLine.Of(line, goesOn: false)).Message,
            StringComparison.Ordinal
        );

    private static (FailureKind Kind, string Message) Told(LabFailure failure) => (failure.Kind, failure.Message);

    private static async Task<RemoteTarget> StartAsync(AgentProcess unit, string device)
    {
        var site = new RemoteSite(TargetFile.Load(unit.WriteBox("console.json", "lab.key", device)));
        var target = new RemoteTarget(site, Read("push-approve"));
        try
        {
            await target.StartAsync();
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    private static async Task<AgentClient> LinkAsync(AgentProcess unit)
    {
        var file = TargetFile.Load(unit.TargetFile);
        var configuration = LabBoard.DefaultConfiguration(LabBoard.Simulated(Board.Load(LabBoard.File(file.Board)), file.Network), null);
        return await AgentClient.StartAsync(
            await file.EndPoint.EnterAsync(),
            new Appliance.Link.LinkStart(configuration, Appliance.Firmware.Config.Personality.Default.Name, null),
            _ => throw new NotSupportedException()
        );
    }

    private static Scenario Read(string name) => ScenarioText.Read(name + Scenario.FileEnd, Scenario.ShippedText(name)!);
}
