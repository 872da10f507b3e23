using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// An administrator's CLI session: the edit state, the prompt and the output of each line. Not thread-safe: one line at a time.
/// </summary>
public sealed partial class CliSession : IDisposable
{
    /// <summary>The maximum length of one line, in characters.</summary>
    public const int LineMax = 16 * 1024;

    /// <summary>The maximum length of a command of several lines, in characters.</summary>
    private const int CommandMax = 64 * 1024;

    /// <summary>The message to a session that another administrator ended (*assumed*).</summary>
    private const string DisconnectedText = "\nDisconnected by an administrator\n\n";

    private readonly ConfigStore _store;
    private readonly ConfigEditor _editor;
    private readonly EditVerbs _editVerbs;
    private readonly CliView _view;
    private readonly CliHelp _help;
    private readonly CliPaths _paths;
    private readonly CliAccess _access;
    private readonly ConsoleLogin? _login;
    private readonly Administrator _administrator;
    private readonly CommandLines _lines = new();
    private readonly CliBatch _batch;
    private readonly IDisposable? _listed;
    private int _code;
    private Func<CliReply>? _confirm;
    private bool _scriptsGoOn;
    private Func<CancellationToken, Task<CliReply>>? _inBatch;
    private CliFilter? _filter;
    private Waiting? _waiting;

    /// <summary>Creates a session on a configuration store.</summary>
    /// <param name="store">The configuration.</param>
    /// <param name="commands">The commands outside the edit tree.</param>
    /// <param name="administrator">The administrator of the session; null for that of the attached console.</param>
    /// <param name="login">Not null to require a login first, and again after <c>exit</c>.</param>
    /// <param name="sessions">Not null to list a session without a login dialog among the administrator sessions.</param>
    public CliSession(
        ConfigStore store,
        IReadOnlyList<CliCommand> commands,
        Administrator? administrator = null,
        ConsoleLogin? login = null,
        AdminSessions? sessions = null
    )
    {
        _store = store;
        _administrator = administrator ?? Administrator.AttachedConsole;
        _login = login;
        _access = new CliAccess(store, () => Administrator);
        Workspace = new ConfigWorkspace(store, Say) { Author = () => Administrator.AuthorIn(store.Current) };
        _editor = new ConfigEditor(() => Workspace.Current, Workspace.Commit, store.Unseal, store.Checks);
        _batch = new CliBatch(RunForCodeAsync);
        _paths = new CliPaths(store.Current.Schema, [.. commands, .. _batch.Commands]);
        _editVerbs = new EditVerbs(_editor, _paths, _access);
        _view = new CliView(store, Workspace, _editor, _paths, _access, () => Administrator.Name);
        _help = new CliHelp(Workspace, _editor, _paths);
        if (login is not null)
        {
            login.TimedOut = () =>
            {
                Leave("timeout");
                Say("\nTimeout\n\n");
            };
            login.Disconnected = () =>
            {
                Leave("disconnect");
                Say(DisconnectedText);
            };
        }
        else
        {
            _listed = sessions?.Begin(
                new AdminSession(_administrator.Name, "console", "N/A", "N/A", store.Time.GetUtcNow()),
                () => Close(DisconnectedText)
            );
        }
    }

    /// <summary>
    /// The current prompt, for example <c>FortiLab (port1) # </c>; <c>"> "</c> on a continuation line, "" while a confirmation prompt or
    /// a command is pending.
    /// </summary>
    public string Prompt =>
        Asks || Waits ? ""
        : LogsIn ? _login!.Prompt
        : _lines.IsOpen ? "> "
        : $"{HostName}{(_editor.Level is { } level ? $" ({level.Word})" : "")} {(_access.Rights.IsFull ? '#' : '$')} ";

    /// <summary>The session's view of the configuration, with the administrator's open transaction, if any.</summary>
    public ConfigWorkspace Workspace { get; }

    /// <summary>True after <c>exit</c> at the root, <see cref="Close"/> or <see cref="Dispose"/>.</summary>
    public bool Closed
    {
        get;
        private set
        {
            field = value;
            if (value)
            {
                Workspace.Dispose();
                _listed?.Dispose();
                Cancel();
            }
        }
    }

    /// <summary>True while a confirmation prompt expects <c>y</c> or <c>n</c>.</summary>
    public bool Asks => _confirm is not null;

    /// <summary>True while a command is pending (<see cref="AnsweredAsync"/>); no line is executed meanwhile.</summary>
    public bool Waits => Volatile.Read(ref _waiting) is not null;

