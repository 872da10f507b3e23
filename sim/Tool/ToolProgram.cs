using System.CommandLine;
using Appliance.Doubles.Failures;

namespace Appliance.Tool;

/// <summary>
/// Runs a command line of this repository's programs, with the same usage errors, failures and exit codes for all of them.
/// </summary>
internal static class ToolProgram
{
    /// <summary>Parses and runs a command line; returns the exit code.</summary>
    /// <param name="root">The commands.</param>
    /// <param name="line">The arguments.</param>
    public static async Task<int> RunAsync(RootCommand root, string[] line)
    {
        root.HelpName = "run";
        var parsed = root.Parse(line);
        if (CommandLine.Errors(parsed) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync(error);
            }
            await Console.Error.WriteLineAsync(
                $"See: run {(parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ")}--help"
            );
            return ExitCode.Usage;
        }
        try
        {
            // The verbs handle signals themselves. An unknown exception is a programming error and stays visible as one.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }
            );
        }
        catch (LabFailure failure)
        {
            await Console.Error.WriteLineAsync(failure.Message);
            return ExitCode.Of(failure.Kind);
        }
    }
}
