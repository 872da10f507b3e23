using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <content>Execution of a complete line, by its verb.</content>
public sealed partial class CliSession
{
    private string Run(ScannedWords scanned, string text)
    {
        var verbs = CliVerbs.At(_editor.Level);
        var words = scanned.Words;
        _filter = null;
        if (
            scanned.Bar >= 0
            && ConfigWords.Split(text[..scanned.Bar]) is [var first, ..] left
            && CliPaths.TryMatch(first, verbs, out var printing, out _)
            && CliVerbs.Prints(printing)
        )
        {
            _filter = new CliFilter(ConfigWords.Split(text[(scanned.Bar + 1)..]) ?? []);
            words = left;
        }
        if (!CliPaths.TryMatch(words[0], verbs, out var verb, out var wrong))
        {
            return _editor.Level is null && wrong!.Lines[0].StartsWith("command parse", StringComparison.Ordinal)
                ? Unknown()
                : Print(wrong);
        }
        if (_editor.Level is null && _access.Verb(verb) is { } refused)
        {
            return Print(refused);
        }
        if (_filter?.Fault is { } fault)
        {
            return Print(fault);
        }
        var rest = words[1..];
        switch (verb)
        {
            case "show":
                return Answer(_view.Show(rest));
            case "get":
                return Answer(Get(rest));
            case "execute" or "diagnose":
                return _paths.TryPath(verb, rest, out var path, out var arguments, out wrong)
                    ? Answer(RunCommand(_paths.Command(verb, path)!, arguments))
                    : Print(wrong);
            case "tree":
                return Answer(Tree(rest));
            case "exit" or "quit":
                return rest.Count == 0 ? Exit() : Print(CliPaths.ParseError(rest[0]));
            case "alias":
                return RunAlias(rest);
            case "purge":
                return rest.Count > 0
                    ? Print(CliPaths.ParseError(rest[0]))
                    : Answer(
                        new CliReply("This operation will clear all table!\nDo you want to continue? (y/n)")
                        {
                            OnYes = () => new CliReply("", _editor.Purge()),
                            ScriptsGoOn = true,
                        }
                    );
            default:
                var (message, error) = _editVerbs.Run(verb, rest);
                return message + Print(error);
        }
    }

    /// <summary>Ends the session; a console with a login dialog returns to the login prompt.</summary>
    private string Exit()
    {
        if (_login is null)
        {
            Closed = true;
            return "";
        }
        Leave("exit");
        return "\n";
    }

    private void Leave(string reason)
    {
        Cancel();
        _batch.Reset();
        _lines.Clear();
        _aliasLines.Clear();
        (_confirm, _filter) = (null, null);
        _editor.AbortAll();
        Interlocked.Exchange(ref Ended, null)?.Invoke();
        _login!.Restart(reason);
    }

    private CliReply RunCommand(CliCommand command, IReadOnlyList<string> arguments) =>
        (_access.Needs(command.Permission) ?? command.Arguments.Check(arguments)) is { } refused
            ? refused
            : command.Run(new CliCall(arguments, this));

    private string Unknown()
    {
        _code = -1;
        return "Unknown action 0\n\n";
    }

    private string Answer(CliReply reply)
    {
        (_confirm, _scriptsGoOn) = (reply.OnYes, reply.ScriptsGoOn);
        if (reply.OnYes is not null)
        {
            return reply.Text;
        }
        if (reply.Stream is { } stream)
        {
            var filter = _filter;
            return Begin(stop => stream(text => SayFiltered(filter, text), stop), streams: true);
        }
        if (reply.Later is { } later)
        {
            return reply.Text + Begin(later);
        }
        var shown = _filter is not null && reply.Text.Length > 0 ? _filter.Apply(reply.Text) : reply.Text;
        return reply.Error is null ? shown + "\n" : shown + Print(reply.Error);
    }

    /// <summary>Starts a command whose reply comes later; returns its output if the reply is available immediately.</summary>
    private string Begin(Func<CancellationToken, Task<CliReply>> later, bool streams = false, bool isLogin = false)
    {
        if (_batch.IsRunning)
        {
            // A batch shows no output and cannot stop a stream, so a stream gets one iteration.
            _inBatch = streams ? _ => later(new CancellationToken(canceled: true)) : later;
            return "";
        }
        var stop = new CancellationTokenSource();
        if (streams && IsGivenWhole)
        {
            stop.Cancel();
        }
        var answer = later(stop.Token);
        if (answer.IsCompletedSuccessfully && !streams)
        {
            stop.Dispose();
            var reply = answer.Result;
            return isLogin ? reply.Text : Answer(reply);
        }
        Volatile.Write(ref _waiting, new Waiting(answer, stop, streams, isLogin));
        _login?.IsHeld = true;
        return "";
    }

    private string LogIn(CliReply reply) => reply.Later is { } later ? Begin(later, isLogin: true) : reply.Text;

    private void SayFiltered(CliFilter? filter, string text)
    {
        if (!_batch.IsRunning && (filter?.Apply(text) ?? text) is { Length: > 0 } shown)
        {
            Say(shown);
        }
    }

    private CliReply Get(List<string> words) =>
        _editor.Level is null
        && _paths.TryPath("get", words, out var path, out var arguments, out _)
        && _paths.Command("get", path) is { } command
            ? RunCommand(command, arguments)
            : _view.Get(words);

    private CliReply Tree(List<string> words)
    {
        if (_editor.Level is { } level)
        {
            return words.Count > 0 ? CliPaths.ParseError(words[0]) : CliTree.Of(level.Schema);
        }
        var ofCommands = words.Count > 0 && CliPaths.TryMatch(words[0], ["execute", "diagnose"], out _, out _);
        var verb =
            !ofCommands ? "config"
            : words[0][0] == 'e' ? "execute"
            : "diagnose";
        List<string> path = ofCommands ? words[1..] : words;
        if (!_paths.TryFollow(verb, path, out var followed, out var error))
        {
            return error!;
        }
        if (followed!.Depth < path.Count)
        {
            return CliPaths.ParseError(path[followed.Depth]);
        }
        return ofCommands
            ? CliTree.Of(verb, followed)
            : CliTree.Of([.. followed.Open.Select(words => _store.Current.Schema.Table(string.Join(' ', words))!)], followed.Depth);
    }
}
