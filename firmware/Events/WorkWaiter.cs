namespace Appliance.Firmware.Events;

/// <summary>A pending wait for one answer; the first answer counts. Reports the wait to the clock (<see cref="WorkTracker"/>).</summary>
/// <param name="work">The work that the clock tracks; null if it tracks none.</param>
/// <param name="options">The thread on which the waiter continues: <see cref="TaskCreationOptions.None"/> for the answering thread.</param>
internal sealed class WorkWaiter<T>(WorkTracker? work, TaskCreationOptions options = TaskCreationOptions.RunContinuationsAsynchronously)
{
    private readonly TaskCompletionSource<T> _decided = new(options);
    private int _state;

    /// <summary>True if the wait was removed from the count.</summary>
    private bool _isCountedOut;

    internal Task<T> Task => _decided.Task;

    /// <summary>Marks the start of a wait for a person or for another machine.</summary>
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
            // Here too, only the first answer counts; this path avoids a closure.
            _decided.TrySetResult(answer);
            return;
        }
        Resume(() => _decided.TrySetResult(answer));
    }

    internal void Fail(Exception error) => Resume(() => _decided.TrySetException(error));

    /// <summary>
    /// Cancels the wait, because its client disconnected or its answer is no longer needed. It does not wait for its turn, because a caller
    /// that closes a connection waits for the connection to end. The waiter continues on a different thread from the caller's.
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
        ThreadPool.UnsafeQueueUserWorkItem(
            static given => given._decided.TrySetCanceled(given.cancellationToken),
            (_decided, cancellationToken),
            preferLocal: false
        );
    }

    private void Resume(Action decide)
    {
        // Once only: a later answer must not let the waiter continue before its turn.
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
