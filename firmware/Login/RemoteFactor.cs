using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Login;

/// <summary>First factors that a remote server verifies, and the challenges of that server.</summary>
internal sealed class RemoteFactor(PendingLogins pending, SecondFactor second)
{
    /// <summary>The maximum number of requests to a remote server for one login, which ends a client or server that loops.</summary>
    private const int QuestionsMax = 10;

    /// <summary>Sends the first request. All addresses of the server are tried, each for remoteauthtimeout.</summary>
    internal void Ask(in LoginTurn turn, PendingLogin attempt)
    {
        if (pending.IsFull)
        {
            turn.Step.Answer = new LoginAnswer.Refused(Refusal.Overloaded);
            return;
        }
        var rules = turn.Rules;
        attempt.Deadline = turn.Now + (rules.Deadlines.RemoteAnswer * rules.Policy.AddressesOf(attempt.Account.Remote!));
        attempt.DeadlineName = DeadlineName.RemoteAnswer;
        pending.Enter(attempt);
        Send(turn.Step, attempt, null, attempt.Request.Password, attempt.Deadline, DeadlineName.RemoteAnswer);
    }

    /// <summary>Processes a verdict on the latest request of a login.</summary>
    /// <param name="turn">The decision.</param>
    /// <param name="attempt">The login, which is pending.</param>
    /// <param name="question">The request.</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="somebodyWaits">True if a client request waits for it.</param>
    internal void Answered(in LoginTurn turn, PendingLogin attempt, RemoteQuestion question, RemoteVerdict verdict, bool somebodyWaits)
    {
        turn.Step.IsAbout(attempt);
        attempt.Question = null;
        switch (verdict)
        {
            case RemoteVerdict.Challenged challenged:
                Challenged(turn, attempt, challenged);
                break;
            case RemoteVerdict.Accepted accepted when !somebodyWaits:
                Keep(turn, attempt, accepted);
                return;
            case RemoteVerdict.Accepted accepted:
                Accepted(turn, attempt, accepted);
                break;
            case RemoteVerdict.Unavailable unavailable:
                Note(turn, attempt, $"unavailable: {unavailable.Why}", decides: true, unavailable.Change);
                turn.End(attempt, Refusal.RemoteUnavailable, unavailable.Why);
                return;
            default:
                Note(
                    turn,
                    attempt,
                    question.AsksPhone ? "rejected: the phone denied, or the server's time ran out" : "rejected",
                    decides: true
                );
                turn.End(
                    attempt,
                    question.Answer is null ? Refusal.BadCredentials
                        : question.AsksPhone ? Refusal.RemoteDenied
                        : Refusal.WrongCode
                );
                return;
        }
        turn.Release(attempt, turn.Step.Answer!);
    }

    /// <summary>Records that a request is sent to an address of the remote server, or that the address failed.</summary>
    internal static void Noticed(LoginStep step, PendingLogin attempt, RemoteQuestion question, RemoteNotice notice)
    {
        attempt.Question = question.With(notice);
        step.Note(
            attempt.Id,
            notice.HasFailed
                ? new("remote server", $"{notice.Address}: {notice.Cause}", notice.Change) { Subject = attempt.ServerName }
                : new(
                    "remote server",
                    question.Answer is null ? "request sent"
                        : question.AsksPhone ? "push requested"
                        : "reply sent",
                    LoginDeadlines.Setting(question.Deadline).Change
                )
                {
                    Subject = $"{attempt.ServerName} {notice.Address}",
                    At = question.Expires,
                }
        );
    }

    /// <summary>Waits for a push that the remote server sends to the phone.</summary>
    internal void AwaitPhone(in LoginTurn turn, PendingLogin attempt)
    {
        if (attempt.Challenge is { Push: RemotePush.No })
        {
            turn.Note(attempt, new("client", "waits for a push that the remote server does not offer"));
            turn.Hold(attempt, Refusal.Expired, new LoginAnswer.Refused(Refusal.Expired, Retry: true));
            return;
        }
        Reply(turn, attempt, "");
    }

    /// <summary>Sends the user's reply to the server's challenge. No answer in the step: the server's verdict is pending.</summary>
    internal void Reply(in LoginTurn turn, PendingLogin attempt, string answer)
    {
        if (attempt.Acceptance is { } acceptance)
        {
            turn.Note(attempt, new("client", "fetched its login"));
            Accepted(turn, attempt, acceptance);
            return;
        }
        if (attempt.Question?.Answer == answer)
        {
            turn.Note(attempt, new("client", "waits for the remote server"));
            return;
        }
        if (attempt.Questions >= QuestionsMax)
        {
            Note(turn, attempt, "no further request: the limit of requests is reached", decides: true);
            turn.End(attempt, Refusal.WrongCode);
            return;
        }
        var late = turn.Now + turn.Rules.Deadlines.RemoteAnswer;
        var (expires, deadline) = late < attempt.Deadline ? (late, DeadlineName.RemoteAnswer) : (attempt.Deadline, attempt.DeadlineName);
        Send(
            turn.Step,
            attempt,
            answer,
            answer.Length == 0 && attempt.Challenge!.Push == RemotePush.ByWord ? RemoteQuestion.PushWord : answer,
            expires,
            deadline
        );
    }

