using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>The second factor of an authenticated user: the demand, and typed codes.</summary>
internal sealed class SecondFactor(TokenCore tokens, OneTimeCodes codes, PendingLogins pending, PhoneFactor phone)
{
    /// <summary>The number of wrong codes that ends a pending login.</summary>
    private const int WrongCodesMax = 3;

    private static readonly LoginFact ChallengeSent = new("challenge", "sent");

    /// <summary>Continues after the first factor has authenticated the user, with the authorisation and the second factor.</summary>
    internal void Demand(in LoginTurn turn, PendingLogin attempt)
    {
        attempt.FirstFactorGiven = true;
        turn.Step.IsAbout(attempt);
        if (!Authorisation.Grant(turn, attempt))
        {
            return;
        }
        switch (attempt.Account.Factor)
        {
            case RequiredFactor.None:
                Authorisation.Succeed(
                    turn,
                    attempt,
                    attempt.WasChallenged
                        ? new("second factor", "given to the remote server")
                        : new("second factor", "not demanded", LoginSetting.TwoFactor)
                );
                break;
            case RequiredFactor.OfCloud:
                turn.Note(attempt, new("second factor", "FortiToken Cloud is not licensed", LoginSetting.TwoFactor), decides: true);
                turn.Step.Events.Add(CloudFactor.Refused(attempt.Account.Name, attempt.Request.Source));
                turn.Refuse(attempt, Refusal.NotLicensed);
                break;
            case RequiredFactor.Unusable unusable:
                turn.Note(attempt, new("second factor", unusable.Why, LoginSetting.TwoFactor), decides: true);
                turn.Refuse(attempt, Refusal.TokenUnusable);
                break;
            default:
                Ask(turn, attempt);
                break;
        }
    }

    /// <summary>Evaluates a typed code.</summary>
    /// <param name="turn">The decision.</param>
    /// <param name="attempt">The login, which is pending.</param>
    /// <param name="code">The code.</param>
    /// <param name="nextCode">The token's next code; "" if it was not given.</param>
    internal void Check(in LoginTurn turn, PendingLogin attempt, string code, string nextCode)
    {
        if (turn.Limits.Guesses.WaitFor(attempt.FactorKey, attempt.Request.Source, turn.Now) is { } rest)
        {
            turn.Note(
                attempt,
                new("code", $"not evaluated: many wrong codes, {WaitMessage.Seconds(rest)} seconds left", LoginSetting.Sync)
            );
            turn.Hold(attempt, Refusal.Throttled, Challenge(attempt, ChallengeReason.Throttled, rest));
            return;
        }
        if (attempt.Account.Factor is not RequiredFactor.OfToken { Seed: var seed })
        {
            if (codes.Check(attempt.RequestId, code, turn.Now) == OneTimeOutcome.Accepted)
            {
                Pass(turn, attempt);
            }
            else
            {
                Fail(turn, attempt, "wrong");
            }
            return;
        }
        if (attempt.DriftedCode is { } drifted)
        {
            attempt.DriftedCode = null;
            Resync(turn, attempt, seed, drifted, code);
            return;
        }
        CheckToken(turn, attempt, seed, code, nextCode);
    }

    private void CheckToken(in LoginTurn turn, PendingLogin attempt, TokenSeed seed, string code, string nextCode)
    {
        var verdict = tokens.Check(seed, code, turn.Now);
        switch (verdict.Outcome)
        {
            case CodeOutcome.Accepted:
                turn.Step.Memory.AddRange(verdict.Memory);
                Pass(turn, attempt);
                break;
            case CodeOutcome.Wait:
                turn.Step.Events.Add(LoginEvents.Replayed(attempt));
                turn.Note(attempt, new("code", $"consumed; the next one follows in {WaitMessage.Seconds(verdict.Wait)} seconds"));
                turn.Hold(
                    attempt,
                    Refusal.WrongCode,
                    Challenge(attempt, ChallengeReason.Wait, verdict.Wait) with
                    {
                        Push = false,
                    }
                );
                break;
            case CodeOutcome.NextCodeWanted when nextCode.Length > 0:
                Resync(turn, attempt, seed, code, nextCode);
                break;
            case CodeOutcome.NextCodeWanted:
                attempt.DriftedCode = code;
                turn.Note(attempt, new("code", "of a drifted clock; the next code is requested", LoginSetting.Sync));
                turn.Hold(
                    attempt,
                    Refusal.WrongCode,
                    Challenge(attempt, ChallengeReason.NextCode) with
                    {
                        TypedCode = code,
                        Push = false,
                    }
                );
                break;
            default:
                if (verdict.Replayed)
                {
                    turn.Step.Events.Add(LoginEvents.Replayed(attempt));
                }
                Fail(turn, attempt, verdict.Replayed ? "used before" : "wrong");
                break;
        }
    }

    private void Ask(in LoginTurn turn, PendingLogin attempt)
    {
        if (pending.IsFull)
        {
            turn.Step.Answer = new LoginAnswer.Refused(Refusal.Overloaded);
            return;
        }
        (attempt.Deadline, attempt.DeadlineName) = turn.Rules.Deadlines.SecondFactor(
            attempt.FactorKind,
            attempt.Request.Kind,
            turn.Now
        );
        pending.Enter(attempt);
        pending.Remind(attempt, attempt.Deadline);
        turn.Note(
            attempt,
            new("second factor", "demanded", LoginDeadlines.Setting(attempt.DeadlineName).Change)
            {
                Subject = attempt.Account.Token?.Serial ?? LoginEvents.Word(attempt.FactorKind),
                At = attempt.Deadline,
            }
        );
        if (attempt.Account.Factor is RequiredFactor.OfCode { To: var to })
        {
            if (!SendCode(turn, attempt, to))
            {
                return;
            }
        }
        else if (attempt.Request.Code.Length > 0)
        {
            CheckSentCode(turn, attempt);
            return;
        }
        Prompt(turn, attempt);
    }