    /// <summary>True on a terminal, where a refreshing command runs until it is stopped; otherwise it stops after one iteration.</summary>
    public bool IsTerminal { get; internal set; }

    /// <summary>True during the login dialog: lines go to the dialog, and there is no help.</summary>
    public bool LogsIn => _login is { Who: null };

    /// <summary>True while input must not be echoed, because a password is being entered.</summary>
    public bool IsHidden => _login is { Who: null, IsHidden: true };

    /// <summary>The keys that act immediately, without Enter; "" while lines are read.</summary>
    public string Keys =>
        Asks ? "yYnN"
        : _login is { Who: null, TakesKey: true } ? "a"
        : "";

    /// <summary>The administrator of the session; one without any rights during the login dialog.</summary>
    public Administrator Administrator => _login is null ? _administrator : _login.Who ?? Administrator.Nobody;

    /// <summary>Raised once, when the session ends, so that its dependents (a debug stream) end with it. On any thread.</summary>
    public event Action? Ended;

    /// <summary>Raised for unsolicited output (debug output, a timer's warning), independent of the input. On any thread.</summary>
    public event Action<string>? Said;

    /// <summary>Shows unsolicited text to the administrator; lines ended by \n.</summary>
    public void Say(string text) => Said?.Invoke(text);

    /// <summary>
    /// Ends the session (for example when the unit restarts) with a last message to the administrator, or none. On any thread.
    /// </summary>
    public void Close(string lastWord = "")
    {
        Closed = true;
        if (lastWord.Length > 0)
        {
            Say(lastWord);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Closed = true;
        _login?.Restart("exit");
        Interlocked.Exchange(ref Ended, null)?.Invoke();
    }

    /// <summary>Executes one line (without its newline); returns its output, lines ended by \n, or "".</summary>
    public string Execute(string line) =>
        _login is null
            ? ExecuteLine(line)
            : _login.Busy(() =>
                !LogsIn ? ExecuteLine(line)
                : line.Length > LineMax ? ""
                : LogIn(_login.Execute(line))
            );

    /// <summary>
    /// Waits for the pending command without holding a thread; returns its output, lines ended by \n, or "" if none is pending. A session
    /// that closed meanwhile still shows the reply (<c>execute reboot</c>), but no blank line for success.
    /// </summary>
    public async Task<string> AnsweredAsync()
    {
        if (Volatile.Read(ref _waiting) is not { } waiting)
        {
            return "";
        }
        CliReply reply;
        try
        {
            reply = await waiting.Answer.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (waiting.Stop.IsCancellationRequested)
        {
            reply = "";
            _aliasLines.Clear();
        }
        waiting.Stop.Dispose();
        Volatile.Write(ref _waiting, null);
        var isSilent = Closed && reply is { Text: "", Error: null };
        if (_login is null)
        {
            return isSilent ? "" : Answer(reply) + ContinueAlias();
        }
        return _login.Busy(() =>
        {
            _login.IsHeld = false;
            if (!waiting.IsLogin)
            {
                return LogsIn || isSilent ? "" : Answer(reply) + ContinueAlias();
            }
            if (Closed)
            {
                _login.Restart("exit");
            }
            return reply.Text;
        });
    }

    /// <summary>Requests cancellation of the pending command (Ctrl-C). Does nothing if none is pending. On any thread.</summary>
    public void Cancel()
    {
        if (Volatile.Read(ref _waiting) is { } waiting)
        {
            try
            {
                waiting.Stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The command has just completed.
            }
        }
    }

    /// <summary>Returns the help for a script line that ends with <c>?</c> outside quotes; null for any other line.</summary>
    public string? HelpAsked(string line) =>
        !LogsIn
        && !Asks
        && !_lines.IsOpen
        && line.Length <= LineMax
        && line.TrimEnd() is [.. var typed, '?']
        && !typed.AsSpan().TrimStart().StartsWith('#')
        && !ConfigWords.Scan(typed).Open
            ? Help(typed) + "\n"
            : null;

    /// <summary>Returns the help that <c>?</c> shows after these characters of a line; lines ended by \n.</summary>
    public string Help(string typed) => LogsIn || _lines.IsOpen ? "" : _help.For(typed);

    /// <summary>
    /// Returns the completions of the last word of these characters, each as it is typed, and the position at which that word begins.
    /// </summary>
    public (int Start, IReadOnlyList<string> Words) Complete(string typed) =>
        LogsIn || _lines.IsOpen ? (typed.Length, []) : _help.Completions(typed);

    /// <summary>
    /// Handles Ctrl-C: drops the current line, else leaves every config level without saving; at the root, ends the session.
    /// </summary>
    /// <param name="typing">True if the current line is not empty.</param>
    public void Interrupt(bool typing)
    {
        if (LogsIn)
        {
            _login!.Busy(() => _login.Restart("exit"));
            return;
        }
        if (typing || _lines.IsOpen || Asks)
        {
            _lines.Clear();
            _aliasLines.Clear();
            (_confirm, _filter) = (null, null);
            return;
        }
        if (_editor.Level is null)
        {
            Exit();
        }
        _editor.AbortAll();
    }

    /// <summary>Handles the end of the input; returns the error for an incomplete command, or "".</summary>
    public string EndOfInput()
    {
        var text = _lines.IsQuoted ? "\ntoken line: Unmatched double quote.\n\n" : "";
        _lines.Clear();
        return text;
    }

    /// <summary>True while the lines of a batch run.</summary>
    internal bool InBatch => _batch.IsRunning;

    /// <summary>True while the pending command streams: <c>q</c> stops it on a terminal, otherwise the end of the input does.</summary>
    internal bool Streams => Volatile.Read(ref _waiting) is { Streams: true };

    /// <summary>
    /// True for a script that is passed as a whole: no input arrives while a command streams, so each stream gets one iteration.
    /// </summary>
    internal bool IsGivenWhole { get; set; }

    /// <summary>True while a command continues on the next line because of an open quote.</summary>
    internal bool IsQuoted => _lines.IsQuoted;

    /// <summary>Every command of the session.</summary>
    internal IReadOnlyList<CliCommand> Commands => _paths.Commands;

    /// <summary>The access rights of the session.</summary>
    internal CliAccess Access => _access;

    /// <summary>True if the console shows a screenful at a time (<c>system console output</c>).</summary>
    internal bool Pages => _store.Current.Object("system console").Text("output") == "more";

    /// <summary>The banner that the administrator must accept at a terminal before the first prompt; null for none.</summary>
    internal string? Banner =>
        _login is null && _store.Current.Object("system global").Enabled("post-login-banner") ? ConsoleBanner.AfterLogin : null;

    private string HostName =>
        _store.Current.Object("system global").Text("hostname") is { Length: > 0 } name ? name : Personality.Platform;

    private string ExecuteLine(string line)
    {
        if (Workspace.Touch())
        {
            // The open edit levels belonged to a transaction that has ended.
            _editor.AbortAll();
        }
        if (_confirm is { } confirmed)
        {
            _confirm = null;
            return line.Trim() is "y" or "Y" ? Answer(confirmed()) + ContinueAlias() : "\n" + ContinueAlias();
        }
        if (line.Length > LineMax || _lines.Length + line.Length > CommandMax)
        {
            var (size, limit) = line.Length > LineMax ? (line.Length, LineMax) : (_lines.Length + line.Length, CommandMax);
            _lines.Clear();
            return Print(new ConfigError(-1, $"string value is too long. the size is {size}, the limit is {limit}"));
        }
        if (line.Any(c => ControlCharacters.Includes(c) && c != '\t') || line.Contains('\uFFFD', StringComparison.Ordinal))
        {
            _lines.Clear();
            return Print(new ConfigError(-1, "the line contains a control character or is not UTF-8"));
        }
        if (_batch.IsKeeping && !IsOfBatch(line))
        {
            return _batch.Keep(line) is { } full ? Print(full) : "";
        }
        if (!_lines.IsOpen)
        {
            var trimmed = line.AsSpan().Trim();
            if (trimmed.Length == 0 || trimmed[0] == '#')
            {
                return "";
            }
        }
        return _lines.Add(line) is { } command && ConfigWords.Scan(command) is { Words.Count: > 0 } scanned ? Run(scanned, command) : "";
    }

    /// <summary>Formats an error, or the blank line that stands for success.</summary>
    private string Print(ConfigError? error)
    {
        _code = error?.Code ?? _code;
        return error is null ? "\n" : $"\n{error.Text}\n\n";
    }

    /// <summary>A pending command and its cancellation.</summary>
    /// <param name="Answer">Completes with the reply.</param>
    /// <param name="Stop">Cancels the command.</param>
    /// <param name="Streams">True if the command shows text before its reply, until it is stopped.</param>
    /// <param name="IsLogin">True for a line of the login dialog instead of a command.</param>
    private sealed record Waiting(Task<CliReply> Answer, CancellationTokenSource Stop, bool Streams, bool IsLogin);
}
