using System.Globalization;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <content>Typed codes, and answers of phones.</content>
public sealed partial class LoginCore
{
    private static readonly LoginFact ApprovedFact = new("phone", "approved");

    /// <summary>
    /// Processes the phone's approval, with the code that it displays and the number typed on it. Returns true if both are right: the code
    /// is consumed, and the login continues with <see cref="ConfirmPush(string, bool, LoginRules, DateTimeOffset)"/> once the step's memory
    /// is durable. A wrong code leaves the push pending; a wrong number ends the login.
    /// </summary>
    public (bool Accepted, LoginStep Step) PushApproved(string requestId, string code, string number, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        return (Pending(requestId) is { } attempt && PushApproved(step, attempt, Match(attempt, code, now), number, rules, now), step);
    }

    /// <summary>Returns a pending login; null if it has ended.</summary>
    internal PendingLogin? Pending(string requestId) => _pending.GetValueOrDefault(requestId);

    /// <summary>
    /// Compares a code with the token whose phone a login waits for; no match if it waits for none. Needs no serialization:
    /// <c>PushApproved</c> detects a change in the meantime and compares again.
    /// </summary>
    internal static CodeMatch Match(PendingLogin attempt, ReadOnlySpan<char> code, DateTimeOffset now) =>
        attempt.Push == PushState.Out && attempt.Account.Factor is SecondFactor.OfToken { Seed: var seed }
            ? TokenCore.Match(seed, code, TokenCore.Place(seed, attempt.TokenMemory, now))
            : default;

    /// <summary>Processes the phone's approval with the code already compared.</summary>
    internal bool PushApproved(
        LoginStep step,
        PendingLogin attempt,
        CodeMatch match,
        ReadOnlySpan<char> number,
        LoginRules rules,
        DateTimeOffset now
    )
    {
        step.IsAbout(attempt);
        if (!Answerable(step, attempt, now))
        {
            return false;
        }
        if (attempt.Number is { } shown && number.Length > 0 && !number.SequenceEqual(shown.ToString(CultureInfo.InvariantCulture)))
        {
            // A guess has one chance in ninety. A user that sees the login's screen types the displayed number.
            _pushes.Answered(attempt.PushKey, rules.Lab, step.Memory);
            Note(step, attempt.Id, new("phone", "another number was typed than the login shows", LoginSetting.NumberMatch), decides: true);
            Deny(step, attempt, Refusal.WrongNumber, "approved with a wrong number", rules, now);
            return false;
        }
        var unproved = attempt.Number is not null && number.Length == 0;
        if (unproved || !_tokens.UseUp(((SecondFactor.OfToken)attempt.Account.Factor).Seed, match, now, step.Memory, out _))
        {
            // A code that was right when it was compared has been consumed in the meantime.
            var replayed = !unproved && (match.WasUsed || match.Step is not null);
            Note(
                step,
                attempt.Id,
                new(
                    "phone",
                    unproved ? "approved without the number"
                        : replayed ? "approved with a used code"
                        : "approved with a wrong code",
                    attempt.Number is null ? LoginSetting.Sync : LoginSetting.NumberMatch
                )
            );
            if (replayed)
            {
                step.Events.Add(LoginEvents.Replayed(attempt));
            }
            return false;
        }
        _guesses.Prove(attempt.FactorKey, attempt.Request.Source, now, step.Memory);
        _pushes.Answered(attempt.PushKey, rules.Lab, step.Memory);
        attempt.Push = PushState.Deciding;
        return true;
    }

    /// <summary>
    /// Completes an approval that is durable: the waiting client is logged in. If none waits, the login's next request is, within
    /// login-timeout.
    /// </summary>
    public LoginStep ConfirmPush(string requestId, bool somebodyWaits, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (_pending.TryGetValue(requestId, out var attempt))
        {
            ConfirmPush(step, attempt, somebodyWaits, rules, now);
        }
        return step;
    }

