using System.Collections.Immutable;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>The state of a pending login's push.</summary>
internal enum PushState
{
    /// <summary>No push was sent.</summary>
    None,

    /// <summary>The push was sent and can be answered.</summary>
    Out,

    /// <summary>Approved; the consumed code is not yet durable.</summary>
    Deciding,

    /// <summary>Approved; the client may fetch the result.</summary>
    Approved,

    /// <summary>Expired, failed or void.</summary>
    Over,
}

/// <summary>A pending request to a remote server.</summary>
/// <param name="Answer">The client's reply to the server's challenge; null for a first factor.</param>
/// <param name="Expires">The time after which a verdict is too late.</param>
/// <param name="Deadline">The deadline that sets this time.</param>
internal sealed record RemoteQuestion(string? Answer, DateTimeOffset Expires, DeadlineName Deadline)
{
    /// <summary>The reply that triggers a push on servers that expect a word for it.</summary>
    internal const string PushWord = "push";

    /// <summary>The latest notice of each address that was queried.</summary>
    internal ImmutableArray<RemoteNotice> Notices { get; init; } = [];

    /// <summary>True if the reply makes the server ask the user's phone.</summary>
    internal bool AsksPhone =>
        Answer is { } answer && (answer.Length == 0 || answer.Equals(PushWord, StringComparison.OrdinalIgnoreCase));

    /// <summary>Returns the same request with one more notice.</summary>
    internal RemoteQuestion With(RemoteNotice notice) =>
        this with
        {
            Notices = [.. Notices.Where(known => known.Address != notice.Address), notice],
        };

    /// <summary>Each address with its cause, for a verdict; "" while no address was queried.</summary>
    internal string Causes => string.Join("; ", Notices.Select(notice => $"{notice.Address}: {notice.Cause}"));

    /// <summary>
    /// The setting to change: that of the first address that is known to have failed, otherwise that of the last one queried.
    /// </summary>
    internal string Change => (Notices.FirstOrDefault(notice => notice.HasFailed) ?? Notices.LastOrDefault())?.Change ?? "";
}

/// <summary>A pending login, which waits for a remote server's verdict or for its second factor.</summary>
internal sealed class PendingLogin(long id, LoginRequest request, LoginRandomness draw, Account account)
{
    /// <summary>The login's number in the journal, under which it is explained.</summary>
    internal long Id => id;

    internal LoginRequest Request => request;

    internal LoginRandomness Draw => draw;

    internal LoginHandle Handle => draw.Handle;

    internal string RequestId => draw.Handle.RequestId;

    /// <summary>The account. The groups of a user from a remote server are added after the server has accepted.</summary>
    internal Account Account { get; set; } = account;

    /// <summary>The remote server of the account, which must have one, as the journal names it: its type and its name.</summary>
    internal string ServerName => $"{Account.Remote!.Type} {Account.Remote.Name}";

    /// <summary>True while the login is pending.</summary>
    internal bool IsPending { get; set; }

    /// <summary>False until the password has been verified, here or by a remote server.</summary>
    internal bool FirstFactorGiven { get; set; }

    /// <summary>The pending request to the remote server; null if there is none.</summary>
    internal RemoteQuestion? Question { get; set; }

    /// <summary>The number of requests to the remote server so far.</summary>
    internal int Questions { get; set; }

    /// <summary>The challenge that the remote server sent to the user; null if there is none.</summary>
    internal RemoteVerdict.Challenged? Challenge { get; set; }

    /// <summary>True after the first challenge. From then on the login counts as one with a second factor.</summary>
    internal bool WasChallenged { get; set; }

    /// <summary>The remote server's attributes from its acceptance; null before that.</summary>
    internal RemoteVerdict.Accepted? Told { get; set; }

    /// <summary>
    /// The acceptance that arrived while no client request was waiting, kept until the client returns; null if there is none.
    /// </summary>
    internal RemoteVerdict.Accepted? Acceptance { get; set; }

    /// <summary>True while a client may continue the login, because the user has been prompted.</summary>
    internal bool IsAnswerable => FirstFactorGiven || Challenge is not null;

    /// <summary>True if the account is not configured here and was derived from the remote server of a group.</summary>
    internal bool IsFallback { get; init; }

    /// <summary>The grant that the login would give. Final only after the first factor.</summary>
    internal LoginGrant Grant { get; set; } =
        new(account.Name, "", "", request.Source, account.HasSecondFactor)
        {
            Kind = request.Kind,
            Via = request.Via,
            Account = account,
            Realm = request.Realm,
            Nic = request.Nic,
        };

    /// <summary>The rules that <see cref="Grant"/> was last evaluated under; null before the first factor.</summary>
    internal LoginRules? EvaluatedUnder { get; set; }

    internal DateTimeOffset Deadline { get; set; }

    internal DeadlineName DeadlineName { get; set; }

    internal PushState Push { get; set; }

    internal DateTimeOffset PushExpires { get; set; }

    /// <summary>The token's record when the push was sent; null if there was none.</summary>
    internal TokenMemory? TokenMemory { get; set; }

    internal Refusal PushRefusal { get; set; } = Refusal.Expired;

    /// <summary>The number that the user must type on the phone; null if none is required.</summary>
    internal int? Number { get; set; }

    internal int WrongCodes { get; set; }

    /// <summary>The number of "please wait" and "next code" answers so far.</summary>
    internal int Holds { get; set; }

    /// <summary>The code of a drifted token whose next code was requested; null if none was.</summary>
    internal string? DriftedCode { get; set; }

    /// <summary>The key under which wrong codes of the factor are counted, across all clients.</summary>
    internal string FactorKey =>
        field ??= Account.Factor switch
        {
            RequiredFactor.OfToken token => "token:" + token.Seed.Identity,
            _ => "code:" + PushKey,
        };

    /// <summary>The key under which the account's pushes are counted.</summary>
    internal string PushKey => field ??= (request.Kind == LoginKind.Admin ? "admin:" : "user:") + Account.Name;

    internal FactorKind FactorKind =>
        Account.Factor is RequiredFactor.OfCode code
            ? (code.To.Channel == CodeChannel.Sms ? FactorKind.Sms : FactorKind.Email)
            : FactorKind.FortiToken;

    internal ChallengeReason Asks =>
        FactorKind switch
        {
            FactorKind.Email => ChallengeReason.EmailCode,
            FactorKind.Sms => ChallengeReason.SmsCode,
            _ => ChallengeReason.TokenCode,
        };
}
