using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;

namespace Appliance.Tests.Scenarios;

/// <summary>Runs a scenario on the simulated box, without a socket.</summary>
internal static class SimulatedRun
{
    public static Task<ScenarioResult> RunAsync(Scenario scenario, int seed = 1) =>
        ScenarioRun.RunAsync(scenario, seed, (wanted, chance) => new SimulatedTarget(wanted, chance));
}
