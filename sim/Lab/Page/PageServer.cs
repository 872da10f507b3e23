using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Lab.Messages;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Page;

/// <summary>
/// The page beside the lab API: its files, its stream, its consoles, and the card of one phone. Phones of the network reach the card only.
/// </summary>
internal sealed class PageServer : IAsyncDisposable
{
    private const string Cookie = "lab-pairing";
    private const int PhonesMax = 200;
    private const int LettersMax = 50;

    private static readonly Lazy<IReadOnlyList<PageScenarioJson>> Scenarios = new(() =>
        [
            .. Scenario.Shipped.Select(name => new PageScenarioJson(
                name,
                ScenarioText.Read(name + Scenario.FileEnd, Scenario.ShippedText(name)!).Title
            )),
        ]
    );

    private readonly PhoneFleet _phones;
    private readonly LabFaults _faults;
    private readonly LabInbox _inbox;
    private readonly Func<LabPanel?> _panel;
    private readonly CancellationTokenSource _stopping = new();
    private readonly PageState _state;
    private readonly PageStream _stream;
    private readonly WebConsoles _consoles;
    private readonly PhonePairing _pairing = new(LabClock.Wall);
    private string _board = "";
    private Uri? _lan;
    private string? _info;

    /// <param name="clock">The lab's clock.</param>
    /// <param name="phones">The lab's phones.</param>
    /// <param name="faults">The lab's faults.</param>
    /// <param name="inbox">The lab's mail.</param>
    /// <param name="panel">Returns the front panel without its ports; null while, or if, there is none.</param>
    public PageServer(LabClock clock, PhoneFleet phones, LabFaults faults, LabInbox inbox, Func<LabPanel?> panel)
    {
        _phones = phones;
        _faults = faults;
        _inbox = inbox;
        _panel = panel;
        _state = new PageState(clock, Parts, phones.Wire);
        _stream = new PageStream(_state, clock, _stopping.Token);
        _consoles = new WebConsoles(_stopping.Token);
    }

    /// <summary>The board's name.</summary>
    public string Board
    {
        get => _board;
        set => (_board, _info) = (value, null);
    }

    /// <summary>The listener for phones of the network; null if there is none.</summary>
    public Uri? Lan
    {
        get => _lan;
        set => (_lan, _info) = (value, null);
    }

    /// <summary>The pairing code of such a phone.</summary>
    public string PairingCode => _pairing.Code;

    /// <summary>Connects the page to a unit that has started.</summary>
    public void Attach(ILabUnit unit) => _state.Attach(unit);

    /// <summary>Disconnects the page from the unit.</summary>
    public void Detach() => _state.Detach();

    /// <summary>Answers requests that need no unit; false if the path is not one of the page's.</summary>
    public async Task<bool> TryAsync(HttpContext context, string[] path)
    {
        switch (path)
        {
            case ["", ""] or ["", "console", _] when IsGet(context) && !context.Request.IsHttps:
            case ["", "phone", _] when IsGet(context):
                await PageFiles.Embedded.StartAsync(context);
                return true;
            case ["", "assets", var name] when IsGet(context):
                return await PageFiles.Embedded.FileAsync(context, "assets/" + name);
            case ["", "favicon.svg" or "licences.txt"] when IsGet(context):
                return await PageFiles.Embedded.FileAsync(context, path[1]);
            case ["", "lab", "stream"] when context.Request.Query.ContainsKey("phone"):
                CheckPaired(context);
                await _stream.ServePhoneAsync(context, () => Find(context.Request.Query["phone"].ToString()));
                return true;
            case ["", "lab", "stream"] when !context.Request.IsHttps:
                await _stream.ServeAsync(context);
                return true;
            default:
                return false;
        }
    }

    /// <summary><c>/lab/console</c>.</summary>
    public Task ConsoleAsync(HttpContext context, ILabUnit unit) => _consoles.ServeAsync(context, unit);

    /// <summary>
    /// <c>/lab/card/ENROLMENT/approve|deny</c>: the same as <c>/lab/phones/SERIAL/…</c>, for clients that have only the card's address.
    /// </summary>
    public Phone Card(HttpContext context, string enrolment)
    {
        CheckPaired(context);
        return Find(enrolment) ?? throw LabProblem.NotFound("no such phone; its address changes at each start of the lab");
    }

