using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Phones;

namespace Appliance.Lab.Scenarios;

/// <summary>A failed step.</summary>
internal sealed class StepFailed(string expected, string seen, LoginAttempt? login = null) : Exception
{
    public string Expected => expected;

    public string Seen => seen;

    public LoginAttempt? Login => login;
}

/// <summary>A login that the scenario began.</summary>
internal sealed class LoginAttempt(string name, string user, IScenarioClient client)
{
    public string Name => name;

    public string User => user;

    public IScenarioClient Client => client;

    /// <summary>The fields of its challenge; empty before one.</summary>
    public IReadOnlyDictionary<string, string> Challenge { get; set; } = new Dictionary<string, string>();

    /// <summary>Its number in the journal; 0 if it has none.</summary>
    public long Number { get; set; }
}

/// <summary>One run of a scenario on a target.</summary>
internal sealed partial class ScenarioRun
{
    private const string DefaultSource = "203.0.113.10"; // RFC 5737
    private const string TrialToken = "{trial token}";
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PhoneDelay = TimeSpan.FromSeconds(1);

    /// <summary>The debounce time of a button; the unit ignores a shorter change (docs/reference/boards.md).</summary>
    private static readonly TimeSpan Contacts = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest <c>pass</c>, because a target of real time waits for it.</summary>
    private static readonly TimeSpan PassMax = TimeSpan.FromSeconds(10);

    private readonly IScenarioTarget _box;
    private readonly int _seed;
    private readonly List<LoginAttempt> _logins = [];
    private readonly Dictionary<string, string> _lastCodes = new(StringComparer.Ordinal);
    private int _faultLists;

    private ScenarioRun(IScenarioTarget box, int seed) => (_box, _seed) = (box, seed);

    /// <summary>Runs a scenario to its end or its first failed step.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="seed">The seed of all random values.</param>
    /// <param name="create">Creates a target that is not started.</param>
    /// <param name="tell">Called with each step before it runs.</param>
    /// <exception cref="FormatException">The scenario is not applicable to this target.</exception>
    public static async Task<ScenarioResult> RunAsync(
        Scenario scenario,
        int seed,
        Func<Scenario, int, IScenarioTarget> create,
        Action<string>? tell = null
    )
    {
        var began = LabClock.Wall.GetTimestamp();
        await using var box = create(scenario, seed);
        ScenarioResult Result(int steps, string? skipped = null, ScenarioFailure? failure = null) =>
            new(
                scenario.Name,
                scenario.Title,
                seed,
                steps,
                skipped,
                failure,
                string.Concat(box.Events.Select(record => record.Line + "\n")),
                LabClock.Wall.GetElapsedTime(began).TotalSeconds
            );
        // A target that lacks a capability is not started.
        if (ScenarioNeed.Unmet(scenario, box) is { } unmet)
        {
            return Result(0, unmet);
        }
        await box.StartAsync();
        var run = new ScenarioRun(box, seed);
        for (var at = 0; at < scenario.Steps.Count; at++)
        {
            var step = scenario.Steps[at];
            tell?.Invoke($"{at + 1,3} {step}");
            try
            {
                await run.DoAsync(step);
            }
            catch (StepFailed failed)
            {
                return Result(
                    at,
                    failure: new ScenarioFailure(
                        at + 1,
                        step.Line,
                        step.ToString(),
                        failed.Expected,
                        failed.Seen,
                        run.Lines(failed.Login ?? run._logins.LastOrDefault())
                    )
                );
            }
            catch (FormatException wrong)
            {
                throw new FormatException($"{scenario.Name}{Scenario.FileEnd}:{step.Line}: steps[{at}]: {wrong.Message}", wrong);
            }
        }
        return Result(scenario.Steps.Count);
    }

