using System.CommandLine;
using Appliance.Sim.Lab;
using Appliance.Sim.Scenarios;

namespace Appliance.Sim.Verbs;
internal static class ScenarioVerb
{
    public static Command Create()
    {
        var name = new Argument<string?>("NAME");
        var command = new Command("scenario", "x") { name };
        command.SetAction(async (p, c) =>
        {
            var s = ScenarioText.Read(p.GetValue(name)!, Scenario.ShippedText(p.GetValue(name)!)!);
            var r = await ScenarioRun.RunAsync(s, 1, async (x, y) => await SimBox.StartAsync(x, y), Console.Error.WriteLine);
            Console.WriteLine(r.Outcome + " " + r.Failure + " " + r.Seconds + "\n" + r.EventLog);
            return 0;
        });
        return command;
    }
}
