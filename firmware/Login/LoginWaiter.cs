using Appliance.Firmware.Events;

namespace Appliance.Firmware.Login;

/// <summary>Who waits for a decision. Whoever decides first counts; what the clock is to know of the wait is told.</summary>
internal sealed class LoginWaiter(WorkInHand? work)
{
    private readonly TaskCompletionSource<LoginAnswer> _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;

    public Task<LoginAnswer> Task => _decided.Task;

    /// <summary>From here on it waits for a person.</summary>
    public void Park()
    {
        if (Interlocked.CompareExchange(ref _state, 1, 0) == 0)
        {
            work?.End();
        }
    }

    public void Answer(LoginAnswer answer) => Resume(() => _decided.TrySetResult(answer));

    public void Fail(Exception error) => Resume(() => _decided.TrySetException(error));

    /// <summary>Its client went away: nothing comes of it any more.</summary>
    public void Abandon(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _state, 2) == 1)
        {
            work?.Begin();
        }
        _decided.TrySetCanceled(cancellationToken);
    }

    private void Resume(Action decide)
    {
        if (Interlocked.Exchange(ref _state, 2) == 1 && work is not null)
        {
            work.Resume(decide);
            return;
        }
        decide();
    }
}
