using System.CommandLine;
using System.Net;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Nics;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab;
using Appliance.Lab.Api;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Appliance.Tool;

/// <summary><c>fac</c>: runs the FortiAuthenticator emulator with its phones, without an appliance, until it is stopped.</summary>
internal static class FacVerb
{
    private static readonly (string Name, string What, Func<FacSettings, int, FacSettings> Apply)[] Ports =
    [
        ("--auth-port", "UDP port of Access-Requests", (settings, port) => settings with { AuthenticationPort = port }),
        ("--acct-port", "UDP port of Accounting-Requests", (settings, port) => settings with { AccountingPort = port }),
        ("--https-port", "TCP port of REST calls and phones", (settings, port) => settings with { HttpsPort = port }),
        ("--radsec-port", "TCP port of RADIUS over TLS", (settings, port) => settings with { RadSecPort = port }),
    ];

    public static Command Create()
    {
        var config = new Option<string?>("--config")
        {
            Description = "What it is made of (docs/use/fortiauthenticator.md); default: the lab's",
            HelpName = "FILE",
        };
        var state = new Option<string?>("--state")
        {
            Description = "The folder of consumed codes, pending pushes and events; default: beside the lab's state folder",
            HelpName = "DIR",
        };
        var address = new Option<IPAddress?>("--address")
        {
            Description = "Where it listens; default: as the file says",
            HelpName = "IP",
            CustomParser = result =>
            {
                if (!IPAddress.TryParse(result.Tokens[0].Value, out var parsed))
                {
                    result.AddError($"--address must be an address, not '{result.Tokens[0].Value}'");
                }
                return parsed;
            },
        };
        var ports = Ports.Select(port => PortOption(port.Name, port.What)).ToArray();
        var labPort = UpVerb.LabPortOption();
        var json = new Option<bool>("--json")
        {
            Description = "One line of JSON on stdout once everything listens, then one for each event",
        };
        var command = new Command(
            "fac",
            "Starts the FortiAuthenticator emulator, a RADIUS server, with its phones (run phone approve dan), without an appliance.\n\nExample: run fac --address 192.0.2.10 --config my-fac.json"
        )
        {
            config,
            state,
            address,
            labPort,
            json,
        };
        foreach (var port in ports)
        {
            command.Options.Add(port);
        }
        command.SetAction(
            async (parsed, _) =>
            {
                using var signals = new StopSignals();
                var settings = await SettingsAsync(parsed.GetValue(config), signals.Token);
                settings = parsed.GetValue(address) is { } given ? settings with { Address = given } : settings;
                for (var index = 0; index < ports.Length; index++)
                {
                    settings = parsed.GetValue(ports[index]) is { } port ? Ports[index].Apply(settings, port) : settings;
                }
                return await RunAsync(
                    settings,
                    parsed.GetValue(state) ?? Path.Combine(UpVerb.DefaultState(), "fac-alone"),
                    parsed.GetValue(labPort),
                    parsed.GetValue(json),
                    signals
                );
            }
        );
        return command;
    }

    private static Option<int?> PortOption(string name, string what)
    {
        var option = new Option<int?>(name) { Description = $"{what}; 0 takes a free one; default: as the file says", HelpName = "P" };
        option.Validators.Add(result =>
        {
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var port) && port is < 0 or > 65535)
            {
                result.AddError($"{name} must be from 0 to 65535, not {port}");
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(FacSettings settings, string folder, int labPort, bool json, StopSignals signals)
    {
        using var logs = new StandardErrorLog(LogLevel.Warning, LabClock.Wall);
        try
        {
            await using var owned = new OwnedStack();
            var listeners = new LabListeners(LabConnections.All());
            var state = owned.Push(StateFolder.Open(folder));
            var clock = owned.Push(LabClock.Open(Path.Combine(state.Path, "clock.json")));
            LabApi? api = null;
            var parts = new LabParts(clock, new SocketNetwork(listeners), state.Path)
            {
                Authenticator = settings,
                AuthenticatorFolder = state.Path,
                Logs = logs,
                LogCategory = "fac",
                Opened = async lab =>
                    api = owned.Push(
                        await LabApi.StartAsync(
                            labPort,
                            clock,
                            lab.Phones,
                            lab.Log,
                            lab.Faults,
                            listeners: listeners,
                            inbox: lab.Inbox,
                            cancellationToken: signals.Token
                        )
                    ),
            };
            var built = await LabBuilder.StartAsync(parts, owned, signals.Token);
            var power = built.Authenticator!;
            api!.Authenticator = power;
            api.Attach(built.Unit);
            Show(built.Unit, settings, api, json);
            // Only the entries from here on, not those of an earlier run.
            await FollowAsync(power, json, signals.Token);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
    }

    private static void Show(ILabUnit lab, FacSettings settings, LabApi api, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(ReadyJson.Of(lab, api.Address), LabJson.Default.ReadyJson));
            Console.Out.Flush();
            return;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumns("service", "address");
        foreach (var service in lab.Services)
        {
            table.AddRow(new Text(service.Service), new Text(service.EndPoint.ToString()));
        }
        table.AddRow(new Text("lab API"), new Text(api.Address.GetLeftPart(UriPartial.Authority)));
        AnsiConsole.Write(table);
        var clients = string.Join(", ", settings.Clients.Select(client => $"{client.Network} ({FacSettings.Word(client.Policy)})"));
        AnsiConsole.WriteLine(
            $"clients: {clients} · users: {lab.Users.Count} ({string.Join(", ", lab.Users.Take(5))}{(lab.Users.Count > 5 ? ", …" : "")})"
        );
        AnsiConsole.WriteLine("Not affiliated with Fortinet. Ctrl-C stops. Events follow.");
    }

    private static async Task FollowAsync(FacPower power, bool json, CancellationToken cancellationToken)
    {
        const int AtOnce = 1000;
        var last = power.Server.Events.LastId;
        while (true)
        {
            await power.WaitForEventAfterAsync(last, cancellationToken);
            foreach (var record in power.EventsAfter(last, AtOnce))
            {
                last = record.Id;
                await Console.Out.WriteLineAsync(
                    json ? JsonSerializer.Serialize(EventJson.Of(record), LabJson.Default.EventJson) : record.Line
                );
            }
            await Console.Out.FlushAsync(cancellationToken);
        }
    }

    private static async Task<FacSettings> SettingsAsync(string? config, CancellationToken cancellationToken)
    {
        if (config is null)
        {
            return (await AuthenticatorFile.OfAsync(LabBoard.File("desktop"), null, cancellationToken))!;
        }
        try
        {
            return FacSettings.Parse(await File.ReadAllBytesAsync(config, cancellationToken));
        }
        catch (FormatException error)
        {
            throw new LabFailure(FailureKind.ConfigurationInvalid, $"{config}: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"fac: {error.Message}", error);
        }
    }
}
