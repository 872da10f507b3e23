namespace Appliance.Firmware.Events;

/// <summary>A clock that is moved on by hand, and wants everything that one moment has caused to come to its end before the next one.</summary>
public interface ISteppedClock
{
    /// <summary>What goes on by itself.</summary>
    WorkInHand Work { get; }
}

/// <summary>
/// Counts what goes on by itself: the same input at the same times then gives the same log, however many threads work. Each piece
/// begins before what caused it ends. Who waits for a person, or for the clock, counts itself out meanwhile. Thread-safe.
/// </summary>
public sealed class WorkInHand
{
    private readonly Lock _lock = new();
    private int _count;
    private TaskCompletionSource? _zero;

    /// <summary>The work that a clock wants to know of; null when it does not ask.</summary>
    public static WorkInHand? Of(TimeProvider time) => (time as ISteppedClock)?.Work;

    /// <summary>True when nothing goes on by itself.</summary>
    public bool IsQuiet { get { lock (_lock) { return _count == 0; } } }

    /// <summary>A piece of work begins, or goes on after a wait.</summary>
    public void Begin() => Count(1);

    /// <summary>A piece of work ends, or begins to wait for a person or for the clock.</summary>
    public void End() => Count(-1);

    /// <summary>Completes when nothing goes on by itself, at least for a moment.</summary>
    public Task QuietAsync()
    {
        lock (_lock)
        {
            return _count == 0 ? Task.CompletedTask : (_zero ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Does a piece of work that nobody waits for; where no clock asks (null), as if there were no count.</summary>
    public static async Task RunAsync(WorkInHand? work, Func<Task> piece)
    {
        work?.Begin();
        try
        {
            await piece().ConfigureAwait(false);
        }
        finally
        {
            work?.End();
        }
    }

    /// <summary>A wait by the clock, within a piece of work; where the clock does not ask, an ordinary one.</summary>
    public static async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken = default)
    {
        if (Of(time) is not { } work || delay <= TimeSpan.Zero)
        {
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
            return;
        }
        cancellationToken.ThrowIfCancellationRequested();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = 1;
        bool Resume()
        {
            if (Interlocked.Exchange(ref waiting, 0) == 0)
            {
                return false;
            }
            work.Begin();
            return true;
        }
        var timer = time.CreateTimer(_ =>
        {
            if (Resume())
            {
                over.SetResult();
            }
        }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await using (timer.ConfigureAwait(false))
        {
            using var given = cancellationToken.UnsafeRegister(_ =>
            {
                if (Resume())
                {
                    over.SetCanceled(cancellationToken);
                }
            }, null);
            timer.Change(delay, Timeout.InfiniteTimeSpan);
            work.End();
            await over.Task.ConfigureAwait(false);
        }
    }

    private void Count(int by)
    {
        TaskCompletionSource? zero = null;
        lock (_lock)
        {
            _count += by;
            if (_count == 0)
            {
                (zero, _zero) = (_zero, null);
            }
        }
        zero?.SetResult();
    }
}
