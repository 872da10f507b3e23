using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Panel;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Appliance.Link;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Remote;

/// <summary>
/// A unit at the other end of a lab link, and the next one after <c>execute reboot</c>. The agent reports immediately that the state
/// changed, and this type then reads it.
/// </summary>
internal sealed class RemoteUnit : ILabUnit, IUnitConsole, IUnitPolicy, IAsyncDisposable
{
    private readonly RemoteEndpoint _endpoint;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private AgentClient _linked = null!;
    private Task _following = Task.CompletedTask;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (string Shown, X509Certificate2 Certificate)? _certificate;
    private int _boot;
    private int _journalOf;
    private bool _wasUp = true;

    private RemoteUnit(RemoteEndpoint endpoint) => _endpoint = endpoint;

    /// <summary>Raised when the unit stops.</summary>
    public event Action? GoingDown;

    /// <summary>Raised when the next unit has started.</summary>
    public event Action? Up;

    /// <summary>Raised when no unit runs and none will start: null after a shutdown, else the reason, such as a broken link.</summary>
    public event Action<Exception?>? Off;

    public object Version => _linked.Version;

    public X509Certificate2 DeviceCa => _linked.DeviceCa;

    public IReadOnlyList<LabNic> Nics => _linked.Nics;

    public IReadOnlyList<BoundService> Services => _linked.Services;

    public IReadOnlyList<string> Users => _linked.Users;

    public LoginJournal Logins { get; private set; } = new();

    LabPolicy IUnitPolicy.Current => _linked.Policy;

    /// <summary>
    /// Connects to a unit's agent. A running unit continues; otherwise the previous state is started, and a fresh one as the ready-made lab.
    /// </summary>
    /// <param name="endpoint">The agent's address and key.</param>
    /// <param name="configuration">The configuration of a fresh state.</param>
    /// <param name="personality">The release profile of a unit that is started.</param>
    /// <param name="push">Receives its pushes.</param>
    /// <exception cref="LabFailure">No agent answers, it refuses the controller, or its unit does not start.</exception>
    public static async Task<RemoteUnit> StartAsync(
        RemoteEndpoint endpoint,
        Func<LinkBoard, string> configuration,
        string personality,
        Func<PushMessage, Task<PushResult>> push
    )
    {
        var unit = new RemoteUnit(endpoint);
        try
        {
            var link = await endpoint.EnterAsync();
            unit._linked = await AgentClient.StartAsync(
                link,
                board => new LinkStart(configuration(board), personality, null, Fresh: false),
                async (linked, message) =>
                {
                    // The token of the phone may have been created seconds ago.
                    await linked.LookAsync();
                    return await push(message);
                },
                unit.Step
            );
            while (await unit._linked.LookAsync())
            {
                // Until all changes are read.
            }
            unit._boot = unit._linked.Boots;
            unit.JournalOf(unit._boot);
            return unit;
        }
        catch (LinkException refused)
        {
            await unit.DisposeAsync();
            throw new LabFailure(FailureKind.Missing, $"{endpoint.Name}: the unit does not come up: {refused.Message}", refused);
        }
        catch
        {
            await unit.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts to raise the events of the unit.</summary>
    public void Follow() => _following = FollowAsync();

    /// <summary>The number of units that have started since the agent began.</summary>
    public int Boots => _linked.Boots;

    public Offer<IUnitConsole> Console => new(this);

    public Offer<IUnitPolicy> Policy => new(this);

    public Offer<IUnitCables> Cables => NotHere("cables cannot be changed");

    public Offer<IFaultTarget> Faults => NotHere("faults cannot be injected");

    public Offer<LabClock> Clock => NotHere("its clock cannot be commanded");

    public Offer<Meter> Metrics => NotHere("its metrics are not available over the lab link");

    /// <summary>Its front panel.</summary>
    public Offer<LabPanel> Panel => NotHere("its panel is not available over the lab link");

    public IReadOnlyList<TokenActivation> Activations() => _linked.Activations();

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) => ReachingAsync(() => _linked.EnrolAsync(phone));

    public Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default) =>
        ReachingAsync(async () =>
        {
            var transcript = await _linked.CliAsync(script).WaitAsync(cancellationToken);
            // The next reader sees this change.
            await _linked.LookAsync();
            return transcript;
        });

