using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.FortiAuthenticator;

/// <content>The answers of phones, and the REST calls.</content>
public sealed partial class FacServer : IPushAnswers
{
    /// <inheritdoc/>
    public ValueTask<bool> ApproveAsync(PushSessionId session, ReadOnlySpan<char> code, ReadOnlySpan<char> number) =>
        ApproveAsync(session.ToString(), code.ToString());

    /// <inheritdoc/>
    public async ValueTask<bool> AlertAsync(PushSessionId session, string message, byte[] hmac)
    {
        var accepted = false;
        await SettleAsync(
            Decide(now =>
            {
                (accepted, var step) = _core.PushDenied(session.ToString(), message, hmac, now);
                return step;
            })
        );
        return accepted;
    }

    private async ValueTask<bool> ApproveAsync(string session, string code)
    {
        var accepted = false;
        await SettleAsync(
            Decide(now =>
            {
                (accepted, var step) = _core.PushApproved(session, code, now);
                return step;
            })
        );
        return accepted;
    }

    /// <summary>Checks a password, with or without a code, from a REST call.</summary>
    internal async Task<FacVerdict> CheckAsync(string user, string? password, string? code, FacAsker asker)
    {
        var step = Decide(now => _core.Check(user, password, code, asker, now));
        await SettleAsync(step);
        return step.Answer!;
    }

    /// <summary>Sends a push for a REST call; completes when the phone has answered or the push has expired.</summary>
    internal async Task<FacVerdict> PushAsync(string user, FacAsker asker, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource<FacVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        var state = "";
        var step = Decide(now =>
        {
            var decided = _core.PushTo(user, asker, now, out state);
            if (decided.Answer is null)
            {
                _callers[state] = waiter;
            }
            return decided;
        });
        await SettleAsync(step);
        return step.Answer ?? await waiter.Task.WaitAsync(cancellationToken);
    }
}
