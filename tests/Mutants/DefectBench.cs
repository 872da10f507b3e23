using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Appliance.Tests.Mutants;

/// <summary>The result of one defect.</summary>
/// <param name="Defect">The defect.</param>
/// <param name="Found">True if a test failed because of it.</param>
/// <param name="How">The test that failed, or the reason why it was not found.</param>
internal sealed record Result(Defect Defect, bool Found, string How);

/// <summary>Puts one defect after the other in force and runs the tests that reach it, the quick ones first.</summary>
internal sealed class DefectBench(IReadOnlyList<Defect> defects, TestRun run, string work, Options options)
{
    /// <summary>The quick tests of a defect run first, together; the others only if those pass.</summary>
    private const long QuickMilliseconds = 20_000;

    private const int Groups = 16;

    private readonly Reach _reach = new();

    /// <summary>By the name of a test class, the program that has it.</summary>
    private readonly Dictionary<string, string> _programs = [];

    /// <summary>Runs every test once, without a defect, to see which reach which.</summary>
    public async Task FindReachAsync()
    {
        var clock = Stopwatch.StartNew();
        foreach (var program in run.Programs)
        {
            await ListAsync(program);
        }
        var folder = Directory.CreateDirectory(Path.Combine(work, "reach")).FullName;
        var groups = _programs
            .Select((each, at) => (Class: each.Key, Program: each.Value, Number: at % Groups))
            .GroupBy(each => (each.Program, each.Number), each => each.Class);
        await Parallel.ForEachAsync(
            groups,
            new ParallelOptions { MaxDegreeOfParallelism = Lanes },
            async (group, _) =>
            {
                var (program, number) = group.Key;
                var map = Path.Combine(folder, $"{Path.GetFileName(program)}-{number}.map");
                var log = Path.Combine(folder, $"{Path.GetFileName(program)}-{number}.log");
                await File.WriteAllBytesAsync(map, new byte[defects.Count], CancellationToken.None);
                await File.WriteAllTextAsync(log, "", CancellationToken.None);
                var (over, output) = await run.Of(
                    program,
                    group.SelectMany(name => new[] { "-class", name }),
                    new() { ["APPLIANCE_MUTANT_REACH"] = map, ["APPLIANCE_MUTANT_REACH_LOG"] = log },
                    TimeSpan.FromMinutes(20)
                );
                if (over == Ended.TooLate)
                {
                    Console.WriteLine($"a group of classes was ended after 20 minutes: {string.Join(' ', group)}");
                }
                lock (_reach)
                {
                    _reach.Read(log);
                    _reach.ReadFailures(output);
                }
            }
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{_reach.Tests} tests in {clock.Elapsed.TotalMinutes:0.0} minutes; {_reach.FailingCases.Count} fail without a defect"
            )
        );
        foreach (var failing in _reach.FailingCases)
        {
            Console.WriteLine($"  {failing}");
        }
    }

    /// <summary>Tries each defect.</summary>
    public async Task<IReadOnlyList<Result>> RunAsync()
    {
        var results = new ConcurrentDictionary<int, Result>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, defects.Count),
            new ParallelOptions { MaxDegreeOfParallelism = Lanes },
            async (id, _) =>
            {
                var result = await Try(id);
                results[id] = result;
                Console.WriteLine($"{results.Count,4}  {(result.Found ? "found   " : "SURVIVED")}  #{id} {result.Defect}  [{result.How}]");
            }
        );
        return [.. results.OrderBy(each => each.Key).Select(each => each.Value)];
    }

    private int Lanes => run.Isolated ? options.Lanes : 1;

    /// <summary>Takes in the test classes of a program.</summary>
    private async Task ListAsync(string program)
    {
        var (ended, list) = await run.Of(
            program,
            ["-list", "classes", .. options.Without.SelectMany(name => new[] { "-class-", name })],
            [],
            TimeSpan.FromMinutes(5)
        );
        if (ended != Ended.Passed)
        {
            throw new InvalidOperationException($"the tests cannot be listed: {list}");
        }
        var classes = list.Split('\n').Select(line => line.Trim());
        foreach (var name in classes.Where(line => line.StartsWith("Appliance.Tests.", StringComparison.Ordinal)))
        {
            _programs.Add(name, program);
        }
    }

    private string ProgramOf(string test) => _programs[test[..test.LastIndexOf('.')]];

    private async Task<Result> Try(int id)
    {
        var tests = _reach.TestsOf(id);
        if (tests.Count == 0)
        {
            return new Result(defects[id], false, "no test reaches it");
        }
        var sum = 0L;
        var quick = tests.TakeWhile((each, at) => at == 0 || (sum += each.Milliseconds) <= QuickMilliseconds).ToList();
        var parts = new[] { quick, [.. tests.Skip(quick.Count)] }.SelectMany(half => half.GroupBy(each => ProgramOf(each.Test)));
        foreach (var part in parts)
        {
            // Other work may use most of the machine; a hang ends by a test's own deadline or by this one.
            var deadline = TimeSpan.FromSeconds(60) + TimeSpan.FromMilliseconds(5 * part.Sum(each => each.Milliseconds));
            var (ended, output) = await run.Of(
                part.Key,
                ["-stopOnFail", .. part.SelectMany(each => new[] { "-method", each.Test })],
                new() { ["APPLIANCE_MUTANT"] = id.ToString(CultureInfo.InvariantCulture) },
                deadline
            );
            if (ended != Ended.Passed)
            {
                var failed = output
                    .Split('\n')
                    .FirstOrDefault(line => line.TrimEnd().EndsWith("[FAIL]", StringComparison.Ordinal))
                    ?.Trim()
                    .Split(' ')[0]
                    .Split('(')[0];
                return new Result(
                    defects[id],
                    true,
                    failed?.Replace("Appliance.Tests.", "", StringComparison.Ordinal)
                        ?? (ended == Ended.TooLate ? "time over" : "the process fell")
                );
            }
        }
        return new Result(defects[id], false, $"{tests.Count} tests reach it");
    }
}
