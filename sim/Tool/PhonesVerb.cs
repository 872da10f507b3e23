using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Phones;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Validation;
using Microsoft.Extensions.Logging;

namespace Appliance.Tool;

internal sealed record PhonesReady(bool Ready, int Phones, string Broker);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PhonesReady))]
internal sealed partial class PhonesVerbJson : JsonSerializerContext;

/// <summary>
/// <c>phones</c>: runs the phones of a state folder's appliance as a separate process, on a broker. They run in real time, as real phones
/// do. A
/// user that is enrolled later is not seen before the next start.
/// </summary>
internal static class PhonesVerb
{
    public static Command Create()
    {
        var mqtt = UpVerb.MqttOption("The broker to which the providers publish");
        mqtt.Required = true;
        var state = UpVerb.StateOption();
        var count = new Option<int?>("--count")
        {
            Description = "How many, in the order of serial numbers; default: all that are registered for push",
            HelpName = "N",
        };
        count.Validators.Add(result =>
        {
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var given) && given < 1)
            {
                result.AddError($"--count must be 1 or more, not {given}");
            }
        });
        var skip = NumberOption("--skip", "How many before them are another process's", int.MaxValue, "0 or more");
        var mode = new Option<string>("--mode")
        {
            Description = "How they answer",
            HelpName = "approve|deny|ignore",
            DefaultValueFactory = _ => "approve",
        };
        mode.AcceptOnlyFromAmong("approve", "deny", "ignore");
        var delay = NumberOption("--delay-ms", "After how long", 86_400_000, "from 0 to 86400000");
        var personality = RestoreVerb.PersonalityOption();
        var json = new Option<bool>("--json")
        {
            Description = "One line of JSON on stdout once they listen; their answers go to stderr either way",
        };
        var command = new Command(
            "phones",
            "The phones of an appliance in a separate process (the lab itself: up --push full --mqtt ... --phones none).\n\nExample: run phones --count 1 --mqtt 127.0.0.1:1883"
        )
        {
            mqtt,
            state,
            count,
            skip,
            mode,
            delay,
            personality,
            json,
        };
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    Read(parsed.GetValue(state)!, parsed.GetValue(personality) ?? Personality.Default),
                    parsed.GetValue(mqtt)!,
                    parsed.GetValue(count),
                    parsed.GetValue(skip),
                    new PhoneChange(
                        Enum.Parse<PhoneMode>(parsed.GetValue(mode)!, ignoreCase: true),
                        TimeSpan.FromMilliseconds(parsed.GetValue(delay))
                    ),
                    parsed.GetValue(json)
                )
        );
        return command;
    }

    /// <summary>An option for a number from 0 on, with 0 as its default.</summary>
    private static Option<int> NumberOption(string name, string description, int most, string range)
    {
        var option = new Option<int>(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => 0,
        };
        option.Validators.Add(result =>
        {
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var given) && (given < 0 || given > most))
            {
                result.AddError($"{name} must be {range}, not {given}");
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(SavedPhones saved, MqttAddress broker, int? count, int skip, PhoneChange behaviour, bool json)
    {
        if ((long)skip + (count ?? 1) > saved.Registered.Count)
        {
            var those = saved.Registered.Count switch
            {
                0 => "no phone is",
                1 => "1 phone is",
                var many => $"{many} phones are",
            };
            throw new LabFailure(FailureKind.Missing, $"{those} registered for push, not {(long)skip + (count ?? 1)}");
        }
        using var signals = new StopSignals();
        using var logs = new StandardErrorLog(LogLevel.Information, LabClock.Wall);
        var log = logs.CreateLogger("phones");
        using var fleet = new PhoneFleet(LabClock.Wall, log);
        fleet.Attach(saved with { Registered = [.. saved.Registered.Skip(skip).Take(count ?? int.MaxValue)] });
        foreach (var phone in fleet.Phones)
        {
            phone.Change(behaviour);
        }
        await using var listening = new MqttPhones(broker, fleet, log);
        while (listening.ConnectedCount < fleet.Phones.Count && !signals.Token.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), LabClock.Wall, signals.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (!signals.Token.IsCancellationRequested)
        {
            Console.WriteLine(
                json
                    ? JsonSerializer.Serialize(
                        new PhonesReady(true, fleet.Phones.Count, broker.ToString()),
                        PhonesVerbJson.Default.PhonesReady
                    )
                    : $"{fleet.Phones.Count} {(fleet.Phones.Count == 1 ? "phone listens" : "phones listen")} on {broker}"
            );
            await Console.Out.FlushAsync();
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ExitCode.Ok;
    }

    /// <summary>Reads the phones' enrolment from the appliance's state, which only its owner can read.</summary>
    private static SavedPhones Read(string state, Personality personality)
    {
        string InState(string name) => Path.Combine(Path.GetFullPath(state), name);
        try
        {
            foreach (var needed in (string[])["system.conf", "device.key", "certificates/ca.pem"])
            {
                // Opening would create a missing file.
                _ = File.Exists(InState(needed))
                    ? true
                    : throw new LabFailure(FailureKind.Missing, $"no appliance keeps its state in {state} ({needed} is missing)");
            }
            var config = ConfigStore
                .Open(ConfigSchema.Load(personality), InState("system.conf"), DeviceKey.Open(InState("device.key")), "", ConfigRules.Values)
                .Current;
            return new SavedPhones(
                [
                    .. TokenActivation.Of(config)
                        .Where(token => token.RegistrationId.Length > 0)
                        .OrderBy(token => token.Serial, StringComparer.Ordinal),
                ],
                X509Certificate2.CreateFromPem(File.ReadAllText(InState("certificates/ca.pem")))
            );
        }
        catch (Exception failure) when (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
        {
            throw known;
        }
    }

    /// <summary>Phones that do not change after the start.</summary>
    private sealed record SavedPhones(IReadOnlyList<TokenActivation> Registered, X509Certificate2 DeviceCa) : IPhoneSource
    {
        public object Version { get; } = new();

        public IReadOnlyList<TokenActivation> Activations() => Registered;

        public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) =>
            Task.FromResult(new EnrolmentAnswer(EnrolmentAnswer.NotNow, "phones are enrolled by the lab that runs the appliance"));
    }
}
