using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Lab.Units;

namespace Appliance.Lab.Messages;

internal sealed record NicJson(string Name, string Address, [property: JsonPropertyName("allowaccess")] IReadOnlyList<string> AllowAccess);

internal sealed record ServiceJson(string Service, string Nic, string Address, int Port);

/// <summary>The MQTT broker between providers and phones.</summary>
internal sealed record MqttJson(string Host, int Port);

/// <summary>The listener for phones of the network: address, pairing code, and the SHA-256 of its certificate.</summary>
internal sealed record LabListenJson(string Url, string PairingCode, string? CertificateSha256);

/// <summary>The ready line of <c>up --headless</c>, and the body of <c>GET /lab/ready</c>.</summary>
/// <param name="Ready">Always true.</param>
/// <param name="Lab">The URL of the lab API.</param>
/// <param name="Nics">The unit's interfaces.</param>
/// <param name="Services">The listeners of the unit's services.</param>
/// <param name="Mqtt">The broker, if pushes use one; else null. In the ready line only.</param>
/// <param name="LabListen">The listener for phones of the network; null without <c>--lab-listen</c>. In the ready line only, because it
/// contains the pairing code.</param>
internal sealed record ReadyJson(
    bool Ready,
    string Lab,
    IReadOnlyList<NicJson> Nics,
    IReadOnlyList<ServiceJson> Services,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MqttJson? Mqtt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] LabListenJson? LabListen = null
)
{
    public static ReadyJson Of(ILabUnit unit, Uri lab) =>
        new(
            true,
            lab.GetLeftPart(UriPartial.Authority),
            [.. unit.Nics.Select(nic => new NicJson(nic.Name, nic.Address.ToString(), nic.AllowAccess))],
            [
                .. unit.Services.Select(service => new ServiceJson(
                    service.Service,
                    service.Nic,
                    service.EndPoint.Address.ToString(),
                    service.EndPoint.Port
                )),
            ]
        );
}

internal sealed record PushJson(string Session, string Message, DateTimeOffset Expires, bool NumberMatch);

internal sealed record LastAnswerJson(string Session, string Action, int? Answered, string Outcome, string Detail, DateTimeOffset Time)
{
    public static LastAnswerJson? Of(PhoneReply? answer) =>
        answer is null
            ? null
            : new(answer.Session, answer.Approved ? "approve" : "deny", answer.Status, answer.OutcomeText, answer.Detail, answer.Time);
}

internal sealed record PhoneJson(
    string Serial,
    string? User,
    string Platform,
    string Mode,
    IReadOnlyList<PushJson> Pending,
    string Code,
    double DelayMs,
    double SkewSeconds,
    bool Online,
    LastAnswerJson? LastAnswer
)
{
    /// <summary>The mode of a phone that another process serves.</summary>
    public const string Elsewhere = "external";

    public static PhoneJson Of(PhoneView phone, bool isElsewhere) =>
        new(
            phone.Serial,
            phone.User,
            phone.Platform,
            isElsewhere ? Elsewhere : ModeWord(phone.Mode),
            [.. phone.Pending.Select(push => new PushJson(push.Session, push.Message, push.Expires, push.NumberMatch))],
            phone.Code,
            phone.Delay.TotalMilliseconds,
            phone.Skew.TotalSeconds,
            phone.Online,
            LastAnswerJson.Of(phone.LastAnswer)
        );

    public static string ModeWord(PhoneMode mode) =>
        mode switch
        {
            PhoneMode.Approve => "approve",
            PhoneMode.Deny => "deny",
            PhoneMode.Ignore => "ignore",
            _ => "manual",
        };
}

/// <summary>The result of the callback of an approval or denial. <c>answered</c> is its HTTP status; null if there was no reply.</summary>
internal sealed record AnsweredJson(string Session, int? Answered, string Outcome, string Detail);

internal sealed record ClockJsonView(DateTimeOffset Now, string Mode, double OffsetSeconds)
{
    public static ClockJsonView Of(LabClock clock) => new(clock.GetUtcNow(), clock.Rate.ToString(), clock.Offset.TotalSeconds);
}

internal sealed record EventJson(
    long Id,
    DateTimeOffset Time,
    [property: JsonPropertyName("logid")] string LogId,
    string Subtype,
    string Level,
    [property: JsonPropertyName("logdesc")] string Description,
    IReadOnlyDictionary<string, string> Fields,
    string Line
)
{
    public static EventJson Of(EventRecord record)
    {
        var fields = new Dictionary<string, string>();
        foreach (var (name, value) in record.Entry.Fields)
        {
            fields[name] = value;
        }
        return new(
            record.Id,
            record.Time,
            record.Entry.LogId,
            record.Entry.Subtype,
            LevelWord(record.Entry.Level),
            record.Entry.Description,
            fields,
            record.Line
        );
    }

    private static string LevelWord(EventLevel level) =>
        level switch
        {
            EventLevel.Alert => "alert",
            EventLevel.Error => "error",
            EventLevel.Warning => "warning",
            EventLevel.Notice => "notice",
            _ => "information",
        };
}

