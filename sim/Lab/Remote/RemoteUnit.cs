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
/// The window onto a unit at the other end of a lab link, and onto the next one after <c>execute reboot</c>. The agent tells at once that something changed; then it is
/// looked at.
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

    /// <summary>The unit goes down.</summary>
    public event Action? GoingDown;

    /// <summary>The next unit is up.</summary>
    public event Action? Up;

    /// <summary>No unit runs and none will: null after a shutdown, else why; the link broke, say.</summary>
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
    /// <param name="endpoint">Where it is.</param>
    /// <param name="configuration">What a fresh state boots.</param>
    /// <param name="personality">The release that a unit is which does not run yet.</param>
    /// <param name="push">Takes its pushes.</param>
    /// <exception cref="LabFailure">There is none, it does not let us in, or its unit does not come up.</exception>
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
                    // The phone may be of a token that is seconds old.
                    await linked.LookAsync();
                    return await push(message);
                },
                unit.Step
            );
            while (await unit._linked.LookAsync())
            {
                // Until all is told.
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

    /// <summary>From now on it is told what happens to the unit.</summary>
    public void Follow() => _following = FollowAsync();

    /// <summary>How many units have come up since the agent began.</summary>
    public int Boots => _linked.Boots;

    public Offer<IUnitConsole> Console => new(this);

    public Offer<IUnitPolicy> Policy => new(this);

    public Offer<IUnitCables> Cables => NotHere("its cables are pulled by hand");

    public Offer<IFaultTarget> Faults => NotHere("no faults can be set there");

    public Offer<LabClock> Clock => NotHere("its clock is its own, and nobody sets it by hand");

    public Offer<Meter> Metrics => NotHere("its metrics are not told over the lab link");

    /// <summary>Its front panel.</summary>
    public Offer<LabPanel> Panel => NotHere("its panel is seen and pressed there");

    public IReadOnlyList<TokenActivation> Activations() => _linked.Activations();

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) => ReachingAsync(() => _linked.EnrolAsync(phone));

    public Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default) =>
        ReachingAsync(async () =>
        {
            var transcript = await _linked.CliAsync(script).WaitAsync(cancellationToken);
            // Whoever asks next sees what this changed.
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
                // Not disposed of: whoever asked may still look at it.
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

    private MissingPart NotHere(string reason) => MissingPart.Elsewhere($"the unit is elsewhere ({_endpoint.Name}): {reason}");

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
            // Whoever runs the lab is told, and ends it; a lab that ends breaks it itself.
            if (!_ended.IsCancellationRequested)
            {
                Off?.Invoke(
                    broken is LabFailure
                        ? broken
                        : new LabFailure(
                            FailureKind.Missing,
                            $"{_endpoint.Name}: the link to the agent at {_endpoint.Agent} broke, or another controller took it over; the unit goes on, and the next up --box takes it up",
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

    /// <summary>Logins count from 1 again with each unit.</summary>
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
            throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"the unit cannot be asked now: {unreached.Message}");
        }
    }
}
