using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using Appliance.Lab.Units;
using Appliance.Tests.Scenarios;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>Capabilities of units and scenario targets.</summary>
public sealed class OfferTests
{
    [Fact]
    public void A_missing_capability_answers_with_its_reason()
    {
        Offer<string> here = MissingPart.Here("no such part");
        Offer<string> elsewhere = MissingPart.Elsewhere("out of reach");
        Assert.Null(here.Value);
        Assert.Equal((404, "no such part"), Told(Assert.Throws<LabProblem>(() => here.Get())));
        Assert.Equal((409, "out of reach"), Told(Assert.Throws<LabProblem>(() => elsewhere.Get())));
        Assert.Equal("part", new Offer<string>("part").Get());
    }

    [Fact]
    public async Task The_simulator_meets_every_need_and_a_target_without_capabilities_meets_none()
    {
        await using var simulated = new SimulatedTarget(ScenarioText.Read("x.yaml", "title: x\nsteps:\n  - login: ann\n"), 1);
        Assert.All(ScenarioNeed.All.Values, need => Assert.True(need.IsMet(simulated), need.Name));
        Assert.All(ScenarioNeed.All.Values, need => Assert.False(need.IsMet(new LimitedTarget()), need.Name));
    }

    private static (int, string) Told(LabProblem problem) => (problem.Status, problem.Message);
}
