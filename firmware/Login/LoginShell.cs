using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <summary>A decision of the core, and the waiting clients that it answers.</summary>
/// <param name="Step">The decision and its effects.</param>
/// <param name="Waiters">The clients, each with its answer.</param>
internal readonly record struct LoginDecision(LoginStep Step, List<(LoginWaiter Waiter, LoginAnswer Answer)> Waiters);

/// <summary>
/// One lock, one clock and one timer around the core. A decision is collected in the lock (<see cref="Decide"/>) and carried out outside it
/// (<see cref="CarryAsync(LoginDecision)"/>): no part of it is observable before its memory is durable.
/// </summary>
internal sealed class LoginShell : IDisposable
{
    private static readonly List<(LoginWaiter, LoginAnswer)> Nobody = [];

    private readonly LoginCore _core;
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly LoginDebug _debug;
    private readonly LoginGateways _gateways;
    private readonly RemoteQuestions _questions;
    private readonly ITimer _timer;
    private readonly WorkTracker? _work;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LoginWaiter> _waiting = new(StringComparer.Ordinal);
    private LoginRules? _rules;
    private LabPolicy _lab;
    private DateTimeOffset? _armedFor;

    /// <summary>Connects the core with the state database, the events, the clock and the gateways.</summary>
    internal LoginShell(
        LoginCore core,
        StateDatabase state,
        EventLog events,
        TimeProvider time,
        LoginDebug debug,
        LoginGateways gateways
    )
    {
        _core = core;
        _state = state;
        _events = events;
        _time = time;
        _debug = debug;
        _gateways = gateways;
        _lab = LabPolicy.Load(state);
        _work = WorkTracker.Of(time);
        CanPush = token => gateways.Push?.CanPush(token) == true;
        _questions = new RemoteQuestions(gateways, RemoteAnsweredAsync, RemoteNoticed, _work, _stopping.Token);
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _timer.Dispose();
        _stopping.Dispose();
    }

    /// <summary>The newest logins, step by step.</summary>
    internal LoginJournal Journal { get; } = new();

    /// <summary>Returns true if a push to a token can be sent.</summary>
    internal Func<Token, bool> CanPush { get; }

    /// <summary>The current time.</summary>
    internal DateTimeOffset Now => _time.GetUtcNow();

    private LoginRules Rules => _rules ?? throw new InvalidOperationException("no configuration was applied yet");

    /// <summary>Reads the state under the lock. The rules are null before the first configuration.</summary>
    internal T Read<T>(Func<LoginRules?, T> read)
    {
        lock (_lock)
        {
            return read(_rules);
        }
    }

