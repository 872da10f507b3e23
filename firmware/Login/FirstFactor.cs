using System.Net;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;

namespace Appliance.Firmware.Login;

/// <summary>A name and a password: the limits, the account that the name means, and the password.</summary>
internal sealed class FirstFactor(SecondFactor second, RemoteFactor remote)
{
    private static readonly LoginFact NotBlocked = new("source", "not blocked");
    private static readonly LoginFact PasswordRight = new("password", "right");

    /// <summary>Evaluates a first factor. No answer in the step: a request to a remote server is pending.</summary>
    /// <param name="turn">The decision.</param>
    /// <param name="request">Name, password, source.</param>
    /// <param name="draw">The random values of the login, used if it becomes pending.</param>
    internal void Check(in LoginTurn turn, LoginRequest request, LoginRandomness draw)
    {
        if (IsBlocked(turn, request))
        {
            turn.Step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return;
        }
        var id = turn.Begin(request);
        turn.Step.Note(id, NotBlocked);
        if (turn.Limits.NameLockedUntil(request, turn.Rules.Policy, turn.Now) is { } until)
        {
            turn.Step.Note(
                id,
                new("name", "locked out by auth-lockout-threshold", LoginSetting.LockoutDuration) { At = until },
                decides: true
            );
            turn.Refuse(request, request.User, Refusal.LockedOut);
            return;
        }
        if (!request.IsText)
        {
            turn.Step.Note(id, new("form", "not UTF-8 text"), decides: true);
            turn.Refuse(request, request.User, Refusal.BadCredentials, unknownName: true, detail: "the form is not UTF-8 text");
            return;
        }
        var (account, fallback) = Resolve(turn, id, request);
        if (account is { Remote: not null, Enabled: true, Password: null } && request.Kind != LoginKind.Admin)
        {
            remote.Ask(turn, new PendingLogin(id, request, draw, account) { IsFallback = fallback });
            return;
        }
        if (!Account.IsPassword(account, request.Password) || account is not { Enabled: true } || IsEmptyFromAfar(account, request))
        {
            turn.Step.Note(id, WhyRefused(account), decides: true);
            turn.Refuse(request, account?.Name ?? request.User, Refusal.BadCredentials, unknownName: account is null);
            return;
        }
        turn.Step.Note(id, PasswordRight);
        second.Demand(turn, new PendingLogin(id, request, draw, account));
    }

    /// <summary>True while the source is blocked. Of a client that loops, only the first login of each block is logged.</summary>
    private static bool IsBlocked(in LoginTurn turn, LoginRequest request)
    {
        if (turn.Limits.BlockOf(request, turn.Now) is not { } block)
        {
            return false;
        }
        if (turn.Limits.TellOnce(request, turn.Now))
        {
            turn.Step.Note(
                turn.Begin(request),
                new("source", $"blocked by {block.Setting}", block.Change) { At = block.Until },
                decides: true
            );
        }
        return true;
    }

    /// <summary>
    /// Resolves the name. An unknown name is passed to the remote server of a group, unless it is another spelling of a configured user's.
    /// </summary>
    private static (Account? Account, bool Fallback) Resolve(in LoginTurn turn, long id, LoginRequest request)
    {
        var (rules, step) = (turn.Rules, turn.Step);
        var match = rules.Accounts(request.Kind).Resolve(request.User);
        var fallback = rules.Policy.FallbackFor(request.Realm);
        if (match.Account is { } account)
        {
            var isExact = account.Name == request.User;
            step.Note(
                id,
                new(
                    "name",
                    isExact ? "known" : "found by another spelling",
                    isExact ? "" : LoginSetting.User + " / set username-sensitivity"
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
            step.Note(
                id,
                new(
                    "remote group",
                    rules.Lab.NameSpellingBug
                        ? "requested although the name is a spelling of a local user's name"
                        : "not requested: the name may be a spelling of a local user's name",
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
        step.Note(id, new("remote group", "asked for a name without a local account", LoginSetting.AuthenticationRule) { Subject = group });
        return (Account.OfServer(request.User, server, group), true);
    }

    /// <summary>True for an account with an empty password, unless the login is from the console.</summary>
    private static bool IsEmptyFromAfar(Account? account, LoginRequest request) =>
        account is { Password.Length: 0 } && !request.Source.Equals(IPAddress.None);

    private static LoginFact WhyRefused(Account? account) =>
        account switch
        {
            null => new("name", "unknown", LoginSetting.User),
            { Password: null } => new("first factor", "no local password", LoginSetting.User),
            { Enabled: false } => new("status", "disabled", LoginSetting.UserStatus),
            _ => new("password", "wrong", LoginSetting.UserPassword),
        };
}
