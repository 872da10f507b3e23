using Appliance.Doubles.Failures;
using Appliance.Firmware.Cli;

namespace Appliance.Lab.Remote;

/// <summary>A line of a script as keys of a terminal.</summary>
internal static class TypedLine
{
    /// <summary>What is typed: a tab is the completion's key there, and means a space between words.</summary>
    /// <param name="line">The line.</param>
    /// <param name="goesOn">True when it goes on with a command: it may be between quotes.</param>
    /// <exception cref="LabFailure">A terminal has no keys for it.</exception>
    public static string Of(string line, bool goesOn)
    {
        if (line.Length > CliSession.LineMax)
        {
            throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"a line of {line.Length} characters cannot be typed at a console, {CliSession.LineMax} at most"
            );
        }
        var tabbed =
            (goesOn ? line : line.TrimStart()).Contains('\t', StringComparison.Ordinal) && (goesOn || line.AsSpan().ContainsAny('"', '\''));
        if (tabbed || line.Any(c => char.IsControl(c) && c != '\t'))
        {
            throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"'{string.Concat(line.Select(c => char.IsControl(c) ? '?' : c))}' cannot be typed at a console: it has a control character, or a tab that may be between quotes"
            );
        }
        return line.Replace('\t', ' ');
    }

    /// <summary>True for a line that ends with a question mark outside of quotes, and is no comment.</summary>
    public static bool AsksForHelp(string line) =>
        line.TrimEnd() is [.. var before, '?'] && !before.AsSpan().TrimStart().StartsWith('#') && !IsQuoted(before);

    /// <summary>True when a quote is open at the end.</summary>
    private static bool IsQuoted(string text)
    {
        var quote = '\0';
        for (var at = 0; at < text.Length; at++)
        {
            var c = text[at];
            at += c == '\\' && quote != '\'' ? 1 : 0;
            quote =
                c == quote ? '\0'
                : quote == '\0' && c is '"' or '\'' ? c
                : quote;
        }
        return quote != '\0';
    }
}
