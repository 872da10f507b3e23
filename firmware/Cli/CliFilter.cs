using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// <c>| grep [-i] [-v] [-n] [-c] [-f] [-A n] [-B n] [-C n] PATTERN</c>: keeps the lines that match; options may follow the pattern. What
/// it says about wrong options and patterns is *assumed*.
/// </summary>
internal sealed class CliFilter
{
    private const int ContextMax = 10_000;
    private readonly Regex? _pattern;
    private readonly bool _inverted;
    private readonly bool _numbered;
    private readonly bool _counted;
    private readonly bool _whole;
    private readonly int _after;
    private readonly int _before;

    /// <summary>What the words after the bar ask for.</summary>
    internal CliFilter(IReadOnlyList<string> words)
    {
        if (words is not ["grep", ..])
        {
            Fault = words.Count == 0 ? CliPaths.Incomplete : CliPaths.ParseError(words[0]);
            return;
        }
        string? pattern = null;
        var ignoreCase = false;
        for (var at = 1; at < words.Count; at++)
        {
            switch (words[at])
            {
                case "-A" or "-B" or "-C":
                    if (at + 1 == words.Count)
                    {
                        Fault = CliPaths.Incomplete;
                        return;
                    }
                    if (!int.TryParse(words[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var lines) || lines > ContextMax)
                    {
                        Fault = CliPaths.ParseError(words[at + 1]);
                        return;
                    }
                    _after = words[at] == "-B" ? _after : lines;
                    _before = words[at] == "-A" ? _before : lines;
                    at++;
                    break;
                case ['-', _, ..] options when options[1..].All("ivncf".Contains):
                    ignoreCase |= options.Contains('i');
                    _inverted |= options.Contains('v');
                    _numbered |= options.Contains('n');
                    _counted |= options.Contains('c');
                    _whole |= options.Contains('f');
                    break;
                case var word when pattern is not null || word is ['-', _, ..]:
                    Fault = CliPaths.ParseError(word);
                    return;
                default:
                    pattern = words[at];
                    break;
            }
        }
        (_pattern, Fault) = pattern is null ? (null, CliPaths.Incomplete) : Compile(pattern, ignoreCase);
    }

    /// <summary>Why nothing can be filtered; null when it can.</summary>
    internal ConfigError? Fault { get; }

    /// <summary>What is left of a text.</summary>
    internal string Apply(string text)
    {
        var lines = (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
        var hits = lines.Select(line => _pattern!.IsMatch(line) != _inverted).ToArray();
        return _counted ? hits.Count(hit => hit).ToString(CultureInfo.InvariantCulture) + "\n"
            : _whole ? WholeBlocks(lines, hits)
            : WithContext(lines, hits);
    }

    private static (Regex?, ConfigError?) Compile(string pattern, bool ignoreCase)
    {
        try
        {
            return (new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : RegexOptions.None)), null);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return (null, CliPaths.ParseError(pattern));
        }
    }

    /// <summary>The hits with the lines around them; groups that do not touch are parted by <c>--</c>.</summary>
    private string WithContext(string[] lines, bool[] hits)
    {
        var kept = new StringBuilder();
        // The distance back to the last hit and on to the next one, in one pass each.
        var next = new int[lines.Length];
        for (int at = lines.Length - 1, hit = int.MaxValue; at >= 0; at--)
        {
            hit = hits[at] ? at : hit;
            next[at] = hit;
        }
        var shown = -1;
        for (int at = 0, last = int.MinValue; at < lines.Length; at++)
        {
            last = hits[at] ? at : last;
            if ((long)at - last > _after && (long)next[at] - at > _before)
            {
                continue;
            }
            if (_after + _before > 0 && shown >= 0 && shown < at - 1)
            {
                kept.Append("--\n");
            }
            kept.Append(_numbered ? $"{at + 1}{(hits[at] ? ':' : '-')}" : "").Append(lines[at]).Append('\n');
            shown = at;
        }
        return kept.ToString();
    }

    /// <summary>Every block that holds a hit; of a list only the entries that do. Hits are marked.</summary>
    private static string WholeBlocks(string[] lines, bool[] hits)
    {
        var kept = new StringBuilder();
        for (var start = 0; start < lines.Length; start++)
        {
            if (!lines[start].StartsWith("config ", StringComparison.Ordinal))
            {
                continue;
            }
            var end = Array.IndexOf(lines, "end", start);
            if (end < 0)
            {
                break;
            }
            if (hits.AsSpan(start, end - start + 1).Contains(true))
            {
                AppendBlock(kept, lines, hits, start, end);
            }
            start = end;
        }
        return kept.ToString();
    }

    private static void AppendBlock(StringBuilder kept, string[] lines, bool[] hits, int start, int end)
    {
        for (var at = start; at <= end; at++)
        {
            if (lines[at].StartsWith("    edit ", StringComparison.Ordinal))
            {
                var next = Array.IndexOf(lines, "    next", at, end - at + 1);
                if (next > at && !hits.AsSpan(at, next - at + 1).Contains(true))
                {
                    at = next;
                    continue;
                }
            }
            kept.Append(lines[at]).Append(hits[at] ? " <---" : "").Append('\n');
        }
    }
}