    private Task DoAsync(ScenarioStep step) =>
        step.Word.Word switch
        {
            "cli" => CliAsync(step),
            "login" => LoginAsync(step),
            "code" => CodeAsync(step),
            "wait-for-push" => WaitAsync(step),
            "approve" => AnswerAsync(step, approve: true),
            "deny" => AnswerAsync(step, approve: false),
            "phone" => PhoneAsync(step),
            "enrol" => EnrolAsync(step),
            "advance" => Has(_box.Clock).AdvanceAsync(
                step.Duration("advance")!.Value is var by && by >= TimeSpan.Zero ? by : throw new FormatException("time goes forward only")
            ),
            "faults" => FaultsAsync(step),
            "link" => Has(_box.Cables).SetLinkAsync(
                NicOf(step.Subject),
                step.Text("state") switch
                {
                    "up" => true,
                    "down" => false,
                    _ => throw new FormatException("link needs state: up or down"),
                }
            ),
            "policy" => Has(_box.Policy).SetAsync(step.Json("policy")),
            "press" => PressAsync(step),
            "release" => DriveAsync(step.Subject, down: false),
            "pass" => _box.PassAsync(
                step.Duration("pass")!.Value is var time && time >= TimeSpan.Zero && time <= PassMax
                    ? time
                    : throw new FormatException($"pass takes 0 to {PassMax.TotalSeconds} s; time that moves by hand is advance")
            ),
            "reboot" => _box.RebootAsync(),
            _ => ExpectSoonAsync(step),
        };

    /// <summary>Repeats an expectation on a target of real time until it is met or the time limit passes.</summary>
    private async Task ExpectSoonAsync(ScenarioStep step)
    {
        var began = LabClock.Wall.GetTimestamp();
        while (true)
        {
            try
            {
                await ExpectAsync(step);
                return;
            }
            catch (StepFailed) when (LabClock.Wall.GetElapsedTime(began) < _box.Patience)
            {
                await Task.Delay(LookAgain, LabClock.Wall);
                await _box.LookAgainAsync();
            }
        }
    }

    private async Task CliAsync(ScenarioStep step)
    {
        var trial = step.Subject.Contains(TrialToken, StringComparison.Ordinal) ? await TrialTokenAsync() : "";
        var transcript = await _box.CliAsync(
            Placeholder()
                .Replace(
                    step.Subject,
                    match =>
                        match.Groups[2].Value is { Length: > 0 } user ? CodeOf(user, match.Groups[1].Value.Length > 0 ? 1 : 0)
                        : match.Value == TrialToken ? trial
                        : ActivationCode()
                )
        );
        foreach (var text in step.Texts("shows").Where(text => !transcript.Contains(text, StringComparison.Ordinal)))
        {
            throw new StepFailed($"the console shows \"{text}\"", transcript);
        }
        foreach (var text in step.Texts("hides").Where(text => transcript.Contains(text, StringComparison.Ordinal)))
        {
            throw new StepFailed($"the console does not show \"{text}\"", transcript);
        }
    }

    /// <summary>The first token of the free trial; its serial number follows from the seed.</summary>
    private async Task<string> TrialTokenAsync() =>
        TrialSerial().Match(await _box.CliAsync("show user fortitoken")) is { Success: true } match
            ? match.Groups[1].Value
            : throw new StepFailed("a token of the free trial", "there is none (execute fortitoken-mobile import)");

    private async Task LoginAsync(ScenarioStep step)
    {
        var user = step.Subject;
        var to = step.Text("to") is { } nic ? NicOf(nic) : null;
        var listener =
            _box.Services.FirstOrDefault(service => service.Service == "sslvpn" && (to is null || service.Nic == to))
            ?? throw new StepFailed("the SSL VPN listens", $"it does not{(to is null ? "" : $" on {to}")}");
        var source = step.Text("from") ?? DefaultSource;
        var attempt = new LoginAttempt(
            step.Text("as") ?? "",
            user,
            _box.NewClient(
                IPAddress.TryParse(source, out var from) ? from : throw new FormatException($"from must be an address, not '{source}'"),
                listener.EndPoint
            )
        );
        _logins.Add(attempt);
        var newest = _box.NewestLogin;
        await attempt.Client.PostAsync(
            $"username={Uri.EscapeDataString(user)}&credential={Uri.EscapeDataString(step.Text("password") ?? user + "-password")}&realm=&ajax=1&just_logged_in=1"
        );
        attempt.Number = _box.NewestLogin is var number && number > newest ? number : 0;
        Note(attempt);
        CheckAnswer(step, attempt);
        if (attempt.Client.Reply?.Word == "push" && step.Flag("wait") != false)
        {
            await attempt.Client.PostAsync(Second(attempt) + "&ftmpush=1");
        }
    }

