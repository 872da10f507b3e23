using System.Text.Json;
using Appliance.Doubles.Failures;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Lab.Composition;

/// <summary>The parts of a file that have no effect: lines, and blocks from first to last line. Line 0 is the whole file.</summary>
/// <param name="File">The file.</param>
/// <param name="Personality">The release profile that reads it.</param>
/// <param name="Board">The board whose interfaces exist.</param>
/// <param name="Lines">The number of lines.</param>
/// <param name="Refused">The reason why the file is refused; null if it is loaded.</param>
/// <param name="Ignored">The parts without effect, or with another effect than written.</param>
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

    /// <summary>Returns the printed lines of the report.</summary>
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
