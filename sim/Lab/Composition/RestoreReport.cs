using System.Text.Json;
using Appliance.Doubles.Failures;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Lab.Composition;

/// <summary>What of a file has no effect here: single lines, and blocks from their first line to their last; line 0 is the file as a whole.</summary>
/// <param name="File">The file.</param>
/// <param name="Personality">The release that reads it.</param>
/// <param name="Board">The board whose interfaces there are.</param>
/// <param name="Lines">How many lines the file has.</param>
/// <param name="Refused">Why nothing of the file is loaded; null when it is.</param>
/// <param name="Ignored">What of it has no effect, or another one than it says.</param>
internal sealed record RestoreReport(
    string File,
    string Personality,
    string Board,
    int Lines,
    string? Refused,
    IReadOnlyList<IgnoredLine> Ignored
)
{
    internal static RestoreReport Of(string file, string text, Personality personality, string board, RestoreVerdict verdict) =>
        new(
            file,
            personality.Name,
            board,
            text.Length == 0 ? 0 : text.Count(c => c == '\n') + (text.EndsWith('\n') ? 0 : 1),
            verdict.Refusal,
            verdict.Ignored
        );

    /// <summary>The report as it is printed, a line each.</summary>
    internal IEnumerable<string> Lined()
    {
        if (Refused is { } refusal)
        {
            return [$"{File}: refused: {refusal}"];
        }
        var left = Ignored
            .Where(line => line.Number > 0)
            .SelectMany(line => Enumerable.Range(line.Number, line.Last - line.Number + 1))
            .Distinct()
            .Count();
        return
        [
            .. Ignored.Select(line =>
                $"{File}{(line.Number == 0 ? "" : $":{line.Number}{(line.Last > line.Number ? $"-{line.Last}" : "")}")}: {line.Why}"
            ),
            $"{Lines} lines, {left} of them in {Ignored.Count(line => line.Number > 0)} places ignored by {Personality}",
        ];
    }
}
