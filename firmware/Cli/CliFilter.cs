using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Appliance.Firmware.Cli;

/// <summary><c>| grep</c>: keeps the lines that match.</summary>
internal sealed class CliFilter
{
    private readonly Regex? _pattern;
    private readonly bool _inverted;
    private readonly bool _numbered;
    private readonly bool _counted;
    private readonly bool _whole;
    private readonly int _after;
    private readonly int _before;
    private readonly string? _fault;

    private CliFilter(IReadOnlyList<string> words)
    {
        string? pattern = null;
        var ignoreCase = false;
        for (var at = 1; at < words.Count && _fault is null; at++)
        {
            switch (words[at])
            {
                case "-i":
                    ignoreCase = true;
                    break;
                case "-v":
                    _inverted = true;
                    break;
                case "-n":
                    _numbered = true;
                    break;
                case "-c":
                    _counted = true;
                    break;
                case "-f":
                    _whole = true;
                    break;
                case "-A" or "-B" or "-C" when at + 1 < words.Count && int.TryParse(words[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var lines) && lines < 10_000:
                    _after = words[at] == "-B" ? _after : lines;
                    _before = words[at] == "-A" ? _before : lines;
                    at++;
                    break;
                case ['-', ..]:
                    _fault = $"grep: option '{words[at]}' is not served";
                    break;
                default:
                    _fault = pattern is null ? null : $"grep: unexpected '{words[at]}'";
                    pattern = words[at];
                    break;
            }
        }
        try
        {
            _pattern = pattern is null ? null : new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : RegexOptions.None));
            _fault ??= _pattern is null ? "grep: a pattern is needed" : null;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            _fault = "grep: the pattern is no regular expression that is served";
        }
    }

    /// <summary>Parts the words of a command at an unquoted bar.</summary>
    internal static (IReadOnlyList<string> Words, CliFilter? Filter) Split(string text, List<string> words)
    {
        var bar = words.IndexOf("|");
        return bar < 0 || !text.Contains('|', StringComparison.Ordinal)
            ? (words, null)
            : (words[..bar], words.Count > bar + 1 && words[bar + 1] == "grep" ? new CliFilter(words[(bar + 1)..]) : new CliFilter(["grep", "-?"]));
    }

    /// <summary>Every block that holds a hit; of a list only the entries that do. Hits are marked.</summary>
    private static string WholeBlocks(string[] lines, bool[] hits)
    {
        var kept = new StringBuilder();
        for (var start = 0; start < lines.Length; start++)
        {
            var end = Array.IndexOf(lines, "end", start);
            if (!lines[start].StartsWith("config ", StringComparison.Ordinal) || end < 0)
            {
                continue;
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

    /// <summary>What is left of a text.</summary>
    internal string Apply(string text)
    {
        if (_fault is not null)
        {
            return _fault + "\n";
        }
        var lines = text.TrimEnd('\n').Split('\n');
        var hits = lines.Select(line => _pattern!.IsMatch(line) != _inverted).ToArray();
        if (_counted)
        {
            return hits.Count(hit => hit).ToString(CultureInfo.InvariantCulture) + "\n";
        }
        if (_whole)
        {
            return WholeBlocks(lines, hits);
        }
        var kept = new StringBuilder();
        for (var at = 0; at < lines.Length; at++)
        {
            if (hits.AsSpan(Math.Max(0, at - _after), Math.Min(lines.Length, at + _before + 1) - Math.Max(0, at - _after)).Contains(true))
            {
                kept.Append(_numbered ? $"{at + 1}:" : "").Append(lines[at]).Append('\n');
            }
        }
        return kept.ToString();
    }
}
