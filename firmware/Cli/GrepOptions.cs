using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The words after <c>| grep</c>: options in the POSIX utility syntax (<c>-in</c>, <c>-A 1</c>, <c>-A1</c>, <c>-e PATTERN</c>), before or
/// after the pattern. The errors for wrong options are *assumed*.
/// </summary>
internal sealed class GrepOptions
{
    private const int ContextMax = 10_000;
    private const int PatternsMax = 16;
    private readonly List<string> _patterns = [];
    private string? _bare;
    private bool _ignoresCase;
    private bool _extended;

    private GrepOptions() { }

    /// <summary><c>-v</c>: selects lines that do not match.</summary>
    internal bool Inverted { get; private set; }

    /// <summary><c>-n</c>: prefixes each line with its number.</summary>
    internal bool Numbered { get; private set; }

    /// <summary><c>-c</c>: prints only the number of lines.</summary>
    internal bool Counted { get; private set; }

    /// <summary><c>-f</c>: prints whole blocks of configuration.</summary>
    internal bool Whole { get; private set; }

    /// <summary><c>-A</c>, <c>-C</c>: the number of lines after a match.</summary>
    internal int After { get; private set; }

    /// <summary><c>-B</c>, <c>-C</c>: the number of lines before a match.</summary>
    internal int Before { get; private set; }

    /// <summary>The regular expression that an output line must match.</summary>
    internal Regex Pattern { get; private set; } = null!;

    /// <summary>Parses the words after the bar; returns null and the error in <paramref name="fault"/> if they are not valid.</summary>
    internal static GrepOptions? Read(IReadOnlyList<string> words, out ConfigError? fault)
    {
        fault =
            words.Count == 0 ? ConfigError.Incomplete
            : words[0] != "grep" ? CliPaths.ParseError(words[0])
            : null;
        if (fault is not null)
        {
            return null;
        }
        var options = new GrepOptions();
        for (var at = 1; at < words.Count && fault is null; at++)
        {
            fault = words[at] is ['-', _, ..] ? options.Take(words, ref at) : options.TakePattern(words[at]);
        }
        fault ??= options.Compile();
        return fault is null ? options : null;
    }

    private ConfigError? TakePattern(string word)
    {
        if (_bare is not null || _patterns.Count > 0)
        {
            return CliPaths.ParseError(word);
        }
        _bare = word;
        return null;
    }

    /// <summary>Parses one word of options; an option's value is the rest of the word or the next word.</summary>
    private ConfigError? Take(IReadOnlyList<string> words, ref int at)
    {
        var word = words[at];
        for (var place = 1; place < word.Length; place++)
        {
            if (word[place] is 'A' or 'B' or 'C' or 'e')
            {
                var joined = place + 1 < word.Length;
                if (!joined && at + 1 == words.Count)
                {
                    return ConfigError.Incomplete;
                }
                return Take(word[place], joined ? word[(place + 1)..] : words[++at]);
            }
            switch (word[place])
            {
                case 'i':
                    _ignoresCase = true;
                    break;
                case 'E':
                    _extended = true;
                    break;
                case 'v':
                    Inverted = true;
                    break;
                case 'n':
                    Numbered = true;
                    break;
                case 'c':
                    Counted = true;
                    break;
                case 'f':
                    Whole = true;
                    break;
                default:
                    return CliPaths.ParseError(word);
            }
        }
        return null;
    }

    private ConfigError? Take(char option, string value)
    {
        if (option == 'e')
        {
            if (_bare is not null || _patterns.Count == PatternsMax)
            {
                return CliPaths.ParseError(value);
            }
            _patterns.Add(value);
            return null;
        }
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var lines) || lines > ContextMax)
        {
            return CliPaths.ParseError(value);
        }
        After = option == 'B' ? After : lines;
        Before = option == 'A' ? Before : lines;
        return null;
    }

    private ConfigError? Compile()
    {
        List<string> patterns = _bare is not null ? [_bare] : _patterns;
        if (patterns.Count == 0)
        {
            return ConfigError.Incomplete;
        }
        foreach (var pattern in patterns)
        {
            // Each pattern must be valid alone: two halves of a group are not.
            if (Compile(pattern) is null)
            {
                return CliPaths.ParseError(pattern);
            }
        }
        Pattern = Compile(patterns is [var only] ? only : string.Join(_extended ? "|" : "\\|", patterns))!;
        return null;
    }

    private Regex? Compile(string pattern)
    {
        try
        {
            return new Regex(
                _extended ? pattern : Basic(pattern),
                RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (_ignoresCase ? RegexOptions.IgnoreCase : RegexOptions.None)
            );
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>
    /// Converts a pattern without <c>-E</c>: operators may be written with a backslash, as in POSIX basic regular expressions
    /// (<c>a\|b</c>). Without the backslash they are operators, too (*assumed*).
    /// </summary>
    private static string Basic(string pattern)
    {
        var text = new StringBuilder(pattern.Length);
        var inSet = false;
        for (var at = 0; at < pattern.Length; at++)
        {
            var c = pattern[at];
            if (c == '\\' && at + 1 < pattern.Length)
            {
                at++;
                text.Append(!inSet && pattern[at] is '|' or '(' or ')' or '{' or '}' or '+' or '?' ? "" : "\\").Append(pattern[at]);
                continue;
            }
            inSet = c == '[' || (inSet && c != ']');
            text.Append(c);
        }
        return text.ToString();
    }
}
