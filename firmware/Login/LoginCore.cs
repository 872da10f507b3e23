using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// The rules that decide who gets in, whoever asks: a user of the SSL VPN, an administrator, a RADIUS client. Synchronous and
/// deterministic: <c>(input, now)</c> in, a <see cref="LoginStep"/> out; no clock, no random, no socket. The shell
/// (<see cref="LoginService"/>) serializes the calls. docs/login.md has the rules in one place.
/// </summary>
/// <remarks>
/// A login is <see cref="Start"/>, then any number of <see cref="SubmitCode"/> and <see cref="AwaitPush"/> by its handle; a phone answers with
/// <c>PushApproved</c> and <c>ConfirmPush</c>, or <see cref="PushDenied"/>; a remote server with <see cref="RemoteAnswered"/>;
/// <see cref="Tick"/> ends what is late.
/// </remarks>
public sealed partial class LoginCore
{
    /// <summary>The tables that the core and its tokens need in the state database.</summary>
    public static readonly string[] Tables = [TokenCore.UseTable, TokenCore.DriftTable, FailureLimit.Table, FailureLimit.AccountTable, GuessLimit.Table, PushLimit.Table, LabPolicy.Table];

    /// <summary>Wrong codes that end one pending login.</summary>
    private const int WrongCodesMax = 3;
    /// <summary>"Please wait" and "next code" answers that one pending login gets before it is refused: a client that loops must end.</summary>
    private const int HoldsMax = 3;
    /// <summary>Logins that may be pending at once.</summary>
    private const int PendingMax = 200_000;

    // What most logins have in common is said once.
    private static readonly LoginFact NotBlocked = new("source", "not blocked");
    private static readonly LoginFact PasswordRight = new("password", "right");
    private static readonly LoginFact WaitsForPhone = new("client", "waits for the phone");
    private static readonly LoginFact ChallengeSent = new("challenge", "sent");

