using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Appliance.Firmware.Tokens;
using OtpNet;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>
/// The authentication rules of the emulator. Synchronous and deterministic: <c>(input, now)</c> in, a <see cref="FacStep"/> out. The
/// caller serializes. State that must survive a restart is in the step's records; <see cref="Restore"/> loads it again.
/// </summary>
public sealed partial class FacCore(FacSettings settings, TokenCore tokens, string callbackHost, Func<int> callbackPort, FillRandom random)
{
    /// <summary>The prompt of the policy in which an empty response sends a push (observed with 8.0.3).</summary>
    public const string CodeOrEmptyText = "+Enter token code or no code to send a notification to your FortiToken Mobile";

    /// <summary>The prompt of the policy in which the word <c>push</c> sends a push.</summary>
    public const string TypePushText = "+Enter your Token or type 'push' to receive a push notification";

    /// <summary>The prompt for a user without a phone that receives pushes. *Assumed*.</summary>
    public const string CodeOnlyText = "+Enter token code";

    private const int WrongAnswersMax = 3;
    private const int FailuresMax = 5;
    private const int LoginsMax = 200_000;

    /// <summary>The time that a decided login is kept beyond its life: as long as its client may still repeat its last request.</summary>
    private static readonly TimeSpan OverLife = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Lockout = TimeSpan.FromSeconds(60);

    private readonly FrozenDictionary<string, FacUser> _users = settings.Users.ToFrozenDictionary(
        user => user.Name,
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, FacLogin> _logins = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FacLogin> _over = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FacLogin> _pushes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Failures, DateTimeOffset Until)> _failures = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, DateTimeOffset> _deadlines = new();

    /// <summary>The number of logins that are pending for a second factor.</summary>
    public int PendingCount => _logins.Count;

    /// <summary>The number of pending logins that have a push out.</summary>
    public int PushCount => _pushes.Count;

    /// <summary>The time of the next work for <see cref="Tick"/>; null if nothing is pending.</summary>
    public DateTimeOffset? NextDeadline => _deadlines.TryPeek(out _, out var at) ? at : null;

    /// <summary>The users, for enrolment of their phones.</summary>
    public IEnumerable<FacUser> Users => settings.Users;

    /// <summary>True while the login of this State is pending.</summary>
    public bool IsPending(string state) => _logins.ContainsKey(state);

    /// <summary>Restores the records of an earlier run.</summary>
    public void Restore(IEnumerable<FacRecord> records)
    {
        foreach (var record in records.Where(record => record.Key.StartsWith(FacLogin.KeyPrefix, StringComparison.Ordinal)))
        {
            var login = JsonSerializer.Deserialize(record.Value!, FacLoginJson.Default.FacLogin)!;
            if (login.IsOver)
            {
                Bury(login);
                continue;
            }
            // A user or token that is no longer in the description cannot log in: the login ends at the next tick, with its event.
            var canGoOn =
                _users.TryGetValue(login.User, out var user)
                && (login.Token is null || user.Tokens.Any(token => token.Serial == login.Token));
            Hold(canGoOn ? login : login with { Expires = DateTimeOffset.MinValue });
        }
    }

