using System.Globalization;

namespace Appliance.Tests.Mutants;

/// <summary>Which tests reach which defects, and how long each takes: from one run of the tests without any defect in force.</summary>
internal sealed class Reach
{
    private readonly Dictionary<int, HashSet<string>> _tests = [];
    private readonly Dictionary<string, long> _milliseconds = [];
    private readonly List<(string Class, int Id)> _setUps = [];
    private readonly HashSet<string> _failing = [];
    private readonly List<string> _failingCases = [];

    /// <summary>The number of recorded tests.</summary>
    public int Tests => _milliseconds.Count;

    /// <summary>Tests that fail without a defect, each case by its name: no case of such a test is a witness.</summary>
    public IReadOnlyCollection<string> FailingCases => _failingCases;

    /// <summary>Reads the lines that MutantReach wrote.</summary>
    public void Read(string log)
    {
        foreach (var line in File.ReadLines(log))
        {
            var parts = line.Split('\t');
            var name = parts[0];
            var ids = parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture));
            if (name.EndsWith(".*", StringComparison.Ordinal))
            {
                _setUps.AddRange(ids.Select(id => (name[..^1], id)));
                continue;
            }
            // The cases of a theory add up.
            _milliseconds[name] = _milliseconds.GetValueOrDefault(name) + long.Parse(parts[1], CultureInfo.InvariantCulture);
            foreach (var id in ids)
            {
                Of(id).Add(name);
            }
        }
    }

    /// <summary>Reads the output of the run: a failed test is "    Full.Name(arguments) [FAIL]".</summary>
    public void ReadFailures(string output)
    {
        foreach (var line in output.Split('\n').Where(line => line.TrimEnd().EndsWith("[FAIL]", StringComparison.Ordinal)))
        {
            _failingCases.Add(line.Trim());
            _failing.Add(line.Trim().Split(' ')[0].Split('(')[0]);
        }
    }

    /// <summary>The tests that reach a defect, quick ones first, and the time of each.</summary>
    public IReadOnlyList<(string Test, long Milliseconds)> TestsOf(int id)
    {
        var classes = _setUps.Where(each => each.Id == id).Select(each => each.Class).ToHashSet(StringComparer.Ordinal);
        var all = _milliseconds
            .Keys.Where(test => classes.Contains(test[..(test.LastIndexOf('.') + 1)]))
            .Concat(_tests.GetValueOrDefault(id) ?? []);
        return
        [
            .. all.Distinct()
                .Where(test => !_failing.Contains(test))
                .Select(test => (test, _milliseconds[test]))
                .OrderBy(each => each.Item2),
        ];
    }

    private HashSet<string> Of(int id) => _tests.TryGetValue(id, out var tests) ? tests : _tests[id] = [];
}
