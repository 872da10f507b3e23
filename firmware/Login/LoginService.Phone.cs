using Appliance.Firmware.Tokens;
using Microsoft.Extensions.ObjectPool;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <summary>What phones answer. The hot path: an answer that needs not wait makes no garbage (docs/performance.md).</summary>
public sealed partial class LoginService
{
    /// <summary>Steps of answers that are dealt with, for the next ones.</summary>
    private readonly DefaultObjectPool<LoginStep> _steps = new(new StepPolicy(), maximumRetained: 1024);

    /// <summary>
    /// The phone approved with a code, and the number typed on it ("" when none was). True when it counts; by then it is on disk, and who
    /// waited is on the way in.
    /// </summary>
    public ValueTask<bool> PushApprovedAsync(string requestId, ReadOnlySpan<char> code, ReadOnlySpan<char> number = default)
    {
        Attempt? attempt;
        lock (_lock)
        {
            attempt = _core.Pending(requestId);
        }
        return PushApprovedAsync(attempt, requestId, code, number, out _);
    }

    /// <summary>The same of a push that was ordered; <paramref name="accepted"/> is known at once, and counts for nobody outside before the task completes.</summary>
    internal ValueTask<bool> PushApprovedAsync(PushOrder order, ReadOnlySpan<char> code, ReadOnlySpan<char> number, out bool accepted) => PushApprovedAsync(order.By, order.RequestId, code, number, out accepted);

    private ValueTask<bool> PushApprovedAsync(Attempt? attempt, string requestId, ReadOnlySpan<char> code, ReadOnlySpan<char> number, out bool accepted)
    {
        if (attempt is null)
        {
            _debug.PushAnswered(requestId, "approve", accepted = false);
            return new(Decided(false));
        }
        var now = _time.GetUtcNow();
        // The code is compared outside of the lock, on the thread of whoever offers it: it is the dear part.
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
        return settling.IsCompletedSuccessfully ? ConfirmAsync(step, attempt, accepted) : ConfirmLaterAsync(settling, step, attempt, accepted);
    }

    private async ValueTask<bool> ConfirmLaterAsync(ValueTask settling, LoginStep step, Attempt attempt, bool accepted)
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

    /// <summary>The approval is on disk. Takes over the step, which is done with.</summary>
    private ValueTask<bool> ConfirmAsync(LoginStep step, Attempt attempt, bool accepted)
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

    /// <summary>Counts an approval, once it is known for good what it was worth.</summary>
    private bool Decided(bool accepted)
    {
        _push?.Decided(accepted);
        return accepted;
    }

    /// <summary>The phone denied. True when it counts.</summary>
    public async Task<bool> PushDeniedAsync(string requestId)
    {
        var accepted = false;
        var decision = Decide((rules, now) =>
        {
            (accepted, var step) = _core.PushDenied(requestId, rules, now);
            _debug.PushAnswered(requestId, "deny", accepted);
            return step;
        });
        await SettleAsync(decision).ConfigureAwait(false);
        return accepted && decision.Step.Answer is null; // A refusal there: the denial could not be made durable.
    }

    /// <summary>The push of this login was handed over.</summary>
    public void PushSent(PushOrder order) => Journal.Note(
        order.LoginId,
        new("push", order.NumberMatch ? "sent, with a number to type on the phone" : "sent", LoginDeadlines.Setting(DeadlineName.PushLife).Change) { Subject = order.Token.Serial, At = order.Expires },
        _time.GetUtcNow());

    /// <summary>The push of this login could not be sent.</summary>
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
