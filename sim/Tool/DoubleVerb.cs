using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Storage;
using Microsoft.Extensions.Logging;

namespace Appliance.Tool;

/// <summary>
/// The output of a double that runs alone: its address, and the settings with which a push proxy (ours or another) reaches it.
/// </summary>
internal sealed record DoubleReady(bool Ready, string Double, Uri Url, ProviderSettings Settings);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(DoubleReady))]
internal sealed partial class DoubleJson : JsonSerializerContext;

/// <summary>
/// <c>apns-double</c> and <c>fcm-double</c>: run a provider's test double alone, for any push sender. They run in real time.
/// </summary>
internal static class DoubleVerb
{
    public static Command Apns() =>
        Create(
            "apns-double",
            "APNs' double: HTTP/2 over TLS, the documented rules and reasons.",
            async (port, folder, keys, hop) =>
            {
                var running = await ApnsDouble.StartAsync(port, keys, Devices.Open(), hop, LabClock.Wall);
                return (
                    running,
                    running.Address,
                    new ProviderSettings(
                        Apns: new ApnsSettings(
                            running.Address,
                            ProviderKeys.TeamId,
                            ProviderKeys.ApnsKeyId,
                            keys.ApnsFile,
                            ProviderKeys.Topic,
                            keys.AuthorityFile
                        )
                    )
                );
            }
        );

    public static Command Fcm() =>
        Create(
            "fcm-double",
            "FCM's double: HTTP v1 and its token endpoint over TLS, the documented rules and errors.",
            async (port, folder, keys, hop) =>
            {
                var running = await FcmDouble.StartAsync(port, keys, Devices.Open(), hop, LabClock.Wall);
                return (
                    running,
                    running.Address,
                    new ProviderSettings(
                        Fcm: new FcmSettings(
                            running.Address,
                            keys.WriteAccountFile(folder, running.TokenAddress, $"fcm-{running.Address.Port}.json"),
                            keys.AuthorityFile
                        )
                    )
                );
            }
        );

    private static Command Create(
        string name,
        string what,
        Func<int, string, ProviderKeys, ILastHop, Task<(IAsyncDisposable Running, Uri Address, ProviderSettings Settings)>> start
    )
    {
        var port = new Option<int>("--port")
        {
            Description = "Port on 127.0.0.1; 0 takes a free one",
            HelpName = "P",
            DefaultValueFactory = _ => 0,
        };
        port.Validators.Add(result =>
        {
            if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, out var given) && given is < 0 or > 65535)
            {
                result.AddError($"--port must be from 0 to 65535, not {given}");
            }
        });
        var state = UpVerb.StateOption();
        var mqtt = UpVerb.MqttOption("The broker to which it publishes what it takes; none: it goes nowhere");
        var json = new Option<bool>("--json") { Description = "One line of JSON on stdout once it listens" };
        var command = new Command(
            name,
            $"{what} Keys are made in DIR/providers on the first start; every well-formed device token counts as registered.\n\nExample: run {name} --port 8443 --json"
        )
        {
            port,
            state,
            json,
            mqtt,
        };
        command.SetAction(
            (parsed, _) =>
                RunAsync(name, parsed.GetValue(port), parsed.GetValue(state)!, parsed.GetValue(json), parsed.GetValue(mqtt), start)
        );
        return command;
    }

    private static async Task<int> RunAsync(
        string name,
        int port,
        string state,
        bool json,
        MqttAddress? broker,
        Func<int, string, ProviderKeys, ILastHop, Task<(IAsyncDisposable Running, Uri Address, ProviderSettings Settings)>> start
    )
    {
        using var signals = new StopSignals();
        using var logs = new StandardErrorLog(LogLevel.Warning, LabClock.Wall);
        try
        {
            var folder = Path.Combine(Path.GetFullPath(state), "providers");
            OwnerOnly.Enforce(folder);
            using var keys = ProviderKeys.Open(folder, LabClock.Wall);
            await using var published = broker is null ? null : new MqttLastHop(broker, LabClock.Wall, logs.CreateLogger(name));
            var (running, address, settings) = await start(port, folder, keys, (ILastHop?)published ?? new SilentHop());
            await using (running)
            {
                Console.WriteLine(
                    json
                        ? JsonSerializer.Serialize(new DoubleReady(true, name, address, settings), DoubleJson.Default.DoubleReady)
                        : $"{name} listens on {address}\nsettings for a push proxy: {JsonSerializer.Serialize(settings, ProviderSettingsJson.Default.ProviderSettings)}"
                );
                await Console.Out.FlushAsync();
                await Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, signals.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            return ExitCode.Ok;
        }
        catch (IOException busy) when (busy.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new LabFailure(FailureKind.Busy, $"127.0.0.1:{port} is in use (choose another with --port)", busy);
        }
        catch (Exception failure) when (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
        {
            throw known;
        }
    }

    /// <summary>A last hop without a phone: an accepted push is discarded.</summary>
    private sealed class SilentHop : ILastHop
    {
        public ValueTask<bool> DeliverAsync(Notification notification) => ValueTask.FromResult(true);
    }
}
