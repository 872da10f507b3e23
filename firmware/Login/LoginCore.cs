using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// The rules that decide logins for every kind of requester: users of the SSL VPN, administrators, and RADIUS clients. Synchronous and
/// deterministic: an input and the time give a <see cref="LoginStep"/>, without a clock, random values or sockets. The shell
/// (<see cref="LoginService"/>) serializes the calls. docs/reference/login.md describes all rules.
/// </summary>
/// <remarks>
/// A login is <see cref="Start"/>, then any number of <see cref="SubmitCode"/> and <see cref="AwaitPush"/> by its handle. A phone answers
/// through <c>PushApproved</c> and <c>ConfirmPush</c>, or <see cref="PushDenied"/>; a remote server through <see cref="RemoteAnswered"/>.
/// <see cref="Tick"/> ends what has expired.
/// </remarks>
public sealed partial class LoginCore
{
    /// <summary>The SQL of the tables that the core and its tokens need in the state database.</summary>
    public static readonly string[] Tables =
    [
        TokenCore.UseTable,
        TokenCore.DriftTable,
        FailureLimit.Table,
        FailureLimit.AccountTable,
        CodeGuessThrottle.Table,
        PushLimit.Table,
        LabPolicy.Table,
    ];

    /// <summary>The number of wrong codes that ends a pending login.</summary>
    private const int WrongCodesMax = 3;

    /// <summary>
    /// The number of "please wait" and "next code" answers to one pending login before it is refused, which ends a client that loops.
    /// </summary>
    private const int HoldsMax = 3;

    /// <summary>The maximum number of pending logins.</summary>
    private const int PendingMax = 200_000;

    // Shared facts that most logins have in common.
    private static readonly LoginFact NotBlocked = new("source", "not blocked");
    private static readonly LoginFact PasswordRight = new("password", "right");
    private static readonly LoginFact WaitsForPhone = new("client", "waits for the phone");
    private static readonly LoginFact ChallengeSent = new("challenge", "sent");

