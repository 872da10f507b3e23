using System.Globalization;
using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// <c>| grep [-i] [-v] [-n] [-c] [-f] [-E] [-A n] [-B n] [-C n] [-e] PATTERN</c>: keeps the matching lines. Options may follow the
/// pattern (<see cref="GrepOptions"/>).
/// </summary>
internal sealed class CliFilter
{
    private readonly GrepOptions? _options;

    /// <summary>Parses the words after the bar.</summary>
    internal CliFilter(IReadOnlyList<string> words)
    {
        _options = GrepOptions.Read(words, out var fault);
        Fault = fault;
    }

    /// <summary>The reason that the filter cannot be applied; null if it can.</summary>
    internal ConfigError? Fault { get; }

    /// <summary>Filters a text. Requires that <see cref="Fault"/> is null.</summary>
    internal string Apply(string text)
    {
        var lines = (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
        var hits = lines.Select(line => _options!.Pattern.IsMatch(line) != _options.Inverted).ToArray();
        return _options!.Counted ? hits.Count(hit => hit).ToString(CultureInfo.InvariantCulture) + "\n"
            : _options.Whole ? WholeBlocks(lines, hits)
            : WithContext(lines, hits);
    }

    /// <summary>Returns the matches with the lines around them; <c>--</c> separates groups that are not adjacent.</summary>
    private string WithContext(string[] lines, bool[] hits)
    {
        var kept = new StringBuilder();
        var (after, before) = (_options!.After, _options.Before);
        // The distance back to the last match and ahead to the next one, in one pass each.
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
            if ((long)at - last > after && (long)next[at] - at > before)
            {
                continue;
            }
            if (after + before > 0 && shown >= 0 && shown < at - 1)
            {
                kept.Append("--\n");
            }
            kept.Append(_options.Numbered ? $"{at + 1}{(hits[at] ? ':' : '-')}" : "").Append(lines[at]).Append('\n');
            shown = at;
        }
        return kept.ToString();
    }

    /// <summary>
    /// Returns every configuration block that contains a match, and of a list only the entries that do. Matches are marked.
    /// </summary>
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
