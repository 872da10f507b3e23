using System.Text;
using Appliance.Firmware.Cli;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The login dialog at a terminal: hidden input, and no trace of the previous user.</summary>
public sealed class LoginDialogTests
{
    private const string SetUp =
        "admin\r\rconfig system admin\redit monitor\rset accprofile prof_admin\rset password Seen-by-n0body\rnext\rend\r";

    [Fact]
    public async Task APasswordIsNotShownAndQuestionMarksAreOfIt()
    {
        var shown = await TypeAsync(SetUp + "exit\rmonitor\rSeen-by-n0bodyX\x7f\rget system status | grep Hostname\r");
        Assert.Contains("login: monitor\r\r\nPassword: \r\r\nWelcome!\r\n\r\nlab-appliance # get", shown, StringComparison.Ordinal);
        Assert.EndsWith("Hostname: lab-appliance\r\n\r\nlab-appliance # ", shown, StringComparison.Ordinal);
        Assert.EndsWith(
            "login: mo?nitor\r\r\nPassword: \r\r\nLogin incorrect\r\nlab-appliance login: ",
            await TypeAsync("mo?nitor\ra?bc\r"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task TheLinesOfOneAdministratorAreNotTheNextOnes()
    {
        const string Up = "\x1b[A";
        var shown = await TypeAsync(SetUp + "execute batch start\rexecute batch end\rexit\r" + Up + "monitor\rSeen-by-n0body\r" + Up + Up);
        Assert.EndsWith("login: monitor\r\r\nPassword: \r\r\nWelcome!\r\n\r\nlab-appliance # ", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABatchDoesNotOutliveItsAdministrator()
    {
        await using var unit = await TranscriptUnit.StartAsync(Appliance.Firmware.Config.Personality.Default);
        var script =
            "admin\n\nexecute batch start\nconfig system global\nset hostname stolen\nend\n\x03\nadmin\n\nexecute batch end\nexecute batch lastlog\n";
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(script));
        using var output = new MemoryStream();
        await unit.Lab.RunConsoleAsync(input, output, echo: true, login: true, CancellationToken.None);
        var shown = Encoding.UTF8.GetString(output.ToArray());
        Assert.Contains("batch mode is off", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("stolen #", shown, StringComparison.Ordinal);
    }

    private static async Task<string> TypeAsync(string keys)
    {
        await using var unit = await TranscriptUnit.StartAsync(Appliance.Firmware.Config.Personality.Default);
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(keys));
        using var output = new MemoryStream();
        await unit.Lab.RunTerminalAsync(input, output, () => TerminalSize.Usual, login: true, CancellationToken.None);
        return Encoding.UTF8.GetString(output.ToArray());
    }
}
