namespace Appliance.LabBoot;

/// <summary>Counts what happens to the unit, and wakes who waits for it. Thread-safe.</summary>
internal sealed class AgentChanges
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _count;

    /// <summary>How often something has happened.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Something has happened; quick, and wakes others on threads of their own.</summary>
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

    /// <summary>Completes once it happened more often than that, or after a while.</summary>
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
            // Nothing did.
        }
    }
}
