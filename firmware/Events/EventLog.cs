namespace Appliance.Firmware.Events;

/// <summary>The event log of the unit.</summary>
public sealed class EventLog
{
    /// <summary>The newest id; 0 when there is none.</summary>
    public long LastId { get; }

    /// <summary>Records an event, with the time of the unit's clock.</summary>
    public EventRecord Write(EventEntry entry) => throw new NotSupportedException(entry.LogId);

    /// <summary>Up to <paramref name="limit"/> events after an id, oldest first.</summary>
    public IReadOnlyList<EventRecord> After(long id, int limit = 1000) => throw new NotSupportedException(id.ToString() + limit);

    /// <summary>Completes as soon as there is an event after <paramref name="id"/>.</summary>
    public Task WaitAfterAsync(long id, CancellationToken cancellationToken) => throw new NotSupportedException(id.ToString());
}
