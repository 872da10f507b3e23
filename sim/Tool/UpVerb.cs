using System.CommandLine;
using System.Net;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.LastHop;
using Appliance.Firmware.Cli;
using Appliance.Hal.Linux;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Lab.Remote;
using Appliance.Lab.Units;
using Microsoft.Extensions.Logging;

namespace Appliance.Tool;

/// <summary><c>up</c>: runs the lab until it is stopped.</summary>
internal static class UpVerb
{
    internal const int DefaultLabPort = 8480;
    private const int DefaultLanPort = 8481;

    public static Command Create()
    {
        var options = new UpOptions();
        var command = new Command(
            "up",
            "Starts the lab: appliance, users, tokens, phones.\n\nExample: run up --headless --state /tmp/lab --clock frozen"
        );
        foreach (var option in options.All)
        {
            command.Options.Add(option);
        }
        command.Validators.Add(options.Validate);
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    (logs, stop) => options.StartAsync(parsed, logs, stop),
                    parsed.GetValue(options.Headless),
                    open: !parsed.GetValue(options.NoOpen)
                )
        );
        return command;
    }

    internal static Option<string> StateOption() =>
        new("--state")
        {
            Description = "Where the appliance keeps everything",
            HelpName = "DIR",
            DefaultValueFactory = _ => DefaultState(),
        };

    /// <summary>
    /// The default state folder: in the checkout, from any working directory; without a checkout, in the working directory.
    /// </summary>
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

    internal static Option<string?> NetworkOption() =>
        new("--network")
        {
            Description =
                "The first three numbers of every interface's address, so that labs can run side by side "
                + "(default: the board's, or 127.0.1)",
            HelpName = "127.A.B",
            CustomParser = result =>
            {
                var network = result.Tokens[0].Value;
                if (!LabBoard.IsNetwork(network))
                {
                    result.AddError($"--network must be the first three numbers of loopback addresses, like 127.0.2, not '{network}'");
                }
                return network;
            },
        };

    internal static Option<MqttAddress?> MqttOption(string description) =>
        new("--mqtt")
        {
            Description = description,
            HelpName = "HOST:PORT[,user=NAME][,password=WORD][,tls][,ca=FILE]",
            CustomParser = result =>
            {
                try
                {
                    return MqttAddress.Parse(result.Tokens[0].Value).WithAuthority();
                }
                catch (FormatException wrong)
                {
                    result.AddError($"--mqtt: {wrong.Message}");
                    return null;
                }
            },
        };

    internal static Option<IPEndPoint?> LabListenOption() =>
        new("--lab-listen")
        {
            Description =
                "Lets real phones of the network hold a phone of the lab, by HTTPS at this address of this machine "
                + $"(port {DefaultLanPort}) with a pairing code; default: off",
            HelpName = "ADDRESS[:PORT]",
            CustomParser = result =>
            {
                if (
                    !IPEndPoint.TryParse(result.Tokens[0].Value, out var address)
                    || address.Address.Equals(IPAddress.Any)
                    || address.Address.Equals(IPAddress.IPv6Any)
                )
                {
                    result.AddError(
                        $"--lab-listen must be one address of this machine, with or without a port, not '{result.Tokens[0].Value}'"
                    );
                    return null;
                }
                return address.Port == 0 ? new IPEndPoint(address.Address, DefaultLanPort) : address;
            },
        };

    internal static Option<int> LabPortOption()
    {
        var option = new Option<int>("--lab-port")
        {
            Description = "Port of the lab API on 127.0.0.1; 0 takes a free one",
            HelpName = "P",
            DefaultValueFactory = _ => DefaultLabPort,
        };
        option.Validators.Add(result =>
        {
            // A value that is not a number has been refused already.
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var port) && port is < 0 or > 65535)
            {
                result.AddError($"--lab-port must be from 0 to 65535, not {port}");
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(Func<ILoggerFactory, CancellationToken, Task<Laboratory>> start, bool headless, bool open)
    {
        using var signals = new StopSignals();
        using var logs = new StandardErrorLog(headless ? LogLevel.Information : LogLevel.Warning, LabClock.Wall);
        try
        {
            await using var lab = await start(logs, signals.Token);
            foreach (var line in lab.Report)
            {
                await (headless ? Console.Error : Console.Out).WriteLineAsync(line);
            }
            if (!lab.UnitReady.IsCompleted)
            {
                await Console.Error.WriteLineAsync(
                    "not ready: the disk of the state folder cannot be written, so that ended sessions are not deleted yet"
                );
                await lab.UnitReady.WaitAsync(signals.Token);
            }
            if (headless)
            {
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(lab.Ready, LabJson.Default.ReadyJson));
                await Console.Out.FlushAsync();
            }
            else
            {
                Welcome.Show(lab);
                if (open)
                {
                    Desktop.Open(lab.Api.Address);
                }
                // Never awaited at the end: a pending read from the terminal cannot be cancelled.
                _ = ConsoleAsync(lab, signals);
            }
            // "execute shutdown" ends the lab as a signal does. A unit that fails to start after "execute reboot" ends it with its reason.
            await await Task.WhenAny(
                lab.SwitchedOff,
                Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, signals.Token).ContinueWith(_ => { }, TaskScheduler.Default)
            );
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCode.Ok; // Stopped while starting: still a clean stop.
        }
    }

    /// <summary>
    /// Serves the console at the terminal. After <c>exit</c> it shows the first prompt again. Ctrl-C at the root, or the terminal's end,
    /// switches the unit off.
    /// </summary>
    private static async Task TerminalAsync(IUnitConsole console, Stream input, Stream output, StopSignals signals)
    {
        using var raw = RawTerminal.Enter();
        if (raw is not null)
        {
            while (
                await console.RunTerminalAsync(raw.Keys, output, () => TerminalSize.Of(RawTerminal.Size()), login: false, signals.Token)
                == ConsoleEnd.Exited
            )
            {
                await output.WriteAsync("\r\n"u8.ToArray(), signals.Token);
            }
            return;
        }
        var lines = new TerminalInput(input);
        while (!lines.Ended)
        {
            await console.RunConsoleAsync(lines, output, echo: false, login: false, signals.Token);
        }
    }

    private static async Task ConsoleAsync(Laboratory lab, StopSignals signals)
    {
        var (input, output) = (Console.OpenStandardInput(), Console.OpenStandardOutput());
        try
        {
            if (Console.IsInputRedirected)
            {
                await lab.Unit.Console.Get().RunConsoleAsync(input, output, echo: true, login: false, signals.Token);
                return; // The script has ended; the appliance continues.
            }
            await TerminalAsync(lab.Unit.Console.Get(), input, output, signals);
            signals.Request();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The terminal is closed, or the lab stops.
        }
    }
}
