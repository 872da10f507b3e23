namespace Appliance.Firmware.Events;

/// <summary>A clock that is advanced manually, and requires all work caused at one time to finish before it advances.</summary>
public interface ISteppedClock
{
    /// <summary>The background work in progress.</summary>
    WorkTracker Work { get; }
}

/// <summary>
/// Counts background work. Each piece of work begins before the work that caused it ends. A piece that waits for a person, or for the
/// clock, is not counted meanwhile. If the clock requires it, pieces run one by one, each after all earlier ones have finished. The same
/// input at the same times then gives the same log, regardless of the number of threads. Thread-safe.
/// </summary>
public sealed class WorkTracker
{
    private static readonly AsyncLocal<bool> Counted = new();

    private readonly Lock _lock = new();
    private readonly Queue<Action> _next = [];
    private int _count;
    private TaskCompletionSource? _zero;

    /// <summary>The work that a clock tracks; null if the clock tracks none.</summary>
    public static WorkTracker? Of(TimeProvider time) => (time as ISteppedClock)?.Work;

    /// <summary>True if a piece begins, or resumes after a wait, only through <see cref="StartNext"/>.</summary>
    public bool OneByOne { get; set; }

    /// <summary>True when no background work is running or queued.</summary>
    public bool IsQuiet
    {
        get
        {
            lock (_lock)
            {
                return _count == 0 && _next.Count == 0;
            }
        }
    }

    /// <summary>Counts a piece of work that begins.</summary>
    public void Begin() => Count(1);

    /// <summary>Removes from the count a piece of work that ends, or starts to wait for a person or for the clock.</summary>
    public void End() => Count(-1);

    /// <summary>Resumes a piece of work after a wait: immediately, or when its turn comes.</summary>
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

    /// <summary>Starts the next queued piece; false if none is queued.</summary>
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

    /// <summary>Completes when no counted work is running, which may be the case only for a moment.</summary>
    public Task QuietAsync()
    {
        lock (_lock)
        {
            return _count == 0 ? Task.CompletedTask : (_zero ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Runs a piece of work that no caller awaits. If the clock tracks no work (null), it runs without being counted.</summary>
    public static void Run(WorkTracker? work, Func<Task> piece)
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

    /// <summary>Waits by the clock within a piece of work. An ordinary wait if the clock tracks no work.</summary>
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

    /// <summary>
    /// Waits for another machine; not counted meanwhile. In a scenario, where machines are counted too, an ordinary wait.
    /// </summary>
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

    /// <summary>
    /// True if the running code is counted. In a scenario all code is, because each client counts itself. Elsewhere, only work started by
    /// <see cref="Run"/> is. Code that is not counted must not remove itself from the count.
    /// </summary>
    internal bool IsCounted => OneByOne || Counted.Value;

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
