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
        var headless = new Option<bool>("--headless") { Description = "No console; one line of JSON on stdout when everything listens" };
        var state = StateOption();
        var config = new Option<string?>("--config")
        {
            Description = "What a fresh state boots instead of the lab's configuration",
            HelpName = "FILE",
        };
        var strict = new Option<bool>("--strict")
        {
            Description =
                "The first mistake in the --config file ends the start, exit code 3; without it, what has no effect is left out and reported",
        };
        var board = new Option<string>("--board")
        {
            Description = "Which board to be",
            HelpName = "NAME",
            DefaultValueFactory = _ => "desktop",
        };
        var network = NetworkOption();
        var clock = new Option<ClockRate?>("--clock")
        {
            Description = "real, frozen or xN (N times as fast); default: as the state left it, else real",
            HelpName = "real|frozen|xN",
            CustomParser = result =>
            {
                var rate = ClockRate.Parse(result.Tokens[0].Value);
                if (rate is null)
                {
                    result.AddError(
                        $"--clock must be real, frozen or xN with N from 1 to {ClockRate.MaxFactor}, not '{result.Tokens[0].Value}'"
                    );
                }
                return rate;
            },
        };
        var labPort = LabPortOption();
        var personality = RestoreVerb.PersonalityOption();
        var push = new Option<string>("--push")
        {
            Description = "direct: straight to the phones; full: by push proxy, APNs or FCM",
            HelpName = "direct|full",
            DefaultValueFactory = _ => "direct",
        };
        push.AcceptOnlyFromAmong("direct", "full");
        var providers = new Option<string?>("--providers")
        {
            Description = "Which providers the push proxy uses (JSON; default: the lab's own doubles); goes with --push full",
            HelpName = "FILE",
        };
        var mqtt = MqttOption("The MQTT 5 broker between providers and phones (default: the lab's own); goes with --push full");
        var phones = new Option<string>("--phones")
        {
            Description = "none: the phones are another process's (run phones); goes with --mqtt",
            HelpName = "lab|none",
            DefaultValueFactory = _ => "lab",
        };
        phones.AcceptOnlyFromAmong("lab", "none");
        var faults = new Option<string?>("--faults")
        {
            Description = "Faults from the start on (what PUT /lab/faults takes; docs/use/faults.md)",
            HelpName = "FILE",
        };
        var labListen = LabListenOption();
        var noOpen = new Option<bool>("--no-open") { Description = "Does not open the lab's page in the desktop's browser" };
        var box = new Option<string?>("--box")
        {
            Description =
                "The lab around a physical unit that runs the lab's program (docs/use/lab-box.md): the file that describes it, or its agent's address, with --box-key",
            HelpName = "FILE|ADDRESS[:PORT]",
        };
        var boxKey = new Option<string?>("--box-key")
        {
            Description = $"The key of the agent at --box ADDRESS (port {RemoteEndpoint.DefaultPort} unless it has one)",
            HelpName = "FILE",
        };
        var command = new Command(
            "up",
            "Starts the lab: appliance, users, tokens, phones.\n\nExample: run up --headless --state /tmp/lab --clock frozen"
        )
        {
            box,
            boxKey,
            headless,
            state,
            config,
            strict,
            board,
            network,
            clock,
            labPort,
            personality,
            push,
            providers,
            mqtt,
            phones,
            faults,
            labListen,
            noOpen,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValueOrDefault(phones) == "none" && result.GetResult(mqtt) is null)
            {
                result.AddError("--phones none goes with --mqtt: on the lab's own broker nobody else listens");
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(strict) && result.GetValue(config) is null)
            {
                result.AddError("--strict goes with --config FILE");
            }
        });
        Option[] ofTheUnit = [state, config, strict, board, network, clock, personality, push, providers, mqtt, phones, faults];
        command.Validators.Add(result =>
        {
            if (result.GetResult(box) is null)
            {
                if (result.GetResult(boxKey) is not null)
                {
                    result.AddError("--box-key goes with --box ADDRESS");
                }
                return;
            }
            foreach (var option in ofTheUnit.Where(option => result.GetResult(option) is { Implicit: false }))
            {
                result.AddError($"{option.Name} does not go with --box: the unit that is elsewhere has its own");
            }
        });
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    (logs, stop) =>
                        parsed.GetValue(box) is { } elsewhere
                            ? Laboratory.StartAsync(
                                new BoxLabOptions(
                                    RemoteEndpoint.Of(elsewhere, parsed.GetValue(boxKey)),
                                    DefaultState(),
                                    parsed.GetValue(labPort),
                                    parsed.GetValue(labListen)
                                ),
                                logs,
                                stop
                            )
                            : Laboratory.StartAsync(
                                new LabOptions(
                                    parsed.GetValue(state)!,
                                    parsed.GetValue(config),
                                    LabBoard.File(parsed.GetValue(board)!),
                                    parsed.GetValue(clock),
                                    parsed.GetValue(labPort),
                                    parsed.GetValue(personality),
                                    parsed.GetValue(push) == "full"
                                    || parsed.GetValue(providers) is not null
                                    || parsed.GetValue(mqtt) is not null
                                        ? new PushOptions(
                                            parsed.GetValue(providers),
                                            parsed.GetValue(mqtt),
                                            parsed.GetValue(phones) == "lab"
                                        )
                                        : null,
                                    parsed.GetValue(faults)
                                )
                                {
                                    Network = parsed.GetValue(network),
                                    LabListen = parsed.GetValue(labListen),
                                    Strict = parsed.GetValue(strict),
                                },
                                logs,
                                stop
                            ),
                    parsed.GetValue(headless),
                    open: !parsed.GetValue(noOpen)
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

    private static Option<string?> NetworkOption() =>
        new("--network")
        {
            Description =
                "The first three numbers of every interface's address, so that labs can stand side by side (default: the board's, or 127.0.1)",
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

    private static Option<IPEndPoint?> LabListenOption() =>
        new("--lab-listen")
        {
            Description =
                $"Lets real phones of the network hold a phone of the lab, by HTTPS at this address of this machine (port {DefaultLanPort}) with a pairing code; default: off",
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
            return ExitCode.Ok; // Told to stop while starting: a clean stop all the same.
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
                return; // The script is done; the appliance stays.
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
