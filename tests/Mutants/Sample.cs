using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.CodeAnalysis.CSharp;

namespace Appliance.Tests.Mutants;

/// <summary>
/// The defects to try: the same number for each area, chosen by the seed among all candidates, no two in one place, and none that is known
/// to change nothing. A change elsewhere in the sources does not change which defects of a file come first.
/// </summary>
internal sealed class Sample
{
    private readonly List<Queue<Defect>> _areas = [];
    private int _turn;

    public Sample(string root, Options options)
    {
        var equivalents = JsonSerializer.Deserialize<List<Equivalent>>(
            File.ReadAllText(Path.Combine(root, "tests/Mutants/equivalent.json")),
            JsonSerializerOptions.Web
        )!;
        var files = new[] { "hal", "firmware", "sim", "boards", "tests" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(file => (Name: Path.GetRelativePath(root, file), Root: CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot()))
            .ToList();
        var fixedNames = files.SelectMany(file => DefectFinder.FixedNames(file.Root)).ToHashSet(StringComparer.Ordinal);
        var stale = equivalents.ToHashSet();
        foreach (var area in options.In)
        {
            var inArea = files.Where(file => file.Name == area || file.Name.StartsWith(area + "/", StringComparison.Ordinal)).ToList();
            var found = inArea
                .SelectMany(file => DefectFinder.In(file.Name, file.Root, fixedNames))
                .Where(defect => stale.RemoveWhere(known => known.Is(defect)) == 0 && !equivalents.Any(known => known.Is(defect)))
                .Where(defect => options.Again is null || options.Again.Contains(defect.Name))
                .Select(defect => defect with { Area = area })
                .GroupBy(defect => defect.Name)
                .SelectMany(same => same.Select((defect, at) => (Defect: defect, Rank: Rank(options.Seed, at, defect))))
                .OrderBy(each => each.Rank, StringComparer.Ordinal)
                .Select(each => each.Defect)
                .ToList();
            Files += inArea.Count;
            Candidates += found.Count;
            _areas.Add(new Queue<Defect>(found));
        }
        Stale = [.. stale.Where(known => options.In.Any(area => known.File.StartsWith(area + "/", StringComparison.Ordinal)))];
        while (Chosen.Count < options.Count && Next() is { } defect)
        {
            Chosen.Add(defect);
        }
    }

    /// <summary>The number of files that can have a defect.</summary>
    public int Files { get; }

    /// <summary>The number of possible defects.</summary>
    public int Candidates { get; }

    /// <summary>Rows of equivalent.json that name no possible defect: their code changed.</summary>
    public IReadOnlyList<Equivalent> Stale { get; }

    /// <summary>Those that are tried; the place in the list is the number of each.</summary>
    public List<Defect> Chosen { get; } = [];

    /// <summary>Puts others in the places of these.</summary>
    public void Replace(IEnumerable<int> ids)
    {
        foreach (var id in ids.OrderDescending())
        {
            if (Next() is { } other)
            {
                Chosen[id] = other;
            }
            else
            {
                Chosen.RemoveAt(id);
            }
        }
    }

    // The place in a random order that depends on the defect alone; at tells equal texts in one member apart.
    private static string Rank(int seed, int at, Defect defect) =>
        Convert.ToHexString(
            SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{seed} {at} {defect.Name}")))
        );

    /// <summary>The next one, from each area in turn; null when there is none left.</summary>
    private Defect? Next()
    {
        while (_areas.Any(area => area.Count > 0))
        {
            if (
                _areas[_turn++ % _areas.Count].TryDequeue(out var defect)
                && !Chosen.Any(other =>
                    other.File == defect.File && other.Start < defect.Start + defect.Length && defect.Start < other.Start + other.Length
                )
            )
            {
                return defect;
            }
        }
        return null;
    }
}
