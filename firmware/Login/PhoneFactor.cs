using System.Globalization;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// The push to a phone as a second factor, and the phone's answer. Approval has two parts: <see cref="Approved"/> consumes the code, and
/// <see cref="Confirmed"/> logs in once that is durable.
/// </summary>
internal sealed class PhoneFactor(TokenCore tokens, PendingLogins pending)
{
    private static readonly LoginFact ApprovedFact = new("phone", "approved");
    private static readonly LoginFact WaitsForPhone = new("client", "waits for the phone");

    /// <summary>Sends a push if the login, the token and the limits allow one.</summary>
    /// <param name="turn">The decision.</param>
    /// <param name="attempt">The login, which is pending.</param>
    /// <param name="token">The token whose phone receives the push.</param>
    /// <param name="wait">The time for which the token displays a consumed code; null if it does not.</param>
    internal void Offer(in LoginTurn turn, PendingLogin attempt, Token token, TimeSpan? wait)
    {
        var (lab, now, pushes) = (turn.Rules.Lab, turn.Now, turn.Limits.Pushes);
        if (wait is not null)
        {
            // The phone could only answer with the consumed code, so a push would be useless.
            turn.Note(attempt, new("push", "not sent: the code of this step is consumed"));
            return;
        }
        if (!attempt.Request.TakesPush)
        {
            turn.Note(attempt, new("push", "not sent: this access method cannot wait for a phone"));
            return;
        }
        if (!turn.CanPush(token))
        {
            turn.Note(attempt, new("push", "not sent: push is off, or this token has no phone", LoginSetting.Push));
            return;
        }
        if (!pushes.Allows(attempt.PushKey, lab, now))
        {
            turn.Note(attempt, new("push", "not sent: too many are unanswered", LoginSetting.PushLimit));
            if (pushes.TellOnce(attempt.PushKey))
            {
                turn.Step.Events.Add(LoginEvents.PushHeldBack(attempt, lab));
            }
            return;
        }
        var life = now + lab.PushLife;
        attempt.Push = PushState.Out;
        attempt.TokenMemory = token.Seed is { } seed ? tokens.Find(seed) : null;
        attempt.PushExpires = life < attempt.Deadline ? life : attempt.Deadline;
        attempt.Number = lab.NumberMatch ? attempt.Draw.MatchNumber : null;
        pending.Remind(attempt, attempt.PushExpires);
        pushes.Sent(attempt.PushKey, lab, now, turn.Step.Memory);
        turn.Step.Push = new PushOrder(
            attempt.RequestId,
            attempt.Account.Name,
            token,
            attempt.Request.Source,
            now,
            attempt.PushExpires,
            attempt.Id,
            attempt.Number is not null
        )
        {
            By = attempt,
        };
    }

    /// <summary>
    /// Compares a code with the token whose phone a login waits for; no match if it waits for none. Needs no serialization:
    /// <see cref="Approved"/> detects a change in the meantime and compares again.
    /// </summary>
    internal static CodeMatch Match(PendingLogin attempt, ReadOnlySpan<char> code, DateTimeOffset now) =>
        attempt.Push == PushState.Out && attempt.Account.Factor is RequiredFactor.OfToken { Seed: var seed }
            ? TokenCore.Match(seed, code, TokenCore.Place(seed, attempt.TokenMemory, now))
            : default;