    /// <summary>
    /// Completes the approval of a given login. Returns false if it ended in the meantime or its user is no longer authorised: the approval
    /// has no effect.
    /// </summary>
    internal bool ConfirmPush(LoginStep step, PendingLogin attempt, bool somebodyWaits, LoginRules rules, DateTimeOffset now)
    {
        if (!attempt.IsPending || attempt.Push != PushState.Deciding)
        {
            return false;
        }
        step.IsAbout(attempt);
        if (Evaluate(attempt, rules) is { } refusal)
        {
            Revoke(step, attempt, refusal);
            return false;
        }
        attempt.Push = PushState.Approved;
        step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, "approved"));
        if (somebodyWaits)
        {
            Leave(attempt);
            Succeed(step, attempt, ApprovedFact);
            step.Released.Add((attempt.RequestId, step.Answer!));
            return true;
        }
        step.Facts.Add((attempt.Id, ApprovedFact));
        (attempt.Deadline, attempt.DeadlineName) = (now + rules.Deadlines.LoginTimeout, DeadlineName.LoginTimeout);
        Remind(attempt, attempt.Deadline);
        Note(
            step,
            attempt.Id,
            new("client", "has to come for its login", LoginDeadlines.Setting(DeadlineName.LoginTimeout).Change) { At = attempt.Deadline }
        );
        return true;
    }

    /// <summary>Processes the phone's denial, which is final. False if there is nothing to deny.</summary>
    public (bool Accepted, LoginStep Step) PushDenied(string requestId, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (!_pending.TryGetValue(requestId, out var attempt) || !Answerable(step, attempt, now))
        {
            return (false, step);
        }
        step.IsAbout(attempt);
        _pushes.Answered(attempt.PushKey, rules.Lab, step.Memory);
        Note(step, attempt.Id, new("phone", "denied"), decides: true);
        Deny(step, attempt, Refusal.Denied, "denied", rules, now);
        return (true, step);
    }

    /// <summary>Reports that the push could not be sent. The waiting client is notified immediately; a code may still be typed.</summary>
    public LoginStep PushFailed(string requestId, LoginRules rules)
    {
        var step = new LoginStep();
        if (_pending.TryGetValue(requestId, out var attempt) && attempt.Push == PushState.Out)
        {
            step.IsAbout(attempt);
            attempt.Push = PushState.Over;
            attempt.PushRefusal = Refusal.PushFailed;
            _pushes.Failed(attempt.PushKey, rules.Lab, step.Memory);
            Note(step, attempt.Id, new("push", "could not be sent; a code may still be typed", LoginSetting.Push));
            step.Released.Add((requestId, new LoginAnswer.Refused(Refusal.PushFailed, Retry: true)));
        }
        return step;
    }

    private bool Answerable(LoginStep step, PendingLogin attempt, DateTimeOffset now) =>
        attempt.IsPending && !Lapse(step, attempt, now) && attempt.Push == PushState.Out;

    private void Deny(LoginStep step, PendingLogin attempt, Refusal reason, string decision, LoginRules rules, DateTimeOffset now)
    {
        step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, decision));
        Close(step, attempt, new LoginAnswer.Refused(reason));
        Refuse(step, attempt.Request, attempt.Grant.User, reason, rules, now);
        step.Answer = null;
    }

    private LoginStep Await(LoginStep step, PendingLogin attempt, LoginRules rules, DateTimeOffset now)
    {
        switch (attempt.Push)
        {
            case PushState.Approved:
                Leave(attempt);
                return Complete(step, attempt, new("client", "came for its approved login"), rules);
            case PushState.Out or PushState.Deciding:
                Note(step, attempt.Id, WaitsForPhone);
                return step;
            default:
                Note(step, attempt.Id, new("client", "waits for a phone that is not, or no longer, asked"));
                return Hold(step, attempt, attempt.PushRefusal, new LoginAnswer.Refused(attempt.PushRefusal, Retry: true), rules, now);
        }
    }

    private LoginStep CheckCode(LoginStep step, PendingLogin attempt, string code, string nextCode, LoginRules rules, DateTimeOffset now)
    {
        if (_guesses.WaitFor(attempt.FactorKey, attempt.Request.Source, now) is { } rest)
        {
            Note(
                step,
                attempt.Id,
                new("code", $"not looked at: many wrong ones, {WaitMessage.Seconds(rest)} seconds to go", LoginSetting.Sync)
            );
            return Hold(step, attempt, Refusal.Throttled, Challenge(attempt, ChallengeReason.Throttled, rest), rules, now);
        }
        if (attempt.Account.Factor is not SecondFactor.OfToken { Seed: var seed })
        {
            return _codes.Check(attempt.RequestId, code, now) == OneTimeOutcome.Accepted
                ? Pass(step, attempt, rules, now)
                : Fail(step, attempt, "wrong", rules, now);
        }
        if (attempt.DriftedCode is { } drifted)
        {
            attempt.DriftedCode = null;
            return Resynced(step, attempt, seed, drifted, code, rules, now);
        }
        var verdict = _tokens.Check(seed, code, now);
        switch (verdict.Outcome)
        {
            case CodeOutcome.Accepted:
                step.Memory.AddRange(verdict.Memory);
                return Pass(step, attempt, rules, now);
            case CodeOutcome.Wait:
                step.Events.Add(LoginEvents.Replayed(attempt));
                Note(step, attempt.Id, new("code", $"used before; the next comes in {WaitMessage.Seconds(verdict.Wait)} seconds"));
                return Hold(
                    step,
                    attempt,
                    Refusal.WrongCode,
                    Challenge(attempt, ChallengeReason.Wait, verdict.Wait) with
                    {
                        Push = false,
                    },
                    rules,
                    now
                );
            case CodeOutcome.NextCodeWanted when nextCode.Length > 0:
                return Resynced(step, attempt, seed, code, nextCode, rules, now);
            case CodeOutcome.NextCodeWanted:
                attempt.DriftedCode = code;
                Note(step, attempt.Id, new("code", "of a drifted clock; the next one is asked for", LoginSetting.Sync));
                return Hold(
                    step,
                    attempt,
                    Refusal.WrongCode,
                    Challenge(attempt, ChallengeReason.NextCode) with
                    {
                        TypedCode = code,
                        Push = false,
                    },
                    rules,
                    now
                );
            default:
                if (verdict.Replayed)
                {
                    step.Events.Add(LoginEvents.Replayed(attempt));
                }
                return Fail(step, attempt, verdict.Replayed ? "used before" : "wrong", rules, now);
        }
    }

    private LoginStep Resynced(
        LoginStep step,
        PendingLogin attempt,
        TokenSeed seed,
        string code,
        string nextCode,
        LoginRules rules,
        DateTimeOffset now
    )
    {
        var verdict = _tokens.Resync(seed, code, nextCode, now);
        if (verdict.Outcome != ResyncOutcome.Synced)
        {
            if (verdict.Outcome == ResyncOutcome.Used)
            {
                step.Events.Add(LoginEvents.Replayed(attempt));
            }
            return Fail(
                step,
                attempt,
                verdict.Outcome == ResyncOutcome.SameCode ? "the same code twice does not synchronize"
                    : verdict.Outcome == ResyncOutcome.Used ? "used before"
                    : "not the next one",
                rules,
                now
            );
        }
        step.Memory.AddRange(verdict.Memory);
        step.Events.Add(LoginEvents.Drifted(attempt, verdict.Drift));
        Note(step, attempt.Id, new("token", $"synchronized, drift {verdict.Drift} steps") { Subject = attempt.Account.Token!.Serial });
        return Pass(step, attempt, rules, now);
    }

    private LoginStep Pass(LoginStep step, PendingLogin attempt, LoginRules rules, DateTimeOffset now)
    {
        _guesses.Prove(attempt.FactorKey, attempt.Request.Source, now, step.Memory);
        _pushes.Answered(attempt.PushKey, rules.Lab, step.Memory);
        Close(step, attempt, new LoginAnswer.Refused(Refusal.Superseded));
        return Complete(step, attempt, new("code", "right, and used up"), rules);
    }

    private LoginStep Fail(LoginStep step, PendingLogin attempt, string result, LoginRules rules, DateTimeOffset now)
    {
        var last = ++attempt.WrongCodes >= WrongCodesMax;
        if (last)
        {
            Close(step, attempt, new LoginAnswer.Refused(Refusal.WrongCode));
        }
        Note(step, attempt.Id, new("code", result, LoginSetting.Sync), decides: last);
        if (_guesses.Fail(attempt.FactorKey, attempt.Request.Source, now, step.Memory) is var wait && wait > TimeSpan.Zero)
        {
            step.Events.Add(LoginEvents.FactorThrottled(attempt, wait));
            Note(
                step,
                attempt.Id,
                new("code", $"many wrong ones: none is looked at for {WaitMessage.Seconds(wait)} seconds", LoginSetting.Sync)
            );
        }
        Refuse(step, attempt.Request, attempt.Grant.User, Refusal.WrongCode, rules, now);
        step.Answer = new LoginAnswer.Refused(Refusal.WrongCode, Retry: !last);
        return step;
    }

    /// <summary>Answers a client whose code was not wrong or was not evaluated. After a few such answers the login is refused.</summary>
    private LoginStep Hold(LoginStep step, PendingLogin attempt, Refusal inTheEnd, LoginAnswer answer, LoginRules rules, DateTimeOffset now)
    {
        if (++attempt.Holds <= HoldsMax)
        {
            step.Answer = answer;
            return step;
        }
        Close(step, attempt, new LoginAnswer.Refused(inTheEnd));
        Note(step, attempt.Id, new("client", "does not wait", LoginSetting.AttemptLimit), decides: true);
        return Refuse(step, attempt.Request, attempt.Grant.User, inTheEnd, rules, now);
    }
}
