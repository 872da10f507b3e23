using Appliance.Lab.Messages;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <summary><c>POST /lab/scenarios/NAME</c>: runs a scenario of the tool in a separate lab in memory. This lab does not change.</summary>
public sealed partial class LabApi
{
    private const int UsualSeed = 1;
    private readonly SemaphoreSlim _scenario = new(1, 1);

    private async Task RunScenarioAsync(HttpContext context, string name)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.OptionalObjectAsync(context.Request, "seed");
        var seed = fields.ContainsKey("seed") ? (int)LabRequest.Number(fields, "seed", 0, int.MaxValue) : UsualSeed;
        var scenario = ScenarioText.Read(
            name + Scenario.FileEnd,
            Scenario.ShippedText(name) ?? throw LabProblem.NotFound($"no scenario '{name}'")
        );
        // One at a time, so that each run has the machine to itself, as on the command line.
        await _scenario.WaitAsync(context.RequestAborted);
        try
        {
            var result = await Task.Run(() =>
                ScenarioRun.RunAsync(scenario, seed, (wanted, chance) => new SimulatedTarget(wanted, chance))
            );
            await JsonAsync(context, ScenarioResultJson.Of(result), ScenarioJsonContext.Default.ScenarioResultJson);
        }
        finally
        {
            _scenario.Release();
        }
    }
}