    private readonly TokenCore _tokens;
    private readonly OneTimeCodes _codes = new();
    private readonly Dictionary<string, PendingLogin> _pending = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string RequestId, DateTimeOffset At), DateTimeOffset> _deadlines = new();
    private readonly FailureLimit _sources = new("sslvpn-source");
    private readonly FailureLimit _blackouts = new("user-source");
    private readonly FailureLimit _lockouts = new("user");
    private readonly FailureLimit _adminSources = new("admin-source");
    private readonly CodeGuessThrottle _guesses = new();
    private readonly PushLimit _pushes = new();
    private long _lastLoginId;

    /// <summary>Creates a core without stored state, for tests of the rules.</summary>
    public LoginCore(TokenCore tokens) => _tokens = tokens;

    /// <summary>Creates a core with the stored state of the database. For start-up only.</summary>
    public LoginCore(TokenCore tokens, StateDatabase state)
        : this(tokens)
    {
        foreach (var limit in (FailureLimit[])[_sources, _blackouts, _lockouts, _adminSources])
        {
            limit.Load(state);
        }
        _guesses.Load(state);
        _pushes.Load(state);
    }

    /// <summary>The number of pending logins.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Returns the end of the longest lockout of a user or source for too many failures; null if there is none.</summary>
    public DateTimeOffset? LockedOutUntil(DateTimeOffset now) =>
        new[] { _sources, _blackouts, _lockouts, _adminSources }.Max(limit => limit.AnyoneBlockedUntil(now));

    /// <summary>The time of the next call of <see cref="Tick"/>; null if nothing is pending.</summary>
    public DateTimeOffset? NextDeadline => _deadlines.TryPeek(out _, out var at) ? at : null;

    /// <summary>
    /// Evaluates a first factor. No answer in the step: a request to a remote server is pending (<see cref="LoginStep.Remote"/>).
    /// </summary>
    /// <param name="request">Name, password, source.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Returns true if a push to a token can be sent.</param>
    /// <param name="draw">The random values of the login, used if it becomes pending.</param>
    /// <param name="now">The current time.</param>
    public LoginStep Start(LoginRequest request, LoginRules rules, Func<Token, bool> canPush, LoginRandomness draw, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (Blocked(step, request, now))
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return step;
        }
        var id = NewLogin(step, request);
        Note(step, id, NotBlocked);
        if (LockedOut(step, id, request, rules, now))
        {
            return Refuse(step, request, request.User, Refusal.LockedOut, rules, now);
        }
        if (!request.IsText)
        {
            Note(step, id, new("form", "not UTF-8 text"), decides: true);
            return Refuse(
                step,
                request,
                request.User,
                Refusal.BadCredentials,
                rules,
                now,
                unknownName: true,
                detail: "the form is not UTF-8 text"
            );
        }
        var (account, fallback) = WhoIs(step, id, request, rules);
        if (account is { Remote: not null, Enabled: true, Password: null } remote && request.Kind != LoginKind.Admin)
        {
            return AskRemote(step, new PendingLogin(id, request, draw, remote) { IsFallback = fallback }, rules, now);
        }
        if (!Account.IsPassword(account, request.Password) || account is not { Enabled: true } || IsEmptyFromAfar(account, request))
        {
            Note(
                step,
                id,
                account switch
                {
                    null => new("name", "unknown", LoginSetting.User),
                    { Password: null } => new("first factor", "no password is kept here", LoginSetting.User),
                    { Enabled: false } => new("status", "disabled", LoginSetting.UserStatus),
                    _ => new("password", "wrong", LoginSetting.UserPassword),
                },
                decides: true
            );
            return Refuse(step, request, account?.Name ?? request.User, Refusal.BadCredentials, rules, now, unknownName: account is null);
        }
        Note(step, id, PasswordRight);
        return FirstFactorGiven(step, new PendingLogin(id, request, draw, account), rules, canPush, now);
    }

    /// <summary>
    /// Evaluates a typed code. An empty one waits for the phone while a push is pending or approved (*assumed*, see
    /// docs/reference/ssl-vpn.md).
    /// </summary>
    /// <param name="handle">The pending login.</param>
    /// <param name="code">The code.</param>
    /// <param name="source">The client's address; refused if it differs from that of the first factor.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Returns true if a push to a token can be sent.</param>
    /// <param name="now">The current time.</param>
    /// <param name="nextCode">The token's next code, in case its clock has drifted; "" if it was not given.</param>
    /// <param name="kind">The access method; a login that began by another one is not found.</param>
    public LoginStep SubmitCode(
        LoginHandle handle,
        string code,
        IPAddress source,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now,
        string nextCode = "",
        LoginKind kind = LoginKind.SslVpn
    )
    {
        var step = new LoginStep();
        if (Find(handle, source, kind, rules, now, step) is not { } attempt)
        {
            return step;
        }
        if (attempt.Challenge is not null || attempt.Acceptance is not null)
        {
            return AnswerChallenge(step, attempt, code, rules, canPush, now);
        }
        return code.Length == 0 && attempt.Push != PushState.None
            ? Await(step, attempt, rules, now)
            : CheckCode(step, attempt, code, nextCode, rules, now);
    }

    /// <summary>
    /// Waits for the phone on behalf of a client. No answer in the step: the answer is in <see cref="LoginStep.Released"/> of a later one.
    /// </summary>
    public LoginStep AwaitPush(
        LoginHandle handle,
        IPAddress source,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now,
        LoginKind kind = LoginKind.SslVpn
    )
    {
        var step = new LoginStep();
        return Find(handle, source, kind, rules, now, step) is not { } attempt ? step
            : attempt.Challenge is not null || attempt.Acceptance is not null ? AwaitRemotePhone(step, attempt, rules, canPush, now)
            : Await(step, attempt, rules, now);
    }

    /// <summary>Ends what has expired at <see cref="NextDeadline"/>.</summary>
    public LoginStep Tick(DateTimeOffset now)
    {
        var step = new LoginStep();
        while (_deadlines.TryPeek(out var due, out var at) && at <= now)
        {
            _deadlines.Dequeue();
            if (!_pending.TryGetValue(due.RequestId, out var attempt))
            {
                continue;
            }
            Lapse(step, attempt, now);
        }
        return step;
    }

    /// <summary>Immediately ends pending logins whose account or factor changed with the configuration.</summary>
    public LoginStep RulesChanged(LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        foreach (
            var (attempt, refusal) in _pending
                .Values.Select(attempt => (PendingLogin: attempt, Refusal: Evaluate(attempt, rules)))
                .Where(pair => pair.Refusal is not null)
                .ToArray()
        )
        {
            Revoke(step, attempt, refusal!.Value);
        }
        step.Answer = null;
        return step;
    }

    /// <summary>
    /// Voids a step that could not be made durable. Its login ends, refused, as does every client request that waits for it. Null if the
    /// step was not about a login (an administrator's command): the exception informs its caller.
    /// </summary>
    /// <param name="failed">The step; its answer becomes the refusal.</param>
    public LoginStep? StorageFailed(LoginStep failed)
    {
        if (failed.Request is not { } request)
        {
            return null;
        }
        var refused = new LoginAnswer.Refused(Refusal.Storage);
        var step = new LoginStep { Answer = refused };
        step.Cancelled.AddRange(failed.Cancelled);
        step.Abandoned.AddRange(failed.Abandoned);
        if (failed.PendingLogin is { IsPending: true } attempt)
        {
            Close(step, attempt, refused);
        }
        step.Facts.AddRange(failed.Facts.Where(fact => !fact.Fact.Decides && fact.Fact.Check != LoginFact.Login));
        Note(step, failed.LoginId, new("storage", "the state could not be written", LoginSetting.Disk), decides: true);
        step.Events.Add(LoginEvents.Refused(request, failed.PendingLogin?.Grant.User ?? request.User, Refusal.Storage));
        failed.Answer = refused;
        return step;
    }

    /// <summary>Synchronizes a token with two consecutive codes from an operator: sets its drift, and clears its wrong codes.</summary>
    public (ResyncVerdict Verdict, LoginStep Step) Resync(TokenSeed seed, string code, string nextCode, DateTimeOffset now)
    {
        var step = new LoginStep();
        var verdict = _tokens.Resync(seed, code, nextCode, now);
        step.Memory.AddRange(verdict.Memory);
        if (verdict.Outcome == ResyncOutcome.Synced)
        {
            _guesses.ForgiveAll("token:" + seed.Identity, step.Memory);
        }
        return (verdict, step);
    }

    /// <summary>Adopts the drifts of tokens from a seed file.</summary>
    internal LoginStep TakeDrifts(IEnumerable<(TokenSeed Seed, int Drift)> drifts)
    {
        var step = new LoginStep();
        step.Memory.AddRange(drifts.SelectMany(token => _tokens.TakeDrift(token.Seed, token.Drift)));
        return step;
    }

    /// <summary>Returns the sources with failures at the SSL VPN that count or block, the latest failure last.</summary>
    public IReadOnlyList<FailureEntry> BlockList(LoginRules rules, DateTimeOffset now) =>
        _sources.List(rules.Policy.SourceLimit.Within, now);

    /// <summary>Clears the failures of one source, or of all (null), by an operator. Returns the number of sources cleared.</summary>
    public (int Count, LoginStep Step) Unblock(IPAddress? source)
    {
        var step = new LoginStep();
        return (
            source is null ? _sources.ForgiveAll(step.Memory)
            : _sources.Forgive(source.ToString(), step.Memory) ? 1
            : 0,
            step
        );
    }

    /// <summary>Returns the writes that are needed when the lab policy changes.</summary>
    internal IReadOnlyList<StateWrite> SavePushes(LabPolicy policy) => _pushes.Save(policy);

    /// <summary>
    /// Evaluates a pending login under these rules, unless that is already done. Returns the reason to refuse it; null if everything that
    /// it was granted on still holds.
    /// </summary>
    private static Refusal? Evaluate(PendingLogin attempt, LoginRules rules)
    {
        var request = attempt.Request;
        if (ReferenceEquals(attempt.EvaluatedUnder, rules))
        {
            return null;
        }
        if (
            Revocation.OfProof(rules, attempt.Account, request.Kind, attempt.IsFallback, request.Realm, request.Source, out var now) is
            { } refusal
        )
        {
            return refusal;
        }
        if (!attempt.FirstFactorGiven || attempt.Acceptance is not null)
        {
            return null; // It is authorised when the remote server has accepted, and the client has come.
        }
        if (request.Kind == LoginKind.SslVpn)
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
    /// Ends a login that the configuration in force no longer allows, with one outcome for its client, its phone, the journal and the
    /// events.
    /// </summary>
    private void Revoke(LoginStep step, PendingLogin attempt, Refusal refusal)
    {
        Close(step, attempt, new LoginAnswer.Refused(refusal));
        Revoked(step, attempt, refusal);
    }

    private static LoginStep Revoked(LoginStep step, PendingLogin attempt, Refusal refusal)
    {
        step.Events.Add(LoginEvents.Refused(attempt.Request, attempt.Grant.User, refusal));
        Note(
            step,
            attempt.Id,
            refusal == Refusal.NoPolicy
                ? new("configuration", "changed: no rule grants this user that group and portal any more", LoginSetting.AuthenticationRule)
                : new("configuration", "changed: the account or its second factor is not what it was", LoginSetting.User),
            decides: true
        );
        step.Answer = new LoginAnswer.Refused(refusal);
        return step;
    }

    /// <summary>
    /// Completes a login after its second factor. If the rules changed since the first factor, the authorisation is evaluated again.
    /// </summary>
    private LoginStep Complete(LoginStep step, PendingLogin attempt, LoginFact deciding, LoginRules rules) =>
        Evaluate(attempt, rules) is { } refusal ? Revoked(step, attempt, refusal) : Succeed(step, attempt, deciding);

    /// <summary>
    /// Finds the pending login of a handle: identifiers, access method and source must match, and it must not have expired. Otherwise the
    /// step has the refusal.
    /// </summary>
    private PendingLogin? Find(LoginHandle handle, IPAddress source, LoginKind kind, LoginRules rules, DateTimeOffset now, LoginStep step)
    {
        var request = new LoginRequest("N/A", "", "", source, kind);
        if (SourceBlocked(request, now) is not null)
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return null;
        }
        if (
            !_pending.TryGetValue(handle.RequestId, out var attempt)
            || !attempt.IsAnswerable
            || Lapse(step, attempt, now)
            || attempt.Request.Kind != kind
            || !attempt.Request.Source.Equals(source)
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(handle.Magic), Encoding.UTF8.GetBytes(attempt.Handle.Magic))
        )
        {
            Note(step, NewLogin(step, request), new("request", "no such pending login from this source"), decides: true);
            Refuse(step, request, request.User, Refusal.UnknownRequest, rules, now);
            return null;
        }
        step.IsAbout(attempt);
        return attempt;
    }

    /// <summary>
    /// Ends the parts of a login that have expired, on any access to it. An expiry is final, even if the clock is set back. Returns true if
    /// the login itself ended.
    /// </summary>
    private bool Lapse(LoginStep step, PendingLogin attempt, DateTimeOffset now)
    {
        if (now >= attempt.Deadline)
        {
            var unanswered = attempt.Question;
            Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
            // Expiry is not a wrong guess, so it does not count against the source: a client that is asked to wait may simply leave.
            if (unanswered is not null)
            {
                LateAnswer(step, attempt, unanswered, now);
            }
            else if (attempt.Push != PushState.Deciding)
            {
                Late(
                    step,
                    attempt,
                    attempt.Push == PushState.Out && attempt.PushExpires == attempt.Deadline ? DeadlineName.PushLife : attempt.DeadlineName,
                    now,
                    decides: true
                );
            }
            return true;
        }
        if (attempt.Question is { } question && now >= question.Expires)
        {
            Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
            LateAnswer(step, attempt, question, now);
            return true;
        }
        if (attempt.Push == PushState.Out && now >= attempt.PushExpires)
        {
            attempt.Push = PushState.Over;
            step.Cancelled.Add(attempt.Id);
            Late(step, attempt, DeadlineName.PushLife, now, decides: false);
            step.Released.Add((attempt.RequestId, new LoginAnswer.Refused(Refusal.Expired, Retry: true)));
        }
        return false;
    }

    private void Enter(PendingLogin attempt)
    {
        _pending.Add(attempt.RequestId, attempt);
        attempt.IsPending = true;
    }

    private void Leave(PendingLogin attempt)
    {
        _pending.Remove(attempt.RequestId);
        attempt.IsPending = false;
    }

    private void Close(LoginStep step, PendingLogin attempt, LoginAnswer toWaiter)
    {
        Leave(attempt);
        _codes.Forget(attempt.RequestId);
        if (attempt.Question is not null)
        {
            attempt.Question = null;
            step.Abandoned.Add(attempt.RequestId);
        }
        step.Released.Add((attempt.RequestId, toWaiter));
        if (attempt.Push == PushState.Out)
        {
            step.Cancelled.Add(attempt.Id);
        }
    }

    private static void Late(LoginStep step, PendingLogin attempt, DeadlineName deadline, DateTimeOffset now, bool decides)
    {
        step.Events.Add(LoginEvents.Expired(attempt, deadline));
        var (word, change) = LoginDeadlines.Setting(deadline);
        Note(
            step,
            attempt.Id,
            new("deadline", $"{word} passed", change) { At = deadline == DeadlineName.PushLife ? attempt.PushExpires : attempt.Deadline },
            decides
        );
    }

    private long NewLogin(LoginStep step, LoginRequest request)
    {
        var id = ++_lastLoginId;
        step.IsAbout(id, request);
        Note(
            step,
            id,
            new(
                "asked",
                $"{LoginEvents.Word(request.Kind)} from {(request.Source.Equals(IPAddress.None) ? "console" : request.Source)}{(request.Realm.Length > 0 ? $" realm {request.Realm}" : "")}"
            )
            {
                Subject = request.User,
            }
        );
        return id;
    }

    private static void Note(LoginStep step, long id, LoginFact fact, bool decides = false) =>
        step.Facts.Add((id, decides ? fact with { Decides = true } : fact));

    private void Remind(PendingLogin attempt, DateTimeOffset at) => _deadlines.Enqueue((attempt.RequestId, at), at);
}
