namespace Appliance.Doubles.Faults;

/// <summary>The opportunities at which faults fire.</summary>
[Flags]
public enum FaultPoint
{
    /// <summary>A push arrives at the phone.</summary>
    Arrival = 1,

    /// <summary>The push proxy connects to the provider.</summary>
    Connection = 2,

    /// <summary>The provider answers the push proxy.</summary>
    ProviderReply = 4,

    /// <summary>The push proxy looks up the phones of a registration.</summary>
    Registration = 8,

    /// <summary>The phone sends an approval.</summary>
    Approval = 16,

    /// <summary>The phone sends a denial.</summary>
    Denial = 32,

    /// <summary>The phone sends an approval or a denial.</summary>
    Callback = Approval | Denial,

    /// <summary>A request arrives at the RADIUS server.</summary>
    RadiusRequest = 64,

    /// <summary>A reply leaves the RADIUS server.</summary>
    RadiusReply = 128,

    /// <summary>The fault's own time: a time after its configuration.</summary>
    Schedule = 256,
}

/// <summary>The part of the lab that a fault belongs to. The documentation has a table for each.</summary>
public enum FaultDomain
{
    /// <summary>The push on its way to the phone, and the provider.</summary>
    Push,

    /// <summary>The phone and its answer.</summary>
    Phone,

    /// <summary>Interfaces.</summary>
    Interface,

    /// <summary>The RADIUS server of the FortiAuthenticator emulator.</summary>
    Radius,

    /// <summary>The lab's clock.</summary>
    Clock,
}

/// <summary>A field that only some faults have.</summary>
/// <param name="Field">The field's name in JSON.</param>
/// <param name="IsRequired">True if the fault has no default for it.</param>
/// <param name="Default">The default as the documentation shows it; "" for none.</param>
public sealed record FaultOption(string Field, bool IsRequired = false, string Default = "");

/// <summary>One fault of the published vocabulary.</summary>
/// <param name="Name">The word, for example <c>push.drop</c>.</param>
/// <param name="Domain">The part of the lab that it belongs to.</param>
/// <param name="At">The opportunities at which it fires.</param>
/// <param name="Help">Its effect.</param>
/// <param name="Options">The fields beyond those that every fault has.</param>
public sealed record FaultWord(string Name, FaultDomain Domain, FaultPoint At, string Help, params IReadOnlyList<FaultOption> Options)
{
    private static readonly FaultOption Delay = new("delayMs");
    private static readonly FaultOption RequiredDelay = new("delayMs", IsRequired: true);
    private static readonly FaultOption RetryAfter = new("retryAfterSeconds");
    private static readonly FaultOption Interface = new("nic", IsRequired: true);

    /// <summary>The provider accepts the push, and the phone never receives it.</summary>
    public static readonly FaultWord PushDrop = new(
        "push.drop",
        FaultDomain.Push,
        FaultPoint.Arrival,
        "the provider accepts the push, and the phone never receives it"
    );

    /// <summary>The phone receives the push late.</summary>
    public static readonly FaultWord PushDelay = new(
        "push.delay",
        FaultDomain.Push,
        FaultPoint.Arrival,
        "the phone receives it after this delay",
        RequiredDelay
    );

    /// <summary>The phone receives the push twice.</summary>
    public static readonly FaultWord PushDuplicate = new(
        "push.duplicate",
        FaultDomain.Push,
        FaultPoint.Arrival,
        "the phone receives it twice and displays it once"
    );

    /// <summary>The phone receives the push after the next one.</summary>
    public static readonly FaultWord PushReorder = new(
        "push.reorder",
        FaultDomain.Push,
        FaultPoint.Arrival,
        "the phone receives it after the next push or this delay",
        Delay with
        {
            Default = "5000",
        }
    );

    /// <summary>The provider never answers.</summary>
    public static readonly FaultWord ProviderHang = new(
        "provider.hang",
        FaultDomain.Push,
        FaultPoint.ProviderReply,
        "the provider never answers"
    );

    /// <summary>The TLS handshake with the provider fails.</summary>
    public static readonly FaultWord ProviderTls = new(
        "provider.tls",
        FaultDomain.Push,
        FaultPoint.Connection,
        "the TLS handshake with the provider fails"
    );

