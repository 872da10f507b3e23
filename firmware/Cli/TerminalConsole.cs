using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// A terminal console: echo, editing, completion and paging are done by the device. Takes bytes and returns screen output. An entered
/// line is echoed with CR CR LF, as on a device.
/// </summary>
internal sealed class TerminalConsole : IConsole
{
    private const char Bell = '\a';
    private readonly CliSession _session;
    private readonly Func<TerminalSize> _size;
    private readonly StringBuilder _screen = new();
    private readonly TerminalKeys _keys = new();
    private readonly TerminalHistory _history = new();
    private readonly TerminalLine _line;
    private readonly TerminalPager _pager;
    private readonly TerminalCompletion _completion;
    private bool _literal;
    private bool _accepts;
    private bool _loggedOut;

    /// <summary>Creates a terminal of a fixed size.</summary>
    internal TerminalConsole(CliSession session, TerminalSize size)
        : this(session, () => size) { }

    /// <summary>Creates a terminal whose size may change during the session.</summary>
    internal TerminalConsole(CliSession session, Func<TerminalSize> size)
    {
        (_session, _size) = (session, size);
        session.IsTerminal = true;
        _line = new TerminalLine(_screen);
        _pager = new TerminalPager(_screen);
        _completion = new TerminalCompletion(session, _line);
    }

    /// <inheritdoc/>
    public bool Closed => _session.Closed;

    /// <inheritdoc/>
    public string Start()
    {
        Measure();
        if (_session.Banner is { } banner)
        {
            _accepts = true;
            _screen.Append(Lines(banner)).Append(ConsoleBanner.Accept);
        }
        else
        {
            Continue();
        }
        return Shown();
    }

    /// <inheritdoc/>
    public string Type(ReadOnlySpan<byte> bytes, out int used)
    {
        Measure();
        for (used = 0; used < bytes.Length;)
        {
            if (_keys.Take(bytes[used++], out var typed) is not { } key)
            {
                continue;
            }
            Press(key, typed);
            if (key is TerminalKey.Enter or TerminalKey.Help || Closed)
            {
                break; // The output of a command leaves before the next one runs.
            }
        }
        return Shown();
    }

    /// <inheritdoc/>
    public bool HangsUp => true;

    /// <inheritdoc/>
    public string Answered(string text)
    {
        Show(text);
        return Shown();
    }

    /// <inheritdoc/>
    public string Streamed(string text) => Lines(ControlCharacters.EscapeFormatting(text));

    /// <inheritdoc/>
    public string Say(string text)
    {
        if (_pager.Waits)
        {
            _pager.Between(Lines(text));
        }
        else
        {
            _line.Leave();
            _screen.Append(Lines(text));
            Continue();
        }
        return Shown();
    }

    /// <inheritdoc/>
    public string End() => "";

    /// <summary>True when Ctrl-C closed the session.</summary>
    internal bool Interrupted { get; private set; }

    private void Measure()
    {
        var size = _size();
        (_line.Columns, _pager.Rows) = (Math.Max(2, size.Columns), size.Rows);
    }

    private void Press(TerminalKey key, string typed)
    {
        if (_accepts)
        {
            Accept(key, typed);
        }
        else if (_pager.Waits)
        {
            _pager.Take(key, typed);
            if (!_pager.Waits)
            {
                Continue();
            }
        }
        else if (_session.Keys.Length > 0)
        {
            Reply(key, typed);
        }
        else
        {
            Edit(key, typed);
        }
    }

    /// <summary>Handles a key at the banner: <c>a</c> accepts it, Ctrl-C leaves, other keys (Enter included) have no effect.</summary>
    private void Accept(TerminalKey key, string typed)
    {
        if (key == TerminalKey.Interrupt)
        {
            _session.Interrupt(typing: false);
            Interrupted = Closed;
        }
        else if (typed == "a")
        {
            _accepts = false;
            _screen.Append("\r\n");
            _line.Show(_session.Prompt);
        }
    }

