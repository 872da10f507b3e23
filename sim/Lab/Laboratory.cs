using System.Net;
using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Doubles.PushProxy;
using Appliance.Doubles.Wire;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Api;
using Appliance.Lab.Composition;
using Appliance.Lab.Console;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab;

/// <summary>What <c>up</c> was asked for.</summary>
/// <param name="State">The state folder.</param>
/// <param name="Configuration">What a fresh state boots; null for the ready-made lab.</param>
/// <param name="BoardFile">The board's description (board.json).</param>
/// <param name="Clock">How time goes; null as the state left it.</param>
/// <param name="LabPort">Port of the lab API; 0 takes a free one.</param>
/// <param name="Personality">The release to behave like; null for the default one.</param>
/// <param name="Push">How pushes get to the phones; null goes straight to them, in process.</param>
/// <param name="FaultsFile">Faults from the start on; null for none.</param>
internal sealed record LabOptions(
    string State,
    string? Configuration,
    string BoardFile,
    ClockRate? Clock,
    int LabPort,
    Personality? Personality = null,
    PushOptions? Push = null,
    string? FaultsFile = null
)
{
    /// <summary>The first three numbers of every interface's address; null as the board has it.</summary>
    public string? Network { get; init; }

    /// <summary>Where phones of the network find their card, by HTTPS; null for nowhere.</summary>
    public IPEndPoint? LabListen { get; init; }

    /// <summary>True: the first mistake in <see cref="Configuration"/> ends the start. False: what has no effect is left out and reported.</summary>
    public bool Strict { get; init; }
}

/// <summary>The way of a push through proxy and providers.</summary>
/// <param name="ProvidersFile">Which providers (docs/use/providers.md); null for the lab's doubles.</param>
/// <param name="Broker">The MQTT broker between the doubles and the phones; null for the lab's own.</param>
/// <param name="LabPhones">False when the phones are somebody else's, on the broker (<c>run phones</c>).</param>
internal sealed record PushOptions(string? ProvidersFile = null, MqttAddress? Broker = null, bool LabPhones = true);

