using System.CommandLine;
using System.Text.Json;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Verbs;

/// <summary><c>up</c>: the lab, until it is told to stop.</summary>
internal static class UpVerb
{
    internal const int DefaultLabPort = 8480;

    public static Command Create()
    {
        var headless = new Option<bool>("--headless") { Description = "No console; one line of JSON on stdout when everything listens" };
        var state = StateOption();
        var config = new Option<string?>("--config") { Description = "What a fresh state boots instead of the lab's configuration", HelpName = "FILE" };
        var board = new Option<string>("--board") { Description = "Which board to be", HelpName = "NAME", DefaultValueFactory = _ => "desktop" };
        var clock = new Option<ClockRate?>("--clock")
        {
            Description = "real, frozen or xN (N times as fast); default: as the state left it, else real",
            HelpName = "real|frozen|xN",
            CustomParser = result =>
            {
                var rate = ClockRate.Parse(result.Tokens[0].Value);
                if (rate is null)
                {
                    result.AddError($"--clock must be real, frozen or xN with N from 1 to {ClockRate.MaxFactor}, not '{result.Tokens[0].Value}'");
                }
                return rate;
            },
        };
        var labPort = LabPortOption();
        var personality = RestoreVerb.PersonalityOption();
        var command = new Command("up", "Starts the lab: appliance, users, tokens, phones.\n\nExample: run up --headless --state /tmp/lab --clock frozen")
        {
            headless, state, config, board, clock, labPort, personality,
        };
        command.SetAction((parsed, _) => RunAsync(
            new LabOptions(parsed.GetValue(state)!, parsed.GetValue(config), Laboratory.BoardFile(parsed.GetValue(board)!), parsed.GetValue(clock), parsed.GetValue(labPort), parsed.GetValue(personality)),
            parsed.GetValue(headless)));
        return command;
    }

    internal static Option<string> StateOption() =>
        new("--state") { Description = "Where the appliance keeps everything", HelpName = "DIR", DefaultValueFactory = _ => DefaultState() };

    /// <summary>In the checkout, wherever the tool is called from; without one, here.</summary>
    internal static string DefaultState()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Appliance.sln")))
            {
                return Path.Combine(folder.FullName, ".state");
            }
        }
        return ".state";
    }

    internal static Option<int> LabPortOption()
    {
        var option = new Option<int>("--lab-port") { Description = "Port of the lab API on 127.0.0.1; 0 takes a free one", HelpName = "P", DefaultValueFactory = _ => DefaultLabPort };
        option.Validators.Add(result =>
        {
            // A value that is no number has been refused already.
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var port) && port is < 0 or > 65535)
            {
                result.AddError($"--lab-port must be from 0 to 65535, not {port}");
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(LabOptions options, bool headless)
    {
        using var signals = new StopSignals();
        using var logs = new StandardErrorLog(headless ? LogLevel.Information : LogLevel.Warning, LabClock.Wall);
        try
        {
            await using var lab = await Laboratory.StartAsync(options, logs, signals.Token);
            if (headless)
            {
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(lab.Ready, LabJson.Default.ReadyJson));
                await Console.Out.FlushAsync();
            }
            else
            {
                Welcome.Show(lab);
                // Never awaited at the end: a read from the terminal cannot be called off.
                _ = ConsoleAsync(lab, signals);
            }
            await Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCode.Ok; // Told to stop while starting: a clean stop all the same.
        }
    }

    private static async Task ConsoleAsync(Laboratory lab, StopSignals signals)
    {
        var (input, output) = (Console.OpenStandardInput(), Console.OpenStandardOutput());
        try
        {
            if (Console.IsInputRedirected)
            {
                await lab.Unit.RunConsoleAsync(input, output, echo: true, signals.Token);
                return; // The script is done; the appliance stays.
            }
            var terminal = new TerminalInput(input);
            while (!terminal.Ended)
            {
                // After "exit" a console shows its first prompt again; end of input (Ctrl-D) switches off.
                await lab.Unit.RunConsoleAsync(terminal, output, echo: false, signals.Token);
            }
            signals.Request();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The terminal is gone, or the lab stops.
        }
    }
}