/// <summary>An e-mail or a text message; <c>png</c> is base64.</summary>
internal sealed record LetterJson(
    long Id,
    DateTimeOffset Time,
    string Kind,
    string From,
    string To,
    string Subject,
    string Text,
    string? Code,
    byte[]? Png
)
{
    public static LetterJson Of(ReceivedLetter letter) =>
        new(
            letter.Id,
            letter.Time,
            letter.Kind == LetterKind.Sms ? "sms" : "mail",
            letter.From,
            letter.To,
            letter.Subject,
            letter.Text,
            letter.Code,
            letter.Picture
        );
}

/// <summary>The body of <c>POST /lab/phones</c>.</summary>
internal sealed record EnrolJson(string Activation, string Platform);

/// <summary>The body of <c>/lab/policy</c>.</summary>
internal sealed record PolicyJson(int PushLimit, long PushWindowSeconds, bool NumberMatch, long PushLifeSeconds, bool NameSpellingBug)
{
    public static PolicyJson Of(LabPolicy policy) =>
        new(
            policy.PushLimit,
            (long)policy.PushWindow.TotalSeconds,
            policy.NumberMatch,
            (long)policy.PushLife.TotalSeconds,
            policy.NameSpellingBug
        );
}

internal sealed record LoginStepJson(
    DateTimeOffset Time,
    string Check,
    string Result,
    string? Subject,
    DateTimeOffset? Deadline,
    string? Change,
    bool Decides
)
{
    public static LoginStepJson Of(LoginJournalStep step) =>
        new(
            step.Time,
            step.Fact.Check,
            step.Fact.Result,
            step.Fact.Subject is { Length: > 0 } subject ? subject : null,
            step.Fact.At,
            step.Fact.Change is { Length: > 0 } change ? change : null,
            step.Fact.Decides
        );
}

/// <summary>One login. <c>decidedBy</c> is null until a step has decided it, and <c>steps</c> is null in a list of logins.</summary>
internal sealed record LoginJson(
    long Id,
    DateTimeOffset Time,
    string User,
    string Outcome,
    LoginStepJson? DecidedBy,
    IReadOnlyList<LoginStepJson>? Steps
)
{
    public static LoginJson Of(LoginTimeline login, bool whole) =>
        new(
            login.Id,
            login.Steps[0].Time,
            login.User,
            login.Outcome switch
            {
                LoginOutcome.In => "in",
                LoginOutcome.Refused => "refused",
                _ => "pending",
            },
            login.Steps.LastOrDefault(step => step.Fact.Decides) is { Fact: not null } decision ? LoginStepJson.Of(decision) : null,
            whole ? [.. login.Steps.Select(LoginStepJson.Of)] : null
        );
}

/// <summary>The body of <c>GET /lab/fac</c>: the datagrams since the start by result, and the pending requests.</summary>
internal sealed record FacJson(long Answered, IReadOnlyDictionary<string, long> Dropped, int WaitingForPhone, int PendingLogins)
{
    public static FacJson Of(FacServer server)
    {
        var (answered, dropped, waiting, pending) = server.Counters();
        return new(answered, dropped, waiting, pending);
    }
}

/// <summary>A LED; <c>pattern</c> is <c>on</c>, <c>off</c>, or milliseconds on and off (<c>250/250</c>).</summary>
internal sealed record LedJson(string Name, bool Lit, string Pattern);

internal sealed record ButtonJson(string Name, bool Pressed, double HeldSeconds);

/// <summary>The body of <c>GET /lab/panel</c>; <c>display</c> is null without one.</summary>
internal sealed record PanelJson(
    string Board,
    string Model,
    IReadOnlyList<LedJson> Leds,
    IReadOnlyList<ButtonJson> Buttons,
    IReadOnlyList<string>? Display
)
{
    public static PanelJson Of(LabPanel panel)
    {
        var view = panel.View();
        return new(
            panel.Board.Name,
            panel.Board.Model,
            [.. view.Leds.Select(led => new LedJson(led.Name, led.Lit, led.Pattern.ToString()))],
            [.. view.Buttons.Select(button => new ButtonJson(button.Name, button.Pressed, button.Held.TotalSeconds))],
            panel.Board.Display is null ? null : view.Lines
        );
    }
}

/// <summary>RFC 9457; <c>error_code</c> where the emulated service has one.</summary>
internal sealed record ProblemJson(
    string Type,
    string Title,
    int Status,
    string Detail,
    [property: JsonPropertyName("error_code"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? ErrorCode = null
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ProcessJson))]
[JsonSerializable(typeof(ReadyJson))]
[JsonSerializable(typeof(IReadOnlyList<PhoneJson>))]
[JsonSerializable(typeof(PhoneJson))]
[JsonSerializable(typeof(AnsweredJson))]
[JsonSerializable(typeof(ClockJsonView))]
[JsonSerializable(typeof(IReadOnlyList<EventJson>))]
[JsonSerializable(typeof(EventJson))]
[JsonSerializable(typeof(FacJson))]
[JsonSerializable(typeof(IReadOnlyList<LetterJson>))]
[JsonSerializable(typeof(EnrolJson))]
[JsonSerializable(typeof(PolicyJson))]
[JsonSerializable(typeof(LoginJson))]
[JsonSerializable(typeof(IReadOnlyList<LoginJson>))]
[JsonSerializable(typeof(PanelJson))]
[JsonSerializable(typeof(ProblemJson))]
internal sealed partial class LabJson : JsonSerializerContext;
