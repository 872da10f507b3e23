using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>A console session over bytes: a terminal, a socket, a script.</summary>
public static class ConsoleStream
{
    private const byte CtrlC = 3;

    /// <summary>Exactly what a terminal would show while the lines of a script are typed.</summary>
    public static string Transcript(CliSession session, string script)
    {
        var shown = new StringBuilder(session.Prompt);
        var lines = script.ReplaceLineEndings("\n");
        foreach (var line in (lines.EndsWith('\n') ? lines[..^1] : lines).Split('\n'))
        {
            if (session.Closed)
            {
                break;
            }
            shown.Append(Visible(line)).Append('\n').Append(session.Execute(line));
            if (!session.Closed)
            {
                shown.Append(session.Prompt);
            }
        }
        return shown.ToString();
    }

    /// <summary>
    /// Serves a session until it is closed or its input ends. Lines end with LF or CR LF; a line that is too long or not UTF-8 is
    /// refused and costs nothing else.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="input">What is typed.</param>
    /// <param name="output">What is shown, in UTF-8.</param>
    /// <param name="echo">True shows what was typed: the caller has no terminal that does.</param>
    /// <param name="cancellationToken">Hangs up.</param>
    public static async Task RunAsync(CliSession session, Stream input, Stream output, bool echo, CancellationToken cancellationToken)
    {
        await WriteAsync(output, session.Prompt, cancellationToken).ConfigureAwait(false);
        var line = new List<byte>();
        var buffer = new byte[4096];
        int length;
        while (!session.Closed && (length = await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            for (var at = 0; at < length && !session.Closed; at++)
            {
                switch (buffer[at])
                {
                    case (byte)'\n':
                        await RunLineAsync(session, line, output, echo, cancellationToken).ConfigureAwait(false);
                        break;
                    case CtrlC:
                        line.Clear();
                        session.Interrupt();
                        await WriteAsync(output, "\n" + (session.Closed ? "" : session.Prompt), cancellationToken).ConfigureAwait(false);
                        break;
                    default:
                        if (line.Count <= CliSession.LineMax * 4)
                        {
                            line.Add(buffer[at]); // Beyond that the line is refused anyway.
                        }
                        break;
                }
            }
        }
        if (line.Count > 0 && !session.Closed)
        {
            await RunLineAsync(session, line, output, echo, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RunLineAsync(CliSession session, List<byte> bytes, Stream output, bool echo, CancellationToken cancellationToken)
    {
        if (bytes is [.., (byte)'\r'])
        {
            bytes.RemoveAt(bytes.Count - 1);
        }
        // Bad UTF-8 becomes U+FFFD, which the session refuses.
        var line = Encoding.UTF8.GetString([.. bytes]);
        bytes.Clear();
        var answer = session.Execute(line);
        await WriteAsync(output, (echo ? Visible(line) + "\n" : "") + answer + (session.Closed ? "" : session.Prompt), cancellationToken).ConfigureAwait(false);
    }

    private static string Visible(string line) => string.Concat(line.Take(CliSession.LineMax).Select(c => char.IsControl(c) && c != '\t' ? '?' : c));

    private static async Task WriteAsync(Stream output, string text, CancellationToken cancellationToken)
    {
        await output.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).ConfigureAwait(false);
        await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
