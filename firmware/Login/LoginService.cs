using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <summary>The login core's interface to phones, implemented by the push slice. Calls return immediately.</summary>
public interface IPushGateway
{
    /// <summary>Returns true if push is on and a phone is registered for push with this token.</summary>
    bool CanPush(Token token);

    /// <summary>Sends a push. A failure is reported through <see cref="LoginService.PushFailedAsync"/>.</summary>
    void Send(PushOrder order);

    /// <summary>Voids this login's push: later answers to it are refused.</summary>
    void Cancel(long loginId);

    /// <summary>Reports the final decision on an approval. Called once for each approval that reached <see cref="LoginService"/>.</summary>
    void Decided(bool accepted);
}

/// <summary>
/// The asynchronous shell of the login core, with one lock, one clock and one timer. A client that waits for a phone holds a task and no
/// thread. An answer is given only after the state that it depends on is durable.
/// </summary>
public sealed partial class LoginService : IConfigSubscriber, IDisposable
{
    private static readonly List<(LoginWaiter, LoginAnswer)> Nobody = [];

    private readonly TokenCore _tokens;
    private readonly LoginCore _core;
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LoginWaiter> _waiting = new(StringComparer.Ordinal);
    private readonly WorkTracker? _work;
    private readonly RemoteQuestions _questions;
    private readonly CancellationTokenSource _stopping = new();
    private LoginRules? _rules;
    private DateTimeOffset? _armedFor;
    private readonly LoginDebug _debug;
    private LabPolicy _lab;
    private IPushGateway? _push;
    private ICodeGateway? _codes;