    /// <summary>
    /// Processes the phone's approval. Returns true if the code and the number are right: the code is consumed then. A wrong code leaves
    /// the push pending; a wrong number ends the login.
    /// </summary>
    internal bool Approved(in LoginTurn turn, PendingLogin attempt, CodeMatch match, ReadOnlySpan<char> number)
    {
        var step = turn.Step;
        step.IsAbout(attempt);
        if (!IsAnswerable(turn, attempt))
        {
            return false;
        }
        if (attempt.Number is { } shown && number.Length > 0 && !number.SequenceEqual(shown.ToString(CultureInfo.InvariantCulture)))
        {
            // A guess has one chance in ninety. A user that sees the login's screen types the displayed number.
            turn.Limits.Pushes.Answered(attempt.PushKey, turn.Rules.Lab, step.Memory);
            turn.Note(attempt, new("phone", "the typed number differs from the login's", LoginSetting.NumberMatch), decides: true);
            Deny(turn, attempt, Refusal.WrongNumber, "approved with a wrong number");
            return false;
        }
        var unproved = attempt.Number is not null && number.Length == 0;
        if (unproved || !tokens.UseUp(((RequiredFactor.OfToken)attempt.Account.Factor).Seed, match, turn.Now, step.Memory, out _))
        {
            // A code that was right when it was compared has been consumed in the meantime.
            var replayed = !unproved && (match.WasUsed || match.Step is not null);
            turn.Note(
                attempt,
                new(
                    "phone",
                    unproved ? "approved without the number"
                        : replayed ? "approved with a consumed code"
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
        turn.Limits.Guesses.Prove(attempt.FactorKey, attempt.Request.Source, turn.Now, step.Memory);
        turn.Limits.Pushes.Answered(attempt.PushKey, turn.Rules.Lab, step.Memory);
        attempt.Push = PushState.Deciding;
        return true;
    }

    /// <summary>
    /// Completes an approval that is durable. Returns false if the login ended in the meantime or its user is no longer authorised: the
    /// approval has no effect.
    /// </summary>
    internal bool Confirmed(in LoginTurn turn, PendingLogin attempt, bool somebodyWaits)
    {
        if (!attempt.IsPending || attempt.Push != PushState.Deciding)
        {
            return false;
        }
        var step = turn.Step;
        step.IsAbout(attempt);
        if (Authorisation.Evaluate(attempt, turn.Rules) is { } refusal)
        {
            Authorisation.Revoke(turn, attempt, refusal);
            return false;
        }
        attempt.Push = PushState.Approved;
        step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, "approved"));
        if (somebodyWaits)
        {
            pending.Leave(attempt);
            Authorisation.Succeed(turn, attempt, ApprovedFact);
            step.Release(attempt, step.Answer!);
            return true;
        }
        turn.Note(attempt, ApprovedFact);
        turn.AwaitClient(attempt);
        return true;
    }

    /// <summary>Processes the phone's denial, which is final. False if there is nothing to deny.</summary>
    internal bool Denied(in LoginTurn turn, PendingLogin attempt)
    {
        if (!IsAnswerable(turn, attempt))
        {
            return false;
        }
        turn.Step.IsAbout(attempt);
        turn.Limits.Pushes.Answered(attempt.PushKey, turn.Rules.Lab, turn.Step.Memory);
        turn.Note(attempt, new("phone", "denied"), decides: true);
        Deny(turn, attempt, Refusal.Denied, "denied");
        return true;
    }

    /// <summary>Reports that the push could not be sent. The waiting client is notified immediately; a code may still be typed.</summary>
    internal static void Failed(LoginLimits limits, LoginRules rules, LoginStep step, PendingLogin attempt)
    {
        if (attempt.Push != PushState.Out)
        {
            return;
        }
        step.IsAbout(attempt);
        attempt.Push = PushState.Over;
        attempt.PushRefusal = Refusal.PushFailed;
        limits.Pushes.Failed(attempt.PushKey, rules.Lab, step.Memory);
        step.Note(attempt.Id, new("push", "could not be sent; a code may still be typed", LoginSetting.Push));
        step.Release(attempt, new LoginAnswer.Refused(Refusal.PushFailed, Retry: true));
    }

    /// <summary>Waits for the phone on behalf of a client. No answer in the step: the phone has not answered yet.</summary>
    internal void Await(in LoginTurn turn, PendingLogin attempt)
    {
        switch (attempt.Push)
        {
            case PushState.Approved:
                pending.Leave(attempt);
                Authorisation.Complete(turn, attempt, new("client", "fetched its login"));
                break;
            case PushState.Out or PushState.Deciding:
                turn.Note(attempt, WaitsForPhone);
                break;
            default:
                turn.Note(attempt, new("client", "waits, and no push is pending"));
                turn.Hold(attempt, attempt.PushRefusal, new LoginAnswer.Refused(attempt.PushRefusal, Retry: true));
                break;
        }
    }

    private bool IsAnswerable(in LoginTurn turn, PendingLogin attempt) =>
        attempt.IsPending && !pending.Lapse(turn.Step, attempt, turn.Now) && attempt.Push == PushState.Out;

    private static void Deny(in LoginTurn turn, PendingLogin attempt, Refusal reason, string decision)
    {
        turn.Step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, decision));
        turn.End(attempt, reason);
        turn.Step.Answer = null;
    }
}