    /// <summary>Handles a key at a confirmation prompt.</summary>
    private void Reply(TerminalKey key, string typed)
    {
        if (key == TerminalKey.Interrupt)
        {
            _screen.Append("\r\n");
            _session.Interrupt(typing: true);
            Continue();
        }
        else if (typed.Length > 0 && _session.Keys.Contains(typed, StringComparison.Ordinal))
        {
            _screen.Append(typed).Append("\r\n");
            Show(_session.Execute(typed));
        }
    }

    private void Edit(TerminalKey key, string typed)
    {
        if (
            ((_literal || _session.LogsIn) && typed.Length > 0 && key != TerminalKey.Enter)
            || (key == TerminalKey.Help && (_session.IsQuoted || _line.IsQuoted))
        )
        {
            key = TerminalKey.Character;
        }
        _literal = key == TerminalKey.Literal;
        if (key == TerminalKey.Tab)
        {
            if (!_completion.Next())
            {
                _screen.Append(Bell);
            }
            return;
        }
        _completion.Forget();
        switch (key)
        {
            case TerminalKey.Character when _line.Length + typed.Length > CliSession.LineMax || ControlCharacters.AnyIn(typed):
                _screen.Append(Bell);
                break;
            case TerminalKey.Character:
                _line.Insert(typed);
                break;
            case TerminalKey.Enter:
                Enter();
                break;
            case TerminalKey.Help:
                Help();
                break;
            case TerminalKey.Interrupt:
                Interrupt();
                break;
            case TerminalKey.Earlier or TerminalKey.Later when !_session.LogsIn:
                if ((key == TerminalKey.Earlier ? _history.Earlier(_line.Text) : _history.Later()) is { } line)
                {
                    _line.Set(line);
                }
                break;
            default:
                Move(key);
                break;
        }
    }

    private void Move(TerminalKey key)
    {
        switch (key)
        {
            case TerminalKey.WordLeft:
                _line.WordLeft();
                break;
            case TerminalKey.WordRight:
                _line.WordRight();
                break;
            case TerminalKey.Start:
                _line.MoveTo(0);
                break;
            case TerminalKey.End:
                _line.MoveTo(_line.Length);
                break;
            case TerminalKey.Backspace:
                _line.Backspace();
                break;
            case TerminalKey.Delete:
                _line.Delete();
                break;
        }
    }

    private void Enter()
    {
        var line = _line.Text;
        _line.MoveTo(_line.Length);
        _screen.Append("\r\r\n");
        _line.Clear();
        if (!_session.LogsIn)
        {
            _history.Add(line); // Exclude login names and passwords.
        }
        Show(_session.Execute(line));
    }

    /// <summary>Completes a partial word that has exactly one completion; otherwise lists the choices and shows the line again.</summary>
    private void Help()
    {
        if (_completion.Only())
        {
            return;
        }
        var help = _session.Help(_line.BeforeCursor);
        _line.Leave();
        Show(help.Length > 0 ? help + "\n" : "");
    }

    private void Interrupt()
    {
        _session.Interrupt(typing: _line.Length > 0);
        Interrupted = Closed;
        _line.Leave();
        _line.Clear();
        _history.Reset();
        Continue();
    }

    private void Show(string text)
    {
        _pager.Start(text, _session.Pages);
        if (!_pager.Waits)
        {
            Continue();
        }
    }

    /// <summary>Shows the prompt and the current line.</summary>
    private void Continue()
    {
        if (!Closed)
        {
            if (_session.LogsIn && !_loggedOut)
            {
                _history.Clear();
                _line.Clear();
            }
            (_loggedOut, _line.IsHidden) = (_session.LogsIn, _session.IsHidden);
            _line.Show(_session.Prompt);
        }
    }

    private static string Lines(string text) => text.Replace("\n", "\r\n", StringComparison.Ordinal);

    private string Shown()
    {
        var shown = ControlCharacters.EscapeFormatting(_screen.ToString());
        _screen.Clear();
        return shown;
    }
}
