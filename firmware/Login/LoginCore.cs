using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// The rules that decide logins for every kind of requester: users of the SSL VPN, administrators, and RADIUS clients. Synchronous and
/// deterministic: an input and the time give a <see cref="LoginStep"/>, without a clock, random values or sockets. The shell
/// (<see cref="LoginService"/>) serializes the calls. docs/reference/login.md describes all rules.
/// </summary>
/// <remarks>
/// Each rule has its own type: <see cref="FirstFactor"/>, <see cref="SecondFactor"/>, <see cref="PhoneFactor"/>,
/// <see cref="RemoteFactor"/>, <see cref="Authorisation"/> and <see cref="LoginLimits"/>. A login is <see cref="Start"/>, then any number
/// of <see cref="SubmitCode"/> and <see cref="AwaitPush"/> by its handle. A phone answers
/// through <c>PushApproved</c> and <c>ConfirmPush</c>, or <see cref="PushDenied"/>; a remote server through <see cref="RemoteAnswered"/>.
/// <see cref="Tick"/> ends what has expired.
/// </remarks>
public sealed class LoginCore
{
    /// <summary>The SQL of the tables that the core and its tokens need in the state database.</summary>
    public static readonly string[] Tables = [TokenCore.UseTable, TokenCore.DriftTable, .. LoginLimits.Tables, LabPolicy.Table];

    private readonly TokenCore _tokens;
    private readonly LoginLimits _limits = new();
    private readonly PendingLogins _pending;
    private readonly PhoneFactor _phone;
    private readonly SecondFactor _second;
    private readonly RemoteFactor _remote;
    private readonly FirstFactor _first;

    /// <summary>Creates a core without stored state, for tests of the rules.</summary>
    public LoginCore(TokenCore tokens)
    {
        var codes = new OneTimeCodes();
        _tokens = tokens;
        _pending = new PendingLogins(codes);
        _phone = new PhoneFactor(tokens, _pending);
        _second = new SecondFactor(tokens, codes, _pending, _phone);
        _remote = new RemoteFactor(_pending, _second);
        _first = new FirstFactor(_second, _remote);
    }

    /// <summary>Creates a core with the stored state of the database. For start-up only.</summary>
    public LoginCore(TokenCore tokens, StateDatabase state)
        : this(tokens) => _limits.Load(state);

    /// <summary>The number of pending logins.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Returns the end of the longest lockout of a user or source for too many failures; null if there is none.</summary>
    public DateTimeOffset? LockedOutUntil(DateTimeOffset now) => _limits.LockedOutUntil(now);

