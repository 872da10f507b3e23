using Appliance.Firmware.Tokens;
using Microsoft.Extensions.ObjectPool;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <summary>The answers of phones. The hot path: an answer that need not wait allocates nothing (docs/develop/performance.md).</summary>
public sealed partial class LoginService
{
    /// <summary>Pooled steps of processed answers.</summary>
    private readonly DefaultObjectPool<LoginStep> _steps = new(new StepPolicy(), maximumRetained: 1024);

    /// <summary>
    /// Processes the phone's approval with a code and the number typed on it ("" if there is none). Returns true if it counts. It is
    /// durable then, and the waiting client's login is being completed.
    /// </summary>
    public ValueTask<bool> PushApprovedAsync(string requestId, ReadOnlySpan<char> code, ReadOnlySpan<char> number = default)
    {
        PendingLogin? attempt;
        lock (_lock)
        {
            attempt = _core.Pending(requestId);
        }
        return PushApprovedAsync(attempt, requestId, code, number, out _);
    }

    /// <summary>
    /// Processes the approval of an ordered push. <paramref name="accepted"/> is set synchronously, but must not be acted on before the
    /// task completes.
    /// </summary>
    internal ValueTask<bool> PushApprovedAsync(PushOrder order, ReadOnlySpan<char> code, ReadOnlySpan<char> number, out bool accepted) =>
        PushApprovedAsync(order.By, order.RequestId, code, number, out accepted);

    private ValueTask<bool> PushApprovedAsync(
        PendingLogin? attempt,
        string requestId,
        ReadOnlySpan<char> code,
        ReadOnlySpan<char> number,
        out bool accepted
    )
    {
        if (attempt is null)
        {
            _debug.PushAnswered(requestId, "approve", accepted = false);
            return new(Decided(false));
        }
        var now = _time.GetUtcNow();
        // The code is compared outside the lock, on the caller's thread, because the comparison is the expensive part.
        var match = LoginCore.Match(attempt, code, now);
        var step = _steps.Get();
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            accepted = _core.PushApproved(step, attempt, match, number, Rules, now);
            _debug.PushAnswered(requestId, "approve", accepted);
            Rearm(now);
            waiters = CollectWaiters(step);
        }
        var settling = SettleAsync((step, waiters), now);
        return settling.IsCompletedSuccessfully
            ? ConfirmAsync(step, attempt, accepted)
            : ConfirmLaterAsync(settling, step, attempt, accepted);
    }

    private async ValueTask<bool> ConfirmLaterAsync(ValueTask settling, LoginStep step, PendingLogin attempt, bool accepted)
    {
        try
        {
            await settling.ConfigureAwait(false);
        }
        catch (IOException)
        {
            FailStorage(step, []);
            return Decided(false);
        }
        var confirming = ConfirmAsync(step, attempt, accepted);
        return confirming.IsCompletedSuccessfully ? confirming.Result : await confirming.ConfigureAwait(false);
    }

    /// <summary>Completes an approval that is durable. Takes ownership of the step.</summary>
    private ValueTask<bool> ConfirmAsync(LoginStep step, PendingLogin attempt, bool accepted)
    {
        if (!accepted)
        {
            _steps.Return(step);
            return new(Decided(false));
        }
        step.Clear();
        bool confirmed;
        var now = _time.GetUtcNow();
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            confirmed = _core.ConfirmPush(step, attempt, _waiting.ContainsKey(attempt.RequestId), Rules, now);
            Rearm(now);
            waiters = CollectWaiters(step);
        }
        var settling = SettleAsync((step, waiters), now);
        if (!settling.IsCompletedSuccessfully)
        {
            return AfterAsync(settling, step, confirmed);
        }
        _steps.Return(step);
        return new(Decided(confirmed));
    }

    private async ValueTask<bool> AfterAsync(ValueTask settling, LoginStep step, bool confirmed)
    {
        await settling.ConfigureAwait(false);
        return Decided(confirmed && step.Answer is not LoginAnswer.Refused);
    }

    /// <summary>Counts an approval once its decision is final.</summary>
    private bool Decided(bool accepted)
    {
        _push?.Decided(accepted);
        return accepted;
    }

    /// <summary>Processes the phone's denial. Returns true if it counts.</summary>
    public async Task<bool> PushDeniedAsync(string requestId)
    {
        var accepted = false;
        var decision = Decide(
            (rules, now) =>
            {
                (accepted, var step) = _core.PushDenied(requestId, rules, now);
                _debug.PushAnswered(requestId, "deny", accepted);
                return step;
            }
        );
        await SettleAsync(decision).ConfigureAwait(false);
        return accepted && decision.Step.Answer is null; // A refusal there: the denial could not be made durable.
    }

    /// <summary>Records that the push of this login was handed over.</summary>
    public void PushSent(PushOrder order) =>
        Journal.Note(
            order.LoginId,
            new(
                "push",
                order.NumberMatch ? "sent, with a number to type on the phone" : "sent",
                LoginDeadlines.Setting(DeadlineName.PushLife).Change
            )
            {
                Subject = order.Token.Serial,
                At = order.Expires,
            },
            _time.GetUtcNow()
        );

    /// <summary>Reports that the push of this login could not be sent.</summary>
    public Task PushFailedAsync(string requestId) => SettleAsync(Decide((rules, _) => _core.PushFailed(requestId, rules))).AsTask();

    private sealed class StepPolicy : PooledObjectPolicy<LoginStep>
    {
        public override LoginStep Create() => new();

        public override bool Return(LoginStep obj)
        {
            obj.Clear();
            return true;
        }
    }
}
