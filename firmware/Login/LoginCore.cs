using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>A push that the login core wants sent.</summary>
public sealed record PushOrder(string RequestId, string User, Token Token, IPAddress Source, DateTimeOffset Time, DateTimeOffset Expires);

/// <summary>A decision of the core and what the shell has to do about it, in this order: events, commit, pushes, answers.</summary>
public sealed class LoginStep
{
    /// <summary>What the caller is told; null while it has to wait.</summary>
    public LoginAnswer? Answer { get; set; }
    /// <summary>What must be durable before anybody is told.</summary>
    public List<StateWrite> Memory { get; } = [];
    /// <summary>What happened.</summary>
    public List<EventEntry> Events { get; } = [];
    /// <summary>A push to be sent.</summary>
    public PushOrder? Push { get; set; }
    /// <summary>Pending logins whose push is void from now on.</summary>
    public List<string> Cancelled { get; } = [];
    /// <summary>Answers for those who wait for the phone.</summary>
    public List<(string RequestId, LoginAnswer Answer)> Released { get; } = [];
}

/// <summary>
/// The rules that decide who gets in. Synchronous and deterministic: <c>(input, now)</c> in, a <see cref="LoginStep"/> out; no
/// clock, no random, no socket. The shell (<see cref="LoginService"/>) serializes the calls.
/// </summary>
public sealed class LoginCore(TokenCore tokens)
{
    /// <summary>Wrong codes that end one pending login.</summary>
    private const int WrongCodesMax = 3;
    /// <summary>"Please wait" answers that one pending login gets before it is refused: a client that loops must end.</summary>
    private const int WaitAnswersMax = 3;
    /// <summary>Logins that may be pending at once.</summary>
    private const int PendingMax = 200_000;

