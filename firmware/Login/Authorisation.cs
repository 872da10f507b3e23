using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;

namespace Appliance.Firmware.Login;

/// <summary>
/// Grants a login to an authenticated user by the rules in force, and evaluates that again whenever the configuration has changed since.
/// </summary>
internal static class Authorisation
{
    /// <summary>
    /// Authorises the account of a login whose first factor was given. Returns false if it was refused.
    /// </summary>
    internal static bool Grant(in LoginTurn turn, PendingLogin attempt)
    {
        var (account, request, policy) = (attempt.Account, attempt.Request, turn.Rules.Policy);
        if (!account.Trusts(request.Source))
        {
            turn.Note(attempt, new("trusted hosts", "none covers the source", LoginSetting.TrustedHosts), decides: true);
            turn.Refuse(attempt, Refusal.UntrustedHost);
            return false;
        }
        if (request.Kind != LoginKind.SslVpn)
        {
            attempt.EvaluatedUnder = turn.Rules;
            return true;
        }
        if (policy.PortalFor(account, request.Realm, request.Nic) is not var (group, portal))
        {
            turn.Note(
                attempt,
                new(
                    "rule",
                    policy.IsRealm(request.Realm) ? "none gives this user a portal with web mode" : "no rule has this realm",
                    LoginSetting.AuthenticationRule
                ),
                decides: true
            );
            turn.Refuse(attempt, Refusal.NoPolicy);
            return false;
        }
        attempt.Grant = attempt.Grant with
        {
            Group = group,
            Portal = portal,
            IsRemote = attempt.IsFallback,
            TwoFactor = attempt.WasChallenged || account.HasSecondFactor,
            Account = account,
            Told = attempt.Told,
        };
        turn.Note(attempt, new("rule", $"portal {portal}", LoginSetting.AuthenticationRule) { Subject = group });
        if (policy.ForceSecondFactor && !account.HasSecondFactor && !attempt.WasChallenged)
        {
            turn.Note(
                attempt,
                new("second factor", "demanded by force-two-factor-auth", LoginSetting.ForceSecondFactor),
                decides: true
            );
            turn.Refuse(attempt, Refusal.NoPolicy);
            return false;
        }
        attempt.EvaluatedUnder = turn.Rules;
        return true;
    }

    /// <summary>
    /// Evaluates a pending login under these rules, unless that is already done. Returns the reason to refuse it; null if everything that
    /// it was granted on still holds.
    /// </summary>
    internal static Refusal? Evaluate(PendingLogin attempt, LoginRules rules)
    {
        if (ReferenceEquals(attempt.EvaluatedUnder, rules))
        {
            return null;
        }
        if (Revocation.OfProof(rules, attempt, out var now) is { } refusal)
        {
            return refusal;
        }
        if (!attempt.FirstFactorGiven || attempt.Acceptance is not null)
        {
            return null; // It is authorised when the remote server has accepted, and the client has come.
        }
        if (attempt.Request.Kind == LoginKind.SslVpn)
        {
            if (!Revocation.IsAuthorised(rules, attempt.Grant, now!))
            {
                return Refusal.NoPolicy;
            }
            attempt.Grant = attempt.Grant with { Account = now };
        }
        attempt.EvaluatedUnder = rules;
        return null;
    }

    /// <summary>
    /// Ends a pending login that the configuration in force no longer allows, with one outcome for its client, its phone, the journal and
    /// the events.
    /// </summary>
    internal static void Revoke(in LoginTurn turn, PendingLogin attempt, Refusal refusal)
    {
        turn.Close(attempt, new LoginAnswer.Refused(refusal));
        Revoked(turn, attempt, refusal);
    }

    /// <summary>Refuses a login, no longer pending, that the configuration in force no longer allows.</summary>
    internal static void Revoked(in LoginTurn turn, PendingLogin attempt, Refusal refusal)
    {
        turn.Step.Events.Add(LoginEvents.Refused(attempt.Request, attempt.Account.Name, refusal));
        turn.Note(
            attempt,
            refusal == Refusal.NoPolicy
                ? new("configuration", "changed: no rule grants this user that group and portal now", LoginSetting.AuthenticationRule)
                : new("configuration", "changed: the account or its second factor is different", LoginSetting.User),
            decides: true
        );
        turn.Step.Answer = new LoginAnswer.Refused(refusal);
    }

    /// <summary>
    /// Completes a login after its second factor. If the rules changed since the first factor, the authorisation is evaluated again.
    /// </summary>
    internal static void Complete(in LoginTurn turn, PendingLogin attempt, LoginFact deciding)
    {
        if (Evaluate(attempt, turn.Rules) is { } refusal)
        {
            Revoked(turn, attempt, refusal);
            return;
        }
        Succeed(turn, attempt, deciding);
    }

    /// <summary>
    /// Logs the client in. An SSL VPN login is reported when its session opens (<see cref="LoginService.Complete"/>), every other one now.
    /// </summary>
    internal static void Succeed(in LoginTurn turn, PendingLogin attempt, LoginFact deciding)
    {
        var (request, step) = (attempt.Request, turn.Step);
        turn.Limits.Succeeded(request, attempt.Grant.User, step.Memory);
        if (request.Kind == LoginKind.SslVpn)
        {
            step.Answer = new LoginAnswer.Success(attempt.Grant) { LoginId = attempt.Id, Deciding = deciding };
            return;
        }
        if (request.Kind != LoginKind.Admin)
        {
            step.Events.Add(LoginEvents.Succeeded(attempt.Grant));
        }
        turn.Note(attempt, deciding, decides: true);
        turn.Note(attempt, new(LoginFact.Login, "in") { Subject = attempt.Grant.User });
        step.Answer = new LoginAnswer.Success(attempt.Grant);
    }
}
