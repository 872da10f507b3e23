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
            return new(false);
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
        await settling.ConfigureAwait(false);
        var confirming = ConfirmAsync(step, attempt, accepted);
        return confirming.IsCompletedSuccessfully ? confirming.Result : await confirming.ConfigureAwait(false);
    }

    /// <summary>The approval is on disk. Takes over the step, which is done with.</summary>
    private ValueTask<bool> ConfirmAsync(LoginStep step, Attempt attempt, bool accepted)
    {
        if (!accepted)
        {
            _steps.Return(step);
            return new(false);
        }
        step.Clear();
        var now = _time.GetUtcNow();
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            _core.ConfirmPush(step, attempt, _waiting.ContainsKey(attempt.RequestId), Rules, now);
            Rearm(now);
            waiters = CollectWaiters(step);
        }
        var settling = SettleAsync((step, waiters), now);
        if (!settling.IsCompletedSuccessfully)
        {
            return TrueAfterAsync(settling);
        }
        _steps.Return(step);
        return new(true);
    }

    private static async ValueTask<bool> TrueAfterAsync(ValueTask settling)
    {
        await settling.ConfigureAwait(false);
        return true;
    }

    /// <summary>The phone denied. True when it counts.</summary>
    public async Task<bool> PushDeniedAsync(string requestId)
    {
        var accepted = false;
        await SettleAsync(Decide((rules, now) =>
        {
            (accepted, var step) = _core.PushDenied(requestId, rules, now);
            _debug.PushAnswered(requestId, "deny", accepted);
            return step;
        })).ConfigureAwait(false);
        return accepted;
    }

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
