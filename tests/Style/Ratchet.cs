using System.Globalization;

namespace Appliance.Tests.Style;

/// <summary>A violation of a rule.</summary>
/// <param name="Name">What it is counted under: a file, a function, a type.</param>
/// <param name="Amount">The size or the number of violations.</param>
/// <param name="Text">The place, what was found, and what is expected.</param>
internal sealed record Violation(string Name, int Amount, string Text);

/// <summary>Compares violations with a baseline, in which no amount may grow.</summary>
internal static class Ratchet
{
    /// <summary>Reports what is worse than in the baseline, and hints at what is better. Returns the exit code.</summary>
    /// <param name="found">The violations.</param>
    /// <param name="script">The script that is run, below the root; its baseline is beside it, and is missing if there are none.</param>
    /// <param name="root">The root of the repository.</param>
    /// <param name="option"><c>--all</c> lists every violation, <c>--update</c> writes the baseline.</param>
    public static int Report(IEnumerable<Violation> found, string script, string root, string? option)
    {
        var violations = found.OrderBy(violation => violation.Name, StringComparer.Ordinal).ToList();
        var baseline = Path.Combine(root, script + ".baseline");
        if (option == "--update")
        {
            Write(violations, script, baseline);
            return 0;
        }
        var known = option == "--all" ? [] : Read(baseline);
        var bad = violations.Where(violation => violation.Amount > known.GetValueOrDefault(violation.Name)).ToList();
        bad.ForEach(violation => Console.WriteLine(violation.Text));
        var better = known.Where(entry => violations.Find(violation => violation.Name == entry.Key)?.Amount != entry.Value).ToList();
        if (bad.Count == 0 && better.Count > 0)
        {
            Console.WriteLine($"better than the baseline: {string.Join(", ", better.Select(entry => entry.Key))}: run {script} --update");
        }
        Console.WriteLine($"{Path.GetFileName(script)}: {violations.Count} violations are left ({script} --all)");
        return bad.Count == 0 ? 0 : 1;
    }

    private static void Write(List<Violation> violations, string script, string baseline)
    {
        if (violations.Count == 0)
        {
            File.Delete(baseline);
            return;
        }
        File.WriteAllLines(
            baseline,
            [
                $"# Violations of {script} that are left. No number may grow; {script} --update after one shrank.",
                .. violations.Select(violation => $"{violation.Name} {violation.Amount}"),
            ]
        );
    }

    private static Dictionary<string, int> Read(string baseline) =>
        !File.Exists(baseline)
            ? []
            : File.ReadLines(baseline)
                .Where(line => !line.StartsWith('#'))
                .Select(line => line.Split(' '))
                .ToDictionary(words => words[0], words => int.Parse(words[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
}
