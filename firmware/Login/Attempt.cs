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

/// <summary>A login that waits: for the verdict of a remote server, or for its second factor.</summary>
internal sealed class Attempt(long id, LoginRequest request, LoginDraw draw, Account account)
{
    /// <summary>The number by which it is explained.</summary>
    internal long Id => id;

    internal LoginRequest Request => request;

    internal LoginDraw Draw => draw;

    internal LoginHandle Handle => draw.Handle;

    internal string RequestId => draw.Handle.RequestId;

    /// <summary>Who it would be.</summary>
    internal Account Account => account;

    /// <summary>False while a remote server is asked for the first factor.</summary>
    internal bool FirstFactorGiven { get; set; }

    /// <summary>True when the account is nobody's here, but of the group of a remote server.</summary>
    internal bool IsFallback { get; init; }

    /// <summary>What it would give; known once the first factor is.</summary>
    internal LoginGrant Grant { get; set; } = new(account.Name, "", "", request.Source, account.HasSecondFactor) { Kind = request.Kind, Via = request.Via, Entry = account.Entry };

    internal DateTimeOffset Deadline { get; set; }

    internal DeadlineName DeadlineName { get; set; }

    internal PushState Push { get; set; }

    internal DateTimeOffset PushExpires { get; set; }

    internal Refusal PushRefusal { get; set; } = Refusal.Expired;

    /// <summary>What must be typed on the phone; null when nothing must.</summary>
    internal int? Number { get; set; }

    internal int WrongCodes { get; set; }

    /// <summary>"Please wait" and "next code" answers so far.</summary>
    internal int Holds { get; set; }

    /// <summary>A code of a drifted token, whose next one is asked for; null when none is.</summary>
    internal string? DriftedCode { get; set; }

    /// <summary>Under which the wrong codes of its factor are counted, whoever offers them.</summary>
    internal string FactorKey => field ??= account.Factor switch
    {
        SecondFactor.OfToken token => "token:" + token.Seed.Identity,
        _ => "code:" + PushKey,
    };

    /// <summary>Under which its pushes are counted.</summary>
    internal string PushKey => field ??= (request.Kind == LoginKind.Admin ? "admin:" : "user:") + account.Name;

    internal FactorKind FactorKind => account.Factor is SecondFactor.OfCode code ? (code.To.Channel == CodeChannel.Sms ? FactorKind.Sms : FactorKind.Email) : FactorKind.FortiToken;

    internal ChallengeReason Asks => FactorKind switch
    {
        FactorKind.Email => ChallengeReason.EmailCode,
        FactorKind.Sms => ChallengeReason.SmsCode,
        _ => ChallengeReason.TokenCode,
    };
}
