namespace Appliance.Firmware.Events;

/// <summary>A clock that is moved on by hand, and wants everything that one moment has caused to come to its end before the next one.</summary>
public interface ISteppedClock
{
    /// <summary>What goes on by itself.</summary>
    WorkInHand Work { get; }
}

/// <summary>
/// Counts what goes on by itself. Each piece of work begins before what caused it ends; who waits for a person, or for the clock, counts
/// itself out meanwhile. Where the clock wants it, pieces begin one after the other, each when all before it have come to their end: the same
/// input at the same times then gives the same log, however many threads work. Thread-safe.
/// </summary>
public sealed class WorkInHand
{
    private static readonly AsyncLocal<bool> Counted = new();

    private readonly Lock _lock = new();
    private readonly Queue<Action> _next = [];
    private int _count;
    private TaskCompletionSource? _zero;

    /// <summary>The work that a clock wants to know of; null when it does not ask.</summary>
    public static WorkInHand? Of(TimeProvider time) => (time as ISteppedClock)?.Work;

    /// <summary>True: a piece begins, or goes on after a wait, only by <see cref="StartNext"/>.</summary>
    public bool OneByOne { get; set; }

    /// <summary>
    /// True if what runs here is counted: in a scenario all is, because each client counts itself; elsewhere only what <see cref="Run"/> began. What is not counted
    /// must not count itself out.
    /// </summary>
    internal bool IsCounted => OneByOne || Counted.Value;

    /// <summary>True when nothing goes on by itself, and nothing waits to begin.</summary>
    public bool IsQuiet { get { lock (_lock) { return _count == 0 && _next.Count == 0; } } }

    /// <summary>A piece of work begins.</summary>
    public void Begin() => Count(1);

    /// <summary>A piece of work ends, or begins to wait for a person or for the clock.</summary>
    public void End() => Count(-1);

    /// <summary>A piece of work goes on after a wait: at once, or when it is its turn.</summary>
    public void Resume(Action piece)
    {
        lock (_lock)
        {
            if (OneByOne)
            {
                _next.Enqueue(piece);
                return;
            }
        }
        Begin();
        piece();
    }

    /// <summary>Lets the next piece begin; false when none waits for that.</summary>
    public bool StartNext()
    {
        Action? piece;
        lock (_lock)
        {
            if (!_next.TryDequeue(out piece))
            {
                return false;
            }
        }
        Begin();
        piece();
        return true;
    }

    /// <summary>Completes when all that began has come to its end, at least for a moment.</summary>
    public Task QuietAsync()
    {
        lock (_lock)
        {
            return _count == 0 ? Task.CompletedTask : (_zero ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Does a piece of work that nobody waits for; where no clock asks (null), as if there were no count.</summary>
    public static void Run(WorkInHand? work, Func<Task> piece)
    {
        if (work is null)
        {
            _ = piece();
            return;
        }
        work.Resume(() => _ = RunAsync());

        async Task RunAsync()
        {
            Counted.Value = true;
            try
            {
                await piece().ConfigureAwait(false);
            }
            finally
            {
                work.End();
            }
        }
    }

    /// <summary>A wait by the clock, within a piece of work; where the clock does not ask, an ordinary one.</summary>
    public static async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken = default)
    {
        if (Of(time) is not { IsCounted: true } work || delay <= TimeSpan.Zero)
        {
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
            return;
        }
        cancellationToken.ThrowIfCancellationRequested();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = 1;
        void Resume(Action complete)
        {
            if (Interlocked.Exchange(ref waiting, 0) == 1)
            {
                work.Resume(complete);
            }
        }
        var timer = time.CreateTimer(_ => Resume(over.SetResult), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await using (timer.ConfigureAwait(false))
        {
            using var given = cancellationToken.UnsafeRegister(_ => Resume(() => over.SetCanceled(cancellationToken)), null);
            timer.Change(delay, Timeout.InfiniteTimeSpan);
            work.End();
            await over.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Waits for another machine: counted out meanwhile. In a scenario, where machines are counted too, an ordinary wait.</summary>
    public static async Task<T> ElsewhereAsync<T>(TimeProvider time, Func<Task<T>> wait)
    {
        if (Of(time) is not { IsCounted: true, OneByOne: false } work)
        {
            return await wait().ConfigureAwait(false);
        }
        work.End();
        try
        {
            return await wait().ConfigureAwait(false);
        }
        finally
        {
            work.Begin();
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
