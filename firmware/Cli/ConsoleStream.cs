using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>The size of a terminal, in characters.</summary>
public sealed record TerminalSize(int Rows, int Columns)
{
    /// <summary>What a terminal has that does not tell.</summary>
    public static readonly TerminalSize Usual = new(24, 80);

    /// <summary>What a terminal told; the usual size when it told none.</summary>
    public static TerminalSize Of((int Rows, int Columns)? told) => told is { } size ? new(size.Rows, size.Columns) : Usual;
}

/// <summary>How a terminal's session ended.</summary>
public enum ConsoleEnd
{
    /// <summary>By <c>exit</c>.</summary>
    Exited,
    /// <summary>By Ctrl-C at the root.</summary>
    Interrupted,
    /// <summary>The terminal went away.</summary>
    HungUp,
}

/// <summary>A console session over bytes: a terminal, a socket, a script.</summary>
public static class ConsoleStream
{
    private const int BufferSize = 4096;

    /// <summary>Exactly what a terminal would show while the lines of a script are typed.</summary>
    public static string Transcript(CliSession session, string script)
    {
        using var said = new SaidLines(session);
        var console = new ScriptConsole(session, echo: true);
        var shown = new StringBuilder(console.Start());
        var typed = Encoding.UTF8.GetBytes(script.ReplaceLineEndings("\n")).AsSpan();
        while (typed.Length > 0 && !console.Closed)
        {
            shown.Append(console.Type(typed, out var used)).Append(said.Take() is { } text ? console.Say(text) : "");
            typed = typed[used..];
        }
        return shown.Append(console.Closed ? "" : console.End()).ToString();
    }

    /// <summary>Serves a script until it ends or closes its session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="input">What is typed.</param>
    /// <param name="output">What is shown, in UTF-8.</param>
    /// <param name="echo">True shows what was typed: the caller has no terminal that does.</param>
    /// <param name="cancellationToken">Hangs up.</param>
    public static Task RunAsync(CliSession session, Stream input, Stream output, bool echo, CancellationToken cancellationToken) =>
        ServeAsync(session, new ScriptConsole(session, echo), input, output, cancellationToken);

    /// <summary>
    /// Serves a terminal that sends every key at once and shows what it gets: the echo, line editing and paging are done here. Returns
    /// when the session is closed or the terminal hangs up.
    /// </summary>
    public static async Task<ConsoleEnd> RunTerminalAsync(CliSession session, Stream input, Stream output, TerminalSize size, CancellationToken cancellationToken)
    {
        var console = new TerminalConsole(session, size);
        await ServeAsync(session, console, input, output, cancellationToken).ConfigureAwait(false);
        return !console.Closed ? ConsoleEnd.HungUp : console.Interrupted ? ConsoleEnd.Interrupted : ConsoleEnd.Exited;
    }

    private static async Task ServeAsync(CliSession session, IConsole console, Stream input, Stream output, CancellationToken cancellationToken)
    {
        using var said = new SaidLines(session);
        await WriteAsync(output, console.Start(), cancellationToken).ConfigureAwait(false);
        var buffer = new byte[BufferSize];
        var reading = input.ReadAsync(buffer, cancellationToken).AsTask();
        var saying = said.WaitAsync(cancellationToken);
        while (!console.Closed)
        {
            await Task.WhenAny(reading, saying).ConfigureAwait(false);
            if (saying.IsCompleted)
            {
                await saying.ConfigureAwait(false); // Hung up on: no reason to go round for ever beside an input that does not know.
                await SayAsync(console, said, output, cancellationToken).ConfigureAwait(false);
                saying = said.WaitAsync(cancellationToken);
            }
            if (!reading.IsCompleted)
            {
                continue;
            }
            var length = await reading.ConfigureAwait(false);
            if (length == 0)
            {
                await WriteAsync(output, console.End(), cancellationToken).ConfigureAwait(false);
                return;
            }
            for (var at = 0; at < length && !console.Closed;)
            {
                var shown = console.Type(buffer.AsSpan(at, length - at), out var used);
                at += used;
                await WriteAsync(output, shown, cancellationToken).ConfigureAwait(false);
                await SayAsync(console, said, output, cancellationToken).ConfigureAwait(false);
            }
            if (!console.Closed)
            {
                reading = input.ReadAsync(buffer, cancellationToken).AsTask();
            }
        }
    }

    private static async Task SayAsync(IConsole console, SaidLines said, Stream output, CancellationToken cancellationToken)
    {
        if (said.Take() is { } text && !console.Closed)
        {
            await WriteAsync(output, console.Say(text), cancellationToken).ConfigureAwait(false);
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
