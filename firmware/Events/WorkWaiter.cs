namespace Appliance.Firmware.Events;

/// <summary>Somebody who waits for an answer. Whoever answers first counts; what the clock is to know of the wait is told (<see cref="WorkInHand"/>).</summary>
/// <param name="work">What the clock knows of; null when it does not ask.</param>
/// <param name="options">Where the waiter goes on: <see cref="TaskCreationOptions.None"/> for the thread that answers.</param>
internal sealed class WorkWaiter<T>(WorkInHand? work, TaskCreationOptions options = TaskCreationOptions.RunContinuationsAsynchronously)
{
    private readonly TaskCompletionSource<T> _decided = new(options);
    private int _state;

    /// <summary>True if the wait was counted out.</summary>
    private bool _isCountedOut;

    internal Task<T> Task => _decided.Task;

    /// <summary>From here on it waits for a person, or for another machine.</summary>
    internal void Park()
    {
        _isCountedOut = work is { IsCounted: true };
        if (Interlocked.CompareExchange(ref _state, 1, 0) == 0 && _isCountedOut)
        {
            work!.End();
        }
    }

    internal void Answer(T answer)
    {
        if (work is null)
        {
            // The first counts here, too; without a closure.
            _decided.TrySetResult(answer);
            return;
        }
        Resume(() => _decided.TrySetResult(answer));
    }

    internal void Fail(Exception error) => Resume(() => _decided.TrySetException(error));

    /// <summary>
    /// It went away, or nobody wants its answer any more: nothing comes of it. Not by turns, as whoever cuts a connection waits for its end; and who waited goes
    /// on upon another thread than the caller's.
    /// </summary>
    internal void Abandon(CancellationToken cancellationToken)
    {
        switch (Interlocked.Exchange(ref _state, 2))
        {
            case 2:
                return;
            case 1 when _isCountedOut:
                work!.Begin();
                break;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static given => given._decided.TrySetCanceled(given.cancellationToken), (_decided, cancellationToken), preferLocal: false);
    }

    private void Resume(Action decide)
    {
        // Once only: a later one must not let the waiter go on before its turn.
        switch (Interlocked.Exchange(ref _state, 2))
        {
            case 0:
                decide();
                break;
            case 1 when !_isCountedOut:
                decide();
                break;
            case 1:
                work!.Resume(decide);
                break;
        }
    }
}
