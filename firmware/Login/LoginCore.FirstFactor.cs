using System.Net;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <content>From a name and a password to a challenge: limits, names, rules, and the choice of the second factor.</content>
public sealed partial class LoginCore
{
    private static string SourceKey(LoginRequest request) => request.Source.Equals(IPAddress.None) ? "console" : request.Source.ToString();

    /// <summary>True for an account with an empty password, unless the login is from the console.</summary>
    private static bool IsEmptyFromAfar(Account? account, LoginRequest request) =>
        account is { Password.Length: 0 } && !request.Source.Equals(IPAddress.None);

    /// <summary>
    /// Returns the limit that blocks a source now, its setting, the console line, and the end of the block; null if none does.
    /// </summary>
    private (FailureLimit Limit, string Setting, string Change, DateTimeOffset Until)? SourceBlocked(
        LoginRequest request,
        DateTimeOffset now
    )
    {
        var key = SourceKey(request);
        return request.Kind switch
        {
            LoginKind.Admin => _adminSources.BlockedUntil(key, now) is { } until
                ? (_adminSources, "admin-lockout-threshold", LoginSetting.AdminLockout, until)
                : null,
            // A RADIUS client sends requests for many users: blocking it would lock all of them out.
            LoginKind.Radius => null,
            _ => _sources.BlockedUntil(key, now) is { } until ? (_sources, "login-attempt-limit", LoginSetting.AttemptLimit, until)
            : _blackouts.BlockedUntil(key, now) is { } blackout ? (_blackouts, "auth-blackout-time", LoginSetting.BlackoutTime, blackout)
            : null,
        };
    }

    /// <summary>True while the source is blocked. Of a client that loops, only the first login of each block is logged.</summary>
    private bool Blocked(LoginStep step, LoginRequest request, DateTimeOffset now)
    {
        if (SourceBlocked(request, now) is not var (limit, setting, change, until))
        {
            return false;
        }
        if (limit.TellOnce(SourceKey(request)))
        {
            Note(step, NewLogin(step, request), new("source", $"blocked by {setting}", change) { At = until }, decides: true);
        }
        return true;
    }

    /// <summary>
    /// True while the name is locked out. It is the same for unknown names, because a lockout must not reveal which accounts exist.
    /// </summary>
    private bool LockedOut(LoginStep step, long id, LoginRequest request, LoginRules rules, DateTimeOffset now)
    {
        if (
            request.Kind == LoginKind.Admin
            || rules.Policy.Lockout.Block == TimeSpan.Zero
            || _lockouts.BlockedUntil(NameFold.Skeleton(request.User), now) is not { } until
        )
        {
            return false;
        }
        Note(step, id, new("name", "locked out by auth-lockout-threshold", LoginSetting.LockoutDuration) { At = until }, decides: true);
        return true;
    }

    /// <summary>
    /// Resolves the name. An unknown name is passed to the remote server of a group, unless it is another spelling of a configured user's.
    /// </summary>
    private static (Account? Account, bool Fallback) WhoIs(LoginStep step, long id, LoginRequest request, LoginRules rules)
    {
        var match = rules.Accounts(request.Kind).Resolve(request.User);
        var fallback = rules.Policy.FallbackFor(request.Realm);
        if (match.Account is { } account)
        {
            Note(
                step,
                id,
                new(
                    "name",
                    account.Name == request.User ? "known" : "known by another spelling",
                    account.Name == request.User ? "" : LoginSetting.User + " / set username-sensitivity"
                )
                {
                    Subject = account.Name,
                }
            );
            return (account, false);
        }
        if (request.Kind != LoginKind.SslVpn || request.User.Length == 0 || fallback is not var (server, group))
        {
            return (null, false);
        }
        if (match.AlikeName is { } alike)
        {
            Note(
                step,
                id,
                new(
                    "remote group",
                    rules.Lab.NameSpellingBug
                        ? "asked although the name is a spelling of a local user's"
                        : "not asked: the name may be a spelling of a local user's",
                    LoginSetting.NameSpellingBug
                )
                {
                    Subject = alike,
                }
            );
            if (!rules.Lab.NameSpellingBug)
            {
                return (null, false);
            }
            step.Events.Add(LoginEvents.SpellingBug(request, alike));
        }
        Note(step, id, new("remote group", "asked for a name that is nobody's here", LoginSetting.AuthenticationRule) { Subject = group });
        return (Account.OfServer(request.User, server, group), true);
    }

