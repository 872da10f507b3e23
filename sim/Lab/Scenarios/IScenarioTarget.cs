using System.Net;
using System.Text.Json;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Hal;
using Appliance.Lab.Units;

namespace Appliance.Lab.Scenarios;

/// <summary>
/// The target that a scenario runs on. Its capabilities are known before it is started; a capability that it lacks is null. Calls come one
/// at a time. Each returns when all its effects are complete, except those that wait for people or for the clock.
/// </summary>
internal interface IScenarioTarget : IAsyncDisposable
{
    /// <summary>Its clock; null where time passes by itself.</summary>
    ITargetClock? Clock => null;

    /// <summary>Its faults.</summary>
    ITargetFaults? Faults => null;

    /// <summary>The lab's phones, which receive its pushes.</summary>
    ITargetPhones? Phones => null;

    /// <summary>The steps of its logins.</summary>
    ITargetTimelines? Timelines => null;

    /// <summary>Its cables.</summary>
    ITargetCables? Cables => null;

    /// <summary>The lab's inbox, which receives its mail.</summary>
    ITargetInbox? Inbox => null;

    /// <summary>The test policy of its logins.</summary>
    ITargetPolicy? Policy => null;

    /// <summary>Its front panel.</summary>
    ITargetPanel? Panel => null;

    /// <summary>True if clients and phones have the addresses that a scenario gives them.</summary>
    bool HasSources => false;

    /// <summary>True if the lab has its FortiAuthenticator emulator, and the unit sends requests to it.</summary>
    bool HasAuthenticator => false;

    /// <summary>The longest time until an expectation is met. Zero where all effects of a call are complete when it returns.</summary>
    TimeSpan Patience => TimeSpan.Zero;

    /// <summary>Boots the unit. No other call comes before it.</summary>
    /// <exception cref="FormatException">The scenario's configuration is wrong.</exception>
    Task StartAsync();

    /// <summary>Reads the current state of a target of real time.</summary>
    Task LookAgainAsync() => Task.CompletedTask;

    IReadOnlyList<LabNic> Nics { get; }

    IReadOnlyList<BoundService> Services { get; }

    /// <summary>All events since the start, oldest first; empty before it.</summary>
    IReadOnlyList<EventRecord> Events { get; }

    /// <summary>The number of the newest login; 0 before the first.</summary>
    long NewestLogin { get; }

    /// <summary>Runs lines at the console and returns exactly what a terminal would display.</summary>
    Task<string> CliAsync(string script);

    /// <summary>Creates an SSL VPN client at an address, which connects to a listener.</summary>
    IScenarioClient NewClient(IPAddress from, IPEndPoint to);

    /// <summary>True if a port of an interface accepts connections.</summary>
    Task<bool> IsOpenAsync(IPEndPoint to);

    /// <summary>Lets time pass: by itself, or moved on.</summary>
    Task PassAsync(TimeSpan time);

    Task RebootAsync();
}

/// <summary>A clock that moves by hand only.</summary>
internal interface ITargetClock
{
    Task AdvanceAsync(TimeSpan by);
}

/// <summary>The faults of a target.</summary>
internal interface ITargetFaults
{
    IReadOnlyList<FaultState> States { get; }

    /// <summary>Replaces all faults.</summary>
    /// <exception cref="FormatException">A fault is not applicable here; nothing changed.</exception>
    Task SetAsync(IReadOnlyList<Fault> faults);
}

/// <summary>The phones that receive a target's pushes.</summary>
internal interface ITargetPhones
{
    /// <summary>The phone of a user; null for a user without one.</summary>
    PhoneView? PhoneOf(string user);

    Task ChangeAsync(string user, PhoneChange change);

    /// <summary>Starts the answer to a user's oldest push; null if none is pending. The result has the outcome so far.</summary>
    Task<PhoneAnswering?> AnswerAsync(string user, bool approve, string? number);

    /// <summary>Presents an activation code from a new phone; returns null if it is accepted, else the reason.</summary>
    Task<string?> EnrolAsync(string code, string platform);

    /// <summary>The code that a user's app displays some steps from now, by its own clock; null without a mobile token.</summary>
    string? CodeOf(string user, int steps);
}

/// <summary>The steps of a target's logins.</summary>
internal interface ITargetTimelines
{
    LoginTimeline? TimelineOf(long login);
}

/// <summary>The cables of a target's interfaces.</summary>
internal interface ITargetCables
{
    Task SetLinkAsync(string nic, bool up);
}

/// <summary>The inbox that receives a target's mail and text messages.</summary>
internal interface ITargetInbox
{
    IReadOnlyList<ReceivedLetter> Letters { get; }
}

/// <summary>The test policy of a target's logins.</summary>
internal interface ITargetPolicy
{
    Task SetAsync(JsonElement change);
}

/// <summary>The front panel of a target.</summary>
internal interface ITargetPanel
{
    /// <summary>Presses or releases a button.</summary>
    /// <exception cref="FormatException">There is no such button.</exception>
    Task PressAsync(string button, bool down);

    /// <summary>The pattern of a LED: <c>on</c>, <c>off</c>, or milliseconds on and off.</summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    Task<string> LedAsync(string name);

    /// <summary>The patterns of a LED since the last restart began, as <see cref="LedAsync"/> words them; empty before it.</summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    IReadOnlyList<string> LedShown(string name);
}

/// <summary>A phone's answer; <see cref="Answer"/> is null until the call has completed.</summary>
internal sealed class PhoneAnswering
{
    public PhoneReply? Answer { get; set; }
}

/// <summary>An SSL VPN client. A request may overtake a pending one (a code that is typed while a push is pending).</summary>
internal interface IScenarioClient
{
    /// <summary>
    /// Posts a form to <c>/remote/logincheck</c>. Returns when the reply has arrived, or when the request is waiting for a user.
    /// </summary>
    Task PostAsync(string form);

    /// <summary>True while the newest request waits for its answer.</summary>
    bool Waits { get; }

    /// <summary>The reply to the newest completed request; null before the first one.</summary>
    ClientReply? Reply { get; }
}

/// <summary>A reply of the SSL VPN.</summary>
/// <param name="Status">The HTTP status; 0 if the connection was lost or refused.</param>
/// <param name="Body">The body, or the reason why there is none.</param>
/// <param name="HasCookie">True if the reply sets a session cookie.</param>
internal sealed record ClientReply(int Status, string Body, bool HasCookie)
{
    /// <summary>Returns the fields of a challenge line; empty if it is not one.</summary>
    public IReadOnlyDictionary<string, string> Challenge { get; } =
        Body.StartsWith("ret=2,", StringComparison.Ordinal)
            ? Body.Split(',')
                .Select(pair => pair.Split('=', 2))
                .Where(pair => pair.Length == 2)
                .DistinctBy(pair => pair[0])
                .ToDictionary(pair => pair[0], pair => pair[1])
            : new Dictionary<string, string>();

    /// <summary>The reply as a word of <c>answer</c>.</summary>
    public string Word =>
        this switch
        {
            { Status: 0 } => StepWord.Lost,
            { HasCookie: true } => StepWord.In,
            { Challenge: var challenge } when challenge.TryGetValue("tokeninfo", out var push) && push == "ftm_push" => "push",
            { Challenge: var challenge } when challenge.TryGetValue("chal_msg", out var text) => text.Contains(
                "Please wait",
                StringComparison.Ordinal
            )
                ? StepWord.Wait
            : text.Contains("drift", StringComparison.Ordinal) ? "next-code"
            : "code",
            { Status: 405 } => "wrong-code",
            { Status: 401 } => "blocked",
            _ => StepWord.Refused,
        };
}
