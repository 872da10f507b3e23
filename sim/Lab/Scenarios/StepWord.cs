namespace Appliance.Lab.Scenarios;

/// <summary>What a field holds.</summary>
internal enum FieldKind
{
    /// <summary>No value at all.</summary>
    Nothing,
    Text,

    /// <summary>One text, or a list of them.</summary>
    Texts,

    /// <summary>One of the field's words.</summary>
    Word,

    /// <summary>Seconds, or a number with ms, s, m, h or d.</summary>
    Duration,

    /// <summary>A whole number from 0 on.</summary>
    Whole,
    Flag,

    /// <summary>Names with texts.</summary>
    Fields,

    /// <summary>What <c>PUT /lab/faults</c> takes as <c>faults</c>.</summary>
    Faults,

    /// <summary>What <c>PUT /lab/policy</c> takes.</summary>
    Policy,
}

/// <summary>A field of a step.</summary>
internal sealed record StepField(string Name, FieldKind Kind, string Help, params string[] Words);

/// <summary>A word that a step begins with: what its own value is, and which fields it takes. The reader and the published schema are made of this.</summary>
internal sealed record StepWord(string Word, FieldKind Kind, string Help, params StepField[] Fields)
{
    /// <summary>The words of its own value, where it takes one of some.</summary>
    public string[] Words { get; init; } = [];

    public const string In = "in";
    public const string Refused = "refused";
    public const string Waiting = "waiting";

    /// <summary>Told to wait for the rest of the token's step.</summary>
    public const string Wait = "wait";
    public const string Asked = "asked";
    public const string Lost = "lost";

    /// <summary>What an SSL VPN client is told.</summary>
    private static readonly string[] Answers = [In, Refused, "blocked", "push", "code", Wait, "next-code", "wrong-code", Lost];

    /// <summary>What comes of a phone's answer.</summary>
    private static readonly string[] PhoneAnswers = ["accepted", "refused", "unreachable", "certificate-refused", "none", "later"];

    private static StepField Answer { get; } = new("answer", FieldKind.Word, "What the client is told at once", Answers);

    private static StepField Says { get; } = new("says", FieldKind.Text, "Words that the client is shown");

    private static StepField Of { get; } =
        new("of", FieldKind.Text, "Which login, by its `as`; else the newest (of the user, where one is named)");

    private static StepField PhoneReply { get; } =
        new("answer", FieldKind.Word, "What comes of it; `none`: no push waits, `later`: no end of it yet", PhoneAnswers);

    private static StepField Count { get; } = new("count", FieldKind.Whole, "Exactly so many since the start; else at least one");

