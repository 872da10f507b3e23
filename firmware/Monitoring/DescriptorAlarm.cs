using System.Globalization;
using Appliance.Firmware.Events;
using Appliance.Hal;

namespace Appliance.Firmware.Monitoring;

/// <summary>
/// Counts each time that no file descriptor is left for a connection, which then stays pending, and writes an event at most once a minute
/// of the unit's clock. The event's id and words are *assumed*. Thread-safe.
/// </summary>
internal sealed class DescriptorAlarm : IDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<INic> _nics;
    private DateTimeOffset? _next;
    private long _count;

    internal DescriptorAlarm(EventLog events, TimeProvider time, IReadOnlyList<INic> nics)
    {
        _events = events;
        _time = time;
        _nics = nics;
        foreach (var nic in nics)
        {
            nic.Exhausted += Report;
        }
    }

    public void Dispose()
    {
        foreach (var nic in _nics)
        {
            nic.Exhausted -= Report;
        }
    }

    /// <summary>The number of times that no descriptor was left for a connection.</summary>
    internal long Count => Interlocked.Read(ref _count);

    private void Report(INic nic)
    {
        var count = Interlocked.Increment(ref _count);
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            if (now < _next)
            {
                return;
            }
            _next = now + Between;
        }
        _events.Write(
            new EventEntry(
                "0100099167",
                "system",
                EventLevel.Alert,
                "File descriptors exhausted",
                ("interface", nic.Name),
                ("count", count.ToString(CultureInfo.InvariantCulture)),
                ("msg", "Connections wait for a free file descriptor")
            )
        );
    }
}
