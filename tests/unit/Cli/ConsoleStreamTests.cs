using System.IO.Pipelines;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The stream around a console: unsolicited output, a closed terminal, and input that arrives byte by byte.</summary>
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
            ? ConsoleStream.RunTerminalAsync(
                session,
                typed.Reader.AsStream(),
                shown.Writer.AsStream(),
                TerminalSize.Usual,
                CancellationToken.None
            )
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
    public async Task WhatACommandSaysStandsAfterItInAScript()
    {
        var session = new CliSession(
            _store,
            [
                new CliCommand(
                    "execute say",
                    "Says something.",
                    Permissions.Maintenance.Write,
                    CliArguments.None,
                    call =>
                    {
                        call.Session.Say("said\n");
                        return "answered\n";
                    }
                ),
            ]
        );
        Assert.Equal(
            $"{Root}execute say\nanswered\n\n{Root}\nsaid\n{Root}exit\n",
            await ConsoleStream.TranscriptAsync(session, "execute say\nexit\n", TestContext.Current.CancellationToken)
        );
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
        var serving = ConsoleStream.RunTerminalAsync(
            new CliSession(_store, []),
            new Pipe().Reader.AsStream(),
            Stream.Null,
            TerminalSize.Usual,
            hangUp.Token
        );
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
        Assert.Equal(
            end,
            await ConsoleStream.RunTerminalAsync(new CliSession(_store, []), input, Stream.Null, TerminalSize.Usual, CancellationToken.None)
        );
    }

    /// <summary>A pending command holds no thread. Input typed meanwhile follows it, and Ctrl-C ends it.</summary>
    [Theory]
    [InlineData(false, "", Root + "execute wait\nbegun\nended well\n\n" + Root + "execute say\nsaid\n\n" + Root)]
    [InlineData(false, "\u0003", Root + "execute wait\nbegun\nstopped\n\n" + Root)]
    [InlineData(true, "", Root + "execute wait\r\r\nbegun\r\nended well\r\n\r\n" + Root + "execute say\r\r\nsaid\r\n\r\n" + Root)]
    [InlineData(true, "\u0003", Root + "execute wait\r\r\nbegun\r\nstopped\r\n\r\n" + Root)]
    public async Task ACommandMayWait(bool terminal, string key, string expected)
    {
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var session = new CliSession(
            _store,
            [
                Waiting(begun, finish.Task),
                new CliCommand("execute say", "Says something.", Permissions.Maintenance.Write, CliArguments.None, _ => "said\n"),
            ]
        );
        var (typed, shown) = (new Pipe(), new Pipe());
        var serving = terminal
            ? ConsoleStream.RunTerminalAsync(
                session,
                typed.Reader.AsStream(),
                shown.Writer.AsStream(),
                TerminalSize.Usual,
                CancellationToken.None
            )
            : ConsoleStream.RunAsync(session, typed.Reader.AsStream(), shown.Writer.AsStream(), echo: true, CancellationToken.None);
        await typed.Writer.WriteAsync(Encoding.UTF8.GetBytes(terminal ? "execute wait\rexecute say\r" : "execute wait\nexecute say\n"));
        await begun.Task;
        await Until.TrueAsync(() => session.Waits, "the command that waits");
        if (key.Length > 0)
        {
            await typed.Writer.WriteAsync(Encoding.UTF8.GetBytes(key));
        }
        else
        {
            finish.SetResult();
        }
        Assert.Equal(expected, await SeenAsync(shown, expected.Length));
        await Until.TrueAsync(() => !session.Waits, "the end of the command");
        await typed.Writer.CompleteAsync();
        await serving;
    }

    /// <summary>A script whose input has ended is completed; a closed terminal is not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheEndOfTheInputWhileACommandWaits(bool terminal)
    {
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var session = new CliSession(_store, [Waiting(begun, finish.Task)]);
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(terminal ? "execute wait\r" : "execute wait")); // The last line of a script may lack its end.
        using var output = new MemoryStream();
        var serving = terminal
            ? ConsoleStream.RunTerminalAsync(session, input, output, TerminalSize.Usual, CancellationToken.None)
            : ConsoleStream.RunAsync(session, input, output, echo: true, CancellationToken.None);
        await begun.Task;
        if (!terminal)
        {
            finish.SetResult();
        }
        await serving;
        Assert.Contains(terminal ? "stopped" : "ended well", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "begun\nended\n\n")]
    [InlineData(true, "begun\r\nended\r\n\r\n")]
    public async Task The_reply_of_a_command_that_closes_its_session_is_shown_even_if_the_terminal_is_slow(bool terminal, string expected)
    {
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var session = new CliSession(_store, [Closing(finish.Task)]);
        // Each output is held until the test reads it.
        var shown = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1, useSynchronizationContext: false));
        var typed = new Pipe();
        var serving = ServeAsync();
        var prompt = await shown.Reader.ReadAsync();
        shown.Reader.AdvanceTo(prompt.Buffer.End);
        await typed.Writer.WriteAsync(Encoding.UTF8.GetBytes(terminal ? "execute end\r" : "execute end\n"));
        await SeenAsync(shown, expected.IndexOf("ended", StringComparison.Ordinal));
        await Until.TrueAsync(() => session.Waits, "the command that waits");
        finish.SetResult();
        await Until.TrueAsync(() => session.Closed, "the end of the session");
        using var rest = new StreamReader(shown.Reader.AsStream());
        Assert.EndsWith(expected, await rest.ReadToEndAsync(), StringComparison.Ordinal);
        await serving;

        async Task ServeAsync()
        {
            var (input, output) = (typed.Reader.AsStream(), shown.Writer.AsStream());
            await (
                terminal
                    ? ConsoleStream.RunTerminalAsync(session, input, output, TerminalSize.Usual, CancellationToken.None)
                    : ConsoleStream.RunAsync(session, input, output, echo: false, CancellationToken.None)
            );
            await shown.Writer.CompleteAsync();
        }
    }

    [Fact]
    public async Task ABatchWaitsForItsCommands()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var session = new CliSession(_store, [Waiting(begun, finish.Task)]);
        var transcript = ConsoleStream.TranscriptAsync(
            session,
            "execute batch start\nexecute wait\nexecute nothing\nexecute wait\nexecute batch end\nexecute batch lastlog\n",
            TestContext.Current.CancellationToken
        );
        await begun.Task;
        Assert.False(transcript.IsCompleted);
        finish.SetResult();
        Assert.EndsWith(
            $"{Root}execute batch end\n\n{Root}execute batch lastlog\n0: execute wait\n-61: execute nothing\n0: execute wait\n\n{Root}",
            await transcript,
            StringComparison.Ordinal
        );
    }

    private static CliCommand Waiting(TaskCompletionSource begun, Task finish) =>
        new(
            "execute wait",
            "Waits.",
            Permissions.Maintenance.Write,
            CliArguments.None,
            _ => new CliReply("begun\n")
            {
                Later = async cancellationToken =>
                {
                    begun.TrySetResult();
                    try
                    {
                        await finish.WaitAsync(cancellationToken);
                        return "ended well\n";
                    }
                    catch (OperationCanceledException)
                    {
                        return "stopped\n";
                    }
                },
            }
        );

    private static CliCommand Closing(Task finish) =>
        new(
            "execute end",
            "Closes the session.",
            Permissions.Maintenance.Write,
            CliArguments.None,
            call => new CliReply("begun\n")
            {
                Later = async _ =>
                {
                    await finish;
                    call.Session.Close();
                    return "ended\n";
                },
            }
        );

    private static async Task<string> SeenAsync(Pipe shown, int length)
    {
        var text = "";
        await Until.TrueAsync(
            async () =>
            {
                var read = await shown.Reader.ReadAsync();
                text = Encoding.UTF8.GetString(read.Buffer);
                shown.Reader.AdvanceTo(read.Buffer.Start);
                return text.Length >= length;
            },
            "what is shown"
        );
        return text;
    }
}