/// <summary>The lab: clock, phones and push cloud, the appliance, and the ways in. Started in this order, stopped in reverse.</summary>
internal sealed partial class Laboratory : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _running = new();
    private readonly TaskCompletionSource _switchedOff = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes after <c>execute shutdown</c>; fails when the unit does not come up again after <c>execute reboot</c>.</summary>
    public Task SwitchedOff => _switchedOff.Task;

    public LabApi Api { get; private set; } = null!;

    public LabClock Clock { get; private set; } = null!;

    /// <summary>What of the operator's configuration has no effect, line by line as <c>restore --check</c> prints it; empty when none was loaded.</summary>
    public IReadOnlyList<string> Report { get; private set; } = [];

    public ILabUnit Unit { get; private set; } = null!;

    /// <summary>The front of the box; null when its board has none.</summary>
    public LabPanel? Panel { get; private set; }

    /// <summary>Proxy and doubles; null when pushes go straight to the phones.</summary>
    public PushPath? Push { get; private set; }

    /// <summary>The FortiAuthenticator stand-in; null on a board without one.</summary>
    public FacPower? Authenticator { get; private set; }

    /// <summary>The broker between providers and phones; null when pushes do not go over one.</summary>
    public MqttAddress? Broker { get; private set; }

    public ReadyJson Ready =>
        ReadyJson.Of(Unit, Api.Address) with
        {
            Mqtt = Broker is { } broker ? new MqttJson(broker.Host, broker.Port) : null,
            LabListen = Api.Page.Lan is { } lan
                ? new LabListenJson(lan.GetLeftPart(UriPartial.Authority), Api.Page.PairingCode, Api.LanFingerprint)
                : null,
        };

    /// <summary>Returns when every listener listens.</summary>
    /// <exception cref="LabFailure">Something the operator can mend.</exception>
    public static Task<Laboratory> StartAsync(LabOptions options, ILoggerFactory logs, CancellationToken cancellationToken) =>
        StartAsync(lab => lab.BringUpAsync(options, logs, cancellationToken));

    private static async Task<Laboratory> StartAsync(Func<Laboratory, Task> bringUp)
    {
        var lab = new Laboratory();
        try
        {
            await bringUp(lab);
            return lab;
        }
        catch (Exception failure)
        {
            await lab.DisposeAsync();
            if (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
            {
                throw known;
            }
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var part))
        {
            await part.DisposeAsync();
        }
    }

    private async Task BringUpAsync(LabOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var log = logs.CreateLogger("lab");
        var connections = LabConnections.Share();
        var listeners = new LabListeners(connections.Lab);
        var state = Own(StateFolder.Open(options.State));
        Clock = Own(LabClock.Open(Path.Combine(state.Path, "clock.json"), options.Clock));
        var faults = Own(new LabFaults(Clock));
        var board = LabBoard.Simulated(Board.Load(options.BoardFile), options.Network);
        INic[] nics = [.. board.Nics.Select(nic => new SocketNic(nic.Name, nic.Address))];
        var authenticator = await AuthenticatorFile.OfAsync(options.BoardFile, options.Network, cancellationToken);
        var wire = new LabWire(Clock) { Authenticator = authenticator?.Address, PushesDirect = options.Push is null };
        var phones = Own(new PhoneFleet(Clock, log, faults: faults) { Wire = wire });
        var firstConfiguration = options.Configuration is { } file
            ? await ReadAsync(file, cancellationToken)
            : LabBoard.DefaultConfiguration(board, options.Personality)
                + (authenticator is null ? "" : LabBoard.AuthenticatorConfiguration(authenticator.Address));
        // What the operator gave is read before any port is taken.
        var firstFaults = options.FaultsFile is { } faultsFile ? await FaultsAsync(faultsFile, cancellationToken) : [];
        Api = Own(await LabApi.StartAsync(options.LabPort, Clock, phones, log, faults, options.LabListen, listeners, cancellationToken));
        Api.Page.Board = board.Name;
        var path = Push = await PushPathAsync(options.Push, state.Path, phones, faults, log);
        var cloud = path is null ? new PushCloud(phones, Clock, faults) : null;
        Authenticator = await AuthenticatorAsync(
            authenticator,
            listeners,
            state.Path,
            cloud,
            path?.Options,
            faults,
            log,
            cancellationToken
        );
        var panel = Panel = board.Leds.Count + board.Buttons.Count > 0 ? Own(new LabPanel(board, Clock)) : null;
        if (panel is not null)
        {
            Api.Panel = new(panel);
        }
        var unitOptions = new UnitOptions(state.Path, nics, Clock, cloud, firstConfiguration, logs, options.Personality, path?.Options)
        {
            Strict = options.Strict || options.Configuration is null,
            SetClock = SetClock,
            Board = board,
            Panel = panel?.Front,
            Observer = wire,
            Connections = connections.Unit,
        };
        var power = Own(await UnitPower.StartAsync(unitOptions, cancellationToken));
        if (options.Configuration is { } loaded && power.Unit.Config.IsFirst)
        {
            Report =
            [
                .. RestoreReport
                    .Of(
                        loaded,
                        firstConfiguration,
                        options.Personality ?? Personality.Default,
                        board.Name,
                        new(null, power.Unit.Config.Ignored)
                    )
                    .Lined(),
            ];
        }
        wire.Attach(power.Unit);
        var unit = Own(new LabUnit(power.Unit, Authenticator, Clock));
        Unit = unit;
        Clock.WallStepped += by => unit.WriteEvent(ClockEvents.Stepped(by));
        if (Clock.SetBackWhileClosed > TimeSpan.Zero)
        {
            unit.WriteEvent(ClockEvents.Stepped(-Clock.SetBackWhileClosed));
        }
        power.GoingDown += () =>
        {
            Api.Detach();
            unit.GoDown();
        };
        power.Up += next =>
        {
            wire.Attach(next);
            unit.ComeUp(next);
            Api.Attach(unit);
        };
        power.Off += SwitchOff;
        phones.Attach(Unit);
        Authenticator?.Resume();
        faults.Attach(unit);
        faults.HasAuthenticator = Authenticator is not null;
        faults.Set(firstFaults);
        Api.Authenticator = Authenticator;
        ReceiveMail(unit, listeners, log);
        Own(ConsoleSocket.Listen(state.Path, unit, log));
        Api.Attach(Unit);
    }

    private void SwitchOff(Exception? failure)
    {
        if (failure is null)
        {
            _switchedOff.TrySetResult();
        }
        else
        {
            _switchedOff.TrySetException(LabFailure.From(failure) ?? failure);
        }
    }

    /// <summary>The stand-in for a FortiAuthenticator, where one stands beside the board; it pushes the same way as the appliance.</summary>
    private async Task<FacPower?> AuthenticatorAsync(
        FacSettings? settings,
        LabListeners listeners,
        string state,
        PushCloud? cloud,
        PushProxyOptions? proxy,
        LabFaults faults,
        ILogger log,
        CancellationToken cancellationToken
    )
    {
        if (settings is null)
        {
            return null;
        }
        var nic = listeners.NicAt("fac", settings.Address);
        var phones = cloud ?? (IPushSender)Own(new PushProxyClient(proxy!, [nic], FacServer.SerialNumber, Clock));
        return Own(
            await FacPower.StartAsync(
                settings,
                new FacOptions(nic, Path.Combine(state, "fac"), Clock, log, faults),
                phones,
                cancellationToken
            )
        );
    }

    private async Task<PushPath?> PushPathAsync(PushOptions? options, string state, PhoneFleet phones, LabFaults faults, ILogger log)
    {
        if (options is null)
        {
            return null;
        }
        var broker = Broker = options.Broker ?? Own(await MqttBroker.StartAsync()).Address;
        // Phones of another process are those of the appliance. It cannot know the FortiAuthenticator emulator's own, so the lab serves these.
        phones.IsElsewhere = options.LabPhones ? _ => false : phone => !IsOfAuthenticatorAlone(phone);
        var listening = Own(
            new MqttPhones(broker, phones, log, new PushDelivery(faults, Clock).Deliver, phone => !phones.IsElsewhere(phone))
        );
        phones.OnlineChanged += listening.Look;
        var lastHop = Own(new MqttLastHop(broker, Clock, log));
        return Own(await PushPath.StartAsync(state, options.ProvidersFile, PhoneDevices.Of(phones), lastHop, Clock, faults, phones.Wire));
    }

    private bool IsOfAuthenticatorAlone(Phone phone) =>
        Authenticator is { } authenticator
        && authenticator.Server.Activations().Any(token => token.Serial == phone.Serial)
        && Unit is LabUnit unit
        && unit.OwnActivations().All(token => token.Serial != phone.Serial);

    /// <summary><c>execute date</c> and <c>execute time</c> move the lab's clock on, with every timer on the way; never back.</summary>
    private string? SetClock(DateTimeOffset to)
    {
        var by = to - Clock.GetUtcNow();
        if (by < TimeSpan.Zero)
        {
            return "the lab's clock goes forward only";
        }
        if (to > LabClock.Latest)
        {
            return $"the lab's clock ends with the year {LabClock.Latest.Year - 1}";
        }
        try
        {
            Clock.Advance(by);
            return null;
        }
        catch (IOException error)
        {
            return error.Message;
        }
    }

    /// <summary>
    /// The lab's inbox is where the appliance sends its mail to, if that is on this machine and nobody else takes mail there. Where it was told to
    /// send it is the operator's business from then on.
    /// </summary>
    private void ReceiveMail(LabUnit unit, LabListeners listeners, ILogger log)
    {
        if (unit.MailServer is not { } server || !IPAddress.IsLoopback(server.Address))
        {
            return;
        }
        try
        {
            Own(MailSink.Listen(listeners.NicAt("lab-mail", server.Address), server.Port, Api.Inbox, () => unit.SmsDomains, Clock, log));
        }
        catch (Exception failure) when (failure is AddressInUseException or SocketException)
        {
            log.LogWarning("{Server} takes no mail for the lab's inbox: {Reason}", server, failure.Message);
        }
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return ConfigStore.TextOf(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--config: {e.Message}", e);
        }
    }

    private static async Task<IReadOnlyList<Fault>> FaultsAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return FaultText.Read(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (FormatException wrong)
        {
            throw new FormatException($"--faults {Path.GetFileName(file)}: {wrong.Message}", wrong);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--faults: {e.Message}", e);
        }
    }

    private T Own<T>(T part)
        where T : class
    {
        _running.Push(part as IAsyncDisposable ?? new Synchronous((IDisposable)part));
        return part;
    }

    private sealed class Synchronous(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
