using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Doubles.Wire;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;

namespace Appliance.Lab.Page;

/// <summary>An interface as the page draws it.</summary>
internal sealed record PageNicJson(
    string Name,
    string Address,
    [property: JsonPropertyName("allowaccess")] IReadOnlyList<string> AllowAccess,
    bool Link,
    long Accepted,
    int Live
)
{
    public static PageNicJson Of(LabNic nic) => new(nic.Name, nic.Address.ToString(), nic.AllowAccess, nic.LinkUp, nic.Accepted, nic.Live);
}

/// <summary>The box. <c>up</c> is false while it restarts; <c>login</c> contains lines to copy.</summary>
internal sealed record PageUnitJson(
    bool Up,
    IReadOnlyList<PageNicJson> Nics,
    IReadOnlyList<ServiceJson> Services,
    IReadOnlyList<string> Users,
    IReadOnlyList<string> Login
);

/// <summary>A push on a card. <c>id</c> is the beginning of its session, by which the page distinguishes pushes.</summary>
internal sealed record PagePushJson(string Id, string User, string From, DateTimeOffset Time, DateTimeOffset Expires, bool NumberMatch);

/// <summary>A phone's card. <c>enrolment</c> is the unguessable address of this card.</summary>
internal sealed record PagePhoneJson(
    string Serial,
    string Enrolment,
    string? User,
    string Platform,
    string Mode,
    double DelayMs,
    double SkewSeconds,
    bool Online,
    string Code,
    int StepSeconds,
    bool Push,
    IReadOnlyList<PagePushJson> Pending,
    LastAnswerJson? LastAnswer
)
{
    private const int IdLength = 8;

    public static PagePhoneJson Of(Phone phone)
    {
        var view = phone.View();
        return new(
            view.Serial,
            phone.Enrolment,
            view.User,
            view.Platform,
            PhoneJson.ModeWord(view.Mode),
            view.Delay.TotalMilliseconds,
            view.Skew.TotalSeconds,
            view.Online,
            view.Code,
            (int)phone.Step.TotalSeconds,
            phone.HasPush,
            [
                .. view.Pending.Select(push => new PagePushJson(
                    push.Session[..IdLength],
                    push.User,
                    push.From.ToString(),
                    push.Time,
                    push.Expires,
                    push.NumberMatch
                )),
            ],
            LastAnswerJson.Of(view.LastAnswer) is { } last ? last with { Session = last.Session[..IdLength] } : null
        );
    }
}

/// <summary>The lab's time when the message is sent. The page continues from it at <c>factor</c> (0 is stopped).</summary>
internal sealed record PageClockJson(DateTimeOffset Now, string Mode, int Factor)
{
    public static PageClockJson Of(LabClock clock)
    {
        var rate = clock.Rate;
        return new(clock.GetUtcNow(), rate.ToString(), rate.Mode == ClockMode.Frozen ? 0 : rate.Factor);
    }
}

/// <summary>An e-mail or text message without its picture.</summary>
internal sealed record PageLetterJson(long Id, DateTimeOffset Time, string Kind, string To, string Subject, string Text, string? Code);

/// <summary>Constants of the program.</summary>
/// <param name="Board">The board's name.</param>
/// <param name="Words">Every fault word with its additional fields; an exclamation mark marks required ones.</param>
/// <param name="Lan">The listener for phones of the network; null if there is none.</param>
/// <param name="PairingCode">The pairing code of such a phone; null without a listener.</param>
/// <param name="Scenarios">The scenarios of the tool.</param>
internal sealed record PageInfoJson(
    string Board,
    IReadOnlyDictionary<string, string[]> Words,
    string? Lan,
    string? PairingCode,
    IReadOnlyList<PageScenarioJson> Scenarios
);

/// <summary>A scenario of the tool.</summary>
internal sealed record PageScenarioJson(string Name, string Title);

/// <summary>A message of a login. <c>after</c> is the number of its steps before it, and <c>headers</c> are pairs.</summary>
internal sealed record PageMessageJson(
    long Id,
    long Login,
    DateTimeOffset Time,
    int After,
    string From,
    string To,
    string Name,
    string Start,
    IReadOnlyList<string[]> Headers,
    string Body
)
{
    public static PageMessageJson Of(LabMessage message) =>
        new(
            message.Id,
            message.Login,
            message.Time,
            message.After,
            message.From,
            message.To,
            message.Text.Name,
            message.Text.Start,
            [.. message.Text.Headers.Select(header => new[] { header.Name, header.Value })],
            message.Text.Body
        );
}

/// <summary>
/// The first message to a console tab (<c>begins</c>). Its ids are null for a watching page. Later messages report only the size.
/// </summary>
internal sealed record PageConsoleJson(string? Id, string? Watch, int Rows, int Columns, bool Begins);

/// <summary>The size of the typing page's terminal.</summary>
internal sealed record PageSizeJson(int Rows, int Columns);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PageUnitJson))]
[JsonSerializable(typeof(PageNicJson))]
[JsonSerializable(typeof(IReadOnlyList<PageNicJson>))]
[JsonSerializable(typeof(PagePhoneJson))]
[JsonSerializable(typeof(PageClockJson))]
[JsonSerializable(typeof(IReadOnlyList<PageLetterJson>))]
[JsonSerializable(typeof(PageMessageJson))]
[JsonSerializable(typeof(PageInfoJson))]
[JsonSerializable(typeof(PageConsoleJson))]
[JsonSerializable(typeof(PageSizeJson))]
internal sealed partial class PageJson : JsonSerializerContext;
