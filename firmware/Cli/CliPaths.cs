using Appliance.Firmware.Config;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>Resolves words to paths. A word may be abbreviated to any unambiguous prefix; an exact match takes precedence.</summary>
internal sealed class CliPaths(ConfigSchema schema, IReadOnlyList<CliCommand> commands)
{
    private readonly Dictionary<string, string[][]> _byVerb = new(StringComparer.Ordinal);

    /// <summary>The commands.</summary>
    internal IReadOnlyList<CliCommand> Commands => commands;

    /// <summary>
    /// Finds the one choice that a word abbreviates or equals; returns false and the error if there is none or more than one.
    /// </summary>
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

    /// <summary>The device's error for a word that it cannot parse.</summary>
    internal static ConfigError ParseError(string word) =>
        new(-61, $"command parse error before '{string.Concat(word.Where(c => !ControlCharacters.Includes(c)).Take(64))}'");

    /// <summary>Returns the table with a full path, or null.</summary>
    internal TableSchema? Table(string path) => schema.Table(path);

    /// <summary>Returns the command with a verb and a full path, or null.</summary>
    internal CliCommand? Command(string verb, string path) =>
        commands.FirstOrDefault(command =>
            command.Words.Length == verb.Length + 1 + path.Length
            && command.Words.StartsWith(verb, StringComparison.Ordinal)
            && command.Words.EndsWith(path, StringComparison.Ordinal)
            && command.Words[verb.Length] == ' '
        );

    /// <summary>Finds the table or command that the first words after a verb name, and returns the remaining words.</summary>
    internal bool TryPath(string verb, IReadOnlyList<string> words, out string path, out IReadOnlyList<string> rest, out ConfigError? error)
    {
        (path, rest) = ("", []);
        if (!TryFollow(verb, words, out var followed, out error))
        {
            return false;
        }
        (path, error) = (followed!.Known ?? "", followed.Known is null ? ConfigError.Incomplete : null);
        rest = [.. words.Skip(followed.Depth)];
        return followed.Known is not null;
    }

    /// <summary>Follows the words after a verb as far as they match a path.</summary>
    internal bool TryFollow(string verb, IReadOnlyList<string> words, out FollowedPath? followed, out ConfigError? error)
    {
        var open = Of(verb);
        (followed, error) = (null, null);
        for (var at = 0; at < words.Count; at++)
        {
            var depth = at;
            if (!TryMatch(words[at], open.Where(path => path.Length > depth).Select(path => path[depth]), out var match, out error))
            {
                if (!open.Any(path => path.Length == depth))
                {
                    return false;
                }
                // A full path, followed by its arguments or a key.
                (followed, error) = (new FollowedPath([.. open.Where(path => path.Length == depth)], depth), null);
                return true;
            }
            open = [.. open.Where(path => path.Length > depth && path[depth] == match)];
        }
        followed = new FollowedPath(open, words.Count);
        return true;
    }

    /// <summary>Returns the first words of a verb's paths, in order.</summary>
    internal IEnumerable<string> Next(string verb) => new FollowedPath(Of(verb), 0).Next;

    private string[][] Of(string verb)
    {
        if (!_byVerb.TryGetValue(verb, out var paths))
        {
            _byVerb[verb] = paths = [
                .. (verb is "execute" or "diagnose" ? [] : schema.Paths.AsEnumerable())
                    .Concat(
                        commands
                            .Where(command => command.Words.StartsWith(verb + " ", StringComparison.Ordinal))
                            .Select(command => command.Words[(verb.Length + 1)..])
                    )
                    .Select(path => path.Split(' ')),
            ];
        }
        return paths;
    }
}

/// <summary>The paths that words have led to.</summary>
/// <param name="Open">The paths that continue or end here.</param>
/// <param name="Depth">The number of words consumed.</param>
internal sealed record FollowedPath(string[][] Open, int Depth)
{
    /// <summary>The full path that ends here, or null.</summary>
    internal string? Known =>
        Depth > 0 && Open.FirstOrDefault(path => path.Length == Depth) is { } ending ? string.Join(' ', ending) : null;

    /// <summary>The possible next words, in order.</summary>
    internal IEnumerable<string> Next =>
        Open.Where(path => path.Length > Depth).Select(path => path[Depth]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>Returns the path up to and including a next word; a table or command at that path need not exist.</summary>
    internal string Through(string next) =>
        string.Join(' ', Open.First(path => path.Length > Depth && path[Depth] == next).Take(Depth + 1));
}
