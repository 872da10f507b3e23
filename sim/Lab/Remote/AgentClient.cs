using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Phones;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;
using Appliance.Lab.Units;
using Appliance.Link;
using Nerdbank.Streams;

namespace Appliance.Lab.Remote;

/// <summary>The unit at the other end of a lab link, in its last reported state.</summary>
internal sealed class AgentClient : IPhoneSource, IAsyncDisposable
{
    /// <summary>True if the box is emulated: starting a unit takes seconds there.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The number of stored events and login steps; beyond it the oldest half is removed.</summary>
    private const int RememberedMax = 20_000;

    private readonly Stream _connection;
    private readonly MultiplexingStream _link;
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _looking = new(1, 1);
    private readonly List<EventRecord> _events = [];
    private readonly List<LoginJournalStep> _steps = [];

    /// <summary>Called for each step of a login, with the unit that reported it.</summary>
    private readonly Action<int, LoginJournalStep>? _stepped;
    private bool _timeFirst;
    private long _lastEvent;
    private long _stepsTold;
    private LinkState _state = null!;

    private AgentClient(Stream connection, MultiplexingStream link, Action<int, LoginJournalStep>? stepped)
    {
        _connection = connection;
        _link = link;
        _stepped = stepped;
    }

    public IReadOnlyList<LabNic> Nics =>
        [.. _state.Nics.Select(nic => new LabNic(nic.Name, IPAddress.Parse(nic.Address), nic.AllowAccess, nic.LinkUp))];

    public IReadOnlyList<BoundService> Services =>
        [.. _state.Services.Select(service => new BoundService(service.Service, service.Nic, IPEndPoint.Parse(service.EndPoint)))];

    public IPEndPoint? MailServer => _state.Mail is { } mail ? IPEndPoint.Parse(mail) : null;

    public IReadOnlySet<string> SmsDomains => _state.SmsDomains.ToHashSet(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<string> Users => _state.Users;

    /// <summary>Returns the certificate of a service, DER in base64; null while it has none.</summary>
    public string? CertificateOf(string service) => _state.Services.FirstOrDefault(known => known.Service == service)?.Certificate;

    /// <summary>The reason why no unit runs or will start: empty after a shutdown; null while one runs or starts.</summary>
    public string? Off => _state.Off;

    public LabPolicy Policy => _state.Policy;

    /// <summary>The number of units that have started.</summary>
    public int Boots => _state.Boots;

    public bool IsUp => _state.Up;

    public IReadOnlyList<EventRecord> Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Returns at most this many events after an id, oldest first.</summary>
    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit)
    {
        lock (_events)
        {
            var at = _events.Count;
            while (at > 0 && _events[at - 1].Id > id)
            {
                at--;
            }
            return _events.GetRange(at, Math.Min(limit, _events.Count - at));
        }
    }

    public IReadOnlyList<LoginJournalStep> Steps
    {
        get
        {
            lock (_steps)
            {
                return [.. _steps];
            }
        }
    }

    public object Version { get; private set; } = new();

    public X509Certificate2 DeviceCa { get; private set; } = null!;

    /// <summary>Connects to the agent and starts a unit with a fresh state.</summary>
    /// <exception cref="LinkException">The unit does not start.</exception>
    public static Task<AgentClient> StartAsync(Stream connection, LinkStart start, Func<PushMessage, Task<PushResult>> push) =>
        StartAsync(connection, _ => start, (_, message) => push(message));

