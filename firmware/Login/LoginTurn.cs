using System.Net;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// One decision of the core: the rules and the time that it is made under, and the step that it fills. A value on the stack, because the
/// answers of phones must not allocate.
/// </summary>
/// <param name="limits">The failure limits.</param>
/// <param name="pending">The pending logins.</param>
/// <param name="rules">The configuration in force.</param>
/// <param name="canPush">Returns true if a push to a token can be sent; null if the decision sends none.</param>
/// <param name="now">The current time.</param>
/// <param name="step">The decision and its effects.</param>
internal readonly ref struct LoginTurn(
    LoginLimits limits,
    PendingLogins pending,
    LoginRules rules,
    Func<Token, bool>? canPush,
    DateTimeOffset now,
    LoginStep step
)
{
    /// <summary>
    /// The number of "please wait" and "next code" answers to one pending login before it is refused, which ends a client that loops.
    /// </summary>
    private const int HoldsMax = 3;

    internal LoginRules Rules => rules;

    internal DateTimeOffset Now => now;

    internal LoginStep Step => step;

    internal LoginLimits Limits => limits;

    /// <summary>Returns true if a push to a token can be sent.</summary>
    internal bool CanPush(Token token) => canPush?.Invoke(token) == true;

    /// <summary>Numbers a new login, and records where its request came from.</summary>
    internal long Begin(LoginRequest request)
    {
        var id = pending.NextId();
        step.IsAbout(id, request);
        var realm = request.Realm.Length > 0 ? $" realm {request.Realm}" : "";
        var source = request.Source.Equals(IPAddress.None) ? "console" : request.Source.ToString();
        step.Note(id, new("asked", $"{LoginEvents.Word(request.Kind)} from {source}{realm}") { Subject = request.User });
        return id;
    }

    /// <summary>Records a fact about a login.</summary>
    internal void Note(PendingLogin attempt, LoginFact fact, bool decides = false) => step.Note(attempt.Id, fact, decides);

    /// <summary>Adds the answer to the client that waits for this login, if one does.</summary>
    internal void Release(PendingLogin attempt, LoginAnswer answer) => step.Release(attempt, answer);

    /// <summary>Ends a pending login, and answers the client that waits for it.</summary>
    internal void Close(PendingLogin attempt, LoginAnswer toWaiter) => pending.Close(step, attempt, toWaiter);

    /// <summary>Refuses a login that never became pending: logs it, counts the failure, and sets the answer.</summary>
    /// <param name="request">The first factor.</param>
    /// <param name="user">The account's name, or the typed one if it has no account.</param>
    /// <param name="reason">The reason.</param>
    /// <param name="unknownName">True if the name has no account.</param>
    /// <param name="detail">A further cause for the event; "" for none.</param>
    internal void Refuse(LoginRequest request, string user, Refusal reason, bool unknownName = false, string detail = "")
    {
        step.Events.Add(LoginEvents.Refused(request, user, reason, unknownName, detail));
        limits.Failed(step, request, user, reason, rules.Policy, now);
        step.Answer = new LoginAnswer.Refused(reason);
    }

    /// <summary>Refuses the login of an account: logs it, counts the failure, and sets the answer.</summary>
    internal void Refuse(PendingLogin attempt, Refusal reason, string detail = "") =>
        Refuse(attempt.Request, attempt.Account.Name, reason, detail: detail);

    /// <summary>Ends a pending login and refuses it, also to the client that waits for it.</summary>
    internal void End(PendingLogin attempt, Refusal reason, string detail = "")
    {
        Close(attempt, new LoginAnswer.Refused(reason));
        Refuse(attempt, reason, detail);
    }

    /// <summary>Answers a client whose code was not wrong or was not evaluated. After a few such answers the login is refused.</summary>
    internal void Hold(PendingLogin attempt, Refusal inTheEnd, LoginAnswer answer)
    {
        if (++attempt.Holds <= HoldsMax)
        {
            step.Answer = answer;
            return;
        }
        Note(attempt, new("client", "repeated its request too often", LoginSetting.AttemptLimit), decides: true);
        End(attempt, inTheEnd);
    }

    /// <summary>Sets the time within which the client has to fetch the result of an approved login.</summary>
    internal void AwaitClient(PendingLogin attempt)
    {
        (attempt.Deadline, attempt.DeadlineName) = (now + rules.Deadlines.LoginTimeout, DeadlineName.LoginTimeout);
        pending.Remind(attempt, attempt.Deadline);
        Note(
            attempt,
            new("client", "must fetch its login", LoginDeadlines.Setting(DeadlineName.LoginTimeout).Change) { At = attempt.Deadline }
        );
    }
}
