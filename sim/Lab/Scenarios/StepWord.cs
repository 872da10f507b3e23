namespace Appliance.Lab.Scenarios;

/// <summary>The kind of a field's value.</summary>
internal enum FieldKind
{
    /// <summary>No value.</summary>
    Nothing,
    Text,

    /// <summary>One text, or a list of them.</summary>
    Texts,

    /// <summary>One of the field's words.</summary>
    Word,

    /// <summary>Seconds, or a number with ms, s, m, h or d.</summary>
    Duration,

    /// <summary>A whole number, 0 or more.</summary>
    Whole,
    Flag,

    /// <summary>Names with texts.</summary>
    Fields,

    /// <summary>The <c>faults</c> of <c>PUT /lab/faults</c>.</summary>
    Faults,

    /// <summary>The body of <c>PUT /lab/policy</c>.</summary>
    Policy,
}

/// <summary>A field of a step.</summary>
internal sealed record StepField(string Name, FieldKind Kind, string Help, params string[] Words);

/// <summary>The word of a step: its value and its fields. The reader and the published schema use this table.</summary>
internal sealed record StepWord(string Word, FieldKind Kind, string Help, params StepField[] Fields)
{
    public const string In = "in";
    public const string Refused = "refused";
    public const string Waiting = "waiting";

    /// <summary>"Please wait" for the rest of the time step.</summary>
    public const string Wait = "wait";
    public const string Asked = "asked";
    public const string Lost = "lost";

    /// <summary>The replies to an SSL VPN client.</summary>
    private static readonly string[] Answers = [In, Refused, "blocked", "push", "code", Wait, "next-code", "wrong-code", Lost];

    /// <summary>The results of a phone's answer.</summary>
    private static readonly string[] PhoneAnswers = ["accepted", "refused", "unreachable", "certificate-refused", "none", "later"];

    private static StepField Answer { get; } = new("answer", FieldKind.Word, "The immediate reply to the client", Answers);

    private static StepField Says { get; } = new("says", FieldKind.Text, "Words that the client displays");

    private static StepField Of { get; } =
        new("of", FieldKind.Text, "The login, by its `as`; default: the newest (of the user, if one is named)");

    private static StepField PhoneReply { get; } =
        new("answer", FieldKind.Word, "The result; `none`: no push is pending, `later`: not finished yet", PhoneAnswers);

    private static StepField Count { get; } = new("count", FieldKind.Whole, "The exact number since the start; default: at least one");

