using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Api;
using Appliance.Lab.Composition;
using Appliance.Lab.Console;
using Appliance.Lab.Messages;
using Appliance.Lab.Remote;
using Appliance.Lab.Units;
using Appliance.Link;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab;

/// <summary>
/// The lab of <c>up</c>: a lab of <see cref="LabBuilder"/> or a unit on a box, with the lab API and the console's socket.
/// </summary>
internal sealed class Laboratory : IAsyncDisposable
{
    private readonly OwnedStack _owned;
    private readonly TaskCompletionSource _switchedOff;
    private readonly BuiltLab? _built;

    private Laboratory(
        OwnedStack owned,
        TaskCompletionSource switchedOff,
        LabClock clock,
        LabApi api,
        ILabUnit unit,
        BuiltLab? built = null
    )
    {
        _owned = owned;
        _switchedOff = switchedOff;
        _built = built;
        Clock = clock;
        Api = api;
        Unit = unit;
    }

    /// <summary>Completes after <c>execute shutdown</c>; fails if the unit does not start again after <c>execute reboot</c>.</summary>
    public Task SwitchedOff => _switchedOff.Task;

    public LabApi Api { get; }

    /// <summary>Completes when the unit is ready (<see cref="Appliance.Firmware.Unit.Ready"/>); completed for a unit on a box.</summary>
    public Task UnitReady => _built?.Power?.Unit.Ready ?? Task.CompletedTask;

    public LabClock Clock { get; }

    /// <summary>
    /// The parts of the operator's configuration without an effect, one line each, as <c>restore --check</c> prints them. Empty if no
    /// configuration was loaded.
    /// </summary>
    public IReadOnlyList<string> Report { get; private init; } = [];

    public ILabUnit Unit { get; }

    /// <summary>The front panel; null if the board has none.</summary>
    public LabPanel? Panel => _built?.Base.Panel;

    /// <summary>Proxy and providers; null if pushes are sent to the phones directly.</summary>
    public PushPath? Push => _built?.Push;

    /// <summary>The FortiAuthenticator emulator; null on a board without one.</summary>
    public FacPower? Authenticator => _built?.Authenticator;

    /// <summary>The broker between providers and phones; null for direct pushes.</summary>
    public MqttAddress? Broker => _built?.Broker;

    public ReadyJson Ready =>
        ReadyJson.Of(Unit, Api.Address) with
        {
            Mqtt = Broker is { } broker ? new MqttJson(broker.Host, broker.Port) : null,
            LabListen = Api.Page.Lan is { } lan
                ? new LabListenJson(lan.GetLeftPart(UriPartial.Authority), Api.Page.PairingCode, Api.LanFingerprint)
                : null,
        };

    /// <summary>Starts the lab; returns when every listener listens.</summary>
    /// <exception cref="LabFailure">The start failed for a reason that the operator can fix.</exception>
    public static Task<Laboratory> StartAsync(LabOptions options, ILoggerFactory logs, CancellationToken cancellationToken) =>
        StartAsync(owned => BringUpAsync(options, logs, owned, cancellationToken));

    /// <summary>Starts a lab around a unit on a box; returns when the unit is up and every listener listens.</summary>
    /// <exception cref="LabFailure">The start failed for a reason that the operator can fix.</exception>
    public static Task<Laboratory> StartAsync(BoxLabOptions options, ILoggerFactory logs, CancellationToken cancellationToken) =>
        StartAsync(owned => BringUpAsync(options, logs, owned, cancellationToken));

    public ValueTask DisposeAsync() => _owned.DisposeAsync();

