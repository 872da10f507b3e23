using System.CommandLine;
using Appliance.Sim.Lab;
using Appliance.Sim.Verbs;
using Appliance.Sim.Verbs.Soak;

var up = UpVerb.Create();
var root = new RootCommand(
    """
    A lab appliance that behaves, at its edges, like a FortiGate doing FortiToken Mobile push. Without a verb: up.
    Not affiliated with Fortinet.

    Example: run up --headless --state /tmp/lab --clock frozen
    """)
{
    up, PhoneVerb.Create(), InboxVerb.Create(), LoginsVerb.Create(), CliVerb.Create(), BenchVerb.Create(), RestoreVerb.Create(),
    FacVerb.Create(), DoubleVerb.Apns(), DoubleVerb.Fcm(), PhonesVerb.Create(), ScenarioVerb.Create(), SoakVerb.Create(),
};
root.HelpName = "run";

// No verb means "up", with its options: `run --headless` is `run up --headless`.
string[] line = args is [] || (args[0].StartsWith('-') && args[0] is not ("-h" or "-?" or "--help" or "--version")) ? ["up", .. args] : args;
var parsed = root.Parse(line);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        await Console.Error.WriteLineAsync(error.Message);
    }
    await Console.Error.WriteLineAsync($"See: run {(parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ")}--help");
    return ExitCode.Usage;
}
try
{
    // The verbs handle signals themselves; unknown exceptions are our mistakes and stay visible as such.
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (LabFailure failure)
{
    await Console.Error.WriteLineAsync(failure.Message);
    return failure.Code;
}