    /// <summary>Every word, in the order of the documentation.</summary>
    public static IReadOnlyList<StepWord> All { get; } =
    [
        new(
            "cli",
            FieldKind.Text,
            "Lines at the console; `{code of USER}`, `{next code of USER}`, `{activation code}` and `{trial token}` are replaced",
            new StepField("shows", FieldKind.Texts, "Texts that the transcript must contain"),
            new StepField("hides", FieldKind.Texts, "Texts that it must not contain")
        ),
        new(
            "login",
            FieldKind.Text,
            "A user logs in to the SSL VPN; if a push is offered, the client waits for it",
            new StepField("password", FieldKind.Text, "Default: the user's name and `-password`"),
            new StepField("from", FieldKind.Text, "The client's address; default 203.0.113.10"),
            new StepField("to", FieldKind.Text, "The interface; default: the first with the SSL VPN"),
            new StepField("as", FieldKind.Text, "A name for later steps"),
            new StepField("wait", FieldKind.Flag, "False: the client does not wait for the push"),
            Answer,
            Says
        ),
        new(
            "code",
            FieldKind.Text,
            "The user types a code",
            new StepField("value", FieldKind.Text, "now (default), next, previous, wrong, letter (the newest e-mail's), or digits"),
            Of,
            Answer,
            Says
        ),
        new("wait-for-push", FieldKind.Text, "The user's client waits for the phone (again)", Of, Answer),
        new(
            "approve",
            FieldKind.Text,
            "The user approves the oldest push on the phone",
            new StepField("number", FieldKind.Text, "`shown` or digits, typed on the phone"),
            PhoneReply
        ),
        new("deny", FieldKind.Text, "The user denies it", PhoneReply),
        new(
            "phone",
            FieldKind.Text,
            "Changes the behaviour of the user's phone",
            new StepField("mode", FieldKind.Word, "Automatic answers", "manual", "approve", "deny", "ignore"),
            new StepField("delay", FieldKind.Duration, "The delay of automatic answers; default 1 s, never 0"),
            new StepField("skew", FieldKind.Duration, "The lead of its clock; negative if it is behind"),
            new StepField("online", FieldKind.Flag, "True if it is online")
        ),
        new(
            "enrol",
            FieldKind.Text,
            "A new phone of the user activates with the newest activation code in the inbox",
            new StepField("platform", FieldKind.Word, "Default ios", "ios", "android")
        ),
        new("advance", FieldKind.Duration, "Advances time; everything that is due happens in order"),
        new("pass", FieldKind.Duration, "Lets time pass, at most 10 s: advanced or real, as on the target"),
        new(
            "faults",
            FieldKind.Faults,
            "Replaces the list of faults (docs/use/faults.md); the scenario's seed is the default"
        ),
        new("link", FieldKind.Text, "An interface's cable", new StepField("state", FieldKind.Word, "Inserted or pulled", "up", "down")),
        new("policy", FieldKind.Policy, "Changes the test policy (docs/reference/login.md)"),
        new(
            "press",
            FieldKind.Text,
            "A button of the panel",
            new StepField("for", FieldKind.Duration, "The time that it is held; default: until `release`")
        ),
        new("release", FieldKind.Text, "Releases the button"),
        new("reboot", FieldKind.Nothing, "The unit stops cleanly and starts again"),
        new(
            "expect-login",
            FieldKind.Word,
            "The state of the client's login",
            Of,
            new StepField("by", FieldKind.Text, "Words of the deciding step (`./run logins`)")
        )
        {
            Words = [In, Refused, Waiting, Asked, Lost],
        },
        new(
            "expect-timeline",
            FieldKind.Text,
            "A step of the login in `./run logins`: `check: result`, or words of it",
            Of,
            Count
        ),
        new(
            "expect-event",
            FieldKind.Text,
            "An event by its id or the id's last digits; `*` in a field matches any text",
            new StepField("with", FieldKind.Fields, "Fields of the event"),
            Count
        ),
        new(
            "expect-phone",
            FieldKind.Text,
            "The screen of the user's phone",
            new StepField("pending", FieldKind.Whole, "The number of pending pushes"),
            new StepField("online", FieldKind.Flag, "True if it is online"),
            new StepField(
                "last",
                FieldKind.Word,
                "The result of its last answer",
                "accepted",
                "refused",
                "unreachable",
                "certificate-refused"
            ),
            new StepField("detail", FieldKind.Text, "Words of the result")
        ),
        new(
            "expect-led",
            FieldKind.Text,
            "A LED of the panel",
            new StepField("is", FieldKind.Text, "`on`, `off`, or milliseconds on and off: `250/250`"),
            new StepField("was", FieldKind.Text, "The same, at any time since the last `reboot` began")
        ),
        new(
            "expect-port",
            FieldKind.Text,
            "INTERFACE:PORT",
            new StepField("state", FieldKind.Word, "The state of the port", "open", "closed")
        ),
        new(
            "expect-letter",
            FieldKind.Text,
            "The newest e-mail or text message in the inbox, by words of its subject or text",
            new StepField("to", FieldKind.Text, "The address or the number")
        ),
        new(
            "expect-fault",
            FieldKind.Text,
            "The firings of a fault word since it was set",
            new StepField("fired", FieldKind.Whole, "The exact number; default: at least one")
        ),
    ];

    /// <summary>The possible values; empty if any value is allowed.</summary>
    public string[] Words { get; init; } = [];

    /// <summary>The needs that a word implies.</summary>
    public IReadOnlyList<string> NeedsOf(ScenarioStep step) =>
        Word switch
        {
            "login" when step.Text("from") is not null => ["sources"],
            "advance" => ["clock"],
            "faults" or "expect-fault" => ["faults"],
            "approve" or "deny" or "phone" or "expect-phone" => ["phones"],
            "expect-timeline" => ["timeline"],
            "expect-login" when step.Text("by") is not null => ["timeline"],
            "link" => ["link"],
            "enrol" => ["phones", "inbox"],
            "code" when step.Text("value") == "letter" => ["inbox"],
            "expect-letter" => ["inbox"],
            "policy" => ["policy"],
            "press" or "release" or "expect-led" => ["panel"],
            _ => [],
        };
}
