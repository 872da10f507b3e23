using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>
/// The path of a push as in production: push proxy, provider, last hop. Without a settings file it leads to the lab's test doubles,
/// with keys that are created in the state folder on the first start.
/// </summary>
internal sealed class PushPath : IAsyncDisposable
{
    /// <summary>The fixed seed of the jitter, which must not differ from run to run.</summary>
    private const int Seed = 1;

    private readonly Stack<IAsyncDisposable> _running = new();
    private readonly List<IDisposable> _clients = [];
    private ProviderKeys _keys = null!;
    private ProxyServer _proxy = null!;

    private PushPath() { }

    /// <summary>The proxy's address and CA, for a unit.</summary>
    public PushProxyOptions Options => new([_proxy.EndPoint], _keys.Authority);

    /// <summary>The address of the APNs test double; null if the settings use another one.</summary>
    public Uri? ApnsAddress { get; private set; }

    /// <summary>Starts the path; returns when everything listens.</summary>
    /// <param name="stateFolder">The state folder, which has the keys in <c>providers</c>.</param>
    /// <param name="settingsFile">The file with the providers; null for the lab's test doubles.</param>
    /// <param name="devices">The phones that the test doubles have.</param>
    /// <param name="lastHop">The way from the test doubles to the phones.</param>
    /// <param name="time">The lab's clock.</param>
    /// <param name="faults">The lab's faults.</param>
    /// <param name="wire">The wire capture that records each message; null for none.</param>
    /// <exception cref="LabFailure">The start failed for a reason that the operator can fix.</exception>
    public static async Task<PushPath> StartAsync(
        string stateFolder,
        string? settingsFile,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        LabFaults faults,
        LabWire? wire = null
    )
    {
        var path = new PushPath();
        try
        {
            await path.BringUpAsync(Path.Combine(stateFolder, "providers"), settingsFile, devices, lastHop, time, faults, wire);
            return path;
        }
        catch
        {
            await path.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var part))
        {
            await part.DisposeAsync();
        }
        _clients.ForEach(client => client.Dispose());
        _keys?.Dispose();
    }

    private async Task BringUpAsync(
        string folder,
        string? settingsFile,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        LabFaults faults,
        LabWire? wire
    )
    {
        _keys = ProviderKeys.Open(folder, time);
        var ways = new PushFaults(faults, time);
        var settings = settingsFile is null ? await DoublesAsync(folder, devices, lastHop, time, ways) : Load(settingsFile);
        try
        {
            var apns = settings.Apns is { } apnsSettings ? Client(new ApnsClient(apnsSettings, time, Seed, ways.Way, wire)) : null;
            var fcm = settings.Fcm is { } fcmSettings ? Client(new FcmClient(fcmSettings, time, Seed, ways.Way, wire)) : null;
            _proxy = Own(
                await ProxyServer.StartAsync(
                    0,
                    _keys.For("proxy", PushProxyOptions.DeviceName),
                    new ProxyCore(settings, apns, fcm, time, push => ways.SecondPhone(push, devices)),
                    wire
                )
            );
        }
        catch (IOException failure) when (settingsFile is not null)
        {
            throw new LabFailure(FailureKind.Missing, $"--providers: {failure.Message}", failure);
        }
    }

    private async Task<ProviderSettings> DoublesAsync(
        string folder,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        PushFaults faults
    )
    {
        ProviderFault? Fault(string provider, string deviceToken, ReadOnlyMemory<byte> body) =>
            faults.Provider(deviceToken, PushPayload.Read(body), devices);
        var apns = Own(await ApnsDouble.StartAsync(0, _keys, devices, lastHop, time, Fault));
        ApnsAddress = apns.Address;
        var fcm = Own(await FcmDouble.StartAsync(0, _keys, devices, lastHop, time, Fault));
        return new ProviderSettings(
            new ApnsSettings(
                apns.Address,
                ProviderKeys.TeamId,
                ProviderKeys.ApnsKeyId,
                _keys.ApnsFile,
                ProviderKeys.Topic,
                _keys.AuthorityFile
            ),
            new FcmSettings(fcm.Address, _keys.WriteAccountFile(folder, fcm.TokenAddress), _keys.AuthorityFile)
        );
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

    private T Own<T>(T part)
        where T : IAsyncDisposable
    {
        _running.Push(part);
        return part;
    }

    private T Client<T>(T client)
        where T : IDisposable
    {
        _clients.Add(client);
        return client;
    }
}
