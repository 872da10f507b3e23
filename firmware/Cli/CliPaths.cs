using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>Finds what words mean: every word may be cut to a prefix that fits one thing only; an exact word wins.</summary>
internal sealed class CliPaths(ConfigSchema schema, IReadOnlyList<CliCommand> commands)
{
    /// <summary>The commands, for help.</summary>
    internal IReadOnlyList<CliCommand> Commands => commands;

    /// <summary>The one choice that a word stands for.</summary>
    internal static bool TryMatch(string word, IEnumerable<string> choices, out string match, out ConfigError? error)
    {
        var fitting = choices.Where(choice => choice.StartsWith(word, StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).ToList();
        (match, error) = (fitting.Contains(word) ? word : fitting.FirstOrDefault(""), null);
        if (fitting.Count == 0 || word.Length == 0)
        {
            error = ParseError(word);
        }
        else if (fitting.Count > 1 && match != word)
        {
            error = new ConfigError(-61, $"ambiguous command before '{word}'");
        }
        return error is null;
    }

    /// <summary>The device's word for what it does not understand.</summary>
    internal static ConfigError ParseError(string word) => new(-61, $"command parse error before '{string.Concat(word.Where(c => !char.IsControl(c)).Take(64))}'");

    /// <summary>The table that the first words name; the words after it are given back.</summary>
    internal bool TryTable(IReadOnlyList<string> words, out TableSchema? table, out IReadOnlyList<string> rest, out ConfigError? error)
    {
        table = null;
        rest = [];
        if (!TryResolve(words, schema.Paths, out var path, out var used, out error))
        {
            return false;
        }
        table = schema.Table(path);
        rest = [.. words.Skip(used)];
        return true;
    }

    /// <summary>The command that a verb and the first words name.</summary>
    internal bool TryCommand(string verb, IReadOnlyList<string> words, out CliCommand? command, out IReadOnlyList<string> arguments, out ConfigError? error)
    {
        command = null;
        arguments = [];
        var prefix = verb + " ";
        if (!TryResolve(words, commands.Where(command => command.Words.StartsWith(prefix, StringComparison.Ordinal)).Select(command => command.Words[prefix.Length..]), out var path, out var used, out error))
        {
            return false;
        }
        command = commands.First(command => command.Words == prefix + path);
        arguments = [.. words.Skip(used)];
        return true;
    }

    /// <summary>The next words that may follow these in a path of tables (or of commands of a verb).</summary>
    internal IReadOnlyList<string> NextWords(string verb, IReadOnlyList<string> words)
    {
        var paths = (verb is "config" or "get" or "show" ? schema.Paths.AsEnumerable() : [])
            .Concat(commands.Where(command => command.Words.StartsWith(verb + " ", StringComparison.Ordinal)).Select(command => command.Words[(verb.Length + 1)..]))
            .Select(path => path.Split(' ')).ToList();
        for (var at = 0; at < words.Count; at++)
        {
            if (!TryMatch(words[at], paths.Where(path => path.Length > at).Select(path => path[at]), out var match, out _))
            {
                return [];
            }
            var position = at;
            paths = [.. paths.Where(path => path.Length > position && path[position] == match)];
        }
        return [.. paths.Where(path => path.Length > words.Count).Select(path => path[words.Count]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Follows words down a tree of paths until exactly one whole path is left.</summary>
    private static bool TryResolve(IReadOnlyList<string> words, IEnumerable<string> paths, out string path, out int used, out ConfigError? error)
    {
        var open = paths.Select(path => path.Split(' ')).ToList();
        (path, used, error) = ("", 0, null);
        for (var at = 0; ; at++)
        {
            var depth = at;
            var whole = open.FirstOrDefault(candidate => candidate.Length == depth);
            if (at >= words.Count || open.All(candidate => candidate.Length <= depth))
            {
                (path, used) = (string.Join(' ', whole ?? []), at);
                error = whole is null ? new ConfigError(-160, "incomplete command in the end") : null;
                return error is null;
            }
            if (!TryMatch(words[at], open.Where(candidate => candidate.Length > depth).Select(candidate => candidate[depth]), out var match, out error))
            {
                if (whole is null)
                {
                    return false;
                }
                // A whole path, and a word after it that belongs to it (a key).
                (path, used, error) = (string.Join(' ', whole), at, null);
                return true;
            }
            open = [.. open.Where(candidate => candidate.Length > depth && candidate[depth] == match)];
        }
    }
}
