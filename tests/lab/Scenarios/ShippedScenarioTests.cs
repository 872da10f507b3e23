using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using Xunit;

namespace Appliance.Tests.Scenarios;

/// <summary>The scenarios of the tool: all pass with every seed, and a seed gives the same event log, byte for byte.</summary>
public sealed partial class ShippedScenarioTests
{
    private static readonly IReadOnlyList<Scenario> All =
    [
        .. Scenario.Shipped.Select(name => ScenarioText.Read(name + Scenario.FileEnd, Scenario.ShippedText(name)!)),
    ];

    [Fact]
    public void ThereAreAtLeastThirtyAndEachSaysWhatItIs()
    {
        Assert.True(All.Count >= 30, $"{All.Count}");
        Assert.Empty(
            All.Where(scenario => scenario.Title.Length is < 10 or > 100).Select(scenario => $"{scenario.Name}: {scenario.Title}")
        );
        Assert.Equal(All.Count, All.Select(scenario => scenario.Title).Distinct().Count());
    }

    [Fact]
    public async Task AllPassAndASeedGivesTheSameLog()
    {
        var wrong = new ConcurrentQueue<string>();
        // The same seed twice, at different times and among different others, and another one.
        (Scenario Scenario, int Seed)[] runs =
        [
            .. All.Select(scenario => (scenario, 1)),
            .. All.Select(scenario => (scenario, 7)),
            .. All.Reverse().Select(scenario => (scenario, 1)),
        ];
        var logs = new ConcurrentDictionary<(string, int), string>();
        await Parallel.ForEachAsync(
            runs,
            async (run, _) =>
            {
                ScenarioResult result;
                try
                {
                    result = await SimulatedRun.RunAsync(run.Scenario, run.Seed);
                }
                catch (LabFailure ours)
                {
                    wrong.Enqueue($"{run.Scenario.Name}, seed {run.Seed}: {ours.Message}");
                    return;
                }
                if (result.Failure is not null)
                {
                    wrong.Enqueue(ScenarioReport.Text([result]));
                }
                var log = logs.GetOrAdd((run.Scenario.Name, run.Seed), result.EventLog);
                if (log != result.EventLog)
                {
                    wrong.Enqueue($"{run.Scenario.Name}, seed {run.Seed}: two logs\n--- one\n{log}--- other\n{result.EventLog}");
                }
            }
        );
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
        // Serial numbers and tunnels follow from the seed, so two seeds never have the same log.
        Assert.DoesNotContain(All, scenario => logs[(scenario.Name, 1)].Length > 0 && logs[(scenario.Name, 1)] == logs[(scenario.Name, 7)]);
    }

    [Fact]
    public async Task ChanceIsTheSeeds()
    {
        var scenario = All.Single(known => known.Name == "fault-by-chance");
        var logs = new ConcurrentDictionary<int, string>();
        await Parallel.ForEachAsync(
            Enumerable.Range(1, 8),
            async (seed, _) =>
            {
                var result = await SimulatedRun.RunAsync(scenario, seed);
                Assert.True(result.Failure is null, ScenarioReport.Text([result]));
                // The fault of each login, without values that follow from the seed.
                logs[seed] = string.Join('\n', FiredFault().Matches(result.EventLog).Select(match => match.Value));
            }
        );
        // Eight pushes with three outcomes each: that all seeds agree is a chance of less than one in a billion.
        Assert.True(logs.Values.Distinct().Count() > 1, logs[1]);
    }

    [Fact]
    public void EveryFaultWordHasAScenarioThatSeesItInTheLogin()
    {
        var words = FaultWord.All.Select(word => word.Name).ToArray();
        var used = All.SelectMany(scenario => scenario.Steps)
            .Where(step => step.Word.Word == "faults")
            .SelectMany(step => FaultText.Read(step.Json("faults")))
            .Select(fault => fault.Word.Name)
            .ToHashSet();
        Assert.Empty(words.Except(used));
        var seen = All.SelectMany(scenario => scenario.Steps)
            .Where(step => step.Word.Word == "expect-timeline")
            .Select(step => LabFault().Match(step.Subject))
            .Where(match => match.Success)
            .Select(match => match.Groups[1].Value);
        Assert.Empty(words.Except(seen));
    }

    [Fact]
    public void EveryStepWordIsUsed() =>
        Assert.Empty(
            StepWord.All.Select(word => word.Word).Except(All.SelectMany(scenario => scenario.Steps).Select(step => step.Word.Word))
        );

    [GeneratedRegex("eventtime=[0-9]+|fault=\"[^\"]+\" number=\"[0-9]+\"")]
    private static partial Regex FiredFault();

    [GeneratedRegex(@"^lab fault: (\S+) fired \([0-9]+\)$")]
    private static partial Regex LabFault();
}