    public async Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken) =>
        await RunAsync(new LinkConsole(Terminal: false, echo, login), input, output, () => TerminalSize.Usual, cancellationToken);

    public Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    ) => RunAsync(new LinkConsole(Terminal: true, Echo: true, login), input, output, size, cancellationToken);

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => _linked.EventsAfter(id, limit);

    public async Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news;
            lock (_lock)
            {
                news = _news.Task;
            }
            if (_linked.EventsAfter(id, 1).Count > 0)
            {
                return;
            }
            await news.WaitAsync(cancellationToken);
        }
    }

    Task IUnitPolicy.SetAsync(LabPolicy policy) =>
        ReachingAsync(async () =>
        {
            await _linked.SetPolicyAsync(policy);
            return await _linked.LookAsync();
        });

    public X509Certificate2? ServiceCertificate(string service)
    {
        if (_linked.CertificateOf(service) is not { } shown)
        {
            return null;
        }
        lock (_lock)
        {
            if (_certificate?.Shown != shown)
            {
                // Not disposed: a reader may still use it.
                _certificate = (shown, X509CertificateLoader.LoadCertificate(Convert.FromBase64String(shown)));
            }
            return _certificate.Value.Certificate;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        if (_linked is not null)
        {
            await _linked.DisposeAsync();
        }
        await _following;
        _ended.Dispose();
    }

    private MissingPart NotHere(string reason) => MissingPart.Elsewhere($"the unit is remote ({_endpoint.Name}): {reason}");

    private async Task<ConsoleEnd> RunAsync(
        LinkConsole wanted,
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        CancellationToken cancellationToken
    )
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        await using var channel = await _linked.OpenConsoleAsync(either.Token);
        return await ControllerConsole.RunAsync(channel, wanted, input, output, size, either.Token);
    }

    private async Task FollowAsync()
    {
        try
        {
            for (long change = 0; !_ended.IsCancellationRequested;)
            {
                change = await _linked.ChangedAsync(change);
                await _linked.LookAsync();
                TellNews();
                TellPower();
                if (_linked.Off is { } off)
                {
                    Off?.Invoke(
                        off.Length == 0
                            ? null
                            : new LabFailure(FailureKind.Missing, $"{_endpoint.Name}: the unit does not come up again: {off}")
                    );
                    return;
                }
            }
        }
        catch (Exception broken)
        {
            // The owner of the lab ends it on this event. A lab that ends breaks the link itself.
            if (!_ended.IsCancellationRequested)
            {
                Off?.Invoke(
                    broken is LabFailure
                        ? broken
                        : new LabFailure(
                            FailureKind.Missing,
                            $"{_endpoint.Name}: the link to the agent at {_endpoint.Agent} broke, or another controller took over; the unit continues, and the next up --box resumes it",
                            broken
                        )
                );
            }
        }
    }

    private void TellNews()
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            (news, _news) = (_news, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        news.SetResult();
    }

    private void TellPower()
    {
        var (isUp, boots) = (_linked.IsUp, _linked.Boots);
        if (_wasUp && (!isUp || boots != _boot))
        {
            GoingDown?.Invoke();
        }
        if (isUp && (!_wasUp || boots != _boot))
        {
            JournalOf(boots);
            Up?.Invoke();
        }
        _wasUp = isUp;
        _boot = boots;
    }

    private void Step(int boot, LoginJournalStep step)
    {
        JournalOf(boot);
        Logins.Take(step);
    }

    /// <summary>Login ids begin at 1 again with each unit.</summary>
    private void JournalOf(int boot)
    {
        if (boot != _journalOf)
        {
            (_journalOf, Logins) = (boot, new LoginJournal());
        }
    }

    private static async Task<T> ReachingAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception unreached) when (unreached is IOException or ObjectDisposedException or LabFailure)
        {
            throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"the unit cannot be reached now: {unreached.Message}");
        }
    }
}