    private async Task CodeAsync(ScenarioStep step)
    {
        var attempt = LoginOf(step, step.Subject);
        var code = step.Text("value") switch
        {
            null or "now" => CodeOf(step.Subject, 0),
            "next" => CodeOf(step.Subject, 1),
            "previous" => CodeOf(step.Subject, -1),
            // Changing the last digit gives another code, which is a neighbouring code only once in a million.
            "wrong" => CodeOf(step.Subject, 0) is var right ? right[..^1] + (char)('0' + ((right[^1] - '0' + 5) % 10)) : "",
            "letter" => _box.Inbox?.Letters.LastOrDefault(letter => letter.Code is not null)?.Code
                ?? throw new StepFailed("a letter with a code in the inbox", "there is none"),
            { } digits => digits,
        };
        Note(attempt);
        await attempt.Client.PostAsync(
            $"{Second(attempt)}&magic={attempt.Challenge.GetValueOrDefault("magic")}&code={Uri.EscapeDataString(code)}"
        );
        Note(attempt);
        CheckAnswer(step, attempt);
    }

    private async Task WaitAsync(ScenarioStep step)
    {
        var attempt = LoginOf(step, step.Subject);
        Note(attempt);
        await attempt.Client.PostAsync(Second(attempt) + "&ftmpush=1");
        if (step.Text("answer") is not null)
        {
            CheckAnswer(step, attempt);
        }
    }

    private async Task AnswerAsync(ScenarioStep step, bool approve)
    {
        var number =
            step.Text("number") is not "shown" ? step.Text("number")
            : NumberShown().Match(_logins.LastOrDefault(login => login.User == step.Subject)?.Challenge.GetValueOrDefault("chal_msg") ?? "")
                is { Success: true } match
                ? match.Value
            : throw new StepFailed("a number in the text of the login", "there is none");
        var answering = await Has(_box.Phones).AnswerAsync(step.Subject, approve, number);
        var seen =
            answering is null ? "none"
            : answering.Answer is null ? "later"
            : WordOf(answering.Answer);
        // Without an explicit <c>none</c>, a missing push is a mistake of the scenario.
        if (step.Text("answer") is { } expected ? expected != seen : seen == "none")
        {
            throw new StepFailed(
                $"the phone's answer is {step.Text("answer") ?? "sent"}",
                seen == "none"
                    ? $"no push waits on a phone of {step.Subject} that is on"
                    : $"it is {seen}{(answering?.Answer is { } answer ? $" ({answer.Detail})" : "")}",
                _logins.LastOrDefault(login => login.User == step.Subject)
            );
        }
    }

    private async Task PressAsync(ScenarioStep step)
    {
        if (step.Duration("for") is not { } time)
        {
            await DriveAsync(step.Subject, down: true);
            return;
        }
        await Has(_box.Panel).PressAsync(step.Subject, down: true);
        await _box.PassAsync(time >= TimeSpan.Zero ? time : throw new FormatException("time goes forward only"));
        await DriveAsync(step.Subject, down: false);
    }

    private async Task DriveAsync(string button, bool down)
    {
        await Has(_box.Panel).PressAsync(button, down);
        await _box.PassAsync(Contacts);
    }

    private Task PhoneAsync(ScenarioStep step)
    {
        _ = ViewOf(step.Subject);
        var mode = step.Text("mode") is { } word ? Enum.Parse<PhoneMode>(word, ignoreCase: true) : (PhoneMode?)null;
        return Has(_box.Phones).ChangeAsync(
            step.Subject,
            new PhoneChange(mode, step.Duration("delay") ?? (mode is null ? null : PhoneDelay), step.Duration("skew"), step.Flag("online"))
        );
    }

