using System.Collections.Immutable;
using System.Text.Json;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Events;

/// <summary>Severity, in the device's words and order.</summary>
public enum EventLevel
{
    /// <summary>Action must be taken at once.</summary>
    Alert,
    /// <summary>Something failed.</summary>
    Error,
    /// <summary>Something may fail.</summary>
    Warning,
    /// <summary>Normal but significant.</summary>
    Notice,
    /// <summary>For the record.</summary>
    Information,
}

/// <summary>What happened, before it has an id and a time.</summary>
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
    public EventEntry(string logId, string subtype, EventLevel level, string description, params ImmutableArray<(string Name, string Value)> fields)
        : this(logId, subtype, level, description) => _fields = fields;

    /// <summary>The same, its fields put into words when they are first asked for: on the hot path nobody waits for them. What they are made of must not change.</summary>
    internal EventEntry(string logId, string subtype, EventLevel level, string description, Func<ImmutableArray<(string Name, string Value)>> later)
        : this(logId, subtype, level, description) => _later = later;

    /// <summary>Further fields in order, already free of secrets.</summary>
    public ImmutableArray<(string Name, string Value)> Fields
    {
        get
        {
            if (Volatile.Read(ref _later) is { } later)
            {
                // Two threads may both do it, and come to the same.
                _fields = later();
                Volatile.Write(ref _later, null);
            }
            return _fields.IsDefault ? [] : _fields;
        }
    }
}

/// <summary>One event of the log.</summary>
/// <param name="id">Rises by one; survives restarts.</param>
/// <param name="time">When it happened, by the appliance's clock.</param>
/// <param name="entry">What happened.</param>
/// <param name="device">The unit, by the name that it had then.</param>
public sealed class EventRecord(long id, DateTimeOffset time, EventEntry entry, EventDevice device) : IStateEntry
{
    /// <summary>Where they are kept.</summary>
    internal static readonly StateLog Log = new("event_log");

    /// <summary>Rises by one; survives restarts.</summary>
    public long Id => id;

    /// <summary>When it happened, by the appliance's clock.</summary>
    public DateTimeOffset Time => time;

    /// <summary>What happened.</summary>
    public EventEntry Entry => entry;

    /// <summary>The same as one syslog line of <c>key=value</c>. Put together when it is first asked for: most events are never looked at.</summary>
    public string Line => field ??= EventLine.Format(entry, time, _device);

    private const int FirstText = 2;
    private const int LevelAt = 4;

    private readonly EventDevice _device = device;

    StateLog IStateEntry.Log => Log;

    long IStateEntry.Key => id;

    /// <summary>A text that stands at the same place of the event before is written as 0: most events of a busy second differ in a name and a number.</summary>
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

    /// <summary>Reads what was written.</summary>
    /// <param name="row">A row of the log: events, oldest first.</param>
    /// <param name="device">The unit; each event has a name of its own for it.</param>
    internal static IReadOnlyList<EventRecord> Read(string row, EventDevice device)
    {
        using var json = JsonDocument.Parse(row);
        var records = new List<EventRecord>();
        string[] before = [];
        foreach (var array in json.RootElement.EnumerateArray())
        {
            string[] text = [.. array.EnumerateArray().Select((value, index) => value.ValueKind == JsonValueKind.String ? value.GetString()! : index < FirstText || index == LevelAt ? "" : before[index])];
            records.Add(new(
                array[0].GetInt64(), new DateTimeOffset(array[1].GetInt64(), TimeSpan.Zero),
                new EventEntry(text[FirstText], text[3], (EventLevel)array[LevelAt].GetInt32(), text[5], [.. text.Skip(7).Chunk(2).Select(pair => (pair[0], pair[1]))]), device with { Name = text[6] }));
            before = text;
        }
        return records;
    }
}