    /// <summary>Puts a configuration into force: pending logins that it no longer allows end.</summary>
    internal void Use(ConfigTree config)
    {
        LoginStep step;
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            _rules = LoginRules.From(config, _lab);
            step = _core.RulesChanged(_rules, Now);
            waiters = Collect(step);
        }
        Carry(new(step, waiters));
    }

    /// <summary>The lab policy in force.</summary>
    internal LabPolicy Lab
    {
        get
        {
            lock (_lock)
            {
                return _lab;
            }
        }
    }

    /// <summary>Puts a lab policy into force. Returns the former one, and the writes that make the new one durable.</summary>
    internal (LabPolicy Before, IReadOnlyList<StateWrite> Writes) Use(LabPolicy policy)
    {
        lock (_lock)
        {
            var before = _lab;
            _lab = policy;
            _rules = _rules is null ? null : _rules with { Lab = policy };
            return (before, [.. policy.Save(), .. _core.SavePushes(policy)]);
        }
    }

    /// <summary>Decides under the lock, and collects the clients that the decision answers.</summary>
    internal LoginDecision Decide(Func<LoginRules, DateTimeOffset, LoginStep> decide)
    {
        lock (_lock)
        {
            var now = Now;
            var step = decide(Rules, now);
            Rearm(now);
            return new(step, Collect(step));
        }
    }

    /// <summary>Returns a pending login; null if it has ended.</summary>
    internal PendingLogin? Pending(string requestId)
    {
        lock (_lock)
        {
            return _core.Pending(requestId);
        }
    }

    /// <summary>Decides an approval whose code was compared already. As <see cref="Decide"/>, without its delegate.</summary>
    internal LoginDecision Approve(
        LoginStep step,
        PendingLogin attempt,
        CodeMatch match,
        ReadOnlySpan<char> number,
        DateTimeOffset now,
        out bool accepted
    )
    {
        lock (_lock)
        {
            accepted = _core.PushApproved(step, attempt, match, number, Rules, now);
            _debug.PushAnswered(attempt.RequestId, "approve", accepted);
            Rearm(now);
            return new(step, Collect(step));
        }
    }

    /// <summary>Decides an approval that is durable. As <see cref="Decide"/>, without its delegate.</summary>
    internal LoginDecision Confirm(LoginStep step, PendingLogin attempt, DateTimeOffset now, out bool confirmed)
    {
        lock (_lock)
        {
            confirmed = _core.ConfirmPush(step, attempt, _waiting.ContainsKey(attempt.RequestId), Rules, now);
            Rearm(now);
            return new(step, Collect(step));
        }
    }

    /// <summary>
    /// Decides a client's request. Without an answer in the step, the client waits for that of a later step, without a thread.
    /// </summary>
    /// <param name="requestId">The login.</param>
    /// <param name="decide">The decision.</param>
    /// <param name="cancellationToken">Cancelled when the client disconnects.</param>
    internal async Task<LoginAnswer> AnswerOrWaitAsync(
        string requestId,
        Func<LoginRules, DateTimeOffset, LoginStep> decide,
        CancellationToken cancellationToken
    )
    {
        LoginWaiter? waiter = null;
        LoginWaiter? replaced = null;
        var decision = Decide(
            (rules, now) =>
            {
                var step = decide(rules, now);
                if (step.Answer is null)
                {
                    waiter = new LoginWaiter(_work);
                    _waiting.Remove(requestId, out replaced);
                    _waiting.Add(requestId, waiter);
                }
                return step;
            }
        );
        replaced?.Answer(new LoginAnswer.Refused(Refusal.Superseded));
        await CarryAsync(decision).ConfigureAwait(false);
        if (waiter is null)
        {
            return decision.Step.Answer ?? throw new InvalidOperationException("the core gave no answer");
        }
        using var abandoned = cancellationToken.Register(() => Forget(requestId, waiter, cancellationToken));
        waiter.Park();
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Carries out a decision that no caller waits for: of the timer, or of a commit.</summary>
    internal void Carry(LoginDecision decision)
    {
        // Such a step adds no writes, so it is usually carried out when this returns.
        var carrying = CarryAsync(decision);
        if (!carrying.IsCompletedSuccessfully)
        {
            WorkTracker.Run(_work, carrying.AsTask);
        }
    }

    /// <inheritdoc cref="CarryAsync(LoginDecision, DateTimeOffset)"/>
    internal ValueTask CarryAsync(LoginDecision decision) => CarryAsync(decision, Now);

    /// <summary>
    /// Carries out a decision; completes when its memory is durable and the waiting clients have their answers. If it cannot be made
    /// durable, the login is refused (in the step's answer) and nothing else of the step happens.
    /// </summary>
    /// <exception cref="IOException">The writes failed, and the step is not about a login or has no other effect.</exception>
    internal ValueTask CarryAsync(LoginDecision decision, DateTimeOffset now)
    {
        var step = decision.Step;
        if (step.Memory.Count == 0)
        {
            CarryEffects(step, decision.Waiters, now);
            return ValueTask.CompletedTask;
        }
        var committing = _state.CommitAsync(step.Memory);
        if (!step.HasEffects && step.Answer is null)
        {
            return committing; // An approval: its caller goes on with it.
        }
        if (!committing.IsCompletedSuccessfully)
        {
            return new(CarryLaterAsync(committing, decision, now));
        }
        CarryEffects(step, decision.Waiters, now);
        return ValueTask.CompletedTask;
    }

    /// <summary>Handles a step that could not be made durable, with one refusal for every client, the journal and the events.</summary>
    internal void FailStorage(LoginDecision failed)
    {
        var refusal = Decide((_, _) => _core.StorageFailed(failed.Step)!);
        CarryEffects(
            refusal.Step,
            [
                .. refusal.Waiters,
                .. failed.Waiters.Select(waiting => (waiting.Waiter, (LoginAnswer)new LoginAnswer.Refused(Refusal.Storage))),
            ],
            Now
        );
    }

    private async Task CarryLaterAsync(ValueTask committing, LoginDecision decision, DateTimeOffset now)
    {
        try
        {
            await committing.ConfigureAwait(false);
        }
        catch (IOException) when (decision.Step.Request is not null)
        {
            FailStorage(decision);
            return;
        }
        CarryEffects(decision.Step, decision.Waiters, now);
    }

    /// <summary>Carries out everything of a step except its writes, which are durable.</summary>
    private void CarryEffects(LoginStep step, List<(LoginWaiter Waiter, LoginAnswer Answer)> waiters, DateTimeOffset now)
    {
        Journal.Add(step.Facts, now);
        foreach (var entry in step.Events)
        {
            _events.Write(entry);
        }
        foreach (var loginId in step.Cancelled)
        {
            _gateways.Push?.Cancel(loginId);
        }
        if (step.Push is { } order)
        {
            _gateways.Push!.Send(order);
        }
        if (step.Code is { } code)
        {
            _gateways.Codes?.Send(code);
        }
        _questions.Carry(step);
        foreach (var (waiter, answer) in waiters)
        {
            waiter.Answer(answer);
        }
    }

    private void Tick() =>
        Carry(
            Decide(
                (_, now) =>
                {
                    _armedFor = null;
                    return _core.Tick(now);
                }
            )
        );

    private Task RemoteAnsweredAsync(RemoteOrder order, RemoteVerdict verdict) =>
        CarryAsync(
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
            .AsTask();

    private void RemoteNoticed(RemoteOrder order, RemoteNotice notice) =>
        Carry(Decide((_, _) => _core.RemoteNoticed(order.RequestId, order.Number, notice)));

    /// <summary>Sets the timer, unless it is already set for that time.</summary>
    private void Rearm(DateTimeOffset now)
    {
        if (_core.NextDeadline is { } next && next != _armedFor)
        {
            _armedFor = next;
            _timer.Change(next > now ? next - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Collects the waiting clients that a step answers. The caller holds the lock.</summary>
    private List<(LoginWaiter, LoginAnswer)> Collect(LoginStep step)
    {
        if (step.Released.Count == 0)
        {
            return Nobody;
        }
        _debug.Released(step);
        var waiters = new List<(LoginWaiter, LoginAnswer)>(step.Released.Count);
        foreach (var (requestId, answer) in step.Released)
        {
            if (_waiting.Remove(requestId, out var waiter))
            {
                waiters.Add((waiter, answer));
            }
        }
        return waiters;
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
}
