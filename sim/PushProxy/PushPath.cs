using Appliance.Firmware.Ftm;
using Appliance.Sim.Faults;
using Appliance.Sim.Lab;
using Appliance.Sim.Providers;
using Appliance.Sim.Wire;

namespace Appliance.Sim.PushProxy;

/// <summary>
/// The way of a push as it is in the world: push proxy, provider, last hop. Without settings of its own it leads to the lab's doubles,
/// with keys that are made in the state folder on the first start.
/// </summary>
internal sealed class PushPath : IAsyncDisposable
{
    /// <summary>Jitter must not differ from run to run.</summary>
    private const int Seed = 1;

    private readonly Stack<IAsyncDisposable> _running = new();
    private readonly List<IDisposable> _clients = [];
    private ProviderKeys _keys = null!;
    private ProxyServer _proxy = null!;

    private PushPath() { }

    /// <summary>What a unit has to know of it.</summary>
    public PushProxyOptions Options => new([_proxy.EndPoint], _keys.Authority);

    /// <summary>Where APNs' double listens; null when the settings lead elsewhere.</summary>
    public Uri? ApnsAddress { get; private set; }

    /// <summary>Starts it; returns when everything listens.</summary>
    /// <param name="stateFolder">Keys live in <c>providers</c> in it.</param>
    /// <param name="settingsFile">Which providers; null for the lab's doubles.</param>
    /// <param name="devices">The phones that the doubles know.</param>
    /// <param name="lastHop">The doubles' way to the phones.</param>
    /// <param name="time">The lab's clock.</param>
    /// <param name="faults">What is to go wrong.</param>
    /// <param name="wire">Told of each message; null for nobody.</param>
    /// <exception cref="LabFailure">Something the operator can mend.</exception>
    public static async Task<PushPath> StartAsync(
        string stateFolder, string? settingsFile, Devices devices, ILastHop lastHop, TimeProvider time, LabFaults faults, LabWire? wire = null)
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

    private async Task BringUpAsync(string folder, string? settingsFile, Devices devices, ILastHop lastHop, TimeProvider time, LabFaults faults, LabWire? wire)
    {
        _keys = ProviderKeys.Open(folder, time);
        var settings = settingsFile is null ? await DoublesAsync(folder, devices, lastHop, time, faults) : Load(settingsFile);
        try
        {
            var apns = settings.Apns is { } apnsSettings ? Client(new ApnsClient(apnsSettings, time, Seed, faults.Way, wire)) : null;
            var fcm = settings.Fcm is { } fcmSettings ? Client(new FcmClient(fcmSettings, time, Seed, faults.Way, wire)) : null;
            _proxy = Own(await ProxyServer.StartAsync(0, _keys.For("proxy", PushProxyOptions.DeviceName), new ProxyCore(settings, apns, fcm, time, push => faults.SecondPhone(push, devices)), wire));
        }
        catch (IOException failure) when (settingsFile is not null)
        {
            throw new LabFailure(ExitCode.Missing, $"--providers: {failure.Message}", failure);
        }
    }

    private async Task<ProviderSettings> DoublesAsync(string folder, Devices devices, ILastHop lastHop, TimeProvider time, LabFaults faults)
    {
        ProviderFault? Fault(string provider, string deviceToken, ReadOnlyMemory<byte> body) => faults.Provider(provider, deviceToken, PushPayload.Read(body), devices);
        var apns = Own(await ApnsDouble.StartAsync(0, _keys, devices, lastHop, time, Fault));
        ApnsAddress = apns.Address;
        var fcm = Own(await FcmDouble.StartAsync(0, _keys, devices, lastHop, time, Fault));
        return new ProviderSettings(
            new ApnsSettings(apns.Address, ProviderKeys.TeamId, ProviderKeys.ApnsKeyId, _keys.ApnsFile, ProviderKeys.Topic, _keys.AuthorityFile),
            new FcmSettings(fcm.Address, _keys.WriteAccountFile(folder, fcm.TokenAddress), _keys.AuthorityFile));
    }

    private static ProviderSettings Load(string file)
    {
        try
        {
            return ProviderSettings.Load(file);
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Missing, $"--providers: {wrong.Message}", wrong);
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