    private async Task EnrolAsync(ScenarioStep step)
    {
        if (await Has(_box.Phones).EnrolAsync(ActivationCode(), step.Text("platform") ?? "ios") is { } refusal)
        {
            throw new StepFailed("the phone is enrolled", refusal);
        }
        _ = ViewOf(step.Subject);
    }

    private Task FaultsAsync(ScenarioStep step)
    {
        var json = step.Json("faults");
        var list = ++_faultLists;
        return Has(_box.Faults).SetAsync([
            .. FaultText
                .Read(json)
                .Zip(json.EnumerateArray(), (fault, text) => (fault, text))
                .Select(
                    (pair, index) =>
                        pair.text.TryGetProperty("seed", out _)
                            ? pair.fault
                            : pair.fault with
                            {
                                Seed = SeededNumbers.Of(
                                    _seed,
                                    string.Create(CultureInfo.InvariantCulture, $"fault {index} of list {list}")
                                ),
                            }
                ),
        ]);
    }

    /// <summary>Stores the newest challenge, also one that was answered after the step that caused it.</summary>
    private static void Note(LoginAttempt attempt)
    {
        if (attempt.Client.Reply?.Challenge is { Count: > 0 } challenge)
        {
            attempt.Challenge = challenge;
        }
    }

    private static void CheckAnswer(ScenarioStep step, LoginAttempt attempt)
    {
        var reply = attempt.Client.Reply;
        var seen = attempt.Client.Waits ? StepWord.Waiting : reply?.Word ?? "nothing";
        if (step.Text("answer") is { } expected && expected != seen)
        {
            throw new StepFailed($"the client's reply: {expected}", $"{seen}: {reply?.Body}", attempt);
        }
        if (step.Text("says") is { } words && reply?.Body.Contains(words, StringComparison.Ordinal) != true)
        {
            throw new StepFailed($"the client is shown \"{words}\"", $"{seen}: {reply?.Body}", attempt);
        }
    }

    /// <summary>A capability that <see cref="StepWord.NeedsOf"/> names for the step, so that the target has it.</summary>
    private static T Has<T>(T? capability)
        where T : class => capability ?? throw new InvalidOperationException($"a step uses {typeof(T).Name} without naming the need");

    private static string Second(LoginAttempt attempt) =>
        $"username={Uri.EscapeDataString(attempt.User)}&realm=&reqid={attempt.Challenge.GetValueOrDefault("reqid")}&polid={attempt.Challenge.GetValueOrDefault("polid")}&grp=&portal=&peer=";

    private static string WordOf(PhoneReply answer) => answer.OutcomeText.Replace(' ', '-');

    private LoginAttempt LoginOf(ScenarioStep step, string? user = null) =>
        step.Text("of") is { } name
            ? _logins.LastOrDefault(login => login.Name == name || login.User == name)
                ?? throw new FormatException($"no login before this step is called '{name}'")
            : _logins.LastOrDefault(login => user is null || login.User == user)
                ?? throw new FormatException($"no login{(user is null ? "" : $" of {user}")} before this step");

    private PhoneView ViewOf(string user) => _box.Phones?.PhoneOf(user) ?? throw new StepFailed($"{user} has a phone", "the user has none");

    private string CodeOf(string user, int steps) =>
        _box.Phones?.CodeOf(user, steps) ?? throw new StepFailed($"{user} has a mobile token", "the user has none");

    private string ActivationCode() =>
        _box.Inbox?.Letters.LastOrDefault(letter => letter.Code is { Length: 16 })?.Code
        ?? throw new StepFailed("a letter with an activation code in the inbox", "there is none");

    private string NicOf(string name) =>
        _box.Nics.Any(nic => nic.Name == name)
            ? name
            : throw new FormatException($"there is no interface '{name}'; {NearestWord.Hint(name, _box.Nics.Select(nic => nic.Name))}");

    [GeneratedRegex(@"\{(?:(next )?code of ([A-Za-z0-9_.-]+)|activation code|trial token)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex("edit \"(FTKMOB(?!00)[0-9A-F]{10})\"")]
    private static partial Regex TrialSerial();

    [GeneratedRegex(@"\b[0-9]{2}\b")]
    private static partial Regex NumberShown();
}
