using System.Net;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Firmware;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Lab.Targets;

/// <summary>The simulator as a box: the appliance with interfaces, phones and mail in memory, and time that the scenario alone moves. No socket is opened.</summary>
internal sealed class SimulatedTarget
    : IScenarioTarget,
        ITargetClock,
        ITargetFaults,
        ITargetPhones,
        ITargetTimelines,
        ITargetCables,
        ITargetInbox,
        ITargetPolicy,
        ITargetPanel
{
    /// <summary>Every scenario begins at the start of a token's step.</summary>
    internal static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);

    private readonly Scenario _scenario;
    private readonly int _seed;
    private readonly Stack<IAsyncDisposable> _running = new();
    private readonly List<SimClient> _clients = [];
    private readonly List<SimNic> _nics = [];
    private readonly SimNetwork _network;
    private readonly LabInbox _inbox = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-scenario-");
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new StillWall(Start));
    private readonly SimClock _time;
    private LabFaults _faults = null!;
    private PhoneFleet _phones = null!;
    private FacPower? _authenticator;
    private LabPanel _panel = null!;
    private PanelRecord _shown = null!;
    private UnitPower _power = null!;
    private LabUnit _unit = null!;

    /// <param name="scenario">The scenario that it is for.</param>
    /// <param name="seed">The seed of all its random values.</param>
    public SimulatedTarget(Scenario scenario, int seed)
    {
        _scenario = scenario;
        _seed = seed;
        _clock.Work.OneByOne = true;
        // A datagram on its way is a piece of work, as all that goes on by itself.
        _network = new SimNetwork { HandlesAtOnce = true, Wire = (_, deliver) => WorkTracker.Run(_clock.Work, () => Delivered(deliver)) };
        _time = new SimClock(_clock, OpenEnds);
    }

    public ITargetClock Clock => this;

    public ITargetFaults Faults => this;

    public ITargetPhones Phones => this;

    public ITargetTimelines Timelines => this;

    public ITargetCables Cables => this;

    public ITargetInbox Inbox => this;

    public ITargetPolicy Policy => this;

    public ITargetPanel Panel => this;

    public bool HasSources => true;

    public bool HasAuthenticator => true;

    public IReadOnlyList<LabNic> Nics => _unit.Nics;

    public IReadOnlyList<BoundService> Services => _unit.Services;

    IReadOnlyList<FaultState> ITargetFaults.States => _faults.Faults;

    public IReadOnlyList<ReceivedLetter> Letters => _inbox.Letters;

    public IReadOnlyList<EventRecord> Events => _unit?.EventsAfter(0, int.MaxValue) ?? [];

    public long NewestLogin => _unit.Logins.Newest(1) is [var newest] ? newest.Id : 0;

    public async Task StartAsync()
    {
        _faults = Own(new LabFaults(_clock) { Step = _time.Step });
        var air = new SimNic(_network, "phones", ScenarioAddress.Phones);
        _phones = Own(
            new PhoneFleet(
                _clock,
                NullLogger.Instance,
                async (remote, cancellationToken) => new ConnectionStream(await air.ConnectAsync(remote, cancellationToken)),
                _faults
            )
        );
        var board = LabBoard.Simulated(Board.Load(LabBoard.File("desktop")), network: null);
        _panel = Own(new LabPanel(board, _clock));
        _shown = new PanelRecord(_panel.Front);
        _nics.AddRange(board.Nics.Select(nic => new SimNic(_network, nic.Name, nic.Address)));
        var cloud = new PushCloud(_phones, _clock, _faults);
        var settings = _scenario.Needs.Contains(ScenarioNeed.Authenticator)
            ? await AuthenticatorFile.OfAsync(LabBoard.File("desktop"), network: null, CancellationToken.None)
            : null;
        if (settings is not null)
        {
            var nic = new SimNic(_network, "fac", settings.Address);
            _authenticator = Own(
                await FacPower.StartAsync(
                    settings,
                    new FacOptions(nic, Path.Combine(_folder.FullName, "fac"), _clock, NullLogger.Instance, _faults),
                    cloud
                )
            );
        }
        var configuration =
            LabBoard.DefaultConfiguration(_scenario.Personality)
            + (settings is null ? "" : LabBoard.AuthenticatorConfiguration(settings.Address))
            + _scenario.Config;
        var options = new UnitOptions(
            _folder.FullName,
            [.. _nics],
            _clock,
            cloud,
            configuration,
            NullLoggerFactory.Instance,
            _scenario.Personality
        )
        {
            SetClock = SetClock,
            Board = board,
            Panel = _shown,
            SerialNumber =
                "FGVMLAB"
                + (SeededNumbers.Of(_seed, "serial number") & int.MaxValue).ToString(
                    "D9",
                    System.Globalization.CultureInfo.InvariantCulture
                )[^9..],
            Numbers = Own(new SeededNumbers(_seed, "numbers in the log")),
        };
        _power = Own(await UnitPower.StartAsync(options, CancellationToken.None));
        _unit = Own(new LabUnit(_power.Unit, _authenticator, _clock));
        _power.GoingDown += () =>
        {
            _clock.Work.Begin();
            _unit.GoDown();
        };
        _power.Up += next =>
        {
            _unit.ComeUp(next);
            _clock.Work.End();
        };
        _power.Off += _ => _clock.Work.End();
        _phones.Attach(_unit);
        _faults.Attach(_unit);
        _faults.HasAuthenticator = _authenticator is not null;
        if (_unit.MailServer is { } mail)
        {
            Own(
                MailSink.Listen(
                    new SimNic(_network, "mail", mail.Address),
                    mail.Port,
                    _inbox,
                    () => _unit.SmsDomains,
                    _clock,
                    NullLogger.Instance
                )
            );
        }
        await SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // What waits for its turn is let go: nobody moves time on any more.
        _clock.Work.OneByOne = false;
        while (_clock.Work.StartNext()) { }
        foreach (var client in _clients)
        {
            client.Dispose();
        }
        while (_running.TryPop(out var part))
        {
            await part.DisposeAsync();
        }
        _clock.Dispose();
        _folder.Delete(recursive: true);
    }

    public async Task<string> CliAsync(string script)
    {
        Task<string>? transcript = null;
        WorkTracker.Run(_clock.Work, () => transcript = _unit.TranscriptAsync(script.EndsWith('\n') ? script : script + "\n"));
        await SettleAsync();
        return transcript is { IsCompleted: true }
            ? await transcript
            : throw new LabFailure(FailureKind.TimedOut, "the console waits for what only time brings, and no step goes on meanwhile");
    }

    public IScenarioClient NewClient(IPAddress from, IPEndPoint to)
    {
        var client = new SimClient(new SimNic(_network, "client", from), to, _unit.DeviceCa, _clock, _clock.Work, SettleAsync);
        _clients.Add(client);
        return client;
    }

    public async Task<bool> IsOpenAsync(IPEndPoint to)
    {
        try
        {
            await using var connection = await new SimNic(_network, "scan", ScenarioAddress.Phones).ConnectAsync(to);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public async Task AdvanceAsync(TimeSpan by) => await _time.AdvanceAsync(by);

    Task ITargetFaults.SetAsync(IReadOnlyList<Fault> faults)
    {
        _faults.Set(faults);
        return SettleAsync();
    }

    public Task SetLinkAsync(string nic, bool up)
    {
        _unit.SetLink(nic, up);
        return SettleAsync();
    }

    async Task ITargetPolicy.SetAsync(JsonElement change)
    {
        IUnitPolicy policy = _unit;
        await policy.SetAsync(PolicyText.Read(policy.Current, change));
        await SettleAsync();
    }

    public Task PressAsync(string button, bool down) =>
        (down ? _panel.Press(button, hold: null) : _panel.Release(button))
            ? SettleAsync()
            : throw new FormatException($"the panel has no button '{button}'");

    public Task PassAsync(TimeSpan time) => AdvanceAsync(time);

    public Task<string> LedAsync(string name) => Task.FromResult(LedOf(name).Pattern.ToString());

    public IReadOnlyList<string> LedShown(string name) => _shown.PatternsOf(LedOf(name).Name);

    public async Task RebootAsync()
    {
        _shown.Forget();
        await _unit.TranscriptAsync("execute reboot\ny\n");
        await SettleAsync();
    }

    public PhoneView? PhoneOf(string user) => UserPhones.Find(user)?.View();

    public Task ChangeAsync(string user, PhoneChange change)
    {
        UserPhones.Find(user)!.Change(change);
        return SettleAsync();
    }

    public async Task<PhoneAnswering?> AnswerAsync(string user, bool approve, string? number)
    {
        if (UserPhones.Find(user) is not { } phone || phone.View() is { Online: false } or { Pending: [] })
        {
            return null;
        }
        var answering = new PhoneAnswering();
        WorkTracker.Run(
            _clock.Work,
            async () => (answering.Answer, _) = await phone.AnswerOldestAsync(approve, CancellationToken.None, number)
        );
        await SettleAsync();
        return answering;
    }

    public async Task<string?> EnrolAsync(string code, string platform)
    {
        var refusal = await UserPhones.EnrolAsync(code, platform);
        await SettleAsync();
        return refusal;
    }

    public string? CodeOf(string user, int steps) => UserPhones.CodeOf(user, steps);

    public LoginTimeline? TimelineOf(long login) => _unit.Logins.Find(login);

    private async Task SettleAsync() => await _time.SettleAsync();

    private TargetPhones UserPhones => new(_phones, _clock);

    private PanelLed LedOf(string name) =>
        _panel.View().Leds.FirstOrDefault(led => led.Name == name) ?? throw new FormatException($"the panel has no LED '{name}'");

    private static Task Delivered(Action deliver)
    {
        deliver();
        return Task.CompletedTask;
    }

    private string? SetClock(DateTimeOffset to)
    {
        var by = to - _clock.GetUtcNow();
        if (by < TimeSpan.Zero || to > LabClock.Latest)
        {
            return "the lab's clock goes forward only, to the year 8999";
        }
        _time.Step(by);
        return null;
    }

    /// <summary>A client whose listener is gone, or whose cable is pulled, is about to lose its connection.</summary>
    private Task? OpenEnds() =>
        _clients
            .Where(client => client.Request is not null && _unit.Services.All(service => !service.EndPoint.Equals(client.To)))
            .Select(client => client.Request)
            .FirstOrDefault(request => request is not null);

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
