using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Http;
using Appliance.Firmware.Network;
using Appliance.Lab.Messages;
using Appliance.Lab.Page;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab.Api;

/// <summary>
/// The lab's HTTP API, on loopback and for this machine only. No path of it is part of the appliance. One switch over method and path
/// routes the requests, because the routes are then visible in one place.
/// </summary>
public sealed partial class LabApi : IAsyncDisposable
{
    private const int MostEvents = 1000;
    private const long LongestWaitSeconds = 300;
    private const double LongestAdvanceSeconds = 366d * 24 * 3600;

    private readonly LabClock _clock;
    private readonly PhoneFleet _phones;
    private readonly ILogger _log;
    private readonly LabFaults _faults;
    private readonly CancellationTokenSource _stopping = new();
    private WebApplication? _server;
    private volatile ILabUnit? _unit;

    /// <summary>Creates an API that does not listen yet.</summary>
    internal LabApi(LabClock clock, PhoneFleet phones, ILogger log, LabFaults? faults, LabInbox? inbox = null)
    {
        _clock = clock;
        _phones = phones;
        _log = log;
        _faults = faults ?? new LabFaults(clock);
        Inbox = inbox ?? new LabInbox();
        Page = new PageServer(clock, phones, _faults, Inbox, () => Panel.Value);
    }

    /// <summary>The mail and the text messages of the lab.</summary>
    public LabInbox Inbox { get; }

    /// <summary>The FortiAuthenticator emulator; null in a lab without one.</summary>
    public FacPower? Authenticator { get; set; }

    /// <summary>The address of the listener; port 0 before it listens.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1:0/");

