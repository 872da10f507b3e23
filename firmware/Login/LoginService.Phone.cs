using Appliance.Firmware.Tokens;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <summary>What phones answer. The hot path: an answer that needs not wait makes no garbage (docs/performance.md).</summary>
public sealed partial class LoginService
{
    /// <summary>A step that this thread is done with, for its next answer of a phone.</summary>
    [ThreadStatic]
    private static LoginStep? _spare;

    /// <summary>
    /// The phone approved with a code, and the number typed on it ("" when none was). True when it counts; by then it is on disk, and who
    /// waited is on the way in.
    /// </summary>
    public ValueTask<bool> PushApprovedAsync(string requestId, ReadOnlySpan<char> code, ReadOnlySpan<char> number = default)
    {
        var now = _time.GetUtcNow();
        (TokenSeed Seed, TokenPlace Place)? asked;
        lock (_lock)
        {
            asked = _core.AskedBy(requestId, now);
        }
        // The code is compared outside of the lock, on the thread of whoever offers it: it is the dear part.
        var match = asked is var (seed, place) ? TokenCore.Match(seed, code, place) : default;
        var step = RentStep();
        bool accepted;
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            accepted = _core.PushApproved(step, requestId, match, number, Rules, now);
            _debug.PushAnswered(requestId, "approve", accepted);
            Rearm(now);
            waiters = CollectWaiters(step);
        }
        var settling = SettleAsync((step, waiters), now);
        return settling.IsCompletedSuccessfully ? ConfirmAsync(step, requestId, accepted) : ConfirmLaterAsync(settling, step, requestId, accepted);
    }

    private async ValueTask<bool> ConfirmLaterAsync(Task settling, LoginStep step, string requestId, bool accepted)
    {
        await settling.ConfigureAwait(false);
        return await ConfirmAsync(step, requestId, accepted).ConfigureAwait(false);
    }

    /// <summary>The approval is on disk. Takes over the step, which is done with.</summary>
    private ValueTask<bool> ConfirmAsync(LoginStep step, string requestId, bool accepted)
    {
        if (!accepted)
        {
            ReturnStep(step);
            return new(false);
        }
        step.Clear();
        var now = _time.GetUtcNow();
        List<(LoginWaiter, LoginAnswer)> waiters;
        lock (_lock)
        {
            _core.ConfirmPush(step, requestId, _waiting.ContainsKey(requestId), Rules, now);
            Rearm(now);
            waiters = CollectWaiters(step);
        }
        var settling = SettleAsync((step, waiters), now);
        if (!settling.IsCompletedSuccessfully)
        {
            return new(TrueAfterAsync(settling));
        }
        ReturnStep(step);
        return new(true);
    }

    private static async Task<bool> TrueAfterAsync(Task settling)
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
    public Task PushFailedAsync(string requestId) => SettleAsync(Decide((rules, _) => _core.PushFailed(requestId, rules)));

    private static LoginStep RentStep()
    {
        var step = _spare ?? new LoginStep();
        _spare = null;
        return step;
    }

    private static void ReturnStep(LoginStep step)
    {
        step.Clear();
        _spare = step;
    }
}
