using System.Net;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Lab.Remote;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;
using Appliance.Link;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Lab.Targets;

/// <summary>
/// A target at the other end of a lab link: real time, real sockets, kernel devices. A call returns when no new observation was made for a
/// while, and expectations have a time limit.
/// </summary>
internal sealed class RemoteTarget : IScenarioTarget, ITargetPhones, ITargetTimelines, ITargetPolicy, ITargetInbox
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(40);

    /// <summary>Without a new observation for this time, the effects of a call are complete.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RebootMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PushMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(12);

    /// <summary>The time step of a new token, and a divisor of a minute.</summary>
    private static readonly TimeSpan TokenStep = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(2);

    private readonly ITargetSite _site;
    private readonly Scenario _scenario;
    private readonly List<RemoteClient> _clients = [];
    private readonly LabInbox _inbox = new();
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Real);
    private readonly PhoneFleet _phones;
    private readonly INic _air;
    private AgentClient _unit = null!;
    private SerialConsoleDriver? _console;
    private MailSink? _mail;
    private PanelTrace? _shown;

    /// <param name="site">The place of the box; it serves one target at a time.</param>
    /// <param name="scenario">The scenario that it is for.</param>
    public RemoteTarget(ITargetSite site, Scenario scenario)
    {
        _site = site;
        _scenario = scenario;
        _air = site.NicAt("phones", ScenarioAddress.Phones);
        Cables = site.Cables is { } cables ? new SettledCables(this, cables) : null;
        Panel = site.Panel is { } panel ? new TracedPanel(this, panel) : null;
        _phones = new PhoneFleet(
            _clock,
            NullLogger.Instance,
            async (remote, cancellationToken) => new ConnectionStream(await _air.ConnectAsync(remote, cancellationToken))
        );
    }

    public ITargetPhones Phones => this;

    public ITargetTimelines Timelines => this;

    public ITargetPolicy Policy => this;

    public ITargetInbox? Inbox => _site.Mail is null ? null : this;

    public ITargetCables? Cables { get; }

    public ITargetPanel? Panel { get; }

    public bool HasSources => _site.HasSources;

    public TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    public IReadOnlyList<LabNic> Nics => _unit.Nics;

    public IReadOnlyList<BoundService> Services => _unit.Services;

    public IReadOnlyList<ReceivedLetter> Letters => _inbox.Letters;

    public IReadOnlyList<EventRecord> Events => _unit?.Events ?? [];

    public long NewestLogin => _unit.Steps.Select(step => step.LoginId).DefaultIfEmpty().Max();

    public async Task StartAsync()
    {
        await _site.PrepareAsync();
        // Open the console before changing the unit, so that a failure leaves the unit unchanged.
        _console = _site.OpenConsole();
        if (_site.TakesOurTime)
        {
            // Every scenario begins at the start of a token's step, as in the simulator.
            _clock.Advance(SimulatedTarget.Start - _clock.GetUtcNow());
        }
        else if (_scenario.Steps.Any(step => step.Text("answer") == StepWord.Wait))
        {
            // A "please wait" must arrive within the same time step, so at least half of the step is left.
            var begun = TimeSpan.FromTicks(LabClock.Wall.GetUtcNow().Ticks % TokenStep.Ticks);
            await Task.Delay(begun < TokenStep / 2 ? TimeSpan.Zero : TokenStep - begun, LabClock.Wall);
        }
        var board = LabBoard.Simulated(Board.Load(LabBoard.File(_site.Board)), _site.Network);
        var configuration = LabBoard.DefaultConfiguration(board, _scenario.Personality) + Here(_scenario.Config);
        var cloud = new PushCloud(_phones, _clock);
        _unit = await AgentClient.StartAsync(
            await _site.LinkAsync(),
            new LinkStart(configuration, _scenario.Personality.Name, _site.TakesOurTime ? _clock.GetUtcNow() : null),
            push => cloud.SendAsync(push, CancellationToken.None).AsTask()
        );
        if (_console is not null)
        {
            await ProveAsync(_console);
        }
        _phones.Attach(_unit);
        if (_unit.MailServer is { } mail && _site.Mail is { } network)
        {
            _mail = MailSink.Listen(
                await network.NicAsync(mail.Address),
                mail.Port,
                _inbox,
                () => _unit.SmsDomains,
                _clock,
                NullLogger.Instance
            );
        }
        await SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        if (_console is not null)
        {
            await _console.DisposeAsync();
        }
        if (_unit is not null)
        {
            await _unit.DisposeAsync();
        }
        if (_mail is not null)
        {
            await _mail.DisposeAsync();
        }
        _phones.Dispose();
        _clock.Dispose();
    }

    public async Task<string> CliAsync(string script)
    {
        await UntilAsync(() => _unit.IsUp, RebootMax);
        var transcript = await TypeAsync(Here(script.EndsWith('\n') ? script : script + "\n"));
        await SettleAsync();
        return transcript.Replace(_site.Network + ".", LabBoard.UsualNetwork + ".", StringComparison.Ordinal);
    }

    public IScenarioClient NewClient(IPAddress from, IPEndPoint to)
    {
        var client = new RemoteClient(_site.NicAt("client", from), to, _unit.DeviceCa, _clock, SettleAsync);
        _clients.Add(client);
        return client;
    }

    public async Task<bool> IsOpenAsync(IPEndPoint to)
    {
        using var late = new CancellationTokenSource(ConnectMax, LabClock.Wall);
        try
        {
            await using var connection = await _air.ConnectAsync(to, late.Token);
            return true;
        }
        catch (Exception closed) when (closed is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    async Task ITargetPolicy.SetAsync(JsonElement change)
    {
        await _unit.SetPolicyAsync(PolicyText.Read(_unit.Policy, change));
        await SettleAsync();
    }

    public async Task PassAsync(TimeSpan time)
    {
        await Task.Delay(time, LabClock.Wall);
        await _unit.LookAsync();
    }

    public async Task RebootAsync()
    {
        var boots = _unit.Boots;
        using var up = new CancellationTokenSource();
        var watching = _site.Panel?.TraceAsync(up.Token);
        await TypeAsync("execute reboot\ny\n");
        var came = await UntilAsync(() => _unit.IsUp && _unit.Boots > boots, RebootMax);
        await up.CancelAsync();
        if (watching is not null)
        {
            _shown = await watching;
        }
        if (!came)
        {
            throw new LabFailure(FailureKind.TimedOut, $"the unit has not come up again within {RebootMax.TotalSeconds} s");
        }
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
        if (!await UntilAsync(() => UserPhones.Find(user)?.View() is { Online: true, Pending.Count: > 0 }, PushMax))
        {
            return null;
        }
        var answering = new PhoneAnswering();
        var call = CallAsync();
        await Task.WhenAny(call, Task.Delay(AnswerMax, LabClock.Wall));
        await SettleAsync();
        return answering;

        async Task CallAsync() =>
            (answering.Answer, _) = await UserPhones.Find(user)!.AnswerOldestAsync(approve, CancellationToken.None, number);
    }

    public async Task<string?> EnrolAsync(string code, string platform)
    {
        var refusal = await UserPhones.EnrolAsync(code, platform);
        await SettleAsync();
        return refusal;
    }

    public string? CodeOf(string user, int steps) => UserPhones.CodeOf(user, steps);

    public LoginTimeline? TimelineOf(long login)
    {
        LoginJournalStep[] steps = [.. _unit.Steps.Where(step => step.LoginId == login)];
        return steps.Length == 0 ? null : LoginTimeline.Of(login, steps);
    }

    public Task LookAgainAsync() => _unit.LookAsync();

    private string Here(string text) => text.Replace(LabBoard.UsualNetwork + ".", _site.Network + ".", StringComparison.Ordinal);

    private TargetPhones UserPhones => new(_phones, _clock);

    /// <summary>Runs lines at the console if it is wired to this machine, else over the link.</summary>
    private Task<string> TypeAsync(string script) => _console is not null ? _console.TranscriptAsync(script) : _unit.CliAsync(script);

    private async Task ProveAsync(SerialConsoleDriver console)
    {
        try
        {
            await console.ProveAsync(_unit.SayAsync);
        }
        catch (LinkException none)
        {
            throw new LabFailure(FailureKind.Missing, $"the console of the box: {none.Message}", none);
        }
    }

    private async Task SettleAsync()
    {
        var began = LabClock.Wall.GetTimestamp();
        var last = began;
        var seen = Seen();
        while (LabClock.Wall.GetElapsedTime(last) < Quiet && LabClock.Wall.GetElapsedTime(began) < SettleMax)
        {
            await Task.Delay(Between, LabClock.Wall);
            if (await _unit.LookAsync() | seen != (seen = Seen()))
            {
                last = LabClock.Wall.GetTimestamp();
            }
        }
    }

    /// <summary>The time of the last change on the controller's side.</summary>
    private (int Waiting, int Pushes, int Letters) Seen() =>
        (_clients.Count(client => client.Waits), _phones.Phones.Sum(phone => phone.View().Pending.Count), _inbox.Letters.Count);

    private async Task<bool> UntilAsync(Func<bool> so, TimeSpan atMost)
    {
        var began = LabClock.Wall.GetTimestamp();
        while (true)
        {
            await _unit.LookAsync();
            if (so())
            {
                return true;
            }
            if (LabClock.Wall.GetElapsedTime(began) > atMost)
            {
                return false;
            }
            await Task.Delay(Between, LabClock.Wall);
        }
    }

    /// <summary>Cables whose change is complete when the unit has noticed it.</summary>
    private sealed class SettledCables(RemoteTarget target, ISiteCables cables) : ITargetCables
    {
        public async Task SetLinkAsync(string nic, bool up)
        {
            await cables.SetAsync(nic, up);
            // The kernel reports a pulled cable up to a second late.
            await target.UntilAsync(() => target._unit.Nics.First(known => known.Name == nic).LinkUp == up, target.Patience);
            await target.SettleAsync();
        }
    }

    /// <summary>The panel, with the patterns that its LEDs had during the last restart.</summary>
    private sealed class TracedPanel(RemoteTarget target, PanelLines lines) : ITargetPanel
    {
        public Task PressAsync(string button, bool down) => lines.DriveAsync(button, down);

        public Task<string> LedAsync(string name) => lines.WatchAsync(name);

        public IReadOnlyList<string> LedShown(string name) => target._shown?.PatternsOf(name) ?? [];
    }
}
