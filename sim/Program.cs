using System.CommandLine;
using Appliance.Sim.Lab;
using Appliance.Sim.Verbs;

var root = CommandLine.Create();
root.HelpName = "run";

// No verb means "up", with its options: `run --headless` is `run up --headless`.
string[] line = args is [] || (args[0].StartsWith('-') && args[0] is not ("-h" or "-?" or "--help" or "--version")) ? ["up", .. args] : args;
var parsed = root.Parse(line);
if (CommandLine.Errors(parsed) is { Count: > 0 } errors)
{
    foreach (var error in errors)
    {
        await Console.Error.WriteLineAsync(error);
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