    /// <summary>Continues after the first factor has authenticated the user, with the authorisation and the second factor.</summary>
    private LoginStep FirstFactorGiven(LoginStep step, PendingLogin attempt, LoginRules rules, Func<Token, bool> canPush, DateTimeOffset now)
    {
        var (account, request) = (attempt.Account, attempt.Request);
        attempt.FirstFactorGiven = true;
        step.IsAbout(attempt);
        if (!account.Trusts(request.Source))
        {
            Note(step, attempt.Id, new("trusted hosts", "none covers the source", LoginSetting.TrustedHosts), decides: true);
            return Refuse(step, request, account.Name, Refusal.UntrustedHost, rules, now);
        }
        if (request.Kind == LoginKind.SslVpn)
        {
            if (rules.Policy.PortalFor(account, request.Realm, request.Nic) is not var (group, portal))
            {
                Note(
                    step,
                    attempt.Id,
                    new(
                        "rule",
                        rules.Policy.IsRealm(request.Realm) ? "none gives this user a portal with web mode" : "no rule has this realm",
                        LoginSetting.AuthenticationRule
                    ),
                    decides: true
                );
                return Refuse(step, request, account.Name, Refusal.NoPolicy, rules, now);
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
            Note(step, attempt.Id, new("rule", $"portal {portal}", LoginSetting.AuthenticationRule) { Subject = group });
            if (rules.Policy.ForceSecondFactor && !account.HasSecondFactor && !attempt.WasChallenged)
            {
                Note(
                    step,
                    attempt.Id,
                    new("second factor", "demanded of everybody by force-two-factor-auth", LoginSetting.ForceSecondFactor),
                    decides: true
                );
                return Refuse(step, request, account.Name, Refusal.NoPolicy, rules, now);
            }
        }
        attempt.EvaluatedUnder = rules;
        switch (account.Factor)
        {
            case SecondFactor.None:
                return Succeed(
                    step,
                    attempt,
                    attempt.WasChallenged
                        ? new("second factor", "given to the remote server")
                        : new("second factor", "not demanded", LoginSetting.TwoFactor)
                );
            case SecondFactor.OfCloud:
                Note(step, attempt.Id, new("second factor", "FortiToken Cloud is not licensed", LoginSetting.TwoFactor), decides: true);
                step.Events.Add(CloudFactor.Refused(account.Name, request.Source));
                return Refuse(step, request, account.Name, Refusal.NotLicensed, rules, now);
            case SecondFactor.Unusable unusable:
                Note(step, attempt.Id, new("second factor", unusable.Why, LoginSetting.TwoFactor), decides: true);
                return Refuse(step, request, account.Name, Refusal.TokenUnusable, rules, now);
            default:
                return AskSecondFactor(step, attempt, rules, canPush, now);
        }
    }

    private LoginStep AskSecondFactor(LoginStep step, PendingLogin attempt, LoginRules rules, Func<Token, bool> canPush, DateTimeOffset now)
    {
        if (_pending.Count >= PendingMax)
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Overloaded);
            return step;
        }
        (attempt.Deadline, attempt.DeadlineName) = rules.Deadlines.SecondFactor(attempt.FactorKind, attempt.Request.Kind, now);
        Enter(attempt);
        Remind(attempt, attempt.Deadline);
        Note(
            step,
            attempt.Id,
            new("second factor", "demanded", LoginDeadlines.Setting(attempt.DeadlineName).Change)
            {
                Subject = attempt.Account.Token?.Serial ?? LoginEvents.Word(attempt.FactorKind),
                At = attempt.Deadline,
            }
        );
        if (attempt.Account.Factor is SecondFactor.OfCode { To: var to })
        {
            if (_codes.Issue(attempt.RequestId, attempt.PushKey, to, attempt.Draw.OneTimeCode, now) is not { } order)
            {
                Note(step, attempt.Id, new("one-time code", "not sent: too many are on their way to this user"), decides: true);
                Close(step, attempt, new LoginAnswer.Refused(Refusal.PushFailed));
                return Refuse(step, attempt.Request, attempt.Account.Name, Refusal.PushFailed, rules, now);
            }
            // The message names the account, not the key under which it is counted.
            step.Code = order with
            {
                User = attempt.Account.Name,
            };
            Note(step, attempt.Id, new("one-time code", $"sent by {LoginEvents.Word(attempt.FactorKind)}") { At = order.Expires });
        }
        else if (attempt.Request.Code.Length > 0)
        {
            Note(step, attempt.Id, new("push", "not sent: a code came with the password"));
            CheckCode(step, attempt, attempt.Request.Code, "", rules, now);
            if (step.Answer is LoginAnswer.Refused)
            {
                // The client never received a handle, so no further request can follow.
                Close(step, attempt, step.Answer);
                step.Answer = new LoginAnswer.Refused(Refusal.WrongCode);
            }
            return step;
        }
        var throttled = _guesses.WaitFor(attempt.FactorKey, attempt.Request.Source, now);
        var wait = attempt.Account.Factor is SecondFactor.OfToken token ? _tokens.WaitFor(token.Seed, now) : null;
        if (attempt.Account.Token is { } asked)
        {
            OfferPush(step, attempt, asked, wait, rules, canPush, now);
        }
        step.Answer = Challenge(
            attempt,
            wait is not null ? ChallengeReason.Wait
                : throttled is not null ? ChallengeReason.Throttled
                : attempt.Asks,
            wait ?? throttled ?? default
        );
        Note(
            step,
            attempt.Id,
            ((LoginAnswer.Challenge)step.Answer).Reason switch
            {
                ChallengeReason.Wait => new(
                    "challenge",
                    $"wait {WaitMessage.Seconds(wait!.Value)} seconds: the code of this step is used up"
                ),
                ChallengeReason.Throttled => new("challenge", $"wait {WaitMessage.Seconds(throttled!.Value)} seconds: many wrong codes"),
                _ => ChallengeSent,
            }
        );
        return step;
    }

    private void OfferPush(
        LoginStep step,
        PendingLogin attempt,
        Token token,
        TimeSpan? wait,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now
    )
    {
        if (wait is not null)
        {
            // The phone could only answer with the consumed code, so a push would be useless.
            Note(step, attempt.Id, new("push", "not sent: the code of this step is used up"));
            return;
        }
        if (!attempt.Request.TakesPush)
        {
            Note(step, attempt.Id, new("push", "not sent: this way in cannot wait for a phone"));
            return;
        }
        if (!canPush(token))
        {
            Note(step, attempt.Id, new("push", "not sent: push is off, or no phone takes it for this token", LoginSetting.Push));
            return;
        }
        if (!_pushes.Allows(attempt.PushKey, rules.Lab, now))
        {
            Note(step, attempt.Id, new("push", "not sent: too many are unanswered", LoginSetting.PushLimit));
            if (_pushes.TellOnce(attempt.PushKey))
            {
                step.Events.Add(LoginEvents.PushHeldBack(attempt, rules.Lab));
            }
            return;
        }
        var life = now + rules.Lab.PushLife;
        attempt.Push = PushState.Out;
        attempt.TokenMemory = token.Seed is { } seed ? _tokens.Find(seed) : null;
        attempt.PushExpires = life < attempt.Deadline ? life : attempt.Deadline;
        attempt.Number = rules.Lab.NumberMatch ? attempt.Draw.MatchNumber : null;
        Remind(attempt, attempt.PushExpires);
        _pushes.Sent(attempt.PushKey, rules.Lab, now, step.Memory);
        step.Push = new PushOrder(
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

    private static LoginAnswer.Challenge Challenge(PendingLogin attempt, ChallengeReason reason, TimeSpan rest = default) =>
        new(attempt.Handle, attempt.Grant, reason, attempt.Push == PushState.Out) { Rest = rest, Number = attempt.Number };

    /// <summary>
    /// Logs the client in. An SSL VPN login is reported when its session opens (<see cref="LoginService.Complete"/>), every other one now.
    /// </summary>
    private LoginStep Succeed(LoginStep step, PendingLogin attempt, LoginFact deciding)
    {
        var (request, key) = (attempt.Request, SourceKey(attempt.Request));
        if (request.Kind == LoginKind.Admin)
        {
            _adminSources.Forgive(key, attempt.Grant.User, step.Memory);
        }
        else
        {
            if (request.Kind == LoginKind.SslVpn)
            {
                _sources.Forgive(key, attempt.Grant.User, step.Memory);
                _blackouts.Forgive(key, attempt.Grant.User, step.Memory);
            }
            _lockouts.Forgive(NameFold.Skeleton(request.User), step.Memory);
        }
        if (request.Kind == LoginKind.SslVpn)
        {
            step.Answer = new LoginAnswer.Success(attempt.Grant) { LoginId = attempt.Id, Deciding = deciding };
            return step;
        }
        if (request.Kind != LoginKind.Admin)
        {
            step.Events.Add(LoginEvents.Succeeded(attempt.Grant));
        }
        Note(step, attempt.Id, deciding, decides: true);
        Note(step, attempt.Id, new(LoginFact.Login, "in") { Subject = attempt.Grant.User });
        step.Answer = new LoginAnswer.Success(attempt.Grant);
        return step;
    }

    private LoginStep Refuse(
        LoginStep step,
        LoginRequest request,
        string user,
        Refusal reason,
        LoginRules rules,
        DateTimeOffset now,
        bool unknownName = false,
        string detail = ""
    )
    {
        step.Events.Add(LoginEvents.Refused(request, user, reason, unknownName, detail));
        CountFailure(step, request, user, reason, rules.Policy, now);
        step.Answer = new LoginAnswer.Refused(reason);
        return step;
    }

    private void CountFailure(LoginStep step, LoginRequest request, string user, Refusal reason, LoginPolicy policy, DateTimeOffset now)
    {
        var key = SourceKey(request);
        bool Fails(FailureLimit limit, string of, FailureRule rule, string? account) =>
            limit.Fail(of, rule.Limit, rule.Within, rule.Block, now, step.Memory, account);
        if (request.Kind == LoginKind.Admin)
        {
            if (Fails(_adminSources, key, policy.AdminLockout, user))
            {
                step.Events.Add(LoginEvents.AdminsBlocked(request, policy.AdminLockout));
            }
            return;
        }
        if (request.Kind == LoginKind.SslVpn)
        {
            if (Fails(_sources, key, policy.SourceLimit, user))
            {
                step.Events.Add(LoginEvents.SourceBlocked(request, "login-attempt-limit", policy.SourceLimit.Block));
            }
            if (Fails(_blackouts, key, policy.Blackout, user))
            {
                step.Events.Add(LoginEvents.SourceBlocked(request, "auth-invalid-max", policy.Blackout.Block));
            }
        }
        if (
            reason is Refusal.BadCredentials or Refusal.WrongCode or Refusal.WrongNumber
            && Fails(_lockouts, NameFold.Skeleton(request.User), policy.Lockout, null)
        )
        {
            step.Events.Add(LoginEvents.UserLockedOut(request, user, policy.Lockout.Block));
        }
    }
}
