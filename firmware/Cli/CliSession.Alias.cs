using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <content><c>alias NAME</c>: runs the commands of <c>system alias</c> line by line, at the root.</content>
public sealed partial class CliSession
{
    private const string AliasTable = "system alias";

    /// <summary>The lines of an alias that have not run yet, because a command or a prompt is pending.</summary>
    private readonly Queue<string> _aliasLines = [];
    private bool _runsAlias;

    private string RunAlias(List<string> words)
    {
        var aliases = Workspace.Current.List(AliasTable);
        if (words.Count != 1)
        {
            return Print(words.Count == 0 ? ConfigError.Incomplete : CliPaths.ParseError(words[1]));
        }
        if (_access.Read(aliases.Schema) is { } denied)
        {
            return Print(denied);
        }
        if (!CliPaths.TryMatch(words[0], aliases.Keys, out var name, out var unknown))
        {
            return Print(unknown);
        }
        if (_runsAlias || InBatch)
        {
            return Print(new ConfigError(-1, $"alias {name} cannot be used {(InBatch ? "in batch mode" : "in an alias")}"));
        }
        _aliasLines.Clear();
        foreach (var line in aliases.Find(name)!.Text("command").Split('\n'))
        {
            _aliasLines.Enqueue(line.TrimEnd('\r'));
        }
        return ContinueAlias();
    }

    /// <summary>Runs the lines up to one that leaves a command or prompt pending; returns their output.</summary>
    private string ContinueAlias()
    {
        var text = new StringBuilder();
        _runsAlias = true;
        while (!Closed && !LogsIn && !Asks && !Waits && _aliasLines.TryDequeue(out var line))
        {
            text.Append(ExecuteLine(line));
        }
        _runsAlias = false;
        return text.ToString();
    }
}
