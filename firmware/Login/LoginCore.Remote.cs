using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <content>Remote servers: first factors that they verify, and their challenges.</content>
public sealed partial class LoginCore
{
    /// <summary>The maximum number of requests to a remote server for one login, which ends a client or server that loops.</summary>
    private const int QuestionsMax = 10;

    /// <summary>The reply that triggers a push on servers that expect a word for it.</summary>
    private const string PushWord = "push";

    /// <summary>
    /// Processes a remote server's verdict on the request with this number, or the absence of one. A verdict on an older request has no
    /// effect.
    /// </summary>
    /// <param name="requestId">The pending login.</param>
    /// <param name="number">The request (<see cref="RemoteOrder.Number"/>).</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="somebodyWaits">True if a client request waits for it.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Returns true if a push to a token can be sent.</param>
    /// <param name="now">The current time.</param>
    public LoginStep RemoteAnswered(
        string requestId,
        int number,
        RemoteVerdict verdict,
        bool somebodyWaits,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now
    )
    {
        var step = new LoginStep();
        if (
            !_pending.TryGetValue(requestId, out var attempt)
            || attempt.Question is not { } question
            || attempt.Questions != number
            || Lapse(step, attempt, now)
        )
        {
            return step;
        }
        step.IsAbout(attempt);
        attempt.Question = null;
        switch (verdict)
        {
            case RemoteVerdict.Challenged challenged:
                Challenged(step, attempt, challenged, rules, now);
                break;
            case RemoteVerdict.Accepted accepted when !somebodyWaits:
                Hold(step, attempt, accepted, rules, now);
                return step;
            case RemoteVerdict.Accepted accepted:
                Accepted(step, attempt, accepted, rules, canPush, now);
                break;
            case RemoteVerdict.Unavailable unavailable:
                NoteVerdict(step, attempt, $"cannot be asked: {unavailable.Why}", decides: true, unavailable.Change);
                Close(step, attempt, new LoginAnswer.Refused(Refusal.RemoteUnavailable));
                Refuse(step, attempt.Request, attempt.Account.Name, Refusal.RemoteUnavailable, rules, now, detail: unavailable.Why);
                return step;
            default:
                NoteVerdict(
                    step,
                    attempt,
                    AsksPhone(question) ? "rejected: the phone denied, or the server had no more time for it" : "rejected",
                    decides: true
                );
                var reason =
                    question.Answer is null ? Refusal.BadCredentials
                    : AsksPhone(question) ? Refusal.RemoteDenied
                    : Refusal.WrongCode;
                Close(step, attempt, new LoginAnswer.Refused(reason));
                Refuse(step, attempt.Request, attempt.Account.Name, reason, rules, now);
                return step;
        }
        step.Released.Add((requestId, step.Answer!));
        return step;
    }

    /// <summary>
    /// Records that a request is sent to an address of the remote server, or that the address failed. A notice of an older request has no
    /// effect.
    /// </summary>
    public LoginStep RemoteNoticed(string requestId, int number, RemoteNotice notice)
    {
        var step = new LoginStep();
        if (!_pending.TryGetValue(requestId, out var attempt) || attempt.Question is not { } question || attempt.Questions != number)
        {
            return step;
        }
        attempt.Question = question.With(notice);
        Note(
            step,
            attempt.Id,
            notice.HasFailed
                ? new("remote server", $"{notice.Address}: {notice.Cause}", notice.Change) { Subject = NameOf(attempt) }
                : new(
                    "remote server",
                    question.Answer is null ? "asked"
                        : AsksPhone(question) ? "told to ask the phone"
                        : "given the answer",
                    LoginDeadlines.Setting(question.Deadline).Change
                )
                {
                    Subject = $"{NameOf(attempt)} {notice.Address}",
                    At = question.Expires,
                }
        );
        return step;
    }

    private static bool AsksPhone(RemoteQuestion question) =>
        question.Answer is { } answer && (answer.Length == 0 || answer.Equals(PushWord, StringComparison.OrdinalIgnoreCase));

    private static void NoteVerdict(LoginStep step, PendingLogin attempt, string result, bool decides = false, string change = "") =>
        Note(step, attempt.Id, new("remote server", result, change) { Subject = NameOf(attempt) }, decides);

    private static string NameOf(PendingLogin attempt) => $"{attempt.Account.Remote!.Type} {attempt.Account.Remote.Name}";