    /// <summary>Connects to the agent and starts a unit with settings that depend on the box.</summary>
    public static async Task<AgentClient> StartAsync(
        Stream connection,
        Func<LinkBoard, LinkStart> start,
        Func<AgentClient, PushMessage, Task<PushResult>> push,
        Action<int, LoginJournalStep>? stepped = null
    )
    {
        var unit = new AgentClient(connection, MultiplexingStream.Create(connection), stepped);
        try
        {
            _ = LinkProtocol.ServeAsync(
                unit._link,
                LinkProtocol.Push,
                LinkJson.Default.LinkPush,
                LinkJson.Default.PushResult,
                sent =>
                    push(
                        unit,
                        new PushMessage(
                            sent.Recipient,
                            sent.TokenSerial,
                            sent.SessionId,
                            sent.CallbackHost,
                            sent.CallbackPort,
                            sent.User,
                            IPAddress.Parse(sent.ClientAddress),
                            sent.Time,
                            sent.Expires,
                            sent.OsVersion,
                            sent.NumberMatch
                        )
                    ),
                unit._ended.Token
            );
            var begin = start(await unit.CallAsync(LinkProtocol.Board, "", LinkJson.Default.String, LinkJson.Default.LinkBoard));
            unit._timeFirst = EventDevice.IsTimeFirst((Personality.Find(begin.Personality) ?? Personality.Default).Release);
            unit.Take(await unit.CallAsync(LinkProtocol.Start, begin, LinkJson.Default.LinkStart, LinkJson.Default.LinkState));
            return unit;
        }
        catch
        {
            await unit.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads the unit's state again; true if something changed.</summary>
    public async Task<bool> LookAsync()
    {
        await _looking.WaitAsync();
        try
        {
            return Take(
                await CallAsync(
                    LinkProtocol.State,
                    new LinkAsk(_lastEvent, _stepsTold),
                    LinkJson.Default.LinkAsk,
                    LinkJson.Default.LinkState
                )
            );
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>
    /// Returns the number of changes, after it exceeds the given number or after a while. A read of the state then shows the changes.
    /// </summary>
    public async Task<long> ChangedAsync(long since) =>
        (
            await CallAsync(
                LinkProtocol.Wait,
                new LinkAsk(long.MaxValue, long.MaxValue, since),
                LinkJson.Default.LinkAsk,
                LinkJson.Default.LinkState
            )
        ).Change;

    /// <summary>Opens the channel of a console.</summary>
    public async Task<Stream> OpenConsoleAsync(CancellationToken cancellationToken) =>
        (await _link.OfferChannelAsync(LinkProtocol.Console, cancellationToken)).AsStream();

    public Task<string> CliAsync(string script) => CallAsync(LinkProtocol.Cli, script, LinkJson.Default.String, LinkJson.Default.String);

    /// <summary>Displays a word at the console port.</summary>
    /// <exception cref="LinkException">The box serves no console port.</exception>
    public Task SayAsync(string word) => CallAsync(LinkProtocol.Say, word, LinkJson.Default.String, LinkJson.Default.String);

    public Task SetPolicyAsync(LabPolicy policy) =>
        CallAsync(LinkProtocol.SetPolicy, policy, LinkJson.Default.LabPolicy, LinkJson.Default.LinkState);

    public IReadOnlyList<TokenActivation> Activations() =>
        [
            .. _state.Phones.Select(phone => new TokenActivation(
                phone.Serial,
                phone.Seed,
                phone.Step,
                phone.Digits,
                phone.RegistrationId,
                phone.OsVersion,
                phone.User
            )),
        ];

    public async Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone)
    {
        var answer = await CallAsync(
            LinkProtocol.Enrol,
            new LinkEnrol(phone.ActivationCode, phone.RegistrationId, phone.OsVersion),
            LinkJson.Default.LinkEnrol,
            LinkJson.Default.LinkEnrolled
        );
        await LookAsync();
        return new EnrolmentAnswer(answer.ErrorCode, answer.Message, answer.Serial);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _link.DisposeAsync();
        await _connection.DisposeAsync();
        DeviceCa?.Dispose();
    }

    private async Task<TAnswer> CallAsync<TQuestion, TAnswer>(
        string call,
        TQuestion question,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<TQuestion> questionType,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> answerType
    )
    {
        using var late = new CancellationTokenSource(Patience, LabClock.Wall);
        try
        {
            return await LinkProtocol.CallAsync(_link, call, question, questionType, answerType, late.Token);
        }
        catch (OperationCanceledException silent) when (late.IsCancellationRequested)
        {
            throw new LabFailure(FailureKind.TimedOut, $"the box has not answered '{call}' for {Patience.TotalSeconds} s", silent);
        }
        catch (OperationCanceledException)
        {
            // A channel reports a broken link like this.
            throw new LinkException($"{call}: the link broke");
        }
    }

    private bool Take(LinkState state)
    {
        LinkState? before = _state;
        _state = state;
        if (!state.Up)
        {
            return before?.Up == true;
        }
        if (DeviceCa is null || !DeviceCa.RawDataMemory.Span.SequenceEqual(state.DeviceCa))
        {
            DeviceCa = X509CertificateLoader.LoadCertificate(state.DeviceCa);
        }
        if (before is null || before.Version != state.Version || before.Boots != state.Boots)
        {
            Version = new object();
        }
        lock (_steps)
        {
            Forget(_steps);
            _steps.AddRange(state.Steps.Select(step => new LoginJournalStep(step.Login, step.Time, step.Fact)));
            _stepsTold = state.StepsTold;
        }
        foreach (var step in state.Steps)
        {
            _stepped?.Invoke(step.Boot, new LoginJournalStep(step.Login, step.Time, step.Fact));
        }
        lock (_events)
        {
            Forget(_events);
            _events.AddRange(
                state.Events.Select(told => new EventRecord(
                    told.Id,
                    told.Time,
                    new EventEntry(
                        told.LogId,
                        told.Subtype,
                        (EventLevel)told.Level,
                        told.Description,
                        [.. told.Fields.Select(field => (field.Key, field.Value))]
                    ),
                    new EventDevice(state.Host, state.Serial, _timeFirst)
                ))
            );
            _lastEvent = _events.Count > 0 ? _events[^1].Id : 0;
        }
        return before is null
            || state.Steps.Count + state.Events.Count > 0
            || before.Version != state.Version
            || !before.Services.SequenceEqual(state.Services)
            || before.Nics.Zip(state.Nics).Any(pair => pair.First.LinkUp != pair.Second.LinkUp);
    }

    private static void Forget<T>(List<T> known)
    {
        if (known.Count > RememberedMax)
        {
            known.RemoveRange(0, RememberedMax / 2);
        }
    }
}
