using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Events;

/// <summary>
/// The event log of the unit: the newest events in memory, all of them (up to a limit) in the state database. Writing never waits for the
/// disk. An event is durable no later than the next decision.
/// </summary>
public sealed class EventLog
{
    /// <summary>The table of the log in the state database.</summary>
    public static readonly string Table = EventRecord.Log.Table;

    private const int MemoryLimit = 10_000;
    private const int DiskLimit = 100_000;

    private readonly StateDatabase _state;
    private readonly TimeProvider _time;
    private readonly EventDevice _device;
    private readonly Lock _lock = new();
    private readonly Queue<EventRecord> _recent = [];

    /// <summary>Completes with the next event; null while no caller waits for it.</summary>
    private TaskCompletionSource? _written;
    private long _lastId;

    /// <summary>Opens the log and loads the newest events from the database.</summary>
    /// <param name="state">The database.</param>
    /// <param name="time">The unit's clock.</param>
    /// <param name="deviceId">The serial number of the unit.</param>
    /// <param name="timeFirst">The header order of the unit's release, see <see cref="EventDevice.IsTimeFirst"/>.</param>
    public EventLog(StateDatabase state, TimeProvider time, string deviceId, bool timeFirst = false)
    {
        _state = state;
        _time = time;
        _device = new EventDevice("", deviceId, timeFirst);
        // A row holds at least one event, so this many rows contain the newest events.
        foreach (
            var record in state
                .Read(
                    $"SELECT entries FROM (SELECT id, entries FROM event_log ORDER BY id DESC LIMIT {MemoryLimit}) ORDER BY id",
                    row => EventRecord.Read(row.GetString(0), _device)
                )
                .SelectMany(records => records)
        )
        {
            Remember(record);
        }
    }

    /// <summary>The <c>devname</c> of the following lines; changes with the host name.</summary>
    public string DeviceName { get; set; } = "";

    /// <summary>The newest id; 0 if there are no events.</summary>
    public long LastId => Interlocked.Read(ref _lastId);

    /// <summary>Raised for each event, in order, while the log is locked. Handlers must be quick and must not write events.</summary>
    public event Action<EventRecord>? Written;

    /// <summary>Records an event, with the time of the unit's clock.</summary>
    public EventRecord Write(EventEntry entry)
    {
        EventRecord record;
        TaskCompletionSource? wake;
        lock (_lock)
        {
            record = new EventRecord(_lastId + 1, _time.GetUtcNow(), entry, _device with { Name = DeviceName });
            Remember(record);
            _state.Post(record);
            if (record.Id % 1000 == 0)
            {
                _state.Post(new StateWrite("DELETE FROM event_log WHERE id <= $0", record.Id - DiskLimit));
            }
            (wake, _written) = (_written, null);
            Written?.Invoke(record);
        }
        wake?.SetResult();
        return record;
    }

    /// <summary>
    /// Returns up to <paramref name="limit"/> events after an id, oldest first. Only the newest 10,000 events are available.
    /// </summary>
    public IReadOnlyList<EventRecord> After(long id, int limit = 1000)
    {
        lock (_lock)
        {
            return [.. _recent.SkipWhile(record => record.Id <= id).Take(limit)];
        }
    }

    /// <summary>Completes as soon as there is an event after <paramref name="id"/>.</summary>
    public Task WaitAfterAsync(long id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _lastId > id
                ? Task.CompletedTask
                : (_written ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellationToken);
        }
    }

    private void Remember(EventRecord record)
    {
        _lastId = record.Id;
        _recent.Enqueue(record);
        if (_recent.Count > MemoryLimit)
        {
            _recent.Dequeue();
        }
    }
}
