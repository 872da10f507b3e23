using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>One administrator at a console: the edit state, the prompt, and what each line answers. Not thread-safe: one line at a time.</summary>
public sealed partial class CliSession : IDisposable
{
    /// <summary>The greatest length of one line, in characters.</summary>
    public const int LineMax = 16 * 1024;

    /// <summary>The greatest length of a command over several lines.</summary>
    private const int CommandMax = 64 * 1024;

    /// <summary>What a session shows that another administrator ends (*assumed*).</summary>
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

    /// <summary>A command whose answer is on its way, and what cancels it.</summary>
    /// <param name="Answer">The answer.</param>
    /// <param name="Stop">Cancels the command.</param>
    /// <param name="Streams">True when the command shows text before its answer, until it is stopped.</param>
    private sealed record Waiting(Task<CliReply> Answer, CancellationTokenSource Stop, bool Streams);

    /// <summary>A session on a store, with further commands.</summary>
    /// <param name="store">The configuration.</param>
    /// <param name="commands">What there is beyond the edit tree.</param>
    /// <param name="administrator">Whose session it is; null for the attached console's.</param>
    /// <param name="login">Not null: asks for an administrator first, and again after <c>exit</c>.</param>
    /// <param name="sessions">Not null: lists a session without a login as one of its administrator.</param>
    public CliSession(ConfigStore store, IReadOnlyList<CliCommand> commands, Administrator? administrator = null, ConsoleLogin? login = null, AdminSessions? sessions = null)
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
            _listed = sessions?.Begin(new AdminSession(_administrator.Name, "console", "N/A", "N/A", store.Time.GetUtcNow()), () => Close(DisconnectedText));
        }
    }

    /// <summary>The prompt now, for example <c>FortiLab (port1) # </c>; <c>"> "</c> while a command goes on, "" while a question or an answer is waited for.</summary>
    public string Prompt => LogsIn ? _login!.Prompt : Asks || Waits ? "" : _lines.IsOpen ? "> " : $"{HostName}{(_editor.Level is { } level ? $" ({level.Word})" : "")} {(_access.Rights.IsFull ? '#' : '$')} ";

    /// <summary>True while the lines of a batch are run.</summary>
    internal bool InBatch => _batch.IsRunning;

    /// <summary>The administrator's way to the configuration, with the transaction that he may have open.</summary>
    public ConfigWorkspace Workspace { get; }

    /// <summary>True after <c>exit</c> at the root.</summary>
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

    /// <summary>True while a question waits for <c>y</c> or <c>n</c>.</summary>
    public bool Asks => _confirm is not null;

    /// <summary>True while a command waits for its answer (<see cref="AnsweredAsync"/>): no line is served meanwhile.</summary>
    public bool Waits => Volatile.Read(ref _waiting) is not null;

    /// <summary>True while the command that waits streams: <c>q</c> stops it on a terminal, the end of the input elsewhere.</summary>
    internal bool Streams => Volatile.Read(ref _waiting) is { Streams: true };

    /// <summary>True at a terminal, where a command that refreshes goes on until it is stopped; elsewhere it stops after one iteration.</summary>
    public bool IsTerminal { get; internal set; }

    /// <summary>True for a script that is given whole: nothing is typed while a command streams, so each stream gets one iteration.</summary>
    internal bool IsGivenWhole { get; set; }

    /// <summary>True while a command goes on because of a quote.</summary>
    internal bool IsQuoted => _lines.IsQuoted;

    /// <summary>True while an administrator is asked for: lines go to the dialog, and there is no help.</summary>
    public bool LogsIn => _login is { Who: null };

    /// <summary>True while what is typed must not be shown: a password is asked for.</summary>
    public bool IsHidden => _login is { Who: null, IsHidden: true };

    /// <summary>The keys of which one answers at once, without Enter; "" while lines are read.</summary>
    public string Keys => Asks ? "yYnN" : _login is { Who: null, TakesKey: true } ? "a" : "";

    /// <summary>Whose session it is; nobody's while a login is asked for.</summary>
    public Administrator Administrator => _login is null ? _administrator : _login.Who ?? Administrator.Nobody;

    /// <summary>What he may do.</summary>
    internal CliAccess Access => _access;

    /// <summary>Raised once, when the session is over: what belongs to it (a debug stream) ends. On any thread.</summary>
    public event Action? Ended;

    /// <summary>Text that comes by itself, whatever is typed (debug output, a timer's warning). Raised on any thread.</summary>
    public event Action<string>? Said;

    /// <summary>True when the console shows a screenful at a time (<c>system console output</c>).</summary>
    internal bool Pages => _store.Current.Object("system console").Text("output") == "more";

    /// <summary>What an administrator must accept at a terminal before the first prompt; null for nothing.</summary>
    internal string? Banner => _login is null && _store.Current.Object("system global").Enabled("post-login-banner") ? ConsoleBanner.AfterLogin : null;

    private string HostName => _store.Current.Object("system global").Text("hostname") is { Length: > 0 } name ? name : Personality.Platform;

    /// <summary>Tells the administrator something that he did not ask for at this moment; lines ended by \n.</summary>
    public void Say(string text) => Said?.Invoke(text);

    /// <summary>Ends the session (the unit restarts), with a last word for who sits there, or none. On any thread.</summary>
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

    /// <summary>Executes one line (without its newline); returns what is printed, lines ended by \n, or "".</summary>
    public string Execute(string line) => _login is null ? ExecuteLine(line) : _login.Busy(() => !LogsIn ? ExecuteLine(line) : line.Length > LineMax ? "" : _login.Execute(line));

    private string ExecuteLine(string line)
    {
        if (Workspace.Touch())
        {
            // What he had open belonged to a transaction that is no more.
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
            return Print(new ConfigError(-1, "the line holds a control character or is not UTF-8"));
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

    /// <summary>Waits for the answer of the command that waits, without a thread; what it prints, lines ended by \n, or "" when none does.</summary>
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
        if (_login is null)
        {
            return Answer(reply) + ContinueAlias();
        }
        return _login.Busy(() =>
        {
            _login.IsHeld = false;
            return LogsIn ? "" : Answer(reply) + ContinueAlias();
        });
    }

    /// <summary>Ctrl-C while a command waits: it is asked to end. Nothing when none does. On any thread.</summary>
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
                // It has just ended by itself.
            }
        }
    }

    /// <summary>What is printed for a script's line that asks for help by a final <c>?</c>, outside quotes; null for any other line.</summary>
    public string? HelpAsked(string line) =>
        !LogsIn && !Asks && !_lines.IsOpen && line.Length <= LineMax && line.TrimEnd() is [.. var typed, '?'] && !typed.AsSpan().TrimStart().StartsWith('#') && !ConfigWords.Scan(typed).Open ? Help(typed) + "\n" : null;

    /// <summary>What <c>?</c> shows after these characters of a line; lines ended by \n.</summary>
    public string Help(string typed) => LogsIn || _lines.IsOpen ? "" : _help.For(typed);

    /// <summary>The words that the last word of these characters can become, each as it is typed, and where that word begins.</summary>
    public (int Start, IReadOnlyList<string> Words) Complete(string typed) => LogsIn || _lines.IsOpen ? (typed.Length, []) : _help.Completions(typed);

    /// <summary>Ctrl-C: drops the line that is being typed, if there is one; else leaves every config level without storing; else ends the session.</summary>
    /// <param name="typing">True when something was typed on this line.</param>
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

    /// <summary>The input is over: what is printed for a command that never ended; "" when there is none.</summary>
    public string EndOfInput()
    {
        var text = _lines.IsQuoted ? "\ntoken line: Unmatched double quote.\n\n" : "";
        _lines.Clear();
        return text;
    }

    /// <summary>What is printed for an error, or for none.</summary>
    private string Print(ConfigError? error)
    {
        _code = error?.Code ?? _code;
        return error is null ? "\n" : $"\n{error.Text}\n\n";
    }

    /// <summary>True for a line that is never kept in a batch: it is about the batch.</summary>
    private bool IsOfBatch(string line) => ConfigWords.Split(line) is [var verb, .. var words]
        && CliPaths.TryMatch(verb, CliVerbs.At(null), out var match, out _) && match == "execute"
        && _paths.TryPath("execute", words, out var path, out _, out _) && path.StartsWith("batch ", StringComparison.Ordinal);

    /// <summary>
    /// Runs a line as if it were typed; its return code, how it may be shown afterwards, and whether <paramref name="answer"/> was used. A question is
    /// answered no, and that is a failure; one that a script may go past is answered by the next line, if that is an answer, and else yes.
    /// </summary>
    private async Task<(int Code, string Shown, bool Answered)> RunForCodeAsync(string line, string? answer, CancellationToken cancellationToken)
    {
        _code = 0;
        var shown = WithoutSecret(line);
        Execute(line);
        while (_inBatch is { } later)
        {
            _inBatch = null;
            Answer(await later(cancellationToken).ConfigureAwait(false));
        }
        if (!Asks)
        {
            return (_code, shown, false);
        }
        if (_scriptsGoOn)
        {
            Execute(answer ?? "y");
            return (_code, shown, answer is not null);
        }
        Execute("n");
        return (-1, shown, false);
    }

    private string WithoutSecret(string line) => _editor.Level is ConfigLevel.Edit edit && ConfigWords.Scan(line).Words is [var verb, var name, _, ..]
        && CliPaths.TryMatch(name, edit.Schema.Attributes.Select(attribute => attribute.Name), out var match, out _) && edit.Schema.Attribute(match)!.Secret
            ? $"{verb} {name} ***"
            : _lines.IsOpen ? "***" : line.Trim();
}