    /// <summary>The provider's name cannot be resolved.</summary>
    public static readonly FaultWord ProviderDns = new(
        "provider.dns",
        FaultDomain.Push,
        FaultPoint.Connection,
        "the provider's name cannot be resolved"
    );

    /// <summary>The phone's answer is not sent.</summary>
    public static readonly FaultWord CallbackNever = Callback("callback.never", "the answer is not sent, and the push stays on the phone");

    /// <summary>The phone's answer is sent late.</summary>
    public static readonly FaultWord CallbackLate = Callback("callback.late", "the answer is sent after this delay", RequiredDelay);

    /// <summary>The phone's answer is sent twice.</summary>
    public static readonly FaultWord CallbackTwice = Callback("callback.twice", "the answer is sent twice");

    /// <summary>The phone's answer names another session.</summary>
    public static readonly FaultWord CallbackWrongSession = Callback(
        "callback.wrong-session",
        "the answer is sent for another session"
    );

    /// <summary>The phone signs a denial wrongly. Only a denial carries a signature.</summary>
    public static readonly FaultWord CallbackBadHmac = new(
        "callback.bad-hmac",
        FaultDomain.Phone,
        FaultPoint.Denial,
        "the phone sends a denial with a wrong signature"
    );

    /// <summary>The phone's answer arrives slowly.</summary>
    public static readonly FaultWord CallbackSlow = Callback("callback.slow", "the body arrives at one byte a second");

    /// <summary>The phone receives no certificate.</summary>
    public static readonly FaultWord CallbackCertMissing = Callback(
        "callback.cert-missing",
        "the phone refuses the certificate as if it were missing"
    );

    /// <summary>The certificate has expired for the phone.</summary>
    public static readonly FaultWord CallbackCertExpired = Callback(
        "callback.cert-expired",
        "the phone refuses it as if it had expired a day ago"
    );

    /// <summary>The certificate has another name for the phone.</summary>
    public static readonly FaultWord CallbackCertWrongName = Callback(
        "callback.cert-wrong-name",
        "the phone refuses it as if it had another name"
    );

    /// <summary>The phone is off when the push arrives.</summary>
    public static readonly FaultWord PhoneOffline = new(
        "phone.offline",
        FaultDomain.Phone,
        FaultPoint.Arrival,
        "the phone is off when the push arrives, and on after this delay",
        Delay
    );

    /// <summary>The phone's clock is wrong. Only an approval carries a code.</summary>
    public static readonly FaultWord PhoneSkew = new(
        "phone.skew",
        FaultDomain.Phone,
        FaultPoint.Approval,
        "the phone's clock is wrong by this when it approves",
        new FaultOption("skewSeconds", IsRequired: true)
    );

    /// <summary>The app was reinstalled, so its old registration is gone.</summary>
    public static readonly FaultWord PhoneReinstalled = new(
        "phone.reinstalled",
        FaultDomain.Phone,
        FaultPoint.ProviderReply,
        "the old registration is permanently gone, as after a reinstallation"
    );

    /// <summary>The registration names a second phone.</summary>
    public static readonly FaultWord PhoneTwoDevices = new(
        "phone.two-devices",
        FaultDomain.Phone,
        FaultPoint.Registration,
        "the registration also names a second phone without the app"
    );

    /// <summary>A request to the RADIUS server is lost.</summary>
    public static readonly FaultWord RadiusDrop = new(
        "radius.drop",
        FaultDomain.Radius,
        FaultPoint.RadiusRequest,
        "a request to the emulator is lost; its repetition is a new opportunity"
    );

    /// <summary>The RADIUS server's reply leaves twice.</summary>
    public static readonly FaultWord RadiusDup = new("radius.dup", FaultDomain.Radius, FaultPoint.RadiusReply, "the reply leaves twice");

    /// <summary>The RADIUS server's reply leaves late.</summary>
    public static readonly FaultWord RadiusDelay = new(
        "radius.delay",
        FaultDomain.Radius,
        FaultPoint.RadiusReply,
        "the reply leaves after this delay",
        RequiredDelay
    );

    /// <summary>The RADIUS server's reply lacks its Message-Authenticator.</summary>
    public static readonly FaultWord RadiusNoMessageAuthenticator = new(
        "radius.no-message-authenticator",
        FaultDomain.Radius,
        FaultPoint.RadiusReply,
        "the reply lacks its Message-Authenticator and is otherwise right"
    );