    /// <summary>The time of the next call of <see cref="Tick"/>; null if nothing is pending.</summary>
    public DateTimeOffset? NextDeadline => _pending.NextDeadline;

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
        _first.Check(Turn(step, rules, now, canPush), request, draw);
        return step;
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
        var turn = Turn(step, rules, now, canPush);
        if (Find(turn, handle, source, kind) is not { } attempt)
        {
            return step;
        }
        if (attempt.Challenge is not null || attempt.Acceptance is not null)
        {
            _remote.Reply(turn, attempt, code);
        }
        else if (code.Length == 0 && attempt.Push != PushState.None)
        {
            _phone.Await(turn, attempt);
        }
        else
        {
            _second.Check(turn, attempt, code, nextCode);
        }
        return step;
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
        var turn = Turn(step, rules, now, canPush);
        if (Find(turn, handle, source, kind) is not { } attempt)
        {
            return step;
        }
        if (attempt.Challenge is not null || attempt.Acceptance is not null)
        {
            _remote.AwaitPhone(turn, attempt);
        }
        else
        {
            _phone.Await(turn, attempt);
        }
        return step;
    }

    /// <summary>
    /// Processes the phone's approval, with the code that it displays and the number typed on it. Returns true if both are right: the code
    /// is consumed, and the login continues with <see cref="ConfirmPush(string, bool, LoginRules, DateTimeOffset)"/> once the step's memory
    /// is durable. A wrong code leaves the push pending; a wrong number ends the login.
    /// </summary>
    public (bool Accepted, LoginStep Step) PushApproved(string requestId, string code, string number, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        return (
            Pending(requestId) is { } attempt && PushApproved(step, attempt, PhoneFactor.Match(attempt, code, now), number, rules, now),
            step
        );
    }

    /// <summary>
    /// Completes an approval that is durable: the waiting client is logged in. If none waits, the login's next request is, within
    /// login-timeout.
    /// </summary>
    public LoginStep ConfirmPush(string requestId, bool somebodyWaits, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (Pending(requestId) is { } attempt)
        {
            ConfirmPush(step, attempt, somebodyWaits, rules, now);
        }
        return step;
    }

    /// <summary>Processes the phone's denial, which is final. False if there is nothing to deny.</summary>
    public (bool Accepted, LoginStep Step) PushDenied(string requestId, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        return (Pending(requestId) is { } attempt && _phone.Denied(Turn(step, rules, now), attempt), step);
    }

    /// <summary>Reports that the push could not be sent. The waiting client is notified immediately; a code may still be typed.</summary>
    public LoginStep PushFailed(string requestId, LoginRules rules)
    {
        var step = new LoginStep();
        if (Pending(requestId) is { } attempt)
        {
            PhoneFactor.Failed(_limits, rules, step, attempt);
        }
        return step;
    }

    /// <summary>
    /// Processes a remote server's verdict on the request with this number, or the absence of one. A verdict on an older request has no
    /// effect.
    /// </summary>
    /// <param name="requestId">The pending login.</param>
    /// <param name="number">The request (<see cref="RemoteOrder.Number"/>).</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="somebodyWaits">True if a client request waits for it.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Returns true if a push to a token can be sent.</param>
    /// <param name="now">The current time.</param>
    public LoginStep RemoteAnswered(
        string requestId,
        int number,
        RemoteVerdict verdict,
        bool somebodyWaits,
        LoginRules rules,
        Func<Token, bool> canPush,
        DateTimeOffset now
    )
    {
        var step = new LoginStep();
        if (Asked(requestId, number) is { Question: { } question } attempt && !_pending.Lapse(step, attempt, now))
        {
            _remote.Answered(Turn(step, rules, now, canPush), attempt, question, verdict, somebodyWaits);
        }
        return step;
    }

    /// <summary>
    /// Records that a request is sent to an address of the remote server, or that the address failed. A notice of an older request has no
    /// effect.
    /// </summary>
    public LoginStep RemoteNoticed(string requestId, int number, RemoteNotice notice)
    {
        var step = new LoginStep();
        if (Asked(requestId, number) is { Question: { } question } attempt)
        {
            RemoteFactor.Noticed(step, attempt, question, notice);
        }
        return step;
    }

    /// <summary>Ends what has expired at <see cref="NextDeadline"/>.</summary>
    public LoginStep Tick(DateTimeOffset now)
    {
        var step = new LoginStep();
        _pending.LapseAll(step, now);
        return step;
    }

    /// <summary>Immediately ends pending logins whose account or factor changed with the configuration.</summary>
    public LoginStep RulesChanged(LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        var turn = Turn(step, rules, now);
        foreach (
            var (attempt, refusal) in _pending
                .All.Select(attempt => (PendingLogin: attempt, Refusal: Authorisation.Evaluate(attempt, rules)))
                .Where(pair => pair.Refusal is not null)
                .ToArray()
        )
        {
            Authorisation.Revoke(turn, attempt, refusal!.Value);
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
            _pending.Close(step, attempt, refused);
        }
        step.Facts.AddRange(failed.Facts.Where(fact => !fact.Fact.Decides && fact.Fact.Check != LoginFact.Login));
        step.Note(failed.LoginId, new("storage", "the state could not be written", LoginSetting.Disk), decides: true);
        step.Events.Add(LoginEvents.Refused(request, failed.PendingLogin?.Account.Name ?? request.User, Refusal.Storage));
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
            _limits.Guesses.ForgiveAll("token:" + seed.Identity, step.Memory);
        }
        return (verdict, step);
    }

    /// <summary>Returns the sources with failures at the SSL VPN that count or block, the latest failure last.</summary>
    public IReadOnlyList<FailureEntry> BlockList(LoginRules rules, DateTimeOffset now) => _limits.BlockList(rules.Policy, now);

    /// <summary>Clears the failures of one source, or of all (null), by an operator. Returns the number of sources cleared.</summary>
    public (int Count, LoginStep Step) Unblock(IPAddress? source)
    {
        var step = new LoginStep();
        return (_limits.Unblock(source, step.Memory), step);
    }

    /// <summary>Processes the phone's approval with the code already compared (<see cref="PhoneFactor.Match"/>).</summary>
    internal bool PushApproved(
        LoginStep step,
        PendingLogin attempt,
        CodeMatch match,
        ReadOnlySpan<char> number,
        LoginRules rules,
        DateTimeOffset now
    ) => _phone.Approved(Turn(step, rules, now), attempt, match, number);

    /// <summary>
    /// Completes the approval of a given login. Returns false if it ended in the meantime or its user is no longer authorised: the approval
    /// has no effect.
    /// </summary>
    internal bool ConfirmPush(LoginStep step, PendingLogin attempt, bool somebodyWaits, LoginRules rules, DateTimeOffset now) =>
        _phone.Confirmed(Turn(step, rules, now), attempt, somebodyWaits);

    /// <summary>Adopts the drifts of tokens from a seed file.</summary>
    internal LoginStep TakeDrifts(IEnumerable<(TokenSeed Seed, int Drift)> drifts)
    {
        var step = new LoginStep();
        step.Memory.AddRange(drifts.SelectMany(token => _tokens.TakeDrift(token.Seed, token.Drift)));
        return step;
    }

    /// <summary>Returns the writes that are needed when the lab policy changes.</summary>
    internal IReadOnlyList<StateWrite> SavePushes(LabPolicy policy) => _limits.Pushes.Save(policy);

    /// <summary>Returns a pending login; null if it has ended.</summary>
    internal PendingLogin? Pending(string requestId) => _pending.Find(requestId);

    private LoginTurn Turn(LoginStep step, LoginRules rules, DateTimeOffset now, Func<Token, bool>? canPush = null) =>
        new(_limits, _pending, rules, canPush, now, step);

    /// <summary>Returns the login whose latest request to a remote server has this number; null if there is none.</summary>
    private PendingLogin? Asked(string requestId, int number) =>
        Pending(requestId) is { Question: not null } attempt && attempt.Questions == number ? attempt : null;

    /// <summary>
    /// Finds the pending login of a handle: identifiers, access method and source must match, and it must not have expired. Otherwise the
    /// step has the refusal.
    /// </summary>
    private PendingLogin? Find(in LoginTurn turn, LoginHandle handle, IPAddress source, LoginKind kind)
    {
        var request = new LoginRequest("N/A", "", "", source, kind);
        if (_limits.BlockOf(request, turn.Now) is not null)
        {
            turn.Step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return null;
        }
        if (
            Pending(handle.RequestId) is not { IsAnswerable: true } attempt
            || _pending.Lapse(turn.Step, attempt, turn.Now)
            || attempt.Request.Kind != kind
            || !attempt.Request.Source.Equals(source)
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(handle.Magic), Encoding.UTF8.GetBytes(attempt.Handle.Magic))
        )
        {
            turn.Step.Note(turn.Begin(request), new("request", "no such pending login from this source"), decides: true);
            turn.Refuse(request, request.User, Refusal.UnknownRequest);
            return null;
        }
        turn.Step.IsAbout(attempt);
        return attempt;
    }
}
