using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Ftm;
using Appliance.Hal;

namespace Appliance.Doubles.PushProxy;

/// <summary>
/// The path of a push as in production: push proxy, provider, last hop. Without a settings file it leads to the lab's test doubles,
/// with keys that are created in the state folder on the first start.
/// </summary>
internal sealed class PushPath : IAsyncDisposable
{
    /// <summary>The fixed seed of the jitter, which must not differ from run to run.</summary>
    private const int Seed = 1;

    private readonly OwnedStack _owned;

    private PushPath(OwnedStack owned, PushProxyOptions options, Uri? apnsAddress)
    {
        _owned = owned;
        Options = options;
        ApnsAddress = apnsAddress;
    }

    /// <summary>The proxy's address and CA, for a unit.</summary>
    public PushProxyOptions Options { get; }

    /// <summary>The address of the APNs test double; null if the settings use another one.</summary>
    public Uri? ApnsAddress { get; }

    /// <summary>Starts the path; returns when everything listens.</summary>
    /// <param name="stateFolder">The state folder, which has the keys in <c>providers</c>.</param>
    /// <param name="settingsFile">The file with the providers; null for the lab's test doubles.</param>
    /// <param name="devices">The phones that the test doubles have.</param>
    /// <param name="lastHop">The way from the test doubles to the phones.</param>
    /// <param name="time">The lab's clock.</param>
    /// <param name="faults">The lab's faults.</param>
    /// <param name="wire">The wire capture that records each message; null for none.</param>
    /// <exception cref="LabFailure">The start failed for a reason that the operator can fix.</exception>
    public static Task<PushPath> StartAsync(
        string stateFolder,
        string? settingsFile,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        LabFaults faults,
        LabWire? wire = null
    ) =>
        OwnedStack.StartAsync(owned =>
            BringUpAsync(owned, Path.Combine(stateFolder, "providers"), settingsFile, devices, lastHop, time, faults, wire)
        );

    public ValueTask DisposeAsync() => _owned.DisposeAsync();

    private static async Task<PushPath> BringUpAsync(
        OwnedStack owned,
        string folder,
        string? settingsFile,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        LabFaults faults,
        LabWire? wire
    )
    {
        var keys = owned.Push(ProviderKeys.Open(folder, time));
        var ways = new PushFaults(faults, time);
        var (settings, apnsAddress) = settingsFile is null
            ? await DoublesAsync(owned, keys, folder, devices, lastHop, time, ways)
            : (Load(settingsFile), null);
        try
        {
            var apns = settings.Apns is { } toApns ? owned.Push(new ApnsClient(toApns, time, Seed, ways.Way, wire)) : null;
            var fcm = settings.Fcm is { } toFcm ? owned.Push(new FcmClient(toFcm, time, Seed, ways.Way, wire)) : null;
            var proxy = owned.Push(
                await ProxyServer.StartAsync(
                    0,
                    keys.For("proxy", PushProxyOptions.DeviceName),
                    new ProxyCore(settings, apns, fcm, time, push => ways.SecondPhone(push, devices)),
                    wire
                )
            );
            return new PushPath(owned, new([proxy.EndPoint], keys.Authority), apnsAddress);
        }
        catch (IOException failure) when (settingsFile is not null)
        {
            throw new LabFailure(FailureKind.Missing, $"--providers: {failure.Message}", failure);
        }
    }

    private static async Task<(ProviderSettings Settings, Uri? ApnsAddress)> DoublesAsync(
        OwnedStack owned,
        ProviderKeys keys,
        string folder,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        PushFaults faults
    )
    {
        ProviderFault? Fault(string provider, string deviceToken, ReadOnlyMemory<byte> body) =>
            faults.Provider(deviceToken, PushPayload.Read(body), devices);
        var apns = owned.Push(await ApnsDouble.StartAsync(0, keys, devices, lastHop, time, Fault));
        var fcm = owned.Push(await FcmDouble.StartAsync(0, keys, devices, lastHop, time, Fault));
        var settings = new ProviderSettings(
            new ApnsSettings(
                apns.Address,
                ProviderKeys.TeamId,
                ProviderKeys.ApnsKeyId,
                keys.ApnsFile,
                ProviderKeys.Topic,
                keys.AuthorityFile
            ),
            new FcmSettings(fcm.Address, keys.WriteAccountFile(folder, fcm.TokenAddress), keys.AuthorityFile)
        );
        return (settings, apns.Address);
    }

    private static ProviderSettings Load(string file)
    {
        try
        {
            return ProviderSettings.Load(file);
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--providers: {wrong.Message}", wrong);
        }
    }
}