    private void Send(
        LoginStep step,
        PendingLogin attempt,
        string? answer,
        string password,
        DateTimeOffset expires,
        DeadlineName deadline
    )
    {
        attempt.Question = new RemoteQuestion(answer, expires, deadline);
        pending.Remind(attempt, expires);
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

    private void Challenged(in LoginTurn turn, PendingLogin attempt, RemoteVerdict.Challenged challenge)
    {
        Note(turn, attempt, "challenged");
        attempt.Challenge = challenge;
        if (!attempt.WasChallenged)
        {
            attempt.WasChallenged = true;
            (attempt.Deadline, attempt.DeadlineName) = turn.Rules.Deadlines.SecondFactor(
                FactorKind.FortiAuthenticator,
                attempt.Request.Kind,
                turn.Now
            );
            pending.Remind(attempt, attempt.Deadline);
            turn.Note(
                attempt,
                new("second factor", "requested by the remote server", LoginDeadlines.Setting(attempt.DeadlineName).Change)
                {
                    Subject = attempt.ServerName,
                    At = attempt.Deadline,
                }
            );
            NoteBudgets(turn, attempt);
        }
        turn.Step.Answer = new LoginAnswer.Challenge(
            attempt.Handle,
            attempt.Grant,
            ChallengeReason.Remote,
            challenge.Push != RemotePush.No
        )
        {
            RemoteText = challenge.Text,
        };
        turn.Note(attempt, new("challenge", challenge.Push == RemotePush.No ? "sent" : "sent; the server offers a push"));
    }

    /// <summary>Records the two settings that bound the wait for a phone, because the shorter one is a common pitfall.</summary>
    private static void NoteBudgets(in LoginTurn turn, PendingLogin attempt)
    {
        static string Seconds(TimeSpan time) => $"{(long)time.TotalSeconds} s";
        var deadlines = turn.Rules.Deadlines;
        var budgets =
            $"{Seconds(deadlines.RemoteAnswer)} for each reply of the server, a phone's time included (remoteauthtimeout); "
            + $"{Seconds(deadlines.FacExpiry)} in all (two-factor-fac-expiry)";
        var (word, change) = LoginDeadlines.Setting(DeadlineName.RemoteAnswer);
        turn.Note(
            attempt,
            attempt.Challenge!.Push != RemotePush.No && deadlines.RemoteAnswer < LoginDeadlines.PhoneTakes
                ? new("time budget", $"{budgets}: {word} is too short for a phone", $"{change} 60")
                : new("time budget", budgets, change)
        );
    }

    /// <summary>
    /// Keeps an acceptance while no client request waits. The next request of the login completes it, within login-timeout.
    /// </summary>
    private static void Keep(in LoginTurn turn, PendingLogin attempt, RemoteVerdict.Accepted accepted)
    {
        Note(turn, attempt, "accepted");
        (attempt.Acceptance, attempt.Challenge) = (accepted, null);
        attempt.FirstFactorGiven = true;
        turn.Step.Events.Add(LoginEvents.RemoteAccepted(attempt));
        turn.AwaitClient(attempt);
    }

    /// <summary>Continues after the server has authenticated the user, with the authorisation and this unit's own second factor.</summary>
    private void Accepted(in LoginTurn turn, PendingLogin attempt, RemoteVerdict.Accepted accepted)
    {
        var rules = turn.Rules;
        pending.Leave(attempt);
        (attempt.Acceptance, attempt.Challenge) = (null, null);
        if (Revocation.OfProof(rules, attempt, out _) is { } refusal)
        {
            Authorisation.Revoked(turn, attempt, refusal);
            return;
        }
        attempt.Told = accepted;
        var groups = rules.Policy.GroupsOf(attempt.Account.Remote!, accepted);
        Note(turn, attempt, $"accepted with {(accepted.Groups.IsEmpty ? "no group" : "a group")}");
        var isNobodys = attempt.IsFallback && groups.IsEmpty;
        turn.Note(
            attempt,
            new(
                "groups",
                groups.IsEmpty
                    ? "no group has this server as a member with a matching entry"
                    : "by the server's reply",
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
            turn.Refuse(attempt, Refusal.NoPolicy);
            return;
        }
        // The current groups, not those of the first factor: the server may have taken its time.
        var own = attempt.IsFallback ? [] : rules.Accounts(attempt.Request.Kind).Find(attempt.Account.Name)?.Groups ?? [];
        attempt.Account = attempt.Account with { Groups = [.. own.Union(groups)] };
        second.Demand(turn, attempt);
    }

    private static void Note(in LoginTurn turn, PendingLogin attempt, string result, bool decides = false, string change = "") =>
        turn.Note(attempt, new("remote server", result, change) { Subject = attempt.ServerName }, decides);
}
