using System.Net;
using System.Text.Json;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;
using Appliance.Lab.Units;

namespace Appliance.Lab.Scenarios;

/// <summary>
/// What a scenario is run on. Calls come one at a time, and each returns when all that it has caused has come to its end, waiting for
/// people and for the clock left out.
/// </summary>
internal interface IScenarioTarget : IAsyncDisposable
{
    /// <summary>Which of <see cref="StepWord.Needs"/> it has.</summary>
    IReadOnlySet<string> Offers { get; }

    /// <summary>How long an expectation may take to come true. Zero where all that a call has caused has come to its end when it returns.</summary>
    TimeSpan Patience => TimeSpan.Zero;

    /// <summary>Looks again at what a box of real time has come to.</summary>
    Task LookAgainAsync() => Task.CompletedTask;

    IReadOnlyList<LabNic> Nics { get; }

    IReadOnlyList<BoundService> Services { get; }

    /// <summary>Runs lines at the console; exactly what a terminal would show.</summary>
    Task<string> CliAsync(string script);

    /// <summary>A new SSL VPN client at an address, which speaks to a listener.</summary>
    IScenarioClient NewClient(IPAddress from, IPEndPoint to);

    /// <summary>True when somebody listens on a port of an interface.</summary>
    Task<bool> IsOpenAsync(IPEndPoint to);

    Task AdvanceAsync(TimeSpan by);

    /// <exception cref="FormatException">One of them means nothing here; nothing changed.</exception>
    Task SetFaultsAsync(IReadOnlyList<Fault> faults);

    IReadOnlyList<FaultState> Faults { get; }

    Task SetLinkAsync(string nic, bool up);

    Task SetPolicyAsync(JsonElement change);

    /// <summary>Presses a button of the panel, or lets go of it.</summary>
    /// <exception cref="FormatException">There is no such button.</exception>
    Task PressAsync(string button, bool down);

    /// <summary>Time goes on: by itself, or it is moved on.</summary>
    Task PassAsync(TimeSpan time);

    /// <summary>What a LED of the panel shows: <c>on</c>, <c>off</c>, or milliseconds on and off.</summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    Task<string> LedAsync(string name);

    /// <summary>What a LED of the panel has shown since the unit was last told to start again, in the words of <see cref="LedAsync"/>; empty before that.</summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    IReadOnlyList<string> LedShown(string name);

    Task RebootAsync();

    /// <summary>The phone of a user; null when he has none.</summary>
    PhoneView? PhoneOf(string user);

    Task ChangePhoneAsync(string user, PhoneChange change);

    /// <summary>Begins to answer the oldest push on a user's phone; null when no push waits there. What has become of it by now is its result.</summary>
    Task<PhoneAnswering?> AnswerAsync(string user, bool approve, string? number);

    /// <summary>A new phone presents an activation code; null when it is taken, else why not.</summary>
    Task<string?> EnrolAsync(string code, string platform);

    /// <summary>The code that a user's app shows some steps from now, by its own clock; null when he has none.</summary>
    string? CodeOf(string user, int steps);

    IReadOnlyList<ReceivedLetter> Letters { get; }

    /// <summary>All events since the start, oldest first.</summary>
    IReadOnlyList<EventRecord> Events { get; }

    /// <summary>The number of the newest login; 0 before the first.</summary>
    long NewestLogin { get; }

    LoginTimeline? Timeline(long login);
}

/// <summary>A phone's answer; <see cref="Answer"/> is null until the call has come to its end.</summary>
internal sealed class PhoneAnswering
{
    public PhoneReply? Answer { get; set; }
}

/// <summary>One SSL VPN client. A request may overtake one that still waits (a code that is typed while a push is out).</summary>
internal interface IScenarioClient
{
    /// <summary>Posts a form to <c>/remote/logincheck</c>; returns when the answer is here, or when it is clear that it waits for a person.</summary>
    Task PostAsync(string form);

    /// <summary>True while the newest request waits for its answer.</summary>
    bool Waits { get; }

    /// <summary>What the newest request that was answered got; null before the first answer.</summary>
    ClientReply? Reply { get; }
}

/// <summary>An answer of the SSL VPN.</summary>
/// <param name="Status">HTTP status; 0 when the connection was lost or refused.</param>
/// <param name="Body">The body, or why there is none.</param>
/// <param name="HasCookie">True when a session's cookie came with it.</param>
internal sealed record ClientReply(int Status, string Body, bool HasCookie)
{
    /// <summary>The fields of a challenge line; empty when it is none.</summary>
    public IReadOnlyDictionary<string, string> Challenge { get; } =
        Body.StartsWith("ret=2,", StringComparison.Ordinal)
            ? Body.Split(',')
                .Select(pair => pair.Split('=', 2))
                .Where(pair => pair.Length == 2)
                .DistinctBy(pair => pair[0])
                .ToDictionary(pair => pair[0], pair => pair[1])
            : new Dictionary<string, string>();

    /// <summary>In the words of <c>answer</c>.</summary>
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
