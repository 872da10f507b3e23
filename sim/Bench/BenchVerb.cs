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
    private static readonly Bench[] All =
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
            "RADIUS: the stand-in and FreeRADIUS on the same requests in turn, our client and radclient, and 10,000 pushes that wait",
            RadiusBench.RunAsync
        ),
        new("config", "a configuration of 100,000 lines: load, validate, save, and one change on it", ConfigBench.RunAsync),
    ];

    public static Command Create()
    {
        var names = All.Select(bench => bench.Name).ToArray();
        var name = new Argument<string?>("NAME")
        {
            Description = "Which one: " + string.Join(", ", All.Select(bench => $"{bench.Name} ({bench.Description})")),
            Arity = ArgumentArity.ZeroOrOne,
        };
        name.AcceptOnlyFromAmong(names);
        var list = new Option<bool>("--list") { Description = "The names" };
        var seed = new Option<int?>("--seed") { Description = "Repeats the run of one seed (login-model)", HelpName = "N" };
        var rounds = new Option<int?>("--rounds") { Description = "How many (power-cuts, image-update-cuts)", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var command = new Command(
            "bench",
            "Measures (boot and flag use the lab's addresses: stop a running lab first).\n\nExample: run bench boot --json"
        )
        {
            name,
            list,
            seed,
            rounds,
            json,
        };
        var killed = new Option<string?>(CallbackKill.Option) { Hidden = true };
        var tokens = new Option<int>("--tokens") { Hidden = true };
        command.Options.Add(killed);
        command.Options.Add(tokens);
        command.Validators.Add(result =>
        {
            if (!result.GetValueOrDefault(list) && result.GetValue(name) is null)
            {
                result.AddError("give a NAME, or --list");
            }
            if (
                result.GetValueOrDefault(seed) is not null
                && All.FirstOrDefault(bench => bench.Name == result.GetValue(name))
                    is not ({ RepeatAsync: not null } or { RoundsAsync: not null })
            )
            {
                result.AddError(
                    "--seed goes with a benchmark that has seeds: "
                        + string.Join(
                            ", ",
                            All.Where(bench => (bench.RepeatAsync is not null) || (bench.RoundsAsync is not null))
                                .Select(bench => bench.Name)
                        )
                );
            }
            if (
                result.GetValueOrDefault(rounds) is { } number
                && (number < 1 || All.FirstOrDefault(bench => bench.Name == result.GetValue(name)) is not { RoundsAsync: not null })
            )
            {
                result.AddError("--rounds is a number from 1 on, and goes with power-cuts and image-update-cuts");
            }
        });
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var asJson = parsed.GetValue(json);
                if (parsed.GetValue(killed) is { } folder)
                {
                    await CallbackKill.DecideAsync(folder, parsed.GetValue(tokens), cancellationToken);
                    return ExitCode.Ok;
                }
                if (!parsed.GetValue(list))
                {
                    var bench = All.Single(bench => bench.Name == parsed.GetValue(name));
                    if (bench.RoundsAsync is { } cut)
                    {
                        Console.WriteLine(await cut(parsed.GetValue(rounds) ?? bench.RoundsDefault, parsed.GetValue(seed) ?? 1, asJson));
                        return ExitCode.Ok;
                    }
                    Console.WriteLine(
                        await (
                            parsed.GetValue(seed) is { } from
                                ? bench.RepeatAsync!(from, asJson, cancellationToken)
                                : bench.RunAsync(asJson, cancellationToken)
                        )
                    );
                    return ExitCode.Ok;
                }
                Console.WriteLine(
                    asJson
                        ? JsonSerializer.Serialize(names, BenchJson.Default.StringArray)
                        : string.Join('\n', All.Select(bench => $"{bench.Name,-18} {bench.Description}"))
                );
                return ExitCode.Ok;
            }
        );
        return command;
    }
}