    /// <summary>A forged accept arrives before the RADIUS server's reply.</summary>
    public static readonly FaultWord RadiusForged = new(
        "radius.forged",
        FaultDomain.Radius,
        FaultPoint.RadiusReply,
        "before the reply, an accept from a sender without the secret arrives"
    );

    /// <summary>The RADIUS server restarts.</summary>
    public static readonly FaultWord RadiusRestart = new(
        "radius.restart",
        FaultDomain.Radius,
        FaultPoint.RadiusRequest,
        "the request is lost, and the server is off for this time",
        Delay with
        {
            Default = "0",
        }
    )
    {
        TimesDefault = 1,
    };

    /// <summary>The lab's time jumps forward.</summary>
    public static readonly FaultWord ClockStep = new(
        "clock.step",
        FaultDomain.Clock,
        FaultPoint.Schedule,
        "lab time jumps forward; it never goes back",
        new FaultOption("stepSeconds", IsRequired: true)
    )
    {
        TimesDefault = 1,
    };

    /// <summary>The lab's time stops.</summary>
    public static readonly FaultWord ClockFreeze = new(
        "clock.freeze",
        FaultDomain.Clock,
        FaultPoint.Schedule,
        "lab time stops until `POST /lab/clock`"
    )
    {
        TimesDefault = 1,
    };

    /// <summary>The link of an interface goes down.</summary>
    public static readonly FaultWord NicDown = new(
        "nic.down",
        FaultDomain.Interface,
        FaultPoint.Schedule,
        "the link goes down, and up again after this delay",
        Interface,
        Delay
    )
    {
        TimesDefault = 1,
    };

    /// <summary>The link of an interface goes down and up.</summary>
    public static readonly FaultWord NicFlap = new(
        "nic.flap",
        FaultDomain.Interface,
        FaultPoint.Schedule,
        "the link goes down and up, `times` times",
        Interface,
        Delay with
        {
            Default = "1000",
        }
    )
    {
        TimesDefault = 3,
    };

    /// <summary>The phone's answer leaves, and nothing comes back.</summary>
    public static readonly FaultWord NatBlackhole = Callback("nat.blackhole", "the answer leaves, and nothing comes back for 10 s");

    /// <summary>Every word, in the order of the documentation.</summary>
    public static IReadOnlyList<FaultWord> All { get; } =
    [
        PushDrop,
        PushDelay,
        PushDuplicate,
        PushReorder,
        Provider(401),
        Provider(403),
        Provider(410),
        Provider(413),
        Provider(429, RetryAfter),
        Provider(500),
        Provider(503, RetryAfter),
        ProviderHang,
        ProviderTls,
        ProviderDns,
        CallbackNever,
        CallbackLate,
        CallbackTwice,
        CallbackWrongSession,
        CallbackBadHmac,
        CallbackSlow,
        CallbackCertMissing,
        CallbackCertExpired,
        CallbackCertWrongName,
        PhoneOffline,
        PhoneSkew,
        PhoneReinstalled,
        PhoneTwoDevices,
        RadiusDrop,
        RadiusDup,
        RadiusDelay,
        RadiusNoMessageAuthenticator,
        RadiusForged,
        RadiusRestart,
        ClockStep,
        ClockFreeze,
        NicDown,
        NicFlap,
        NatBlackhole,
    ];

    /// <summary>The HTTP status with which the provider answers; null if the fault is no such answer.</summary>
    public int? Status { get; private init; }

    /// <summary>The number of firings without <c>times</c>; null for no limit.</summary>
    public int? TimesDefault { get; private init; }

    /// <summary>Returns the word with a name; null if there is none.</summary>
    public static FaultWord? Find(string? name) => All.FirstOrDefault(word => word.Name == name);

    /// <summary>Returns the name.</summary>
    public override string ToString() => Name;

    private static FaultWord Provider(int status, params IReadOnlyList<FaultOption> options) =>
        new($"provider.{status}", FaultDomain.Push, FaultPoint.ProviderReply, $"the provider answers with HTTP status {status}", options)
        {
            Status = status,
        };

    private static FaultWord Callback(string name, string help, params IReadOnlyList<FaultOption> options) =>
        new(name, FaultDomain.Phone, FaultPoint.Callback, help, options);
}
