using Appliance.Firmware.Login.Policy;
using Microsoft.Extensions.ObjectPool;

namespace Appliance.Firmware.Login;

/// <summary>
/// The answers of phones. The hot path: an answer that need not wait allocates nothing (docs/develop/performance.md). Steps are pooled, and
/// a task that need not wait has no state machine. Thread-safe.
/// </summary>
public sealed class PhoneAnswers
{
    /// <summary>Pooled steps of processed answers.</summary>
    private readonly DefaultObjectPool<LoginStep> _steps = new(new StepPolicy(), maximumRetained: 1024);

    private readonly LoginCore _core;
    private readonly LoginShell _shell;
    private readonly LoginDebug _debug;
    private readonly LoginGateways _gateways;

    internal PhoneAnswers(LoginCore core, LoginShell shell, LoginDebug debug, LoginGateways gateways)
    {
        _core = core;
        _shell = shell;
        _debug = debug;
        _gateways = gateways;
    }

    /// <summary>
    /// Processes the phone's approval with a code and the number typed on it ("" if there is none). Returns true if it counts. It is
    /// durable then, and the waiting client's login is being completed.
    /// </summary>
    public ValueTask<bool> PushApprovedAsync(string requestId, ReadOnlySpan<char> code, ReadOnlySpan<char> number = default) =>
        PushApprovedAsync(_shell.Pending(requestId), requestId, code, number, out _);

    /// <summary>Processes the phone's denial. Returns true if it counts.</summary>
    public async Task<bool> PushDeniedAsync(string requestId)
    {
        var accepted = false;
        var decision = _shell.Decide(
            (rules, now) =>
            {
                (accepted, var step) = _core.PushDenied(requestId, rules, now);
                _debug.PushAnswered(requestId, "deny", accepted);
                return step;
            }
        );
        await _shell.CarryAsync(decision).ConfigureAwait(false);
        return accepted && decision.Step.Answer is null; // A refusal there: the denial could not be made durable.
    }

    /// <summary>Records that the push of this login was handed over.</summary>
    public void PushSent(PushOrder order) =>
        _shell.Journal.Note(
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
            _shell.Now
        );

    /// <summary>Reports that the push of this login could not be sent.</summary>
    public Task PushFailedAsync(string requestId) =>
        _shell.CarryAsync(_shell.Decide((rules, _) => _core.PushFailed(requestId, rules))).AsTask();

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
        var now = _shell.Now;
        // The code is compared outside the lock, on the caller's thread, because the comparison is the expensive part.
        var match = PhoneFactor.Match(attempt, code, now);
        var decision = _shell.Approve(_steps.Get(), attempt, match, number, now, out accepted);
        var carrying = _shell.CarryAsync(decision, now);
        return carrying.IsCompletedSuccessfully
            ? ConfirmAsync(decision.Step, attempt, accepted)
            : ConfirmLaterAsync(carrying, decision, attempt, accepted);
    }

    private async ValueTask<bool> ConfirmLaterAsync(ValueTask carrying, LoginDecision decision, PendingLogin attempt, bool accepted)
    {
        try
        {
            await carrying.ConfigureAwait(false);
        }
        catch (IOException)
        {
            _shell.FailStorage(decision with { Waiters = [] });
            return Decided(false);
        }
        var confirming = ConfirmAsync(decision.Step, attempt, accepted);
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
        var now = _shell.Now;
        var carrying = _shell.CarryAsync(_shell.Confirm(step, attempt, now, out var confirmed), now);
        if (!carrying.IsCompletedSuccessfully)
        {
            return AfterAsync(carrying, step, confirmed);
        }
        _steps.Return(step);
        return new(Decided(confirmed));
    }

    private async ValueTask<bool> AfterAsync(ValueTask carrying, LoginStep step, bool confirmed)
    {
        await carrying.ConfigureAwait(false);
        return Decided(confirmed && step.Answer is not LoginAnswer.Refused);
    }

    /// <summary>Counts an approval once its decision is final.</summary>
    private bool Decided(bool accepted)
    {
        _gateways.Push?.Decided(accepted);
        return accepted;
    }

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
