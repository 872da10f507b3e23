using System.CommandLine;
using Appliance.Hal.Linux;
using Appliance.Sim.Clock;
using Appliance.Sim.Fac;
using Appliance.Sim.Lab;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Verbs;

/// <summary><c>fac</c>: the FortiAuthenticator stand-in alone, until it is told to stop.</summary>
internal static class FacVerb
{
    public static Command Create()
    {
        var config = new Option<string?>("--config") { Description = "What it is made of; default: the desktop board's fac.json", HelpName = "FILE" };
        var state = new Option<string?>("--state") { Description = "Where it keeps used codes and events; default: a folder of its own in the lab's", HelpName = "DIR" };
        var command = new Command("fac", "Starts the RADIUS server that stands in for a FortiAuthenticator, without an appliance.\n\nExample: run fac --config my-fac.json") { config, state };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(config), parsed.GetValue(state) ?? Path.Combine(UpVerb.DefaultState(), "fac-alone")));
        return command;
    }

    private static async Task<int> RunAsync(string? config, string folder)
    {
        using var signals = new StopSignals();
        using var logs = new StandardErrorLog(LogLevel.Information, LabClock.Wall);
        var settings = await SettingsAsync(config, signals.Token);
        using var state = StateFolder.Open(folder);
        try
        {
            await using var server = await FacServer.StartAsync(settings, new SocketNic("fac", settings.Address), state.Path, LabClock.Wall, logs.CreateLogger("fac"), cancellationToken: signals.Token);
            foreach (var service in server.Services())
            {
                await Console.Out.WriteLineAsync($"{service.Service,-12} {service.EndPoint}");
            }
            await Console.Out.WriteLineAsync("There are no phones without the lab: a push fails at once. Not affiliated with Fortinet. Ctrl-C stops.");
            server.Events.Written += record => Console.WriteLine(record.Line);
            await Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        }
        catch (AddressInUseException busy)
        {
            throw new LabFailure(ExitCode.Busy, $"fac: {busy.Message}", busy);
        }
    }

    private static async Task<FacSettings> SettingsAsync(string? config, CancellationToken cancellationToken)
    {
        if (config is null)
        {
            return (await Laboratory.FacSettingsOfAsync(LabBoard.File("desktop"), null, cancellationToken))!;
        }
        try
        {
            return FacSettings.Parse(await File.ReadAllBytesAsync(config, cancellationToken));
        }
        catch (FormatException error)
        {
            throw new LabFailure(ExitCode.ConfigurationInvalid, $"{config}: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Missing, $"fac: {error.Message}", error);
        }
    }
}
