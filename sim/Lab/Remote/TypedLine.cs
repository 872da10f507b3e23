using Appliance.Doubles.Failures;
using Appliance.Firmware.Cli;

namespace Appliance.Lab.Remote;

/// <summary>Converts a line of a script to keys of a terminal.</summary>
internal static class TypedLine
{
    /// <summary>Returns the keys. A tab between words becomes a space, because Tab completes at a terminal.</summary>
    /// <param name="line">The line.</param>
    /// <param name="goesOn">True if the line continues a command: it may be inside quotes.</param>
    /// <exception cref="LabFailure">A terminal has no keys for the line.</exception>
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

    /// <summary>Returns true for a line that ends in a question mark outside quotes and is not a comment.</summary>
    public static bool AsksForHelp(string line) =>
        line.TrimEnd() is [.. var before, '?'] && !before.AsSpan().TrimStart().StartsWith('#') && !IsQuoted(before);

    /// <summary>Returns true if a quote is open at the end.</summary>
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
