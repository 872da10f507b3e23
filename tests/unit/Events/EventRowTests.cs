using System.Text;
using System.Text.Json;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Events;

public sealed class EventRowTests
{
    private const string Serial = "FGLAB00000000001";
    private static readonly DateTimeOffset Start = new(2026, 1, 7, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Equal events, events of other shapes, more and fewer fields, and texts that look like the mark for "the same".</summary>
    private static readonly EventEntry[] Entries =
    [
        new("0102043008", "user", EventLevel.Notice, "Authentication success", ("user", "ann"), ("reason", "N/A")),
        new("0102043008", "user", EventLevel.Notice, "Authentication success", ("user", "bob"), ("reason", "N/A")),
        new("0100032161", "system", EventLevel.Alert, "FortiToken mobile push message failed"),
        new("0100032161", "system", EventLevel.Alert, "FortiToken mobile push message failed", ("msg", "0"), ("0", ""), ("user", "ann")),
        new("0100032161", "system", EventLevel.Information, "", ("msg", "0"), ("0", "")),
        new("0102043008", "user", EventLevel.Notice, "Authentication success", ("user", "ann"), ("reason", "N/A"), ("msg", "ä \" \\ \n")),
    ];

    [Fact]
    public void EventsOfOneRowAreReadAsTheyWere()
    {
        EventRecord[] records =
        [
            .. Entries.Select(
                (entry, index) =>
                    new EventRecord(index + 1, Start.AddTicks(index), entry, new EventDevice(index < 4 ? "FGT" : "FGT2", Serial))
            ),
        ];
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (var index = 0; index < records.Length; index++)
            {
                ((IStateEntry)records[index]).Write(json, index == 0 ? null : records[index - 1]);
            }
            json.WriteEndArray();
        }
        var row = Encoding.UTF8.GetString(buffer.ToArray());

        Assert.Equal(
            records.Select(record => (record.Id, record.Time, record.Line)),
            EventRecord.Read(row, new EventDevice("", Serial)).Select(record => (record.Id, record.Time, record.Line))
        );
        var said = row.Split("N/A").Length - 1;
        Assert.Equal(2, said); // Three events have it; of the two equal ones the second only refers to the first.
    }

    [Fact]
    public async Task EventsSurviveARestart()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-events-");
        try
        {
            var time = new FakeTimeProvider(Start);
            var file = Path.Combine(folder.FullName, "state.db");
            string[] lines;
            await using (var state = StateDatabase.Open(file, [EventLog.Table]))
            {
                var log = new EventLog(state, time, Serial) { DeviceName = "FGT" };
                lines = [.. Enumerable.Range(0, 300).Select(number => log.Write(Entries[number % Entries.Length]).Line)];
            }
            await using var again = StateDatabase.Open(file, [EventLog.Table]);

            Assert.Equal(lines, new EventLog(again, time, Serial).After(0).Select(record => record.Line));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