    private static async Task<Laboratory> StartAsync(Func<OwnedStack, Task<Laboratory>> bringUp)
    {
        try
        {
            return await OwnedStack.StartAsync(bringUp);
        }
        catch (Exception failure) when (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
        {
            throw known;
        }
    }

    private static async Task<Laboratory> BringUpAsync(
        LabOptions options,
        ILoggerFactory logs,
        OwnedStack owned,
        CancellationToken cancellationToken
    )
    {
        var connections = LabConnections.Share();
        var listeners = new LabListeners(connections.Lab);
        var state = owned.Push(StateFolder.Open(options.State));
        var clock = owned.Push(LabClock.Open(Path.Combine(state.Path, "clock.json"), options.Clock, options.Wall));
        var board = LabBoard.Simulated(Board.Load(options.BoardFile), options.Network);
        // The operator's files are read before any port is acquired.
        var authenticator = await AuthenticatorFile.OfAsync(options.BoardFile, options.Network, cancellationToken);
        var configuration = options.Configuration is { } file
            ? await OperatorFile.ConfigurationAsync(file, cancellationToken)
            : LabBoard.DefaultConfiguration(board, options.Personality)
                + (authenticator is null ? "" : LabBoard.AuthenticatorConfiguration(authenticator.Address));
        IReadOnlyList<Fault> faults = options.FaultsFile is { } faultsFile
            ? await OperatorFile.FaultsAsync(faultsFile, cancellationToken)
            : [];
        var switchedOff = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LabApi? api = null;
        ILabUnit? unit = null;
        var parts = new LabParts(clock, new SocketNetwork(listeners), state.Path)
        {
            Logs = logs,
            Authenticator = authenticator,
            Push = options.Push,
            Faults = faults,
            HasWireCapture = true,
            Opened = async lab =>
            {
                api = owned.Push(
                    await LabApi.StartAsync(
                        options.LabPort,
                        clock,
                        lab.Phones,
                        lab.Log,
                        lab.Faults,
                        options.LabListen,
                        listeners,
                        lab.Inbox,
                        cancellationToken
                    )
                );
                api.Page.Board = board.Name;
                if (lab.Panel is { } panel)
                {
                    api.Panel = new(panel);
                }
            },
            Appliance = new ApplianceParts(board, configuration)
            {
                Personality = options.Personality,
                Strict = options.Strict || options.Configuration is null,
                Connections = connections.Unit,
                GoingDown = () => api!.Detach(),
                Up = () => api!.Attach(unit!),
                Off = failure => SwitchOff(switchedOff, failure),
            },
        };
        var built = await LabBuilder.StartAsync(parts, owned, cancellationToken);
        unit = built.Unit;
        api!.Authenticator = built.Authenticator;
        owned.Push(ConsoleSocket.Listen(state.Path, built.Appliance!, built.Base.Log));
        api.Attach(unit);
        return new Laboratory(owned, switchedOff, clock, api, unit, built)
        {
            Report = options.Configuration is { } loaded ? ReportOf(loaded, configuration, options, board, built) : [],
        };
    }

    /// <summary>The lab around a unit on a box: phones, API and console are here, everything else is there.</summary>
    private static async Task<Laboratory> BringUpAsync(
        BoxLabOptions options,
        ILoggerFactory logs,
        OwnedStack owned,
        CancellationToken cancellationToken
    )
    {
        var (log, place) = (logs.CreateLogger("lab"), options.Place);
        // Another lab of this folder keeps its link.
        var state = owned.Push(StateFolder.Open(options.State));
        var clock = owned.Push(LabClock.Open(null, ClockRate.Real));
        var air = new SocketNic("phones", place.Controller);
        var phones = owned.Push(
            new PhoneFleet(clock, log, async (remote, calledOff) => new ConnectionStream(await air.ConnectAsync(remote, calledOff)))
        );
        var api = owned.Push(
            await LabApi.StartAsync(
                options.LabPort,
                clock,
                phones,
                log,
                lan: options.LabListen,
                cancellationToken: cancellationToken,
                listeners: new LabListeners(LabConnections.Share().Lab)
            )
        );
        var cloud = new PushCloud(phones, clock);
        var unit = owned.Push(
            await RemoteUnit.StartAsync(
                place,
                board => LabBoard.DefaultConfiguration(BoardOf(board, place.Network), null),
                Personality.Default.Name,
                push => cloud.SendAsync(push, CancellationToken.None).AsTask()
            )
        );
        var switchedOff = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        api.Page.Board = place.Name;
        api.Panel = unit.Panel;
        phones.Attach(unit);
        owned.Push(ConsoleSocket.Listen(state.Path, unit, log));
        unit.GoingDown += api.Detach;
        unit.Up += () => api.Attach(unit);
        unit.Off += failure => SwitchOff(switchedOff, failure);
        api.Attach(unit);
        // Delivers what the unit reported before there was a handler.
        unit.Follow();
        return new Laboratory(owned, switchedOff, clock, api, unit);
    }

    /// <summary>The box's board with the addresses of a network; null for those that the board has.</summary>
    private static Board BoardOf(LinkBoard linked, string? network) =>
        LabBoard.In(
            new Board(
                linked.Board,
                [.. linked.Nics.Select(nic => new BoardNic(nic.Name, System.Net.IPAddress.Parse(nic.Address), nic.PrefixLength))]
            ),
            network
        );

    private static void SwitchOff(TaskCompletionSource switchedOff, Exception? failure)
    {
        if (failure is null)
        {
            switchedOff.TrySetResult();
        }
        else
        {
            switchedOff.TrySetException(LabFailure.From(failure) ?? failure);
        }
    }

    private static IReadOnlyList<string> ReportOf(string file, string text, LabOptions options, Board board, BuiltLab built) =>
        built.Power is { Unit.Config: { IsFirst: true } config }
            ?
            [
                .. RestoreReport
                    .Of(file, text, options.Personality ?? Personality.Default, board.Name, new(null, config.Ignored))
                    .Lined(),
            ]
            : [];
}