    /// <summary>Every word, in the order of the documents.</summary>
    public static IReadOnlyList<StepWord> All { get; } =
    [
        new(
            "cli",
            FieldKind.Text,
            "Lines at the console; `{code of USER}`, `{next code of USER}`, `{activation code}` and `{trial token}` are filled in",
            new StepField("shows", FieldKind.Texts, "What the transcript must hold"),
            new StepField("hides", FieldKind.Texts, "What it must not hold")
        ),
        new(
            "login",
            FieldKind.Text,
            "A user logs in at the SSL VPN; when a push is offered, the client waits for it",
            new StepField("password", FieldKind.Text, "Default: the user's name and `-password`"),
            new StepField("from", FieldKind.Text, "The client's address; default 203.0.113.10"),
            new StepField("to", FieldKind.Text, "By which interface; default the first that serves the SSL VPN"),
            new StepField("as", FieldKind.Text, "A name for later steps"),
            new StepField("wait", FieldKind.Flag, "False: does not wait for the push"),
            Answer,
            Says
        ),
        new(
            "code",
            FieldKind.Text,
            "The user types a code into his login",
            new StepField("value", FieldKind.Text, "now (default), next, previous, wrong, letter (the newest in the inbox), or digits"),
            Of,
            Answer,
            Says
        ),
        new("wait-for-push", FieldKind.Text, "The user's client begins (again) to wait for the phone", Of, Answer),
        new(
            "approve",
            FieldKind.Text,
            "The user approves the oldest push on his phone",
            new StepField("number", FieldKind.Text, "`shown` or digits, typed on the phone"),
            PhoneReply
        ),
        new("deny", FieldKind.Text, "The user denies it", PhoneReply),
        new(
            "phone",
            FieldKind.Text,
            "How the user's phone behaves from now on",
            new StepField("mode", FieldKind.Word, "Whether it answers by itself", "manual", "approve", "deny", "ignore"),
            new StepField("delay", FieldKind.Duration, "How long it takes then; default 1 s, never 0"),
            new StepField("skew", FieldKind.Duration, "How much its clock is ahead; behind with a minus"),
            new StepField("online", FieldKind.Flag, "Whether it has a connection")
        ),
        new(
            "enrol",
            FieldKind.Text,
            "The user's new phone activates with the newest activation code in the inbox",
            new StepField("platform", FieldKind.Word, "Default ios", "ios", "android")
        ),
        new("advance", FieldKind.Duration, "Time goes on; everything that is due on the way happens in its order"),
        new("pass", FieldKind.Duration, "Time goes on, at most 10 s: moved on where it moves by hand, else waited for"),
        new(
            "faults",
            FieldKind.Faults,
            "Replaces the list of faults (docs/use/faults.md); a fault without a seed gets one from the scenario's"
        ),
        new("link", FieldKind.Text, "An interface's cable", new StepField("state", FieldKind.Word, "In or out", "up", "down")),
        new("policy", FieldKind.Policy, "The lab's own rules (docs/reference/login.md)"),
        new(
            "press",
            FieldKind.Text,
            "A button of the panel",
            new StepField("for", FieldKind.Duration, "How long it is held; without it, until `release`")
        ),
        new("release", FieldKind.Text, "The button is let go"),
        new("reboot", FieldKind.Nothing, "The unit stops cleanly and starts again"),
        new(
            "expect-login",
            FieldKind.Word,
            "What the client has come to",
            Of,
            new StepField("by", FieldKind.Text, "Words of the step that decided it (`./run logins`)")
        )
        {
            Words = [In, Refused, Waiting, Asked, Lost],
        },
        new(
            "expect-timeline",
            FieldKind.Text,
            "A step of the login as `./run logins` tells it: `check: result`, or words of it",
            Of,
            Count
        ),
        new(
            "expect-event",
            FieldKind.Text,
            "An event by its id, or the id's last digits; `*` in a field stands for any text",
            new StepField("with", FieldKind.Fields, "Fields that it must have"),
            Count
        ),
        new(
            "expect-phone",
            FieldKind.Text,
            "What the user's phone shows",
            new StepField("pending", FieldKind.Whole, "How many pushes wait on it"),
            new StepField("online", FieldKind.Flag, "Whether it has a connection"),
            new StepField(
                "last",
                FieldKind.Word,
                "What came of its last answer",
                "accepted",
                "refused",
                "unreachable",
                "certificate-refused"
            ),
            new StepField("detail", FieldKind.Text, "Words of that")
        ),
        new(
            "expect-led",
            FieldKind.Text,
            "A LED of the panel",
            new StepField("is", FieldKind.Text, "`on`, `off`, or milliseconds on and off: `250/250`"),
            new StepField("was", FieldKind.Text, "The same, at some time since the last `reboot` began")
        ),
        new(
            "expect-port",
            FieldKind.Text,
            "INTERFACE:PORT",
            new StepField("state", FieldKind.Word, "Whether somebody listens there", "open", "closed")
        ),
        new(
            "expect-letter",
            FieldKind.Text,
            "The newest letter or text message in the inbox, by words of its subject or text",
            new StepField("to", FieldKind.Text, "The address or the number")
        ),
        new(
            "expect-fault",
            FieldKind.Text,
            "How often faults of a word have fired since they were set",
            new StepField("fired", FieldKind.Whole, "Exactly so often; else at least once")
        ),
    ];

    /// <summary>The needs that a word brings with it.</summary>
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