    /// <summary>Connects the core with the state database, the events and the clock.</summary>
    public LoginService(TokenCore tokens, StateDatabase state, EventLog events, TimeProvider time, DebugTap debug)
    {
        (_tokens, _core, _state, _events, _time, _debug, _lab) = (
            tokens,
            new LoginCore(tokens, state),
            state,
            events,
            time,
            new LoginDebug(debug),
            LabPolicy.Load(state)
        );
        _work = WorkTracker.Of(time);
        _questions = new RemoteQuestions(
            (order, verdict) =>
                SettleAsync(
                        Decide(
                            (rules, now) =>
                                _core.RemoteAnswered(
                                    order.RequestId,
                                    order.Number,
                                    verdict,
                                    _waiting.ContainsKey(order.RequestId),
                                    rules,
                                    CanPush,
                                    now
                                )
                        )
                    )
                    .AsTask(),
            (order, notice) => Settle(Decide((_, _) => _core.RemoteNoticed(order.RequestId, order.Number, notice))),
            _work,
            _stopping.Token
        );
        Journal.Noted += _debug.Noted;
        _timer = time.CreateTimer(
            _ =>
                Settle(
                    Decide(
                        (_, now) =>
                        {
                            _armedFor = null;
                            return _core.Tick(now);
                        }
                    )
                ),
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>Sets the push gateway, once, before the first login.</summary>
    public void Connect(IPushGateway push) => _push = push;

    /// <summary>
    /// Sets the gateway for codes by e-mail and SMS, once, before the first login. Without it no code is delivered, and such logins end at
    /// their deadline.
    /// </summary>
    public void Connect(ICodeGateway codes) => _codes = codes;

    /// <summary>Sets the gateway to remote servers, once, before the first login. Without it their users are refused.</summary>
    public void Connect(IRemoteGateway remote) => _questions.Gateway = remote;

    /// <summary>The newest logins, step by step.</summary>
    public LoginJournal Journal { get; } = new();

    /// <summary>The lab policy.</summary>
    public LabPolicy LabPolicy
    {
        get
        {
            lock (_lock)
            {
                return _lab;
            }
        }
    }

    /// <summary>The number of logins that wait for a second factor.</summary>
    public int PendingCount
    {
        get
        {
            lock (_lock)
            {
                return _core.PendingCount;
            }
        }
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next) => null;

    /// <inheritdoc/>
    public void InForce(ConfigTree previous, ConfigTree next)
    {
        LoginStep step;
        lock (_lock)
        {
            _rules = LoginRules.From(next, _lab);
            step = _core.RulesChanged(_rules, _time.GetUtcNow());
        }
        Settle((step, CollectWaiters(step)));
    }

    /// <summary>Sets the lab policy; completes when it is durable and in force.</summary>
    public async Task SetLabPolicyAsync(LabPolicy policy)
    {
        LabPolicy before;
        IReadOnlyList<StateWrite> pushes;
        lock (_lock)
        {
            (before, pushes) = (_lab, _core.SavePushes(policy));
            Use(policy);
        }
        try
        {
            await _state.CommitAsync([.. policy.Save(), .. pushes]).ConfigureAwait(false);
        }
        catch (IOException)
        {
            lock (_lock)
            {
                Use(before);
            }
            throw;
        }
        if (policy.ChangesFrom(before) is { Length: > 0 } changes)
        {
            _events.Write(LoginEvents.PolicyChanged(changes));
        }
    }

    /// <summary>
    /// Evaluates a first factor. Completes without waiting for the second factor; with a remote server, no later than remoteauthtimeout
    /// allows.
    /// </summary>
    public async Task<LoginAnswer> StartAsync(LoginRequest request)
    {
        var draw = NewDraw();
        var waiter = new LoginWaiter(_work);
        var decision = Decide(
            (rules, now) =>
            {
                var step = _core.Start(request, rules, CanPush, draw, now);
                _debug.Started(request, draw.Handle, step, rules.Deadlines);
                if (step.Answer is null)
                {
                    _waiting.Add(draw.Handle.RequestId, waiter);
                }
                return step;
            }
        );
        if (decision.Step.Answer is not null)
        {
            return await AnswerAsync(decision).ConfigureAwait(false);
        }
        await SettleAsync(decision).ConfigureAwait(false);
        waiter.Park();
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Evaluates a typed code. An empty one waits for the phone while a push is pending.</summary>
    /// <param name="handle">The pending login.</param>
    /// <param name="code">The code.</param>
    /// <param name="source">The client's address.</param>
    /// <param name="cancellationToken">Cancelled when the client disconnects.</param>
    /// <param name="nextCode">The token's next code, if the client sent it as well; otherwise "".</param>
    /// <param name="kind">The access method.</param>
    public Task<LoginAnswer> SubmitCodeAsync(
        LoginHandle handle,
        string code,
        IPAddress source,
        CancellationToken cancellationToken,
        string nextCode = "",
        LoginKind kind = LoginKind.SslVpn
    ) =>
        AnswerOrWaitAsync(
            handle,
            (rules, now) => _core.SubmitCode(handle, code, source, rules, CanPush, now, nextCode, kind),
            _debug.CodeTyped,
            cancellationToken
        );

    /// <summary>Reports the outcome of a granted SSL VPN login: once for each such <see cref="LoginAnswer.Success"/>.</summary>
    /// <param name="success">The answer.</param>
    /// <param name="refused">The reason that there is no session; null if it is open and durable.</param>
    internal void Complete(LoginAnswer.Success success, Refusal? refused = null)
    {
        if (success.Deciding is not { } deciding)
        {
            return;
        }
        var (grant, now) = (success.Grant, _time.GetUtcNow());
        if (refused is not { } reason)
        {
            _events.Write(LoginEvents.Succeeded(grant));
            Journal.Add(FactsOf(success), now);
            return;
        }
        _events.Write(LoginEvents.Refused(new LoginRequest(grant.User, "", grant.Realm, grant.Source, grant.Kind), grant.User, reason));
        Journal.Add(
            [
                (success.LoginId, deciding),
                (
                    success.LoginId,
                    new LoginFact("session", $"not opened: {LoginEvents.Word(reason)}", reason == Refusal.Storage ? LoginSetting.Disk : "")
                    {
                        Decides = true,
                    }
                ),
            ],
            now
        );
    }

    /// <summary>Returns the journal's facts of a login whose session is open: the step that decided it, and the success.</summary>
    internal static List<(long LoginId, LoginFact Fact)> FactsOf(LoginAnswer.Success success) =>
        [
            (success.LoginId, success.Deciding! with { Decides = true }),
            (success.LoginId, new LoginFact(LoginFact.Login, "in") { Subject = success.Grant.User }),
        ];

    /// <summary>Waits for the phone, without a thread.</summary>
    public Task<LoginAnswer> AwaitPushAsync(
        LoginHandle handle,
        IPAddress source,
        CancellationToken cancellationToken,
        LoginKind kind = LoginKind.SslVpn
    ) =>
        AnswerOrWaitAsync(
            handle,
            (rules, now) => _core.AwaitPush(handle, source, rules, CanPush, now, kind),
            _debug.PushAwaited,
            cancellationToken
        );

    /// <summary>
    /// Synchronizes a token with two consecutive codes from an operator (<c>execute fortitoken sync</c>). Completes when it is durable.
    /// </summary>
    public async Task<ResyncVerdict> ResyncAsync(TokenSeed seed, string code, string nextCode)
    {
        var verdict = default(ResyncVerdict);
        await SettleAsync(
                Decide(
                    (_, now) =>
                    {
                        (verdict, var step) = _core.Resync(seed, code, nextCode, now);
                        return step;
                    }
                )
            )
            .ConfigureAwait(false);
        return verdict;
    }

    /// <summary>Adopts the drifts of tokens from a seed file. Completes when they are durable.</summary>
    public Task TakeDriftsAsync(IReadOnlyList<(TokenSeed Seed, int Drift)> drifts) =>
        SettleAsync(Decide((_, _) => _core.TakeDrifts(drifts))).AsTask();

    /// <summary>True for the empty realm and for those that a rule names.</summary>
    public bool IsRealm(string realm)
    {
        lock (_lock)
        {
            return _rules?.Policy.IsRealm(realm) == true;
        }
    }

    /// <summary>Returns the sources with failures at the SSL VPN that count or block.</summary>
    public IReadOnlyList<FailureEntry> BlockList()
    {
        lock (_lock)
        {
            return _rules is { } rules ? _core.BlockList(rules, _time.GetUtcNow()) : [];
        }
    }

    /// <summary>Clears the failures of one source, or of all (null). Returns the number of sources cleared, once that is durable.</summary>
    public async Task<int> UnblockAsync(IPAddress? source)
    {
        var count = 0;
        await SettleAsync(
                Decide(
                    (_, _) =>
                    {
                        (count, var step) = _core.Unblock(source);
                        return step;
                    }
                )
            )
            .ConfigureAwait(false);
        return count;
    }

    /// <summary>Returns the end of the longest lockout of a user or source for too many failures; null if there is none.</summary>
    public DateTimeOffset? LockedOutUntil()
    {
        lock (_lock)
        {
            return _core.LockedOutUntil(_time.GetUtcNow());
        }
    }

    /// <summary>Returns the last known drift of a token, in steps ahead of the unit (negative if behind).</summary>
    public int DriftOf(TokenSeed seed)
    {
        lock (_lock)
        {
            return _tokens.DriftOf(seed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _timer.Dispose();
        _stopping.Dispose();
    }

    private void Use(LabPolicy policy)
    {
        _lab = policy;
        _rules = _rules is null ? null : _rules with { Lab = policy };
    }

    private bool CanPush(Token token) => _push?.CanPush(token) == true;

    private LoginRules Rules => _rules ?? throw new InvalidOperationException("no configuration was applied yet");

    private (LoginStep Step, List<(LoginWaiter, LoginAnswer)> Waiters) Decide(Func<LoginRules, DateTimeOffset, LoginStep> decide)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            var step = decide(Rules, now);
            Rearm(now);
            return (step, CollectWaiters(step));
        }
    }

    /// <summary>Sets the timer, unless it is already set for that time.</summary>
    private void Rearm(DateTimeOffset now)
    {
        if (_core.NextDeadline is { } next && next != _armedFor)
        {
            _armedFor = next;
            _timer.Change(next > now ? next - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private List<(LoginWaiter, LoginAnswer)> CollectWaiters(LoginStep step)
    {
        if (step.Released.Count == 0)
        {
            return Nobody;
        }
        _debug.Released(step);
        var waiters = new List<(LoginWaiter, LoginAnswer)>(step.Released.Count);
        lock (_lock)
        {
            foreach (var (requestId, answer) in step.Released)
            {
                if (_waiting.Remove(requestId, out var waiter))
                {
                    waiters.Add((waiter, answer));
                }
            }
        }
        return waiters;
    }

    private async Task<LoginAnswer> AnswerAsync((LoginStep Step, List<(LoginWaiter, LoginAnswer)> Waiters) decision)
    {
        await SettleAsync(decision).ConfigureAwait(false);
        return decision.Step.Answer ?? throw new InvalidOperationException("the core gave no answer");
    }

    private async Task<LoginAnswer> AnswerOrWaitAsync(
        LoginHandle handle,
        Func<LoginRules, DateTimeOffset, LoginStep> decide,
        Action<LoginHandle, LoginStep> tell,
        CancellationToken cancellationToken
    )
    {
        var waiter = new LoginWaiter(_work);
        LoginWaiter? replaced = null;
        var decision = Decide(
            (rules, now) =>
            {
                var step = decide(rules, now);
                tell(handle, step);
                if (step.Answer is null)
                {
                    _waiting.Remove(handle.RequestId, out replaced);
                    _waiting.Add(handle.RequestId, waiter);
                }
                return step;
            }
        );
        replaced?.Answer(new LoginAnswer.Refused(Refusal.Superseded));
        if (decision.Step.Answer is not null)
        {
            return await AnswerAsync(decision).ConfigureAwait(false);
        }
        await SettleAsync(decision).ConfigureAwait(false);
        using var abandoned = cancellationToken.Register(() => Forget(handle.RequestId, waiter, cancellationToken));
        waiter.Park();
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>
    /// Stops waiting after the client disconnected. Its push stays pending, and a repeated request may wait for it again.
    /// </summary>
    private void Forget(string requestId, LoginWaiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(requestId, out var current) && current == waiter)
            {
                _waiting.Remove(requestId);
            }
        }
        waiter.Abandon(cancellationToken);
    }

    /// <summary>
    /// Generates all random values of a login in one call, because each call costs as much as the digits of all. The two numbers are
    /// uniform except for one part in 2^44.
    /// </summary>
    private static LoginRandomness NewDraw()
    {
        Span<byte> random = stackalloc byte[41];
        RandomNumberGenerator.Fill(random);
        var requestId = new UInt128(BitConverter.ToUInt32(random), BitConverter.ToUInt64(random[4..])).ToString(
            CultureInfo.InvariantCulture
        );
        return new LoginRandomness(
            new LoginHandle(requestId, "1-" + Convert.ToHexStringLower(random[12..25])),
            10 + (int)(BitConverter.ToUInt64(random[25..]) % 90),
            OneTimeCodes.CodeOf(BitConverter.ToUInt64(random[33..]))
        );
    }
}
