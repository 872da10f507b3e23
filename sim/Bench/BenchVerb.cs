using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Bench.Callback;
using Appliance.Doubles.Failures;
using Appliance.Tool;

namespace Appliance.Bench;

/// <summary>One benchmark: its name, its description, and its figures as a line for a person or as JSON.</summary>
internal sealed record Bench(string Name, string Description, Func<bool, CancellationToken, Task<string>> RunAsync)
{
    /// <summary>Repeats the run of one seed; null if the benchmark has no seeds.</summary>
    public Func<int, bool, CancellationToken, Task<string>>? RepeatAsync { get; init; }

    /// <summary>Runs a number of rounds from a seed; null if the benchmark has no rounds.</summary>
    public Func<int, int, bool, Task<string>>? RoundsAsync { get; init; }

    /// <summary>The default number of rounds.</summary>
    public int RoundsDefault { get; init; } = PowerCutBench.RoundsDefault;
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class BenchJson : JsonSerializerContext;

/// <summary><c>bench</c>: measures, and prints the figures that the documents quote.</summary>
internal static class BenchVerb
{
    private static readonly Bench[] Benches =
    [
        new("boot", "time and memory to ready", BootBench.RunAsync),
        new("image-boot", "the image of qemu-arm64 from power on to its first answer over HTTPS", ImageBootBench.RunAsync),
        new("image-login", "openfortivpn logs in by push at the booted image", ImageLoginBench.RunAsync),
        new(
            "power-cuts",
            "the emulator is killed during commits, --rounds times; --seed repeats a run",
            (json, _) => PowerCutBench.RunAsync(PowerCutBench.RoundsDefault, 1, json)
        )
        {
            RoundsAsync = PowerCutBench.RunAsync,
        },
        new(
            "image-update",
            "an emulated box takes updates: refused, good, broken (scripts/update makes what it needs)",
            (json, _) => ImageUpdateBench.RunAsync(json)
        ),
        new(
            "image-update-cuts",
            "the emulator is killed during updates, --rounds times; --seed repeats a run",
            (json, _) => ImageUpdateCutsBench.RunAsync(ImageUpdateCutsBench.RoundsDefault, 1, json)
        )
        {
            RoundsAsync = ImageUpdateCutsBench.RunAsync,
            RoundsDefault = ImageUpdateCutsBench.RoundsDefault,
        },
        new("callback", "answers of phones a second, against baselines on the same transport; takes minutes", CallbackBench.RunAsync),
        new("cli", "cost of a character on a short and on the longest console line", CliBench.RunAsync),
        new("enumeration", "whether a wrong password tells if the name exists", EnumerationBench.RunAsync),
        new("login-model", "a million random logins against a naive model; --seed repeats one run", LoginModelBench.RunAsync)
        {
            RepeatAsync = LoginModelBench.RepeatAsync,
        },
        new("flag", "how fast a withdrawn ftm ends a live callback", FlagBench.RunAsync),
        new(
            "push-login",
            "whole push logins: in memory, by MQTT, over TLS and sockets, and 10,000 that wait",
            PushLogin.PushLoginBench.RunAsync
        ),
        new("sessions", "how fast a disabled user loses his session", SessionBench.RunAsync),
        new("page", "the page in Chromium: first paint, and 500 events a second for a minute", PageBench.RunAsync),
        new(
            "radius",
            "RADIUS: the emulator and FreeRADIUS with the same requests in turn, our client and radclient, and 10,000 pending pushes",
            RadiusBench.RunAsync
        ),
        new("config", "a configuration of 100,000 lines: load, validate, save, and one change on it", ConfigBench.RunAsync),
    ];

    public static Command Create()
    {
        var options = new BenchOptions();
        var command = new Command(
            "bench",
            "Measures (boot and flag use the lab's addresses: stop a running lab first).\n\nExample: run bench boot --json"
        )
        {
            options.Name,
            options.List,
            options.Seed,
            options.Rounds,
            options.Json,
            options.Killed,
            options.Tokens,
        };
        command.Validators.Add(options.Validate);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                if (parsed.GetValue(options.Killed) is { } folder)
                {
                    await CallbackKill.DecideAsync(folder, parsed.GetValue(options.Tokens), cancellationToken);
                    return ExitCode.Ok;
                }
                Console.WriteLine(
                    parsed.GetValue(options.List)
                        ? ListOf(parsed.GetValue(options.Json))
                        : await RunAsync(
                            All.Single(bench => bench.Name == parsed.GetValue(options.Name)),
                            parsed.GetValue(options.Seed),
                            parsed.GetValue(options.Rounds),
                            parsed.GetValue(options.Json),
                            cancellationToken
                        )
                );
                return ExitCode.Ok;
            }
        );
        return command;
    }

    /// <summary>Every benchmark.</summary>
    internal static IReadOnlyList<Bench> All => Benches;

    private static Task<string> RunAsync(Bench bench, int? seed, int? rounds, bool json, CancellationToken cancellationToken) =>
        bench.RoundsAsync is { } cut ? cut(rounds ?? bench.RoundsDefault, seed ?? 1, json)
        : seed is { } from ? bench.RepeatAsync!(from, json, cancellationToken)
        : bench.RunAsync(json, cancellationToken);

    private static string ListOf(bool json) =>
        json
            ? JsonSerializer.Serialize(All.Select(bench => bench.Name).ToArray(), BenchJson.Default.StringArray)
            : string.Join('\n', All.Select(bench => $"{bench.Name,-18} {bench.Description}"));
}
