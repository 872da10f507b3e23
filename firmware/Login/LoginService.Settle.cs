using Appliance.Firmware.Events;
using LoginWaiter = Appliance.Firmware.Events.WorkWaiter<Appliance.Firmware.Login.LoginAnswer>;

namespace Appliance.Firmware.Login;

/// <content>From a decision to its effects: no part of it is observable before its memory is durable.</content>
public sealed partial class LoginService
{
    private void Settle((LoginStep, List<(LoginWaiter, LoginAnswer)>) decision)
    {
        // No caller waits for a step of the timer or of a commit. Such a step adds no writes, so it is settled when this returns.
        var settled = SettleAsync(decision);
        if (!settled.IsCompletedSuccessfully)
        {
            WorkTracker.Run(_work, settled.AsTask);
        }
    }

    private ValueTask SettleAsync((LoginStep Step, List<(LoginWaiter Waiter, LoginAnswer Answer)> Waiters) decision) =>
        SettleAsync(decision, _time.GetUtcNow());

    /// <summary>
    /// Carries out a step; completes when its memory is durable and the waiting clients have their answers. If it cannot be made durable,
    /// the login is refused (in the step's answer) and nothing else of the step happens.
    /// </summary>
    /// <exception cref="IOException">The writes failed, and the step is not about a login or has no other effect.</exception>
    private ValueTask SettleAsync((LoginStep Step, List<(LoginWaiter Waiter, LoginAnswer Answer)> Waiters) decision, DateTimeOffset now)
    {
        var step = decision.Step;
        if (step.Memory.Count == 0)
        {
            Carry(step, decision.Waiters, now);
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
        Carry(step, decision.Waiters, now);
        return ValueTask.CompletedTask;
    }

    private async Task CarryLaterAsync(
        ValueTask committing,
        (LoginStep Step, List<(LoginWaiter Waiter, LoginAnswer Answer)> Waiters) decision,
        DateTimeOffset now
    )
    {
        try
        {
            await committing.ConfigureAwait(false);
        }
        catch (IOException) when (decision.Step.Request is not null)
        {
            FailStorage(decision.Step, decision.Waiters);
            return;
        }
        Carry(decision.Step, decision.Waiters, now);
    }

    /// <summary>Handles a step that could not be made durable, with one refusal for every client, the journal and the events.</summary>
    private void FailStorage(LoginStep failed, List<(LoginWaiter Waiter, LoginAnswer Answer)> waiters)
    {
        var refusal = Decide((_, _) => _core.StorageFailed(failed)!);
        Carry(
            refusal.Step,
            [.. refusal.Waiters, .. waiters.Select(waiting => (waiting.Item1, (LoginAnswer)new LoginAnswer.Refused(Refusal.Storage)))],
            _time.GetUtcNow()
        );
    }

    /// <summary>Carries out everything of a step except its writes, which are durable.</summary>
    private void Carry(LoginStep step, List<(LoginWaiter Waiter, LoginAnswer Answer)> waiters, DateTimeOffset now)
    {
        Journal.Add(step.Facts, now);
        foreach (var entry in step.Events)
        {
            _events.Write(entry);
        }
        foreach (var loginId in step.Cancelled)
        {
            _push?.Cancel(loginId);
        }
        if (step.Push is { } order)
        {
            _push!.Send(order);
        }
        if (step.Code is { } code)
        {
            _codes?.Send(code);
        }
        _questions.Carry(step);
        Tell(waiters);
    }

    private static void Tell(List<(LoginWaiter Waiter, LoginAnswer Answer)> waiters)
    {
        foreach (var (waiter, answer) in waiters)
        {
            waiter.Answer(answer);
        }
    }
}