    /// <summary><c>GET /lab/card/ENROLMENT</c>: the current card.</summary>
    public async Task CardAsync(HttpContext context, string enrolment)
    {
        LabRequest.Query(context.Request);
        var phone = Card(context, enrolment);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(
            JsonSerializer.SerializeToUtf8Bytes(PagePhoneJson.Of(phone), PageJson.Default.PagePhoneJson),
            context.RequestAborted
        );
    }

    /// <summary><c>GET /lab/card</c>: an empty reply that shows that the client may request a card.</summary>
    public Task CardsAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        CheckPaired(context);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>Admits clients of this machine, and paired phones of the network.</summary>
    /// <exception cref="LabProblem">The client is not paired (401).</exception>
    public void CheckPaired(HttpContext context)
    {
        if (context.Request.IsHttps && !_pairing.IsPaired(context.Request.Cookies[Cookie]))
        {
            throw new LabProblem(
                StatusCodes.Status401Unauthorized,
                "this device is not paired: type the pairing code that the lab's page shows"
            );
        }
    }

    /// <summary><c>POST /lab/pair</c>, on the listener for phones of the network.</summary>
    public async Task PairAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, "code");
        if (_pairing.Pair(LabRequest.Text(fields, "code").Trim(), out var wait) is not { } cookie)
        {
            throw wait > TimeSpan.Zero
                ? new LabProblem(
                    StatusCodes.Status429TooManyRequests,
                    $"too many wrong codes; try again in {Math.Ceiling(wait.TotalSeconds)} seconds"
                )
                : new LabProblem(StatusCodes.Status403Forbidden, "this is not the pairing code that the lab shows");
        }
        context.Response.Cookies.Append(
            Cookie,
            cookie,
            new CookieOptions
            {
                HttpOnly = true,
                Secure = true,
                SameSite = SameSiteMode.Strict,
                Path = "/",
            }
        );
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _consoles.DisposeAsync();
        _stopping.Dispose();
    }

    private static bool IsGet(HttpContext context) => HttpMethods.IsGet(context.Request.Method);

    private Phone? Find(string enrolment) => _phones.Phones.FirstOrDefault(phone => phone.Enrolment == enrolment);

    private void Parts(ILabUnit? unit, Action<string, string> part)
    {
        part(
            "info",
            _info ??= JsonSerializer.Serialize(
                new PageInfoJson(
                    Board,
                    FaultWord.All.ToDictionary(
                        word => word.Name,
                        word => word.Options.Select(option => option.Field + (option.IsRequired ? "!" : "")).ToArray()
                    ),
                    Lan?.GetLeftPart(UriPartial.Authority),
                    Lan is null ? null : PairingCode,
                    Scenarios.Value
                ),
                PageJson.Default.PageInfoJson
            )
        );
        part("unit", JsonSerializer.Serialize(Unit(unit), PageJson.Default.PageUnitJson));
        part("panel", _panel() is { } panel ? JsonSerializer.Serialize(PanelJson.Of(panel), LabJson.Default.PanelJson) : "null");
        part("faults", FaultText.Write(_faults.Faults)["faults"]!.ToJsonString());
        part(
            "inbox",
            JsonSerializer.Serialize([.. _inbox.Letters.TakeLast(LettersMax).Select(Letter)], PageJson.Default.IReadOnlyListPageLetterJson)
        );
        if (unit is not null)
        {
            part("policy", JsonSerializer.Serialize(PolicyJson.Of(unit.LabPolicy), LabJson.Default.PolicyJson));
        }
        foreach (var phone in _phones.Phones.Take(PhonesMax))
        {
            part(
                "phone:" + JsonEncodedText.Encode(phone.Serial),
                JsonSerializer.Serialize(PagePhoneJson.Of(phone), PageJson.Default.PagePhoneJson)
            );
        }
    }

    private static PageUnitJson Unit(ILabUnit? unit) =>
        unit is null
            ? new(false, [], [], [], [])
            : new(
                true,
                [.. unit.Nics.Select(PageNicJson.Of)],
                [
                    .. unit.Services.Select(service => new ServiceJson(
                        service.Service,
                        service.Nic,
                        service.EndPoint.Address.ToString(),
                        service.EndPoint.Port
                    )),
                ],
                unit.Users,
                LoginLines.Of(unit)
            );

    private static PageLetterJson Letter(ReceivedLetter letter) =>
        new(letter.Id, letter.Time, letter.Kind == LetterKind.Sms ? "sms" : "mail", letter.To, letter.Subject, letter.Text, letter.Code);
}