    private readonly Dictionary<string, Attempt> _pending = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string RequestId, DateTimeOffset At), DateTimeOffset> _deadlines = new();
    private readonly SourceLimit _sources = new();

    private enum PushState { None, Out, Deciding, Approved, Over }

    private sealed class Attempt(LoginHandle handle, LoginGrant grant, Token token, DateTimeOffset deadline, DeadlineName deadlineName)
    {
        public LoginHandle Handle => handle;
        public LoginGrant Grant => grant;
        public Token Token => token;
        public DateTimeOffset Deadline => deadline;
        public DeadlineName DeadlineName => deadlineName;
        public PushState Push { get; set; }
        public DateTimeOffset PushExpires { get; set; }
        public Refusal PushRefusal { get; set; } = Refusal.Expired;
        public int WrongCodes { get; set; }
        public int WaitAnswers { get; set; }
    }

    /// <summary>How many logins wait for a second factor.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>When <see cref="Tick"/> has something to do next; null when nothing waits.</summary>
    public DateTimeOffset? NextDeadline => _deadlines.TryPeek(out _, out var at) ? at : null;

    /// <summary>A first factor.</summary>
    /// <param name="request">Name, password, source.</param>
    /// <param name="rules">The configuration in force.</param>
    /// <param name="canPush">Whether a push to a token could be sent.</param>
    /// <param name="handle">Fresh random ids for the pending login, if it becomes one.</param>
    /// <param name="now">The time.</param>
    public LoginStep Start(LoginRequest request, LoginRules rules, Func<Token, bool> canPush, LoginHandle handle, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (_sources.IsBlocked(request.Source, now))
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return step;
        }
        if (rules.Users.CheckPassword(request.User, request.Password) is not { } user)
        {
            return Refuse(step, request.User, request.Source, Refusal.BadCredentials, rules, now);
        }
        // There are no realms yet; one that does not exist lets nobody in.
        if (request.Realm.Length > 0 || rules.Policy.PortalFor(user) is not var (group, portal))
        {
            return Refuse(step, user.Name, request.Source, Refusal.NoPolicy, rules, now);
        }
        var grant = new LoginGrant(user.Name, group, portal, request.Source, user.SecondFactor);
        if (!user.SecondFactor)
        {
            return Succeed(step, grant);
        }
        if (user.Token is not { Locked: false, Seed: { } seed } token)
        {
            return Refuse(step, user.Name, request.Source, Refusal.TokenUnusable, rules, now);
        }
        if (_pending.Count >= PendingMax)
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Overloaded);
            return step;
        }
        var (deadline, deadlineName) = rules.Deadlines.SecondFactor(now);
        var attempt = new Attempt(handle, grant, token, deadline, deadlineName);
        _pending.Add(handle.RequestId, attempt);
        Remind(attempt, deadline);
        var wait = tokens.WaitFor(seed, now);
        if (wait is null && canPush(token))
        {
            // While a code of this step is used up the phone could only answer with that code: then a push would be in vain.
            var life = now + LoginDeadlines.PushLife;
            attempt.Push = PushState.Out;
            attempt.PushExpires = life < deadline ? life : deadline;
            Remind(attempt, attempt.PushExpires);
            step.Push = new PushOrder(handle.RequestId, user.Name, token, request.Source, now, attempt.PushExpires);
        }
        step.Answer = new LoginAnswer.Challenge(handle, grant, step.Push is not null, wait);
        return step;
    }

    /// <summary>A typed code. Empty, while a push is out or approved: waits for the phone (*assumed*, see docs/ssl-vpn.md).</summary>
    public LoginStep SubmitCode(LoginHandle handle, string code, IPAddress source, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (Find(handle, source, rules, now, step) is not { } attempt)
        {
            return step;
        }
        if (code.Length == 0 && attempt.Push != PushState.None)
        {
            return Await(step, attempt, rules, now);
        }
        var verdict = tokens.Check(attempt.Token.Seed!, code, now);
        switch (verdict.Outcome)
        {
            case CodeOutcome.Accepted:
                step.Memory.Add(verdict.Memory);
                Close(step, attempt, new LoginAnswer.Refused(Refusal.Superseded));
                return Succeed(step, attempt.Grant);
            case CodeOutcome.Wait when ++attempt.WaitAnswers <= WaitAnswersMax:
                step.Answer = new LoginAnswer.Challenge(attempt.Handle, attempt.Grant, Push: false, verdict.Wait);
                return step;
            default:
                var last = ++attempt.WrongCodes >= WrongCodesMax || verdict.Outcome == CodeOutcome.Wait;
                if (last)
                {
                    Close(step, attempt, new LoginAnswer.Refused(Refusal.WrongCode));
                }
                Refuse(step, attempt.Grant.User, source, Refusal.WrongCode, rules, now);
                step.Answer = new LoginAnswer.Refused(Refusal.WrongCode, Retry: !last);
                return step;
        }
    }

    /// <summary>The client waits for the phone. No answer in the step: it has to wait, and comes with <see cref="LoginStep.Released"/> of a later one.</summary>
    public LoginStep AwaitPush(LoginHandle handle, IPAddress source, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        return Find(handle, source, rules, now, step) is { } attempt ? Await(step, attempt, rules, now) : step;
    }

    /// <summary>
    /// The phone approved, with the code it shows. True when the code was right and is used up now; the login itself goes on
    /// with <see cref="ConfirmPush"/> once the step's memory is durable.
    /// </summary>
    public (bool Accepted, LoginStep Step) PushApproved(string requestId, string code, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (!_pending.TryGetValue(requestId, out var attempt) || attempt.Push != PushState.Out || now >= attempt.PushExpires)
        {
            return (false, step);
        }
        var verdict = tokens.Check(attempt.Token.Seed!, code, now);
        if (verdict.Outcome != CodeOutcome.Accepted)
        {
            return (false, step);
        }
        step.Memory.Add(verdict.Memory);
        attempt.Push = PushState.Deciding;
        return (true, step);
    }

    /// <summary>The approval is on disk: who waits is let in; if nobody waits yet, the next request of this login is.</summary>
    public LoginStep ConfirmPush(string requestId, bool somebodyWaits)
    {
        var step = new LoginStep();
        if (!_pending.TryGetValue(requestId, out var attempt))
        {
            return step;
        }
        attempt.Push = PushState.Approved;
        step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, "approved"));
        if (somebodyWaits)
        {
            _pending.Remove(requestId);
            Succeed(step, attempt.Grant);
            step.Released.Add((requestId, step.Answer!));
        }
        return step;
    }

    /// <summary>The phone denied: final. False when there is nothing to deny.</summary>
    public (bool Accepted, LoginStep Step) PushDenied(string requestId, LoginRules rules, DateTimeOffset now)
    {
        var step = new LoginStep();
        if (!_pending.TryGetValue(requestId, out var attempt) || attempt.Push != PushState.Out || now >= attempt.PushExpires)
        {
            return (false, step);
        }
        step.Events.Add(LoginEvents.PushAnswered(attempt.Grant, "denied"));
        Close(step, attempt, new LoginAnswer.Refused(Refusal.Denied));
        Refuse(step, attempt.Grant.User, attempt.Grant.Source, Refusal.Denied, rules, now);
        step.Answer = null;
        return (true, step);
    }

    /// <summary>The push could not be sent: who waits for it is told at once; a code may still be typed.</summary>
    public LoginStep PushFailed(string requestId)
    {
        var step = new LoginStep();
        if (_pending.TryGetValue(requestId, out var attempt) && attempt.Push == PushState.Out)
        {
            attempt.Push = PushState.Over;
            attempt.PushRefusal = Refusal.PushFailed;
            step.Released.Add((requestId, new LoginAnswer.Refused(Refusal.PushFailed, Retry: true)));
        }
        return step;
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
            if (now >= attempt.Deadline)
            {
                Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
                // Nothing wrong was offered, so it does not count against the source: whoever is told to wait may just leave.
                if (attempt.Push is not (PushState.Approved or PushState.Deciding))
                {
                    var reason = attempt.Push == PushState.Out && attempt.PushExpires == attempt.Deadline ? DeadlineName.PushLife : attempt.DeadlineName;
                    step.Events.Add(LoginEvents.Expired(attempt.Grant, reason));
                }
            }
            else if (attempt.Push == PushState.Out && now >= attempt.PushExpires)
            {
                attempt.Push = PushState.Over;
                step.Cancelled.Add(due.RequestId);
                step.Events.Add(LoginEvents.Expired(attempt.Grant, DeadlineName.PushLife));
                step.Released.Add((due.RequestId, new LoginAnswer.Refused(Refusal.Expired, Retry: true)));
            }
        }
        return step;
    }

    /// <summary>The configuration changed: a pending login whose user or token is not what it was ends at once.</summary>
    public LoginStep RulesChanged(LoginRules rules)
    {
        var step = new LoginStep();
        foreach (var attempt in _pending.Values.Where(attempt => !StillStands(attempt, rules.Users)).ToArray())
        {
            Close(step, attempt, new LoginAnswer.Refused(Refusal.TokenUnusable));
            step.Events.Add(LoginEvents.Refused(attempt.Grant.User, attempt.Grant.Source, Refusal.TokenUnusable));
        }
        return step;
    }

    private static bool StillStands(Attempt attempt, UserDirectory users) =>
        users.Find(attempt.Grant.User) is { Enabled: true, SecondFactor: true, Token: { Locked: false, Seed: { } seed } token }
        && token.Serial == attempt.Token.Serial && seed.Identity == attempt.Token.Seed!.Identity;

    private LoginStep Await(LoginStep step, Attempt attempt, LoginRules rules, DateTimeOffset now)
    {
        switch (attempt.Push)
        {
            case PushState.Approved:
                _pending.Remove(attempt.Handle.RequestId);
                return Succeed(step, attempt.Grant);
            case PushState.Out or PushState.Deciding:
                return step;
            default:
                return Refuse(step, attempt.Grant.User, attempt.Grant.Source, attempt.PushRefusal, rules, now);
        }
    }

    /// <summary>The pending login of a handle: every id right, the same source, in time. Else the step holds the refusal.</summary>
    private Attempt? Find(LoginHandle handle, IPAddress source, LoginRules rules, DateTimeOffset now, LoginStep step)
    {
        if (_sources.IsBlocked(source, now))
        {
            step.Answer = new LoginAnswer.Refused(Refusal.Blocked);
            return null;
        }
        if (!_pending.TryGetValue(handle.RequestId, out var attempt) || now >= attempt.Deadline || !attempt.Grant.Source.Equals(source)
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(handle.Magic), Encoding.UTF8.GetBytes(attempt.Handle.Magic)))
        {
            Refuse(step, "N/A", source, Refusal.UnknownRequest, rules, now);
            return null;
        }
        return attempt;
    }

    private void Close(LoginStep step, Attempt attempt, LoginAnswer toWaiter)
    {
        _pending.Remove(attempt.Handle.RequestId);
        step.Released.Add((attempt.Handle.RequestId, toWaiter));
        if (attempt.Push == PushState.Out)
        {
            step.Cancelled.Add(attempt.Handle.RequestId);
        }
    }

    private LoginStep Succeed(LoginStep step, LoginGrant grant)
    {
        _sources.Succeed(grant.Source);
        step.Events.Add(LoginEvents.Succeeded(grant));
        step.Answer = new LoginAnswer.Success(grant);
        return step;
    }

    private LoginStep Refuse(LoginStep step, string user, IPAddress source, Refusal reason, LoginRules rules, DateTimeOffset now)
    {
        step.Events.Add(LoginEvents.Refused(user, source, reason));
        CountFailure(step, source, rules, now);
        step.Answer = new LoginAnswer.Refused(reason);
        return step;
    }

    private void CountFailure(LoginStep step, IPAddress source, LoginRules rules, DateTimeOffset now)
    {
        if (_sources.Fail(source, rules.Policy.AttemptLimit, rules.Policy.BlockTime, now))
        {
            step.Events.Add(LoginEvents.Blocked(source, rules.Policy.BlockTime));
        }
    }

    private void Remind(Attempt attempt, DateTimeOffset at) => _deadlines.Enqueue((attempt.Handle.RequestId, at), at);
}

/// <summary>What of the configuration decides a login.</summary>
public sealed record LoginRules(UserDirectory Users, LoginPolicy Policy, LoginDeadlines Deadlines);
