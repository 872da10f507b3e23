using System.IO.Pipelines;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Sim.Lab;
using Appliance.Tests.Config;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The shell around a console: what comes by itself, hanging up, and streams that bring a byte at a time.</summary>
public sealed class ConsoleStreamTests : IDisposable
{
    private const string Root = "lab-appliance # ";
    private readonly StoreFolder _folder = new();
    private readonly ConfigStore _store;

    public ConsoleStreamTests() => _store = _folder.Open(LabBoard.DefaultConfiguration());

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, Root + "\nit came\n" + Root)]
    [InlineData(true, Root + "get sys\r\nit came\r\n" + Root + "get sys")]
    public async Task WhatIsSaidWhileNobodyTypesComesAtOnceOnALineOfItsOwn(bool terminal, string expected)
    {
        var session = new CliSession(_store, []);
        var (typed, shown) = (new Pipe(), new Pipe());
        var serving = terminal
            ? ConsoleStream.RunTerminalAsync(session, typed.Reader.AsStream(), shown.Writer.AsStream(), TerminalSize.Usual, CancellationToken.None)
            : ConsoleStream.RunAsync(session, typed.Reader.AsStream(), shown.Writer.AsStream(), echo: true, CancellationToken.None);
        await typed.Writer.WriteAsync("get sys"u8.ToArray());
        if (terminal)
        {
            await SeenAsync(shown, (Root + "get sys").Length);
        }
        await Task.Run(() => session.Say("it came"), TestContext.Current.CancellationToken);
        Assert.Equal(expected, await SeenAsync(shown, expected.Length));
        await typed.Writer.CompleteAsync();
        await serving;
    }

    [Fact]
    public void WhatACommandSaysStandsAfterItInAScript()
    {
        var session = new CliSession(_store, [new CliCommand("execute say", "Says something.", call =>
        {
            call.Session.Say("said\n");
            return "answered\n";
        })]);
        Assert.Equal($"{Root}execute say\nanswered\n\n{Root}\nsaid\n{Root}exit\n", ConsoleStream.Transcript(session, "execute say\nexit\n"));
    }

    [Fact]
    public async Task AConsoleThatDoesNotReadCostsTheSpeakerNothing()
    {
        var session = new CliSession(_store, []);
        using var said = new SaidLines(session);
        for (var at = 0; at < 5000; at++)
        {
            session.Say($"{at}\n");
        }
        var kept = said.Take()!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("4999", kept[^1]);
        Assert.Equal(1024, kept.Length);
        Assert.False(said.WaitAsync(CancellationToken.None).IsCompleted);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task HangingUpEndsAConsoleWhoseInputNeverDoes()
    {
        using var hangUp = new CancellationTokenSource();
        var serving = ConsoleStream.RunTerminalAsync(new CliSession(_store, []), new Pipe().Reader.AsStream(), Stream.Null, TerminalSize.Usual, hangUp.Token);
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }

    [Theory]
    [InlineData("exit\r", ConsoleEnd.Exited)]
    [InlineData("\u0003", ConsoleEnd.Interrupted)]
    [InlineData("get sys", ConsoleEnd.HungUp)]
    public async Task ATerminalTellsHowItEnded(string typed, ConsoleEnd end)
    {
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(typed));
        Assert.Equal(end, await ConsoleStream.RunTerminalAsync(new CliSession(_store, []), input, Stream.Null, TerminalSize.Usual, CancellationToken.None));
    }

    private static async Task<string> SeenAsync(Pipe shown, int length)
    {
        var text = "";
        await Until.TrueAsync(async () =>
        {
            var read = await shown.Reader.ReadAsync();
            text = Encoding.UTF8.GetString(read.Buffer);
            shown.Reader.AdvanceTo(read.Buffer.Start);
            return text.Length >= length;
        }, "what is shown");
        return text;
    }
}
