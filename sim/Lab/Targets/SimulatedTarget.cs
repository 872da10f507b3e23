using System.Globalization;
using System.Net;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Firmware;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;

namespace Appliance.Lab.Targets;

/// <summary>
/// The simulator as a target: the appliance with interfaces, phones and mail in memory. Only the scenario moves its time, and no socket is
/// opened.
/// </summary>
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
    private readonly OwnedStack _owned = new();
    private readonly List<SimClient> _clients = [];
    private readonly SimNetwork _network;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-scenario-");
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new StillWall(Start));
    private readonly SimClock _time;
    private BuiltLab? _built;
    private PanelRecord? _shown;

    /// <param name="scenario">The scenario that it is for.</param>
    /// <param name="seed">The seed of all its random values.</param>
    public SimulatedTarget(Scenario scenario, int seed)
    {
        _scenario = scenario;
        _seed = seed;
        _clock.Work.OneByOne = true;
        // A datagram in transit counts as work, like every other background activity.
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

    public IReadOnlyList<LabNic> Nics => Appliance.Nics;

    public IReadOnlyList<BoundService> Services => Appliance.Services;

    IReadOnlyList<FaultState> ITargetFaults.States => Lab.Base.Faults.Faults;

    public IReadOnlyList<ReceivedLetter> Letters => Lab.Base.Inbox.Letters;

    public IReadOnlyList<EventRecord> Events => _built?.Unit.EventsAfter(0, int.MaxValue) ?? [];

    public long NewestLogin => Appliance.Logins.Newest(1) is [var newest] ? newest.Id : 0;

    public async Task StartAsync()
    {
        var board = LabBoard.Simulated(Board.Load(LabBoard.File("desktop")), network: null);
        var authenticator = _scenario.Needs.Contains(ScenarioNeed.Authenticator)
            ? await AuthenticatorFile.OfAsync(LabBoard.File("desktop"), network: null, CancellationToken.None)
            : null;
        var configuration =
            LabBoard.DefaultConfiguration(board, _scenario.Personality)
            + (authenticator is null ? "" : LabBoard.AuthenticatorConfiguration(authenticator.Address))
            + _scenario.Config;
        var parts = new LabParts(_clock, _network, _folder.FullName)
        {
            Step = _time.Step,
            PhoneAddress = ScenarioAddress.Phones,
            Authenticator = authenticator,
            Appliance = new ApplianceParts(board, configuration)
            {
                Personality = _scenario.Personality,
                SerialNumber = SerialNumberOf(_seed),
                Numbers = _owned.Push(new SeededNumbers(_seed, "numbers in the log")),
                OverPanel = panel => _shown = new PanelRecord(panel),
                GoingDown = _clock.Work.Begin,
                Up = _clock.Work.End,
                Off = _ => _clock.Work.End(),
            },
        };
        _built = await LabBuilder.StartAsync(parts, _owned);
        await SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // Release pending work, because time no longer moves.
        _clock.Work.OneByOne = false;
        while (_clock.Work.StartNext()) { }
        foreach (var client in _clients)
        {
            client.Dispose();
        }
        await _owned.DisposeAsync();
        _clock.Dispose();
        _folder.Delete(recursive: true);
    }

    public async Task<string> CliAsync(string script)
    {
        Task<string>? transcript = null;
        WorkTracker.Run(_clock.Work, () => transcript = Appliance.TranscriptAsync(script.EndsWith('\n') ? script : script + "\n"));
        await SettleAsync();
        return transcript is { IsCompleted: true }
            ? await transcript
            : throw new LabFailure(FailureKind.TimedOut, "the console waits for time to pass, which no step does");
    }

    public IScenarioClient NewClient(IPAddress from, IPEndPoint to)
    {
        var client = new SimClient(new SimNic(_network, "client", from), to, Appliance.DeviceCa, _clock, _clock.Work, SettleAsync);
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
        Lab.Base.Faults.Set(faults);
        return SettleAsync();
    }

    public Task SetLinkAsync(string nic, bool up)
    {
        Appliance.SetLink(nic, up);
        return SettleAsync();
    }

    async Task ITargetPolicy.SetAsync(JsonElement change)
    {
        IUnitPolicy policy = Appliance;
        await policy.SetAsync(PolicyText.Read(policy.Current, change));
        await SettleAsync();
    }

    public Task PressAsync(string button, bool down) =>
        (down ? Front.Press(button, hold: null) : Front.Release(button))
            ? SettleAsync()
            : throw new FormatException($"the panel has no button '{button}'");

    public Task PassAsync(TimeSpan time) => AdvanceAsync(time);

    public Task<string> LedAsync(string name) => Task.FromResult(LedOf(name).Pattern.ToString());

    public IReadOnlyList<string> LedShown(string name) => Shown.PatternsOf(LedOf(name).Name);

    public async Task RebootAsync()
    {
        Shown.Forget();
        await Appliance.TranscriptAsync("execute reboot\ny\n");
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

    public LoginTimeline? TimelineOf(long login) => Appliance.Logins.Find(login);

    private async Task SettleAsync() => await _time.SettleAsync();

    private TargetPhones UserPhones => new(Lab.Base.Phones, _clock);

    private BuiltLab Lab => _built ?? throw new InvalidOperationException("the lab has not started");

    private LabUnit Appliance => Lab.Appliance ?? throw new InvalidOperationException("the lab has no appliance");

    private LabPanel Front => Lab.Base.Panel ?? throw new InvalidOperationException("the board has no panel");

    private PanelRecord Shown => _shown ?? throw new InvalidOperationException("the board has no panel");

    private PanelLed LedOf(string name) =>
        Front.View().Leds.FirstOrDefault(led => led.Name == name) ?? throw new FormatException($"the panel has no LED '{name}'");

    private static Task Delivered(Action deliver)
    {
        deliver();
        return Task.CompletedTask;
    }

    private static string SerialNumberOf(int seed)
    {
        var number = (SeededNumbers.Of(seed, "serial number") & int.MaxValue).ToString("D9", CultureInfo.InvariantCulture);
        return "FGVMLAB" + number[^9..];
    }

    /// <summary>True for a client whose listener is closed or whose cable is pulled: it is about to lose its connection.</summary>
    private Task? OpenEnds() =>
        _clients
            .Where(client => client.Request is not null && Appliance.Services.All(service => !service.EndPoint.Equals(client.To)))
            .Select(client => client.Request)
            .FirstOrDefault(request => request is not null);
}
