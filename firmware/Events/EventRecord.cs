using System.Collections.Immutable;
using System.Text.Json;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Events;

/// <summary>The severity, with the device's names and order.</summary>
public enum EventLevel
{
    /// <summary>Immediate action is required.</summary>
    Alert,

    /// <summary>Something failed.</summary>
    Error,

    /// <summary>Something may fail.</summary>
    Warning,

    /// <summary>Normal but significant.</summary>
    Notice,

    /// <summary>For information only.</summary>
    Information,
}

/// <summary>An event before it has an id and a time.</summary>
/// <param name="LogId">The device's ten digits: type, subtype, id.</param>
/// <param name="Subtype">system, vpn or user.</param>
/// <param name="Level">The severity.</param>
/// <param name="Description">The <c>logdesc</c>.</param>
public sealed record EventEntry(string LogId, string Subtype, EventLevel Level, string Description)
{
    private ImmutableArray<(string Name, string Value)> _fields;
    private Func<ImmutableArray<(string Name, string Value)>>? _later;

    /// <param name="logId">The device's ten digits: type, subtype, id.</param>
    /// <param name="subtype">system, vpn or user.</param>
    /// <param name="level">The severity.</param>
    /// <param name="description">The <c>logdesc</c>.</param>
    /// <param name="fields">Further fields in order, already free of secrets.</param>
    public EventEntry(
        string logId,
        string subtype,
        EventLevel level,
        string description,
        params ImmutableArray<(string Name, string Value)> fields
    )
        : this(logId, subtype, level, description) => _fields = fields;

    /// <summary>
    /// Creates an entry whose fields are formatted when they are first read, because the hot path does not need them. The data that they
    /// are formatted from must not change.
    /// </summary>
    internal EventEntry(
        string logId,
        string subtype,
        EventLevel level,
        string description,
        Func<ImmutableArray<(string Name, string Value)>> later
    )
        : this(logId, subtype, level, description) => _later = later;

    /// <summary>Further fields in order, already free of secrets.</summary>
    public ImmutableArray<(string Name, string Value)> Fields
    {
        get
        {
            if (Volatile.Read(ref _later) is { } later)
            {
                // Two threads may both format the fields, with the same result.
                _fields = later();
                Volatile.Write(ref _later, null);
            }
            return _fields.IsDefault ? [] : _fields;
        }
    }
}

/// <summary>One event of the log.</summary>
/// <param name="id">The id, which increases by one per event, also across restarts.</param>
/// <param name="time">The time of the event by the unit's clock.</param>
/// <param name="entry">The content of the event.</param>
/// <param name="device">The identity of the unit, with its name at that time.</param>
public sealed class EventRecord(long id, DateTimeOffset time, EventEntry entry, EventDevice device) : IStateEntry
{
    /// <summary>The log in the state database that stores the events.</summary>
    internal static readonly StateLog Log = new("event_log");
    private const int FirstText = 2;
    private const int LevelAt = 4;

    private readonly EventDevice _device = device;

    /// <summary>The id, which increases by one per event, also across restarts.</summary>
    public long Id => id;

    /// <summary>The time of the event by the unit's clock.</summary>
    public DateTimeOffset Time => time;

    /// <summary>The content of the event.</summary>
    public EventEntry Entry => entry;

    /// <summary>
    /// The event as one syslog line of <c>key=value</c>. Formatted on first use, because most events are never displayed.
    /// </summary>
    public string Line => field ??= EventLine.Format(entry, time, _device);

    StateLog IStateEntry.Log => Log;

    long IStateEntry.Key => id;

    /// <summary>
    /// Writes the event. A text that equals the text in the same position of the previous event is written as 0: most events of a busy
    /// second differ in a name and a number.
    /// </summary>
    void IStateEntry.Write(Utf8JsonWriter json, IStateEntry? before)
    {
        var last = before as EventRecord;
        void Text(string text, string? textBefore)
        {
            if (text == textBefore)
            {
                json.WriteNumberValue(0);
            }
            else
            {
                json.WriteStringValue(text);
            }
        }
        json.WriteStartArray();
        json.WriteNumberValue(id);
        json.WriteNumberValue(time.UtcTicks);
        Text(entry.LogId, last?.Entry.LogId);
        Text(entry.Subtype, last?.Entry.Subtype);
        json.WriteNumberValue((int)entry.Level);
        Text(entry.Description, last?.Entry.Description);
        Text(_device.Name, last?._device.Name);
        var (fields, fieldsBefore) = (entry.Fields, last?.Entry.Fields ?? []);
        for (var index = 0; index < fields.Length; index++)
        {
            var (nameBefore, valueBefore) = index < fieldsBefore.Length ? fieldsBefore[index] : default;
            Text(fields[index].Name, nameBefore);
            Text(fields[index].Value, valueBefore);
        }
        json.WriteEndArray();
    }

    /// <summary>Reads the events of a row.</summary>
    /// <param name="row">A row of the log: its events, oldest first.</param>
    /// <param name="device">The identity of the unit; each event has its own name for it.</param>
    internal static IReadOnlyList<EventRecord> Read(string row, EventDevice device)
    {
        using var json = JsonDocument.Parse(row);
        var records = new List<EventRecord>();
        string[] before = [];
        foreach (var array in json.RootElement.EnumerateArray())
        {
            string[] text =
            [
                .. array
                    .EnumerateArray()
                    .Select(
                        (value, index) =>
                            value.ValueKind == JsonValueKind.String ? value.GetString()!
                            : index < FirstText || index == LevelAt ? ""
                            : before[index]
                    ),
            ];
            records.Add(
                new(
                    array[0].GetInt64(),
                    new DateTimeOffset(array[1].GetInt64(), TimeSpan.Zero),
                    new EventEntry(
                        text[FirstText],
                        text[3],
                        (EventLevel)array[LevelAt].GetInt32(),
                        text[5],
                        [.. text.Skip(7).Chunk(2).Select(pair => (pair[0], pair[1]))]
                    ),
                    device with
                    {
                        Name = text[6],
                    }
                )
            );
            before = text;
        }
        return records;
    }
}