    /// <summary>Opens the listener; port 0 selects a free port. Answers 503 until <see cref="Attach"/>.</summary>
    /// <param name="port">The port on loopback.</param>
    /// <param name="clock">The lab's clock.</param>
    /// <param name="phones">The lab's phones.</param>
    /// <param name="log">Receives messages of the tool itself.</param>
    /// <param name="faults">The lab's faults; null if there are none.</param>
    /// <param name="lan">The HTTPS address for phones of the network; null if there is none.</param>
    /// <param name="listeners">Limits the connections; null for no limit.</param>
    /// <param name="inbox">The lab's inbox; null for an empty one.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="LabFailure">A port is in use.</exception>
    public static async Task<LabApi> StartAsync(
        int port,
        LabClock clock,
        PhoneFleet phones,
        ILogger log,
        LabFaults? faults = null,
        IPEndPoint? lan = null,
        LabListeners? listeners = null,
        LabInbox? inbox = null,
        CancellationToken cancellationToken = default
    )
    {
        var api = new LabApi(clock, phones, log, faults, inbox);
        // LabRequest checks its own limit and names it; this larger one is a safety net.
        var builder = EmbeddedServer.Prepare(
            listeners ?? new LabListeners(),
            LabRequest.MaxBody * 2,
            kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, port);
                api.ListenLan(kestrel, lan);
            }
        );
        api._server = builder.Build();
        api._server.UseWebSockets();
        api._server.Run(api.HandleAsync);
        try
        {
            await api._server.StartAsync(cancellationToken);
        }
        catch (Exception busy) when (busy is IOException or System.Net.Sockets.SocketException)
        {
            await api.DisposeAsync();
            throw new LabFailure(
                FailureKind.Busy,
                lan is null
                    ? $"lab API: 127.0.0.1:{port} is in use (choose another with --lab-port)"
                    : $"lab API: 127.0.0.1:{port}, or {lan} of --lab-listen, is in use or not here: {busy.Message}",
                busy
            );
        }
        var addresses = api
            ._server.Services.GetRequiredService<IServer>()
            .Features.GetRequiredFeature<IServerAddressesFeature>()
            .Addresses.Select(address => new Uri(address))
            .ToArray();
        api.Address = addresses.First(address => address.Scheme == Uri.UriSchemeHttp);
        api.Page.Lan = addresses.FirstOrDefault(address => address.Scheme == Uri.UriSchemeHttps);
        return api;
    }

    /// <summary>Connects the API to a unit whose listeners are all open.</summary>
    public void Attach(ILabUnit unit)
    {
        _unit = unit;
        Page.Attach(unit);
    }

    /// <summary>Disconnects the API from the unit: 503 until <see cref="Attach"/>.</summary>
    public void Detach()
    {
        _unit = null;
        Page.Detach();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Page.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
        _lanCertificate?.Dispose();
        _scenario.Dispose();
        _stopping.Dispose();
    }

    /// <summary>The page server.</summary>
    internal PageServer Page { get; }

    /// <summary>The box's front panel, also while the unit restarts.</summary>
    internal Offer<LabPanel> Panel { get; set; } = MissingPart.Here("this board has no panel");

    /// <summary>Serves one request.</summary>
    internal async Task HandleAsync(HttpContext context)
    {
        try
        {
            CheckCaller(context.Request);
            if (MediaType.RefusalOf(context.Request.Headers) is { } coded)
            {
                throw new LabProblem(coded, "the body must not be compressed, and have no transfer coding but chunked");
            }
            var path = (context.Request.Path.Value ?? "").Split('/');
            if (await Page.TryAsync(context, path) || (context.Request.IsHttps && await LanAsync(context, path)))
            {
                return;
            }
            if (PanelApi.Serves(context.Request.Path))
            {
                await On(context, PanelApi.For(context, Panel));
                return;
            }
            await RouteAsync(
                context,
                path,
                _unit ?? throw new LabProblem(StatusCodes.Status503ServiceUnavailable, "the appliance is starting")
            );
        }
        catch (LabProblem problem)
        {
            await ProblemAsync(context, problem.Status, problem.Message, problem.ErrorCode);
        }
        catch (BadHttpRequestException bad)
        {
            await ProblemAsync(context, bad.StatusCode, bad.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested || _stopping.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (Exception ours)
        {
            _log.LogError(ours, "lab API: {Method} {Path}", context.Request.Method, context.Request.Path);
            await ProblemAsync(context, StatusCodes.Status500InternalServerError, "internal error of the lab; see its log");
        }
    }

    private Task RouteAsync(HttpContext context, string[] path, ILabUnit unit)
    {
        return path switch
        {
            ["", "lab", "ready"] => On(context, ("GET", () => ReadyAsync(context, unit))),
            ["", "lab", "cli"] => On(context, ("POST", () => CliAsync(context, unit))),
            ["", "lab", "phones"] => On(context, ("GET", () => PhonesAsync(context)), ("POST", () => EnrolAsync(context))),
            ["", "lab", "phones", var serial] => On(context, ("PUT", () => ChangePhoneAsync(context, Find(serial)))),
            ["", "lab", "phones", var serial, "approve"] => On(context, ("POST", () => AnswerAsync(context, Find(serial), approve: true))),
            ["", "lab", "phones", var serial, "deny"] => On(context, ("POST", () => AnswerAsync(context, Find(serial), approve: false))),
            ["", "lab", "inbox"] => On(context, ("GET", () => InboxAsync(context)), ("DELETE", () => EmptyInboxAsync(context))),
            ["", "lab", "policy"] => On(
                context,
                ("GET", () => PolicyAsync(context, unit)),
                ("PUT", () => ChangePolicyAsync(context, unit))
            ),
            ["", "lab", "logins"] => On(context, ("GET", () => LoginsAsync(context, unit))),
            ["", "lab", "logins", var id] => On(context, ("GET", () => LoginAsync(context, unit, id))),
            ["", "lab", "card"] => On(context, ("GET", () => Page.CardsAsync(context))),
            ["", "lab", "card", var enrolment] => On(context, ("GET", () => Page.CardAsync(context, enrolment))),
            ["", "lab", "card", var enrolment, "approve"] => On(
                context,
                ("POST", () => AnswerAsync(context, Page.Card(context, enrolment), approve: true))
            ),
            ["", "lab", "card", var enrolment, "deny"] => On(
                context,
                ("POST", () => AnswerAsync(context, Page.Card(context, enrolment), approve: false))
            ),
            ["", "lab", "nics"] => On(context, ("GET", () => NicsAsync(context, unit))),
            ["", "lab", "nics", var name] => On(context, ("PUT", () => ChangeNicAsync(context, unit, unit.Cables.Get(), name))),
            ["", "lab", "scenarios", var name] => On(context, ("POST", () => RunScenarioAsync(context, name))),
            ["", "lab", "console"] => On(context, ("GET", () => Page.ConsoleAsync(context, unit))),
            ["", "lab", "clock"] => On(
                context,
                ("GET", () => ClockAsync(context)),
                ("POST", () => ChangeClockAsync(context, unit, unit.Clock.Get()))
            ),
            ["", "lab", "events"] => On(context, ("GET", () => EventsAsync(context, unit.EventsAfter, unit.WaitForEventAfterAsync))),
            ["", "lab", "fac"] => On(context, ("GET", () => FacAsync(context, Fac()))),
            ["", "lab", "fac", "events"] => On(
                context,
                ("GET", () => EventsAsync(context, Fac().EventsAfter, Fac().WaitForEventAfterAsync))
            ),
            ["", "lab", "metrics"] => On(context, ("GET", () => MetricsAsync(context, unit.Metrics.Get()))),
            ["", "lab", "process"] => On(context, ("GET", () => ProcessAsync(context))),
            ["", "lab", "faults"] => On(
                context,
                ("GET", () => FaultsAsync(context)),
                ("PUT", () => ChangeFaultsAsync(context, unit))
            ),
            _ => throw LabProblem.NotFound($"no such path: {context.Request.Path.Value}"),
        };
    }

    private static Task On(HttpContext context, params (string Method, Func<Task> Handle)[] methods)
    {
        foreach (var (method, handle) in methods)
        {
            if (context.Request.Method == method)
            {
                return handle();
            }
        }
        var allowed = string.Join(", ", methods.Select(method => method.Method));
        context.Response.Headers.Allow = allowed;
        throw new LabProblem(StatusCodes.Status405MethodNotAllowed, $"{context.Request.Method} is not allowed here; allowed: {allowed}");
    }

    private Task ReadyAsync(HttpContext context, ILabUnit unit)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, ReadyJson.Of(unit, Address), LabJson.Default.ReadyJson);
    }

    private static async Task CliAsync(HttpContext context, ILabUnit unit)
    {
        LabRequest.Query(context.Request);
        var transcript = await unit.Console.Get().TranscriptAsync(await LabRequest.TextAsync(context.Request), context.RequestAborted);
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(transcript, context.RequestAborted);
    }

    private static Task MetricsAsync(HttpContext context, Meter meter)
    {
        LabRequest.Query(context.Request);
        context.Response.ContentType = MetricsText.ContentType;
        return context.Response.WriteAsync(MetricsText.Of(meter), context.RequestAborted);
    }

    private Task ClockAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, ClockJsonView.Of(_clock), LabJson.Default.ClockJsonView);
    }

    private static async Task ChangeClockAsync(HttpContext context, ILabUnit unit, LabClock clock)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, "advanceSeconds", "mode");
        if (fields.Count > 1)
        {
            throw LabProblem.Bad("give either advanceSeconds or mode");
        }
        try
        {
            ChangeClock(fields, unit, clock);
        }
        catch (IOException error)
        {
            throw new LabProblem(StatusCodes.Status500InternalServerError, $"{error.Message}; the clock is unchanged");
        }
        await JsonAsync(context, ClockJsonView.Of(clock), LabJson.Default.ClockJsonView);
    }

    private static void ChangeClock(Dictionary<string, JsonElement> fields, ILabUnit unit, LabClock clock)
    {
        if (fields.TryGetValue("mode", out var value))
        {
            var back = clock.SetRate(
                value is { ValueKind: JsonValueKind.String } mode && ClockRate.Parse(mode.GetString()!) is { } rate
                    ? rate
                    : throw LabProblem.Bad($"mode must be real, frozen or xN with N from 1 to {ClockRate.MaxFactor}")
            );
            if (back > TimeSpan.Zero)
            {
                unit.Faults.Value?.WriteEvent(ClockEvents.Returned(back));
            }
            return;
        }
        var by = TimeSpan.FromSeconds(LabRequest.Number(fields, "advanceSeconds", 0, LongestAdvanceSeconds));
        if (by > LabClock.Latest - clock.GetUtcNow())
        {
            throw LabProblem.Bad($"advanceSeconds would go beyond {LabClock.Latest:yyyy}");
        }
        clock.Advance(by);
    }

    private async Task EventsAsync(
        HttpContext context,
        Func<long, int, IReadOnlyList<EventRecord>> eventsAfter,
        Func<long, CancellationToken, Task> waitAsync
    )
    {
        var query = LabRequest.Query(context.Request, ("after", long.MaxValue), ("wait", LongestWaitSeconds));
        var after = query.GetValueOrDefault("after");
        var events = eventsAfter(after, MostEvents);
        if (events.Count == 0 && query.GetValueOrDefault("wait") is > 0 and var seconds)
        {
            // The request's time-out is real time, independent of the lab's clock.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), LabClock.Wall);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted, _stopping.Token);
            try
            {
                await waitAsync(after, either.Token);
            }
            catch (OperationCanceledException) when (patience.IsCancellationRequested)
            {
                // No event arrived in time: return an empty list.
            }
            events = eventsAfter(after, MostEvents);
        }
        await JsonAsync(context, [.. events.Select(EventJson.Of)], LabJson.Default.IReadOnlyListEventJson);
    }

    private static Task ProcessAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, ProcessJson.Now(), LabJson.Default.ProcessJson);
    }

    private async Task FaultsAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync(FaultText.Write(_faults.Faults).ToJsonString(), context.RequestAborted);
    }

    private async Task ChangeFaultsAsync(HttpContext context, ILabUnit unit)
    {
        unit.Faults.Get();
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, "faults");
        try
        {
            _faults.Set(FaultText.Read(fields["faults"]));
        }
        catch (FormatException wrong)
        {
            throw LabProblem.Bad(wrong.Message);
        }
        await FaultsAsync(context);
    }

    private static Task ProblemAsync(HttpContext context, int status, string detail, int? errorCode = null)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }
        context.Response.StatusCode = status;
        var problem = new ProblemJson(
            "about:blank",
            Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status),
            status,
            detail,
            errorCode
        );
        return JsonAsync(context, problem, LabJson.Default.ProblemJson, "application/problem+json");
    }

    internal static async Task JsonAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, string contentType = "application/json")
    {
        context.Response.ContentType = contentType;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type), context.RequestAborted);
    }
}