    /// <summary>Sends the first request. All addresses of the server are tried, each for remoteauthtimeout.</summary>
    private LoginStep AskRemote(LoginStep step, PendingLogin attempt, LoginRules rules, DateTimeOffset now)
    {
        if (_pending.Count >= PendingMax)
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Overloaded);
            return step;
        }
        attempt.Deadline = now + (rules.Deadlines.RemoteAnswer * rules.Policy.AddressesOf(attempt.Account.Remote!));
        attempt.DeadlineName = DeadlineName.RemoteAnswer;
        Enter(attempt);
        Ask(step, attempt, null, attempt.Request.Password, attempt.Deadline, DeadlineName.RemoteAnswer);
        return step;
    }

    private void Ask(LoginStep step, PendingLogin attempt, string? answer, string password, DateTimeOffset expires, DeadlineName deadline)
    {
        attempt.Question = new RemoteQuestion(answer, expires, deadline);
        Remind(attempt, expires);
        step.Remote = new RemoteOrder(
            attempt.RequestId,
            ++attempt.Questions,
            attempt.Account.Remote!,
            attempt.Account.Name,
            password,
            attempt.Request.Source,
            expires
        )
        {
            Answers = attempt.Challenge,
        };
    }

    private void Challenged(LoginStep step, PendingLogin attempt, RemoteVerdict.Challenged challenge, LoginRules rules, DateTimeOffset now)
    {
        NoteVerdict(step, attempt, "challenged");
        attempt.Challenge = challenge;
        if (!attempt.WasChallenged)
        {
            attempt.WasChallenged = true;
            (attempt.Deadline, attempt.DeadlineName) = rules.Deadlines.SecondFactor(
                FactorKind.FortiAuthenticator,
                attempt.Request.Kind,
                now
            );
            Remind(attempt, attempt.Deadline);
            Note(
                step,
                attempt.Id,
                new("second factor", "asked by the remote server", LoginDeadlines.Setting(attempt.DeadlineName).Change)
                {
                    Subject = NameOf(attempt),
                    At = attempt.Deadline,
                }
            );
            NoteBudgets(step, attempt, rules.Deadlines);
        }
        step.Answer = new LoginAnswer.Challenge(attempt.Handle, attempt.Grant, ChallengeReason.Remote, challenge.Push != RemotePush.No)
        {
            RemoteText = challenge.Text,
        };
        Note(step, attempt.Id, new("challenge", challenge.Push == RemotePush.No ? "sent" : "sent; a phone can be asked"));
    }

    /// <summary>Records the two settings that bound the wait for a phone, because the shorter one is a common pitfall.</summary>
    private static void NoteBudgets(LoginStep step, PendingLogin attempt, LoginDeadlines deadlines)
    {
        static string Seconds(TimeSpan time) => $"{(long)time.TotalSeconds} s";
        var budgets =
            $"{Seconds(deadlines.RemoteAnswer)} for each answer of the server, a phone's included (remoteauthtimeout); {Seconds(deadlines.FacExpiry)} in all (two-factor-fac-expiry)";
        var (word, change) = LoginDeadlines.Setting(DeadlineName.RemoteAnswer);
        Note(
            step,
            attempt.Id,
            attempt.Challenge!.Push != RemotePush.No && deadlines.RemoteAnswer < LoginDeadlines.PhoneTakes
                ? new("time budget", $"{budgets}: {word} is too short for a phone", $"{change} 60")
                : new("time budget", budgets, change)
        );
    }

    /// <summary>
    /// Keeps an acceptance while no client request waits. The next request of the login completes it, within login-timeout.
    /// </summary>
    private void Hold(LoginStep step, PendingLogin attempt, RemoteVerdict.Accepted accepted, LoginRules rules, DateTimeOffset now)
    {
        NoteVerdict(step, attempt, "accepted");
        (attempt.Acceptance, attempt.Challenge) = (accepted, null);
        attempt.FirstFactorGiven = true;
        (attempt.Deadline, attempt.DeadlineName) = (now + rules.Deadlines.LoginTimeout, DeadlineName.LoginTimeout);
        Remind(attempt, attempt.Deadline);
        step.Events.Add(LoginEvents.RemoteAccepted(attempt));
        Note(
            step,
            attempt.Id,
            new("client", "has to come for its login", LoginDeadlines.Setting(DeadlineName.LoginTimeout).Change) { At = attempt.Deadline }
        );
    }

    /// <summary>Continues after the server has authenticated the user, with the authorisation and this unit's own second factor.</summary>
    private LoginStep Accepted(
        LoginStep step,
        PendingLogin attempt,
        RemoteVerdict.Accepted accepted,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now
    )
    {
        Leave(attempt);
        (attempt.Acceptance, attempt.Challenge) = (null, null);
        if (
            Revocation.OfProof(
                rules,
                attempt.Account,
                attempt.Request.Kind,
                attempt.IsFallback,
                attempt.Request.Realm,
                attempt.Request.Source,
                out _
            ) is
            { } refusal
        )
        {
            return Revoked(step, attempt, refusal);
        }
        attempt.Told = accepted;
        var groups = rules.Policy.GroupsOf(attempt.Account.Remote!, accepted);
        NoteVerdict(step, attempt, $"accepted; it told {(accepted.Groups.IsEmpty ? "no group" : "a group")}");
        var isNobodys = attempt.IsFallback && groups.IsEmpty;
        Note(
            step,
            attempt.Id,
            new(
                "groups",
                groups.IsEmpty
                    ? "none has this server for a member, or none of its match entries names what it told"
                    : "by what the server told",
                LoginSetting.GroupMatch
            )
            {
                Subject = string.Join(' ', groups),
            },
            decides: isNobodys
        );
        if (isNobodys)
        {
            // The default portal is for users of this unit, not for every user of a remote server.
            return Refuse(step, attempt.Request, attempt.Account.Name, Refusal.NoPolicy, rules, now);
        }
        // The current groups, not those of the first factor: the server may have taken its time.
        var own = attempt.IsFallback ? [] : rules.Accounts(attempt.Request.Kind).Find(attempt.Account.Name)?.Groups ?? [];
        attempt.Account = attempt.Account with { Groups = [.. own.Union(groups)] };
        return FirstFactorGiven(step, attempt, rules, canPush, now);
    }

    /// <summary>Waits for a push that the remote server sends to the phone.</summary>
    private LoginStep AwaitRemotePhone(LoginStep step, PendingLogin attempt, LoginRules rules, Func<Token, bool> canPush, DateTimeOffset now)
    {
        if (attempt.Challenge is { Push: RemotePush.No })
        {
            Note(step, attempt.Id, new("client", "waits for a phone that the remote server does not ask"));
            return Hold(step, attempt, Refusal.Expired, new LoginAnswer.Refused(Refusal.Expired, Retry: true), rules, now);
        }
        return AnswerChallenge(step, attempt, "", rules, canPush, now);
    }

    /// <summary>Sends the user's reply to the server's challenge. No answer in the step: the server's verdict is pending.</summary>
    private LoginStep AnswerChallenge(
        LoginStep step,
        PendingLogin attempt,
        string answer,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now
    )
    {
        if (attempt.Acceptance is { } acceptance)
        {
            Note(step, attempt.Id, new("client", "came for its approved login"));
            return Accepted(step, attempt, acceptance, rules, canPush, now);
        }
        if (attempt.Question?.Answer == answer)
        {
            Note(step, attempt.Id, new("client", "waits for the remote server"));
            return step;
        }
        if (attempt.Questions >= QuestionsMax)
        {
            Note(
                step,
                attempt.Id,
                new("remote server", "not asked again: it was asked often enough") { Subject = NameOf(attempt) },
                decides: true
            );
            Close(step, attempt, new LoginAnswer.Refused(Refusal.WrongCode));
            return Refuse(step, attempt.Request, attempt.Account.Name, Refusal.WrongCode, rules, now);
        }
        var late = now + rules.Deadlines.RemoteAnswer;
        var (expires, deadline) = late < attempt.Deadline ? (late, DeadlineName.RemoteAnswer) : (attempt.Deadline, attempt.DeadlineName);
        Ask(
            step,
            attempt,
            answer,
            answer.Length == 0 && attempt.Challenge!.Push == RemotePush.ByWord ? PushWord : answer,
            expires,
            deadline
        );
        return step;
    }

    /// <summary>Records that the server, or the phone behind it, took too long.</summary>
    private static void LateAnswer(LoginStep step, PendingLogin attempt, RemoteQuestion question, DateTimeOffset now)
    {
        step.Events.Add(LoginEvents.Expired(attempt, question.Deadline, question.Causes));
        if (question.Notices.Any(notice => notice.HasFailed || !AsksPhone(question)))
        {
            // More time would not help: these addresses gave no valid answer.
            Note(
                step,
                attempt.Id,
                new("remote server", $"no answer that counts: {question.Causes}", question.Change)
                {
                    Subject = NameOf(attempt),
                    At = question.Expires,
                },
                decides: true
            );
            return;
        }
        var (word, change) = LoginDeadlines.Setting(question.Deadline);
        Note(
            step,
            attempt.Id,
            AsksPhone(question)
                ? new(
                    "deadline",
                    $"{word} passed while the remote server asked the phone",
                    question.Deadline == DeadlineName.RemoteAnswer ? change + " 60" : change
                )
                {
                    At = question.Expires,
                }
                : new("deadline", $"{word} passed", change) { At = question.Expires },
            decides: true
        );
    }
}
