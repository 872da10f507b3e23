using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>The size of a terminal, in characters.</summary>
public sealed record TerminalSize(int Rows, int Columns)
{
    /// <summary>The size assumed for a terminal that reports none.</summary>
    public static readonly TerminalSize Usual = new(24, 80);

    /// <summary>Returns the size that a terminal reported; the usual size if it reported none.</summary>
    public static TerminalSize Of((int Rows, int Columns)? told) => told is { } size ? new(size.Rows, size.Columns) : Usual;
}

/// <summary>The reason that a terminal session ended.</summary>
public enum ConsoleEnd
{
    /// <summary>Ended by <c>exit</c>.</summary>
    Exited,

    /// <summary>Ended by Ctrl-C at the root.</summary>
    Interrupted,

    /// <summary>The terminal disconnected.</summary>
    HungUp,
}

/// <summary>A console session over a byte stream: a terminal, a socket, a script.</summary>
public static class ConsoleStream
{
    private const int BufferSize = 4096;

    /// <summary>
    /// Returns exactly what a terminal would show if the lines of a script were typed, each after the output of the previous one.
    /// </summary>
    public static async Task<string> TranscriptAsync(CliSession session, string script, CancellationToken cancellationToken = default)
    {
        using var said = new SaidLines(session);
        session.IsGivenWhole = true;
        using var cancelled = cancellationToken.Register(session.Cancel);
        var console = new ScriptConsole(session, echo: true);
        var shown = new StringBuilder(console.Start());
        var typed = Encoding.UTF8.GetBytes(script.ReplaceLineEndings("\n")).AsMemory();
        while (typed.Length > 0 && !console.Closed)
        {
            shown.Append(console.Type(typed.Span, out var used));
            await AnswerAsync().ConfigureAwait(false);
            shown.Append(said.Take() is { } text ? console.Say(text) : "");
            typed = typed[used..];
        }
        shown.Append(console.Closed ? "" : console.End());
        await AnswerAsync().ConfigureAwait(false);
        return shown.ToString();

        async Task AnswerAsync()
        {
            if (session.Waits)
            {
                var streams = session.Streams;
                var answer = await session.AnsweredAsync().ConfigureAwait(false);
                shown.Append(streams && said.Take() is { } text ? console.Streamed(text) : "");
                shown.Append(console.Answered(answer));
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Runs a script until it ends or closes its session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="input">The typed bytes.</param>
    /// <param name="output">Receives the output, in UTF-8.</param>
    /// <param name="echo">True to echo the input, if the caller has no terminal that does.</param>
    /// <param name="cancellationToken">Disconnects the console.</param>
    public static Task RunAsync(CliSession session, Stream input, Stream output, bool echo, CancellationToken cancellationToken) =>
        ServeAsync(session, new ScriptConsole(session, echo), input, output, cancellationToken);

    /// <summary>
    /// Serves a terminal that sends every key immediately and shows what it receives; echo, line editing and paging are done here.
    /// Returns when the session is closed or the terminal hangs up.
    /// </summary>
    public static Task<ConsoleEnd> RunTerminalAsync(
        CliSession session,
        Stream input,
        Stream output,
        TerminalSize size,
        CancellationToken cancellationToken
    ) => RunTerminalAsync(session, input, output, () => size, cancellationToken);

    /// <summary>Serves a terminal whose size may change; the size is read on every input.</summary>
    public static async Task<ConsoleEnd> RunTerminalAsync(
        CliSession session,
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        CancellationToken cancellationToken
    )
    {
        var console = new TerminalConsole(session, size);
        await ServeAsync(session, console, input, output, cancellationToken).ConfigureAwait(false);
        return !console.Closed ? ConsoleEnd.HungUp
            : console.Interrupted ? ConsoleEnd.Interrupted
            : ConsoleEnd.Exited;
    }

    private static async Task ServeAsync(
        CliSession session,
        IConsole console,
        Stream input,
        Stream output,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await ServeLinesAsync(session, console, input, output, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also cancels a running command when the disconnect was noticed elsewhere first.
            session.Cancel();
        }
    }

    private static async Task ServeLinesAsync(
        CliSession session,
        IConsole console,
        Stream input,
        Stream output,
        CancellationToken cancellationToken
    )
    {
        using var said = new SaidLines(session);
        await WriteAsync(output, console.Start(), cancellationToken).ConfigureAwait(false);
        var typed = new TypedBytes(input, cancellationToken);
        // The reply of a command that closes the session (execute reboot) is shown as well.
        while (!console.Closed || session.Waits)
        {
            var saying = said.WaitAsync(cancellationToken);
            if (session.Waits)
            {
                await AnswerAsync(session, console, typed, said, output, cancellationToken).ConfigureAwait(false);
            }
            else if (typed.Waiting.Length > 0)
            {
                var shown = console.Type(typed.Waiting, out var used);
                typed.Take(used);
                await WriteAsync(output, shown, cancellationToken).ConfigureAwait(false);
            }
            else if (typed.Ended)
            {
                await WriteAsync(output, console.End(), cancellationToken).ConfigureAwait(false);
                if (!session.Waits)
                {
                    return;
                }
            }
            else
            {
                await Task.WhenAny(typed.MoreAsync(), saying).ConfigureAwait(false);
                await typed.ReceiveAsync().ConfigureAwait(false);
            }
            if (saying.IsCompleted)
            {
                await saying.ConfigureAwait(false); // The terminal was closed: do not loop on an input that does not report its end.
            }
            await SayAsync(session, console, said, output, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Handles input until the reply of the pending command arrives. Input is buffered meanwhile; Ctrl-C discards it and cancels the
    /// command. A stream is shown as it arrives; <c>q</c> stops it on a terminal, otherwise the end of the input does. Input behind the key
    /// that stopped the command is for the console.
    /// </summary>
    private static async Task AnswerAsync(
        CliSession session,
        IConsole console,
        TypedBytes typed,
        SaidLines said,
        Stream output,
        CancellationToken cancellationToken
    )
    {
        using var hungUp = cancellationToken.Register(session.Cancel);
        var streams = session.Streams;
        var answer = session.AnsweredAsync();
        var canceled = false;
        while (!answer.IsCompleted)
        {
            var stops = typed.Ended || typed.IsFull;
            if (
                !canceled
                && (typed.TakeInterrupt(orQuit: streams && session.IsTerminal) || (typed.Ended && console.HangsUp) || (stops && streams))
            )
            {
                session.Cancel();
                canceled = true;
            }
            if (stops)
            {
                break;
            }
            await (
                streams
                    ? Task.WhenAny(answer, typed.MoreAsync(), said.WaitAsync(cancellationToken))
                    : Task.WhenAny(answer, typed.MoreAsync())
            ).ConfigureAwait(false);
            await typed.ReceiveAsync().ConfigureAwait(false);
            await StreamAsync(console, streams ? said.Take() : null, output, cancellationToken).ConfigureAwait(false);
        }
        var text = await answer.ConfigureAwait(false);
        await StreamAsync(console, streams ? said.Take() : null, output, cancellationToken).ConfigureAwait(false);
        if (!console.Closed || text.Length > 0)
        {
            await WriteAsync(output, console.Answered(text), cancellationToken).ConfigureAwait(false);
        }
    }

    private static Task StreamAsync(IConsole console, string? text, Stream output, CancellationToken cancellationToken) =>
        text is null || console.Closed ? Task.CompletedTask : WriteAsync(output, console.Streamed(text), cancellationToken);

    private static async Task SayAsync(
        CliSession session,
        IConsole console,
        SaidLines said,
        Stream output,
        CancellationToken cancellationToken
    )
    {
        if (said.Take() is { } text && !console.Closed)
        {
            await WriteAsync(output, session.Streams ? console.Streamed(text) : console.Say(text), cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync(Stream output, string text, CancellationToken cancellationToken)
    {
        if (text.Length > 0)
        {
            await output.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).ConfigureAwait(false);
            await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