    /// <summary>Sends a one-time code. False if too many are on their way to the user: the login is refused.</summary>
    private bool SendCode(in LoginTurn turn, PendingLogin attempt, CodeDestination to)
    {
        if (codes.Issue(attempt.RequestId, attempt.PushKey, to, attempt.Draw.OneTimeCode, turn.Now) is not { } order)
        {
            turn.Note(attempt, new("one-time code", "not sent: too many are in delivery to this user"), decides: true);
            turn.End(attempt, Refusal.PushFailed);
            return false;
        }
        // The message names the account, not the key under which it is counted.
        turn.Step.Code = order with
        {
            User = attempt.Account.Name,
        };
        turn.Note(attempt, new("one-time code", $"sent by {LoginEvents.Word(attempt.FactorKind)}") { At = order.Expires });
        return true;
    }

    /// <summary>Evaluates the code that came with the password.</summary>
    private void CheckSentCode(in LoginTurn turn, PendingLogin attempt)
    {
        turn.Note(attempt, new("push", "not sent: the password has a code"));
        Check(turn, attempt, attempt.Request.Code, "");
        if (turn.Step.Answer is LoginAnswer.Refused)
        {
            // The client never received a handle, so no further request can follow.
            turn.Close(attempt, turn.Step.Answer);
            turn.Step.Answer = new LoginAnswer.Refused(Refusal.WrongCode);
        }
    }

    /// <summary>Prompts the user for a code, and offers a push to a token's phone.</summary>
    private void Prompt(in LoginTurn turn, PendingLogin attempt)
    {
        var throttled = turn.Limits.Guesses.WaitFor(attempt.FactorKey, attempt.Request.Source, turn.Now);
        var wait = attempt.Account.Factor is RequiredFactor.OfToken token ? tokens.WaitFor(token.Seed, turn.Now) : null;
        if (attempt.Account.Token is { } asked)
        {
            phone.Offer(turn, attempt, asked, wait);
        }
        var challenge = Challenge(
            attempt,
            wait is not null ? ChallengeReason.Wait
                : throttled is not null ? ChallengeReason.Throttled
                : attempt.Asks,
            wait ?? throttled ?? default
        );
        turn.Step.Answer = challenge;
        turn.Note(
            attempt,
            challenge.Reason switch
            {
                ChallengeReason.Wait => new(
                    "challenge",
                    $"wait {WaitMessage.Seconds(wait!.Value)} seconds: the code of this step is consumed"
                ),
                ChallengeReason.Throttled => new("challenge", $"wait {WaitMessage.Seconds(throttled!.Value)} seconds: many wrong codes"),
                _ => ChallengeSent,
            }
        );
    }

    private void Resync(in LoginTurn turn, PendingLogin attempt, TokenSeed seed, string code, string nextCode)
    {
        var verdict = tokens.Resync(seed, code, nextCode, turn.Now);
        if (verdict.Outcome != ResyncOutcome.Synced)
        {
            if (verdict.Outcome == ResyncOutcome.Used)
            {
                turn.Step.Events.Add(LoginEvents.Replayed(attempt));
            }
            Fail(
                turn,
                attempt,
                verdict.Outcome == ResyncOutcome.SameCode ? "the same code twice does not synchronize"
                    : verdict.Outcome == ResyncOutcome.Used ? "used before"
                    : "not the next one"
            );
            return;
        }
        turn.Step.Memory.AddRange(verdict.Memory);
        turn.Step.Events.Add(LoginEvents.Drifted(attempt, verdict.Drift));
        turn.Note(attempt, new("token", $"synchronized, drift {verdict.Drift} steps") { Subject = attempt.Account.Token!.Serial });
        Pass(turn, attempt);
    }

    private static void Pass(in LoginTurn turn, PendingLogin attempt)
    {
        turn.Limits.Guesses.Prove(attempt.FactorKey, attempt.Request.Source, turn.Now, turn.Step.Memory);
        turn.Limits.Pushes.Answered(attempt.PushKey, turn.Rules.Lab, turn.Step.Memory);
        turn.Close(attempt, new LoginAnswer.Refused(Refusal.Superseded));
        Authorisation.Complete(turn, attempt, new("code", "accepted and consumed"));
    }

    private static void Fail(in LoginTurn turn, PendingLogin attempt, string result)
    {
        var last = ++attempt.WrongCodes >= WrongCodesMax;
        if (last)
        {
            turn.Close(attempt, new LoginAnswer.Refused(Refusal.WrongCode));
        }
        turn.Note(attempt, new("code", result, LoginSetting.Sync), decides: last);
        if (
            turn.Limits.Guesses.Fail(attempt.FactorKey, attempt.Request.Source, turn.Now, turn.Step.Memory) is var wait
            && wait > TimeSpan.Zero
        )
        {
            turn.Step.Events.Add(LoginEvents.FactorThrottled(attempt, wait));
            turn.Note(
                attempt,
                new("code", $"many wrong codes: none is evaluated for {WaitMessage.Seconds(wait)} seconds", LoginSetting.Sync)
            );
        }
        turn.Refuse(attempt, Refusal.WrongCode);
        turn.Step.Answer = new LoginAnswer.Refused(Refusal.WrongCode, Retry: !last);
    }

    private static LoginAnswer.Challenge Challenge(PendingLogin attempt, ChallengeReason reason, TimeSpan rest = default) =>
        new(attempt.Handle, attempt.Grant, reason, attempt.Push == PushState.Out) { Rest = rest, Number = attempt.Number };
}
