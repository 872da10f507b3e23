using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;

namespace Appliance.Firmware.Login;

/// <summary>
/// Decides whether what a login was granted on still holds under another configuration. One rule for pending logins and for open sessions
/// (docs/reference/login.md, "Revocation"). Synchronous; no state.
/// </summary>
internal static class Revocation
{
    /// <summary>
    /// Compares the account that gave the first factor with the one of the same name that the rules have now.
    /// </summary>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="then">The account as it was proved.</param>
    /// <param name="kind">The access method.</param>
    /// <param name="isRemote">True for a user that only the remote server of a group has.</param>
    /// <param name="realm">The realm of the login; "" for none.</param>
    /// <param name="source">The client's address.</param>
    /// <param name="now">The account as it is now; null with a refusal.</param>
    /// <returns>Why the proof no longer holds; null while it does.</returns>
    internal static Refusal? OfProof(
        LoginRules rules,
        Account then,
        LoginKind kind,
        bool isRemote,
        string realm,
        IPAddress source,
        out Account? now
    )
    {
        now = null;
        var found = rules.Accounts(kind).Find(then.Name);
        if (isRemote)
        {
            // A user of that name that was created here has a separate factor.
            if (found is not null || rules.Policy.FallbackFor(realm) is not var (server, _) || server != then.Remote)
            {
                return Refusal.UserChanged;
            }
            now = then;
            return null;
        }
        if (
            found is not { Enabled: true }
            || found.Remote != then.Remote
            || !SamePassword(found.Password, then.Password)
            || !found.Trusts(source)
        )
        {
            return Refusal.UserChanged;
        }
        if (!SameFactor(found.Factor, then.Factor))
        {
            return Refusal.TokenUnusable;
        }
        now = found;
        return null;
    }

    /// <summary>Compares the account of a pending login with the one of the same name that the rules have now.</summary>
    internal static Refusal? OfProof(LoginRules rules, PendingLogin attempt, out Account? now)
    {
        var request = attempt.Request;
        return OfProof(rules, attempt.Account, request.Kind, attempt.IsFallback, request.Realm, request.Source, out now);
    }

    /// <summary>
    /// Evaluates the authorisation of an SSL VPN user whose proof holds. Returns true if the rules still give exactly the group and the
    /// portal that were granted. A login that would now get others has to be repeated.
    /// </summary>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="grant">The login; its <see cref="LoginGrant.Told"/> has the groups that a remote server returned.</param>
    /// <param name="account">The account as it is now.</param>
    internal static bool IsAuthorised(LoginRules rules, LoginGrant grant, Account account)
    {
        if (rules.Policy.ForceSecondFactor && !grant.TwoFactor)
        {
            return false;
        }
        if (account.Remote is { } server && grant.Told is { } told)
        {
            var groups = rules.Policy.GroupsOf(server, told);
            if (grant.IsRemote && groups.IsEmpty)
            {
                return false;
            }
            account = account with { Groups = grant.IsRemote ? groups : [.. account.Groups.Union(groups)] };
        }
        return rules.Policy.PortalFor(account, grant.Realm, grant.Nic) == (grant.Group, grant.Portal);
    }

    /// <summary>
    /// Returns the reason to end an open session under these rules, and the account as it is now. No refusal: the session continues.
    /// </summary>
    internal static Refusal? OfSession(LoginRules rules, LoginGrant grant, Account then, out Account? now) =>
        OfProof(rules, then, grant.Kind, grant.IsRemote, grant.Realm, grant.Source, out now) is { } refusal ? refusal
        : IsAuthorised(rules, grant, now!) ? null
        : Refusal.NoPolicy;

    /// <summary>
    /// Returns the account of an open session under these rules, whatever it was when it was proved. For a session from before a restart,
    /// of whose credentials only the fingerprint is stored (<see cref="Credentials"/>). Null if there is none.
    /// </summary>
    internal static Account? AccountOf(LoginRules rules, LoginGrant grant)
    {
        if (!grant.IsRemote)
        {
            return rules.Accounts(grant.Kind).Find(grant.User);
        }
        return rules.Policy.FallbackFor(grant.Realm) is var (server, group) ? Account.OfServer(grant.User, server, group) : null;
    }

    /// <summary>
    /// Returns everything that proves an account, as bytes: password, type, server, status, factor, token with its seed, address of
    /// one-time codes. Secret: for a keyed digest only.
    /// </summary>
    internal static byte[] Credentials(Account account)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write(account.Name);
        writer.Write(account.Enabled);
        writer.Write(account.Password is not null);
        writer.Write(account.Password?.Length ?? 0);
        writer.Write(account.Password ?? []);
        writer.Write(account.Remote is { } server ? $"{server.Type}\n{server.Name}" : "");
        writer.Write(
            account.Factor switch
            {
                RequiredFactor.None => "none",
                RequiredFactor.OfToken { Token: var token, Seed: var seed } =>
                    $"token\n{token.Serial}\n{seed.Identity}\n{seed.Digits}\n{seed.Algorithm}",
                RequiredFactor.OfCode { To: var to } => $"code\n{to.Channel}\n{to.Address}\n{to.SmsServer}",
                _ => "unusable",
            }
        );
        writer.Flush();
        return bytes.ToArray();
    }

    private static bool SamePassword(byte[]? now, byte[]? then) =>
        now is null ? then is null : then is not null && CryptographicOperations.FixedTimeEquals(now, then);

    private static bool SameFactor(RequiredFactor now, RequiredFactor then) =>
        (now, then) switch
        {
            (RequiredFactor.OfToken a, RequiredFactor.OfToken b) => a.Token.Serial == b.Token.Serial && a.Seed.Equals(b.Seed),
            // The lifetime of a code does not affect its recipient.
            (RequiredFactor.OfCode a, RequiredFactor.OfCode b) => (a.To with { Life = default }) == (b.To with { Life = default }),
            _ => now == then,
        };
}
