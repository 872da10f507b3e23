namespace Appliance.Agent;

/// <summary>Counts the changes of the unit and wakes the callers that wait for one. Thread-safe.</summary>
internal sealed class AgentChanges
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _count;

    /// <summary>The number of changes so far.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Records a change. Returns quickly, and wakes the waiting callers on separate threads.</summary>
    public void Happened()
    {
        TaskCompletionSource woken;
        lock (_lock)
        {
            _count++;
            (woken, _next) = (_next, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        woken.SetResult();
    }

    /// <summary>Completes once the count exceeds <paramref name="count"/>, or after <paramref name="atMost"/>.</summary>
    public async Task AfterAsync(long count, TimeSpan atMost, CancellationToken cancellationToken)
    {
        Task next;
        lock (_lock)
        {
            if (_count > count)
            {
                return;
            }
            next = _next.Task;
        }
        try
        {
            await next.WaitAsync(atMost, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // No change happened in time.
        }
    }
}
