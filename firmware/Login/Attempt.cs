using System.Collections.Immutable;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>What became of the push of a pending login.</summary>
internal enum PushState
{
    /// <summary>None was sent.</summary>
    None,
    /// <summary>It may be answered.</summary>
    Out,
    /// <summary>Approved; its code is on the way to the disk.</summary>
    Deciding,
    /// <summary>Approved; the client may fetch its login.</summary>
    Approved,
    /// <summary>Expired, failed, or void.</summary>
    Over,
}

/// <summary>A question to a remote server that is out.</summary>
/// <param name="Answer">What was answered to its challenge, as the client gave it; null for a first factor.</param>
/// <param name="Expires">When the verdict comes too late.</param>
/// <param name="Deadline">Which deadline that is.</param>
internal sealed record RemoteQuestion(string? Answer, DateTimeOffset Expires, DeadlineName Deadline)
{
    /// <summary>What is known of each address that was asked, in this order; the latest notice of each.</summary>
    internal ImmutableArray<RemoteNotice> Notices { get; init; } = [];

    /// <summary>The same question with one notice more.</summary>
    internal RemoteQuestion With(RemoteNotice notice) =>
        this with { Notices = [.. Notices.Where(known => known.Address != notice.Address), notice] };

    /// <summary>Each address with its cause, for a verdict; "" while none was asked.</summary>
    internal string Causes => string.Join("; ", Notices.Select(notice => $"{notice.Address}: {notice.Cause}"));

    /// <summary>The setting to change: that of an address whose failure is known, else of the last that was asked.</summary>
    internal string Change => (Notices.FirstOrDefault(notice => notice.HasFailed) ?? Notices.LastOrDefault())?.Change ?? "";
}

/// <summary>A login that waits: for the verdict of a remote server, or for its second factor.</summary>
internal sealed class Attempt(long id, LoginRequest request, LoginDraw draw, Account account)
{
    /// <summary>The number by which it is explained.</summary>
    internal long Id => id;

    internal LoginRequest Request => request;

    internal LoginDraw Draw => draw;

    internal LoginHandle Handle => draw.Handle;

    internal string RequestId => draw.Handle.RequestId;

    /// <summary>Who it would be; the groups of somebody whom a remote server knows are there once it has accepted him.</summary>
    internal Account Account { get; set; } = account;

    /// <summary>True while the core waits for something of it.</summary>
    internal bool IsPending { get; set; }

    /// <summary>False until the password is known to be right, here or at a remote server.</summary>
    internal bool FirstFactorGiven { get; set; }

    /// <summary>What the remote server is asked now; null while it is asked nothing.</summary>
    internal RemoteQuestion? Question { get; set; }

    /// <summary>How often it was asked.</summary>
    internal int Questions { get; set; }

    /// <summary>What it wants the person to answer; null when it wants nothing.</summary>
    internal RemoteVerdict.Challenged? Challenge { get; set; }

    /// <summary>True once it challenged: then a second factor was asked, whatever comes.</summary>
    internal bool WasChallenged { get; set; }

    /// <summary>What it told when it accepted; null before that.</summary>
    internal RemoteVerdict.Accepted? Told { get; set; }

    /// <summary>It accepted while nobody waited: the client has to come.</summary>
    internal RemoteVerdict.Accepted? Acceptance { get; set; }

    /// <summary>True while a client may go on with it: something is asked of the person.</summary>
    internal bool IsAnswerable => FirstFactorGiven || Challenge is not null;

    /// <summary>True when the account is nobody's here, but of the group of a remote server.</summary>
    internal bool IsFallback { get; init; }

    /// <summary>What it would give; known once the first factor is.</summary>
    internal LoginGrant Grant { get; set; } = new(account.Name, "", "", request.Source, account.HasSecondFactor) { Kind = request.Kind, Via = request.Via, Account = account, Realm = request.Realm, Nic = request.Nic };

    /// <summary>The rules under which <see cref="Grant"/> was evaluated last; null before the first factor.</summary>
    internal LoginRules? EvaluatedUnder { get; set; }

    internal DateTimeOffset Deadline { get; set; }

    internal DeadlineName DeadlineName { get; set; }

    internal PushState Push { get; set; }

    internal DateTimeOffset PushExpires { get; set; }

    /// <summary>What was remembered of its token when the push went out; null when nothing was.</summary>
    internal TokenMemory? TokenMemory { get; set; }

    internal Refusal PushRefusal { get; set; } = Refusal.Expired;

    /// <summary>What must be typed on the phone; null when nothing must.</summary>
    internal int? Number { get; set; }

    internal int WrongCodes { get; set; }

    /// <summary>"Please wait" and "next code" answers so far.</summary>
    internal int Holds { get; set; }

    /// <summary>A code of a drifted token, whose next one is asked for; null when none is.</summary>
    internal string? DriftedCode { get; set; }

    /// <summary>Under which the wrong codes of its factor are counted, whoever offers them.</summary>
    internal string FactorKey => field ??= Account.Factor switch
    {
        SecondFactor.OfToken token => "token:" + token.Seed.Identity,
        _ => "code:" + PushKey,
    };

    /// <summary>Under which its pushes are counted.</summary>
    internal string PushKey => field ??= (request.Kind == LoginKind.Admin ? "admin:" : "user:") + Account.Name;

    internal FactorKind FactorKind => Account.Factor is SecondFactor.OfCode code ? (code.To.Channel == CodeChannel.Sms ? FactorKind.Sms : FactorKind.Email) : FactorKind.FortiToken;

    internal ChallengeReason Asks => FactorKind switch
    {
        FactorKind.Email => ChallengeReason.EmailCode,
        FactorKind.Sms => ChallengeReason.SmsCode,
        _ => ChallengeReason.TokenCode,
    };
}