    /// <summary>
    /// Checks a password. The answer is null while the phone has to decide; <paramref name="state"/> then names the login.
    /// </summary>
    public FacStep First(string user, FacCredential credential, FacAsker asker, DateTimeOffset now, out string state)
    {
        state = "";
        var step = new FacStep();
        var known = _users.GetValueOrDefault(user);
        // An unknown name takes the same comparison as a known one.
        var right = credential.Is(known?.Password ?? "\u0001 no user has this password");
        if (known is null || IsLockedOut(user, now))
        {
            return Reject(step, user, asker, credential.Scheme, known is null ? "unknown_user" : "locked_out");
        }
        if (!right)
        {
            return CodeAppended(step, known, credential, asker, now) ?? Fail(step, known, asker, credential.Scheme, "bad_password", now);
        }
        if (known.Tokens.IsEmpty)
        {
            return Accept(step, known, asker, credential.Scheme, "password", credential.Proof(known.Password));
        }
        if (_logins.Count >= LoginsMax)
        {
            return Reject(step, user, asker, credential.Scheme, "overloaded");
        }
        var login = new FacLogin(NewState(), user, asker.Nas.ToString(), asker.Caller.ToString(), now, now + settings.TokenTimeout);
        var canPush = known.Tokens.Any(CanPush);
        if (asker.Policy == FacPolicy.PushWithoutChallenge)
        {
            if (!canPush)
            {
                return Fail(step, known, asker, credential.Scheme, "no_push_token", now);
            }
            // The proof of MS-CHAPv2 belongs to the one request that is answered later.
            login = login with
            {
                Proof = credential.Proof(known.Password) is { } proof ? Convert.ToBase64String(proof) : null,
            };
            if (SendPush(step, login, 1, now) is { } refusal)
            {
                return Reject(step, user, asker, credential.Scheme, refusal);
            }
            state = login.State;
            return step;
        }
        Hold(login);
        step.Remember(login.Record());
        step.Answer = new FacVerdict.Challenge(
            login.State,
            !canPush ? CodeOnlyText
                : asker.Policy == FacPolicy.TypePush ? TypePushText
                : CodeOrEmptyText
        );
        return step;
    }

    /// <summary>Sends a push without a password, from a REST call. The answer is null while the phone has to decide.</summary>
    public FacStep PushTo(string user, FacAsker asker, DateTimeOffset now, out string state)
    {
        var step = new FacStep();
        state = "";
        if (!_users.ContainsKey(user) || IsLockedOut(user, now))
        {
            return Reject(step, user, asker, "REST", _users.ContainsKey(user) ? "locked_out" : "unknown_user");
        }
        if (_logins.Count >= LoginsMax)
        {
            return Reject(step, user, asker, "REST", "overloaded");
        }
        var login = new FacLogin(NewState(), user, asker.Nas.ToString(), asker.Caller.ToString(), now, now + settings.TokenTimeout);
        if (SendPush(step, login, 1, now) is { } refusal)
        {
            return Reject(step, user, asker, "REST", refusal);
        }
        state = login.State;
        return step;
    }

    /// <summary>
    /// Handles the response to a challenge: a code, nothing or <c>push</c>, or <c>push2</c> for the user's second phone. The answer is null
    /// while the phone has to decide.
    /// </summary>
    public FacStep Second(string state, string user, FacCredential credential, FacAsker asker, DateTimeOffset now)
    {
        var step = new FacStep();
        if (_over.TryGetValue(state, out var over) && over.User == user && over.Nas == asker.Nas.ToString())
        {
            // The login was decided and reported before this response: there is no second decision.
            step.Answer = new FacVerdict.Reject("too_late");
            return step;
        }
        if (
            !_logins.TryGetValue(state, out var login)
            || login.User != user
            || login.Nas != asker.Nas.ToString()
            || !IsSameCaller(login, asker)
            || now >= login.Expires
        )
        {
            return Reject(step, user, asker, credential.Scheme, "unknown_state");
        }
        var known = _users[user];
        if (IsLockedOut(user, now))
        {
            return Over(step, login, asker, credential.Scheme, "locked_out");
        }
        if (PhoneAsked(known, credential) is { } phone)
        {
            if (login.Push is not null)
            {
                // The push decides the request that it was sent for. Only a repetition of that one is pending with it, and does not reach
                // this point.
                return Reject(step, user, asker, credential.Scheme, "push_pending");
            }
            // The push displays the address of the request that is answered.
            var named = asker.Caller.Equals(asker.Nas) ? login : login with { Caller = asker.Caller.ToString() };
            return SendPush(step, named, phone, now) is { } refusal ? Over(step, login, asker, credential.Scheme, refusal) : step;
        }
        if (login.Push is not null)
        {
            step.Release(state, new FacVerdict.Reject("superseded"));
        }
        if (UseCode(step, known, candidate => credential.Is(candidate), now))
        {
            Forget(step, login);
            return Accept(step, known, asker, credential.Scheme, "token_code", null);
        }
        Forget(step, login);
        return Fail(step, known, asker, credential.Scheme, "wrong_code", now);
    }

