using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Firmware.Config;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Appliance.Lab.Remote;
using Microsoft.Extensions.Logging;

namespace Appliance.Tool;

/// <summary>The options of <c>up</c>, their rules, and the lab that they describe.</summary>
internal sealed class UpOptions
{
    public UpOptions()
    {
        Push.AcceptOnlyFromAmong("direct", "full");
        Phones.AcceptOnlyFromAmong("lab", "none");
    }

    public Option<bool> Headless { get; } =
        new("--headless") { Description = "No console; one line of JSON on stdout when everything listens" };

    public Option<string> State { get; } = UpVerb.StateOption();

    public Option<string?> Config { get; } = new("--config")
    {
        Description = "What a fresh state boots instead of the lab's configuration",
        HelpName = "FILE",
    };

    public Option<bool> Strict { get; } = new("--strict")
    {
        Description =
            "The first mistake in the --config file ends the start, exit code 3; without it, what has no effect is left out and reported",
    };

    public Option<string> Board { get; } = new("--board")
    {
        Description = "Which board to be",
        HelpName = "NAME",
        DefaultValueFactory = _ => "desktop",
    };

    public Option<string?> Network { get; } = UpVerb.NetworkOption();

    public Option<ClockRate?> Clock { get; } = new("--clock")
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

    public Option<int> LabPort { get; } = UpVerb.LabPortOption();

    public Option<Personality> Personality { get; } = RestoreVerb.PersonalityOption();

    public Option<string> Push { get; } = new("--push")
    {
        Description = "direct: straight to the phones; full: by push proxy, APNs or FCM",
        HelpName = "direct|full",
        DefaultValueFactory = _ => "direct",
    };

    public Option<string?> Providers { get; } = new("--providers")
    {
        Description = "Which providers the push proxy uses (JSON; default: the lab's own doubles); goes with --push full",
        HelpName = "FILE",
    };

    public Option<MqttAddress?> Mqtt { get; } =
        UpVerb.MqttOption("The MQTT 5 broker between providers and phones (default: the lab's own); goes with --push full");

    public Option<string> Phones { get; } = new("--phones")
    {
        Description = "none: the phones are another process's (run phones); goes with --mqtt",
        HelpName = "lab|none",
        DefaultValueFactory = _ => "lab",
    };

    public Option<string?> Faults { get; } = new("--faults")
    {
        Description = "Faults from the start on (what PUT /lab/faults takes; docs/use/faults.md)",
        HelpName = "FILE",
    };

    public Option<IPEndPoint?> LabListen { get; } = UpVerb.LabListenOption();

    public Option<bool> NoOpen { get; } = new("--no-open") { Description = "Does not open the lab's page in the desktop's browser" };

    public Option<string?> Box { get; } = new("--box")
    {
        Description =
            "The lab around a physical unit that runs the lab's program (docs/use/lab-box.md): the file that describes it, "
            + "or its agent's address, with --box-key",
        HelpName = "FILE|ADDRESS[:PORT]",
    };

    public Option<string?> BoxKey { get; } = new("--box-key")
    {
        Description = $"The key of the agent at --box ADDRESS (port {RemoteEndpoint.DefaultPort} unless it has one)",
        HelpName = "FILE",
    };

    /// <summary>Every option, in the order of the help.</summary>
    public IReadOnlyList<Option> All =>
        [
            Box,
            BoxKey,
            Headless,
            State,
            Config,
            Strict,
            Board,
            Network,
            Clock,
            LabPort,
            Personality,
            Push,
            Providers,
            Mqtt,
            Phones,
            Faults,
            LabListen,
            NoOpen,
        ];

    /// <summary>Adds an error for each rule over several options that a command line breaks.</summary>
    public void Validate(CommandResult result)
    {
        if (result.GetValueOrDefault(Phones) == "none" && result.GetResult(Mqtt) is null)
        {
            result.AddError("--phones none goes with --mqtt: no other phones listen on the lab's own broker");
        }
        if (result.GetValue(Strict) && result.GetValue(Config) is null)
        {
            result.AddError("--strict goes with --config FILE");
        }
        if (result.GetResult(Box) is null)
        {
            if (result.GetResult(BoxKey) is not null)
            {
                result.AddError("--box-key goes with --box ADDRESS");
            }
            return;
        }
        foreach (var option in OfTheUnit.Where(option => result.GetResult(option) is { Implicit: false }))
        {
            result.AddError($"{option.Name} cannot be used with --box: the remote unit has its own");
        }
    }

    /// <summary>Starts the lab that a command line describes.</summary>
    public Task<Laboratory> StartAsync(ParseResult parsed, ILoggerFactory logs, CancellationToken stop) =>
        parsed.GetValue(Box) is { } elsewhere
            ? Laboratory.StartAsync(
                new BoxLabOptions(
                    RemoteEndpoint.Of(elsewhere, parsed.GetValue(BoxKey)),
                    UpVerb.DefaultState(),
                    parsed.GetValue(LabPort),
                    parsed.GetValue(LabListen)
                ),
                logs,
                stop
            )
            : Laboratory.StartAsync(
                new LabOptions(
                    parsed.GetValue(State)!,
                    parsed.GetValue(Config),
                    LabBoard.File(parsed.GetValue(Board)!),
                    parsed.GetValue(Clock),
                    parsed.GetValue(LabPort),
                    parsed.GetValue(Personality),
                    parsed.GetValue(Push) == "full"
                    || parsed.GetValue(Providers) is not null
                    || parsed.GetValue(Mqtt) is not null
                        ? new PushOptions(
                            parsed.GetValue(Providers),
                            parsed.GetValue(Mqtt),
                            parsed.GetValue(Phones) == "lab"
                        )
                        : null,
                    parsed.GetValue(Faults)
                )
                {
                    Network = parsed.GetValue(Network),
                    LabListen = parsed.GetValue(LabListen),
                    Strict = parsed.GetValue(Strict),
                },
                logs,
                stop
            );

    /// <summary>The options that a unit elsewhere decides itself.</summary>
    private IReadOnlyList<Option> OfTheUnit =>
        [State, Config, Strict, Board, Network, Clock, Personality, Push, Providers, Mqtt, Phones, Faults];
}