    private readonly TokenCore _tokens;
    private readonly OneTimeCodes _codes = new();
    private readonly Dictionary<string, Attempt> _pending = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string RequestId, DateTimeOffset At), DateTimeOffset> _deadlines = new();
    private readonly FailureLimit _sources = new("sslvpn-source");
    private readonly FailureLimit _blackouts = new("user-source");
    private readonly FailureLimit _lockouts = new("user");
    private readonly FailureLimit _adminSources = new("admin-source");
    private readonly GuessLimit _guesses = new();
    private readonly PushLimit _pushes = new();
    private long _lastLoginId;

    /// <summary>A core that remembers nothing; for tests of the rules.</summary>
    public LoginCore(TokenCore tokens) => _tokens = tokens;

    /// <summary>A core that remembers what the database remembers. For start-up only.</summary>
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

    /// <summary>How many logins wait.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Until when somebody, or some source, is locked out for too many failures; null when nobody is.</summary>
    public DateTimeOffset? LockedOutUntil(DateTimeOffset now) => new[] { _sources, _blackouts, _lockouts, _adminSources }.Max(limit => limit.AnyoneBlockedUntil(now));

    /// <summary>When <see cref="Tick"/> has something to do next; null when nothing waits.</summary>
    public DateTimeOffset? NextDeadline => _deadlines.TryPeek(out _, out var at) ? at : null;

    /// <summary>A first factor. No answer in the step: a remote server is to be asked (<see cref="LoginStep.Remote"/>).</summary>
    /// <param name="request">Name, password, source.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Whether a push to a token could be sent.</param>
    /// <param name="draw">What the login needs of chance, if it becomes a pending one.</param>
    /// <param name="now">The time.</param>
    public LoginStep Start(LoginRequest request, LoginRules rules, Func<Token, bool> canPush, LoginDraw draw, DateTimeOffset now)
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
            return Refuse(step, request, request.User, Refusal.BadCredentials, rules, now, unknownName: true, detail: "the form is not UTF-8 text");
        }
        var (account, fallback) = WhoIs(step, id, request, rules);
        if (account is { Remote: not null, Enabled: true, Password: null } remote && request.Kind != LoginKind.Admin)
        {
            return AskRemote(step, new Attempt(id, request, draw, remote) { IsFallback = fallback }, rules, now);
        }
        if (!Account.IsPassword(account, request.Password) || account is not { Enabled: true } || IsEmptyFromAfar(account, request))
        {
            Note(step, id, account switch
            {
                null => new("name", "unknown", LoginSetting.User),
                { Password: null } => new("first factor", "no password is kept here", LoginSetting.User),
                { Enabled: false } => new("status", "disabled", LoginSetting.UserStatus),
                _ => new("password", "wrong", LoginSetting.UserPassword),
            }, decides: true);
            return Refuse(step, request, account?.Name ?? request.User, Refusal.BadCredentials, rules, now, unknownName: account is null);
        }
        Note(step, id, PasswordRight);
        return FirstFactorGiven(step, new Attempt(id, request, draw, account), rules, canPush, now);
    }

    /// <summary>A typed code. Empty, while a push is out or approved: waits for the phone (*assumed*, see docs/ssl-vpn.md).</summary>
    /// <param name="handle">The pending login.</param>
    /// <param name="code">The code.</param>
    /// <param name="source">From where; another than that of the first factor is refused.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Whether a push to a token could be sent.</param>
    /// <param name="now">The time.</param>
    /// <param name="nextCode">The token's next code, in case its clock has drifted; "" when it was not given.</param>
    /// <param name="kind">By which way in; a login begun by another is not found.</param>
    public LoginStep SubmitCode(LoginHandle handle, string code, IPAddress source, LoginRules rules, Func<Token, bool> canPush, DateTimeOffset now, string nextCode = "", LoginKind kind = LoginKind.SslVpn)
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
        return code.Length == 0 && attempt.Push != PushState.None ? Await(step, attempt, rules, now) : CheckCode(step, attempt, code, nextCode, rules, now);
    }

    /// <summary>The client waits for the phone. No answer in the step: it has to wait, and comes with <see cref="LoginStep.Released"/> of a later one.</summary>
    public LoginStep AwaitPush(LoginHandle handle, IPAddress source, LoginRules rules, Func<Token, bool> canPush, DateTimeOffset now, LoginKind kind = LoginKind.SslVpn)
    {
        var step = new LoginStep();
        return Find(handle, source, kind, rules, now, step) is not { } attempt ? step
            : attempt.Challenge is not null || attempt.Acceptance is not null ? AwaitRemotePhone(step, attempt, rules, canPush, now)
            : Await(step, attempt, rules, now);
    }

    /// <summary>The time has come to <see cref="NextDeadline"/>: ends what is over.</summary>
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

    /// <summary>The configuration changed: a pending login whose account or factor is not what it was ends at once.</summary>
    public LoginStep RulesChanged(LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        foreach (var (attempt, refusal) in _pending.Values.Select(attempt => (Attempt: attempt, Refusal: Evaluate(attempt, rules))).Where(pair => pair.Refusal is not null).ToArray())
        {
            Revoke(step, attempt, refusal!.Value);
        }
        step.Answer = null;
        return step;
    }

    /// <summary>
    /// What a step decided could not be made durable: it is void. The login that it was about ends, refused, and so does every client that waits for it.
    /// Null when the step was about no login (an administrator's command), whose caller is told by the exception.
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
        if (failed.Attempt is { IsPending: true } attempt)
        {
            Close(step, attempt, refused);
        }
        step.Facts.AddRange(failed.Facts.Where(fact => !fact.Fact.Decides && fact.Fact.Check != LoginFact.Login));
        Note(step, failed.LoginId, new("storage", "the state could not be written", LoginSetting.Disk), decides: true);
        step.Events.Add(LoginEvents.Refused(request, failed.Attempt?.Grant.User ?? request.User, Refusal.Storage));
        failed.Answer = refused;
        return step;
    }

    /// <summary>Two consecutive codes of a token, given by an operator: sets its drift, and forgives what was guessed at it.</summary>
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

    /// <summary>Takes over drifts of tokens that a seed file gives.</summary>
    internal LoginStep TakeDrifts(IEnumerable<(TokenSeed Seed, int Drift)> drifts)
    {
        var step = new LoginStep();
        step.Memory.AddRange(drifts.SelectMany(token => _tokens.TakeDrift(token.Seed, token.Drift)));
        return step;
    }

    /// <summary>The sources that failures at the SSL VPN count for or block, the latest failure last.</summary>
    public IReadOnlyList<FailureEntry> BlockList(LoginRules rules, DateTimeOffset now) => _sources.List(rules.Policy.SourceLimit.Within, now);

    /// <summary>An operator forgives one source, or all (null). How many there were.</summary>
    public (int Count, LoginStep Step) Unblock(IPAddress? source)
    {
        var step = new LoginStep();
        return (source is null ? _sources.ForgiveAll(step.Memory) : _sources.Forgive(source.ToString(), step.Memory) ? 1 : 0, step);
    }

    /// <summary>What the disk has to hold when the lab's rules change.</summary>
    internal IReadOnlyList<StateWrite> SavePushes(LabPolicy policy) => _pushes.Save(policy);

    /// <summary>
    /// Evaluates a pending login under these rules, unless that was done before: why it is refused; null when everything that it was granted on still holds.
    /// </summary>
    private static Refusal? Evaluate(Attempt attempt, LoginRules rules)
    {
        var request = attempt.Request;
        if (ReferenceEquals(attempt.EvaluatedUnder, rules))
        {
            return null;
        }
        if (Revocation.OfProof(rules, attempt.Account, request.Kind, attempt.IsFallback, request.Realm, request.Source, out var now) is { } refusal)
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

    /// <summary>Ends a login that the configuration in force no longer carries, with one outcome for its client, its phone, the journal and the events.</summary>
    private void Revoke(LoginStep step, Attempt attempt, Refusal refusal)
    {
        Close(step, attempt, new LoginAnswer.Refused(refusal));
        Revoked(step, attempt, refusal);
    }

    private static LoginStep Revoked(LoginStep step, Attempt attempt, Refusal refusal)
    {
        step.Events.Add(LoginEvents.Refused(attempt.Request, attempt.Grant.User, refusal));
        Note(step, attempt.Id, refusal == Refusal.NoPolicy
            ? new("configuration", "changed: no rule grants this user that group and portal any more", LoginSetting.AuthenticationRule)
            : new("configuration", "changed: the account or its second factor is not what it was", LoginSetting.User), decides: true);
        step.Answer = new LoginAnswer.Refused(refusal);
        return step;
    }

    /// <summary>
    /// The second factor is given: evaluates the authorisation again, if the rules are others than those of the first factor, and lets the client in.
    /// </summary>
    private LoginStep Complete(LoginStep step, Attempt attempt, LoginFact deciding, LoginRules rules) =>
        Evaluate(attempt, rules) is { } refusal ? Revoked(step, attempt, refusal) : Succeed(step, attempt, deciding);

    /// <summary>The pending login of a handle: every id right, the same way in and source, in time. Else the step holds the refusal.</summary>
    private Attempt? Find(LoginHandle handle, IPAddress source, LoginKind kind, LoginRules rules, DateTimeOffset now, LoginStep step)
    {
        var request = new LoginRequest("N/A", "", "", source, kind);
        if (SourceBlocked(request, now) is not null)
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return null;
        }
        if (!_pending.TryGetValue(handle.RequestId, out var attempt) || !attempt.IsAnswerable || Lapse(step, attempt, now) || attempt.Request.Kind != kind || !attempt.Request.Source.Equals(source)
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(handle.Magic), Encoding.UTF8.GetBytes(attempt.Handle.Magic)))
        {
            Note(step, NewLogin(step, request), new("request", "no such pending login from this source"), decides: true);
            Refuse(step, request, request.User, Refusal.UnknownRequest, rules, now);
            return null;
        }
        step.IsAbout(attempt);
        return attempt;
    }

    /// <summary>
    /// Ends what is late of a login, whoever sees it first: once late it stays late, though the clock be set back. True when the login itself is over.
    /// </summary>
    private bool Lapse(LoginStep step, Attempt attempt, DateTimeOffset now)
    {
        if (now >= attempt.Deadline)
        {
            var unanswered = attempt.Question;
            Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
            // Nothing wrong was offered, so it does not count against the source: whoever is told to wait may just leave.
            if (unanswered is not null)
            {
                LateAnswer(step, attempt, unanswered, now);
            }
            else if (attempt.Push != PushState.Deciding)
            {
                Late(step, attempt, attempt.Push == PushState.Out && attempt.PushExpires == attempt.Deadline ? DeadlineName.PushLife : attempt.DeadlineName, now, decides: true);
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

    private void Enter(Attempt attempt)
    {
        _pending.Add(attempt.RequestId, attempt);
        attempt.IsPending = true;
    }

    private void Leave(Attempt attempt)
    {
        _pending.Remove(attempt.RequestId);
        attempt.IsPending = false;
    }

    private void Close(LoginStep step, Attempt attempt, LoginAnswer toWaiter)
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

    private static void Late(LoginStep step, Attempt attempt, DeadlineName deadline, DateTimeOffset now, bool decides)
    {
        step.Events.Add(LoginEvents.Expired(attempt, deadline));
        var (word, change) = LoginDeadlines.Setting(deadline);
        Note(step, attempt.Id, new("deadline", $"{word} passed", change) { At = deadline == DeadlineName.PushLife ? attempt.PushExpires : attempt.Deadline }, decides);
    }

    private long NewLogin(LoginStep step, LoginRequest request)
    {
        var id = ++_lastLoginId;
        step.IsAbout(id, request);
        Note(step, id, new("asked", $"{LoginEvents.Word(request.Kind)} from {(request.Source.Equals(IPAddress.None) ? "console" : request.Source)}{(request.Realm.Length > 0 ? $" realm {request.Realm}" : "")}") { Subject = request.User });
        return id;
    }

    private static void Note(LoginStep step, long id, LoginFact fact, bool decides = false) => step.Facts.Add((id, decides ? fact with { Decides = true } : fact));

    private void Remind(Attempt attempt, DateTimeOffset at) => _deadlines.Enqueue((attempt.RequestId, at), at);
}
