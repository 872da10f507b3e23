using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// A script console: line by line, without paging. Lines end with LF or CR LF. A line that is too long or not UTF-8 is rejected without
/// further effect.
/// </summary>
/// <param name="session">The session.</param>
/// <param name="echo">True to echo the input, if the caller has no terminal that does.</param>
internal sealed class ScriptConsole(CliSession session, bool echo) : IConsole
{
    private const byte CtrlC = 3;
    private readonly List<byte> _line = [];

    /// <inheritdoc/>
    public bool Closed => session.Closed;

    /// <inheritdoc/>
    public string Start() => session.Prompt;

    /// <inheritdoc/>
    public string Type(ReadOnlySpan<byte> bytes, out int used)
    {
        for (used = 0; used < bytes.Length;)
        {
            switch (bytes[used++])
            {
                case (byte)'\n':
                    return Run();
                case CtrlC:
                    session.Interrupt(typing: _line.Count > 0);
                    _line.Clear();
                    return "\n" + Prompt();
                case var next when _line.Count <= CliSession.LineMax * 4:
                    _line.Add(next);
                    break;
                default:
                    break; // The line is refused in any case.
            }
        }
        return "";
    }

    /// <inheritdoc/>
    public bool HangsUp => false;

    /// <inheritdoc/>
    public string Answered(string text) => ControlCharacters.EscapeFormatting(text) + Prompt();

    /// <inheritdoc/>
    public string Streamed(string text) => ControlCharacters.EscapeFormatting(text);

    /// <inheritdoc/>
    public string Say(string text) => "\n" + ControlCharacters.EscapeFormatting(text) + Prompt();

    /// <inheritdoc/>
    public string End()
    {
        var last = _line.Count > 0 ? Run() : "";
        return last + (Closed ? "" : session.EndOfInput());
    }

    private string Run()
    {
        if (_line is [.., (byte)'\r'])
        {
            _line.RemoveAt(_line.Count - 1);
        }
        // Bad UTF-8 becomes U+FFFD, which the session rejects.
        var line = Encoding.UTF8.GetString([.. _line]);
        _line.Clear();
        var hidden = session.IsHidden;
        var answer = session.HelpAsked(line) ?? session.Execute(line);
        return (echo ? (hidden ? "" : Visible(line)) + "\n" : "") + ControlCharacters.EscapeFormatting(answer) + Prompt();
    }

    private string Prompt() => session.Closed ? "" : session.Prompt;

    private static string Visible(string line) =>
        string.Concat(line.Take(CliSession.LineMax).Select(c => ControlCharacters.Includes(c) && c != '\t' ? '?' : c));
}