    /// <summary>Checks a REST call's password, code, or both; each one that is given must be right. Always answers.</summary>
    public FacStep Check(string user, string? password, string? code, FacAsker asker, DateTimeOffset now)
    {
        var step = new FacStep();
        const string Scheme = "REST";
        var known = _users.GetValueOrDefault(user);
        if (known is null || IsLockedOut(user, now))
        {
            return Reject(step, user, asker, Scheme, known is null ? "unknown_user" : "locked_out");
        }
        if (password is not null && !new FacCredential.Pap(Encoding.UTF8.GetBytes(password)).Is(known.Password))
        {
            return Fail(step, known, asker, Scheme, "bad_password", now);
        }
        if (code is null)
        {
            return Accept(step, known, asker, Scheme, "password", null);
        }
        return UseCode(step, known, candidate => new FacCredential.Pap(Encoding.UTF8.GetBytes(code)).Is(candidate), now)
            ? Accept(step, known, asker, Scheme, "token_code", null)
            : Fail(step, known, asker, Scheme, "wrong_code", now);
    }

    /// <summary>Does the work that is due at <see cref="NextDeadline"/>.</summary>
    public FacStep Tick(DateTimeOffset now)
    {
        var step = new FacStep();
        while (_deadlines.TryPeek(out var state, out var at) && at <= now)
        {
            _deadlines.Dequeue();
            if (_over.TryGetValue(state, out var over) && now >= over.Expires)
            {
                _over.Remove(state);
                step.Remember(over.Record() with { Value = null });
            }
            if (_logins.TryGetValue(state, out var login) && now >= login.Expires)
            {
                End(step, login, login.Push is null ? "challenge_expired" : "push_expired", now);
            }
        }
        return step;
    }

    /// <summary>
    /// Checks a password with the code appended. Used if the password alone was wrong, so that no push is sent when a code was given.
    /// </summary>
    private FacStep? CodeAppended(FacStep step, FacUser user, FacCredential credential, FacAsker asker, DateTimeOffset now)
    {
        string? used = null;
        return UseCode(step, user, code => credential.Is(user.Password + code) && (used = code) is not null, now)
            ? Accept(step, user, asker, credential.Scheme, "password_and_code", credential.Proof(user.Password + used))
            : null;
    }

    /// <summary>
    /// Finds the intended code among those that the token core accepts now, and consumes it. Schemes that hide a code can only be compared
    /// with guesses; the token core then decides whether the code is still valid.
    /// </summary>
    private bool UseCode(FacStep step, FacUser user, Func<string, bool> isMeant, DateTimeOffset now)
    {
        foreach (var token in user.Tokens.Where(token => token is { Locked: false, Seed: not null }))
        {
            var seed = token.Seed!;
            var totp = new Totp([.. seed.Secret], (int)seed.Step.TotalSeconds, seed.Algorithm, seed.Digits);
            foreach (var away in TokenCore.Window)
            {
                var code = totp.ComputeTotp((now + (seed.Step * (tokens.DriftOf(seed) + away))).UtcDateTime);
                if (isMeant(code) && tokens.Check(seed, code, now) is { Outcome: CodeOutcome.Accepted } verdict)
                {
                    step.UseUp(verdict.Memory);
                    return true;
                }
            }
        }
        return false;
    }

    private FacStep Accept(FacStep step, FacUser user, FacAsker asker, string scheme, string by, byte[]? proof)
    {
        _failures.Remove(user.Name);
        Audit(step, user.Name, asker.Nas, scheme, "success", by);
        step.Answer = new FacVerdict.Accept(user, proof);
        return step;
    }

