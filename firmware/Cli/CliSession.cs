using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>One administrator at a console: the edit state, the prompt, and what each line answers. Not thread-safe: one line at a time.</summary>
public sealed class CliSession
{
    /// <summary>The greatest length of one line, in characters.</summary>
    public const int LineMax = 16 * 1024;

    /// <summary>The greatest length of a command over several lines.</summary>
    private const int CommandMax = 64 * 1024;

    private readonly ConfigStore _store;
    private readonly ConfigEditor _editor;
    private readonly EditVerbs _editVerbs;
    private readonly CliView _view;
    private readonly CliHelp _help;
    private readonly CliPaths _paths;
    private string? _open;
    private Func<CliReply>? _confirm;

    /// <summary>A session on a store, with further commands.</summary>
    public CliSession(ConfigStore store, IReadOnlyList<CliCommand> commands)
    {
        _store = store;
        Workspace = new ConfigWorkspace(store, Say);
        _editor = new ConfigEditor(() => Workspace.Current, Workspace.Commit, store.Unseal, store.Checks);
        _paths = new CliPaths(store.Current.Schema, commands);
        _editVerbs = new EditVerbs(_editor, _paths);
        _view = new CliView(this, store, _editor, _paths);
        _help = new CliHelp(store, _editor, _paths);
    }

    /// <summary>The prompt now, for example <c>FortiLab (port1) # </c>.</summary>
    public string Prompt => _confirm is not null ? "" : _open is not null ? "> " : $"{HostName}{(_editor.Level is { } level ? $" ({level.Word})" : "")} # ";

    /// <summary>The administrator's way to the configuration, with the transaction that he may have open.</summary>
    public ConfigWorkspace Workspace { get; }

    /// <summary>True after <c>exit</c> at the root.</summary>
    public bool Closed { get; private set; }

    /// <summary>Text that comes by itself, whatever is typed (debug output, a timer's warning). Raised on any thread.</summary>
    public event Action<string>? Said;

    /// <summary>Tells the administrator something that he did not ask for at this moment; lines ended by \n.</summary>
    public void Say(string text) => Said?.Invoke(text);

    private string HostName => _store.Current.Object("system global").Text("hostname") is { Length: > 0 } name ? name : Personality.Platform;

    /// <summary>Executes one line (without its newline); returns what is printed, lines ended by \n, or "".</summary>
    public string Execute(string line)
    {
        if (Workspace.Touch())
        {
            // What he had open belonged to a transaction that is no more.
            _editor.AbortAll();
        }
        if (_confirm is { } confirmed)
        {
            _confirm = null;
            return line.Trim() is "y" or "Y" ? Answer(confirmed()) : "\n";
        }
        var command = _open is null ? line : _open + "\n" + line;
        _open = null;
        if (line.Length > LineMax || command.Length > CommandMax)
        {
            return Print(new ConfigError(-1, $"string value is too long. the size is {command.Length}, the limit is {(line.Length > LineMax ? LineMax : CommandMax)}"));
        }
        if (line.Any(c => char.IsControl(c) && c != '\t') || line.Contains('\uFFFD', StringComparison.Ordinal))
        {
            return Print(new ConfigError(-1, "the line holds a control character or is not UTF-8"));
        }
        var trimmed = command.Trim();
        if (trimmed.Length == 0 || trimmed[0] == '#')
        {
            return "";
        }
        if (trimmed[^1] == '?' && ConfigWords.Split(trimmed[..^1]) is { } asked)
        {
            return _help.For(asked, wordIsOpen: trimmed.Length > 1 && trimmed[^2] is not (' ' or '\t')) + "\n";
        }
        if (ConfigWords.Split(command) is not { } words)
        {
            _open = command;
            return "";
        }
        return words.Count == 0 ? "" : Run(words, trimmed);
    }

    /// <summary>Ctrl-C: drops the open command, leaves every config level without storing; at the root ends the session.</summary>
    public void Interrupt()
    {
        var atRoot = _open is null && _confirm is null && _editor.Level is null;
        (_open, _confirm) = (null, null);
        _editor.AbortAll();
        Closed |= atRoot;
    }

    /// <summary>What is printed for an error, or for none.</summary>
    internal static string Print(ConfigError? error) => error is null ? "\n" : $"\n{error.Text}\n\n";

    private string Run(List<string> words, string text)
    {
        var verbs = CliVerbs.At(_editor.Level);
        if (!CliPaths.TryMatch(words[0], verbs, out var verb, out var wrong))
        {
            return _editor.Level is null && wrong!.Lines[0].StartsWith("command parse", StringComparison.Ordinal) ? "Unknown action 0\n\n" : Print(wrong);
        }
        var rest = words[1..];
        switch (verb)
        {
            case "show" or "get":
                var (shown, filter) = CliFilter.Split(text, rest);
                return Filtered(verb == "show" ? _view.Show(shown) : _view.Get(shown), filter);
            case "execute" or "diagnose":
                return _paths.TryCommand(verb, rest, out var command, out var arguments, out wrong) ? Answer(command!.Run(new CliCall(arguments, this))) : Print(wrong);
            case "tree":
                return Tree(rest);
            case "exit" or "quit":
                Closed = true;
                return "";
            case "purge":
                return Answer(new CliReply("This operation will clear all table!\nDo you want to continue? (y/n)") { OnYes = () => _editor.Purge() });
            default:
                var (message, error) = _editVerbs.Run(verb, rest);
                return message + Print(error);
        }
    }

    private string Answer(CliReply reply)
    {
        _confirm = reply.OnYes;
        return reply.OnYes is not null ? reply.Text : reply.Error is null ? reply.Text + "\n" : reply.Text + Print(reply.Error);
    }

    private string Tree(List<string> words)
    {
        if (_editor.Level is { } level)
        {
            return words.Count > 0 ? Print(CliPaths.ParseError(words[0])) : CliTree.Of(level.Schema) + "\n";
        }
        if (!_paths.TryTable(words, out var table, out var rest, out var error))
        {
            return Print(error);
        }
        return rest.Count > 0 ? Print(CliPaths.ParseError(rest[0])) : CliTree.Of(table!) + "\n";
    }

    private static string Filtered((string Text, ConfigError? Error) result, CliFilter? filter) =>
        result.Error is not null ? Print(result.Error) : (filter is null ? result.Text : filter.Apply(result.Text)) + "\n";
}