    private FacStep Reject(FacStep step, string user, FacAsker asker, string scheme, string reason) =>
        Reject(step, user, asker, scheme, new FacVerdict.Reject(reason));

    private FacStep Reject(FacStep step, string user, FacAsker asker, string scheme, FacVerdict.Reject verdict)
    {
        Audit(step, user, asker.Nas, scheme, "failed", verdict.Reason);
        step.Answer = verdict;
        return step;
    }

    /// <summary>
    /// Compares the addresses of the user in both requests of a login. False if both name one and they differ: the State then belongs to
    /// another user's login.
    /// </summary>
    private static bool IsSameCaller(FacLogin login, FacAsker asker) =>
        asker.Caller.Equals(asker.Nas) || login.Caller == login.Nas || login.Caller == asker.Caller.ToString();

    /// <summary>Handles a wrong password or code. Too many in a row lock out the user for a while, against guessing.</summary>
    private FacStep Fail(FacStep step, FacUser user, FacAsker asker, string scheme, string reason, DateTimeOffset now)
    {
        var failures = _failures.GetValueOrDefault(user.Name).Failures + 1;
        _failures[user.Name] = failures >= FailuresMax ? (0, now + Lockout) : (failures, default);
        return Reject(step, user.Name, asker, scheme, reason);
    }

    private bool IsLockedOut(string user, DateTimeOffset now) => _failures.TryGetValue(user, out var entry) && now < entry.Until;

    private FacStep Over(FacStep step, FacLogin login, FacAsker asker, string scheme, string reason) =>
        Over(step, login, asker, scheme, new FacVerdict.Reject(reason));

    private FacStep Over(FacStep step, FacLogin login, FacAsker asker, string scheme, FacVerdict.Reject verdict)
    {
        Forget(step, login);
        return Reject(step, login.User, asker, scheme, verdict);
    }

    private void End(FacStep step, FacLogin login, string reason, DateTimeOffset now) =>
        End(step, login, new FacVerdict.Reject(reason), now);

    /// <summary>Ends a login that no request is pending with. A late response to its challenge is rejected, too, for a while.</summary>
    private void End(FacStep step, FacLogin login, FacVerdict.Reject verdict, DateTimeOffset now)
    {
        Forget(step, login);
        var over = login with { IsOver = true, Expires = now + settings.TokenTimeout + OverLife };
        Bury(over);
        step.Remember(over.Record());
        Audit(step, login.User, IPAddress.Parse(login.Nas), login.Push is null ? "challenge" : "push", "failed", verdict.Reason);
        step.Release(login.State, verdict);
    }

    private void Audit(FacStep step, string user, IPAddress nas, string scheme, string status, string reason)
    {
        if (settings.LogDecisions)
        {
            step.Note(FacEvents.Decided(user, nas, scheme, status, reason));
        }
    }

    private void Hold(FacLogin login)
    {
        _logins[login.State] = login;
        if (login.Push is not null)
        {
            _pushes[login.Push] = login;
        }
        _deadlines.Enqueue(login.State, login.Expires);
    }

    private void Bury(FacLogin over)
    {
        _over[over.State] = over;
        _deadlines.Enqueue(over.State, over.Expires);
    }

    private void Forget(FacStep step, FacLogin login)
    {
        _logins.Remove(login.State);
        if (login.Push is not null)
        {
            _pushes.Remove(login.Push);
        }
        step.Remember(login.Record() with { Value = null });
    }

    /// <summary>Generates a State of ten digits, as the product's; random, where the product counts.</summary>
    private string NewState()
    {
        Span<byte> bytes = stackalloc byte[8];
        while (true)
        {
            random(bytes);
            var state = (BinaryPrimitives.ReadUInt64BigEndian(bytes) % 10_000_000_000).ToString("D10", CultureInfo.InvariantCulture);
            if (!_logins.ContainsKey(state) && !_over.ContainsKey(state))
            {
                return state;
            }
        }
    }
}
