using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute log display</c> and <c>execute log filter</c>: display the events in memory, newest first. The filter is per session.
/// </summary>
internal sealed class LogCommands(EventLog events) : ICommandSource
{
    /// <summary>The log categories by the device's numbers. Only events are stored here, so the other categories are empty.</summary>
    private static readonly string[] Categories = ["traffic", "event"];

    private readonly ConditionalWeakTable<CliSession, Filter> _filters = [];

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("diagnose log test", "Write test messages to the log.", Permissions.Logs.Write, CliArguments.None, _ => Test()),
            new(
                "execute log display",
                "Display filtered log entries.",
                Permissions.LogData.Read,
                CliArguments.None,
                call => Display(Of(call))
            ),
            new("execute log filter category", "Category.", Permissions.LogData.Read, CliArguments.Optional, Category),
            new(
                "execute log filter dump",
                "Dump current filter settings.",
                Permissions.LogData.Read,
                CliArguments.None,
                call => Dump(Of(call))
            ),
            new("execute log filter field", "Filter by field.", Permissions.LogData.Read, CliArguments.AtLeast(1), Field),
            new("execute log filter reset", "Reset filter.", Permissions.LogData.Read, CliArguments.None, Reset),
            new(
                "execute log filter start-line",
                "Start line to display.",
                Permissions.LogData.Read,
                CliArguments.One,
                call => Number(call, 1, int.MaxValue, (filter, number) => filter.StartLine = number)
            ),
            new(
                "execute log filter view-lines",
                "Lines per view.",
                Permissions.LogData.Read,
                CliArguments.One,
                call => Number(call, 5, 1000, (filter, number) => filter.ViewLines = number)
            ),
        ];

    /// <summary>
    /// Logs one message of each kind that this unit logs. The words are the device's; identifier and fields of the message are *assumed*.
    /// </summary>
    private CliReply Test()
    {
        events.Write(
            new EventEntry(
                "0100022999",
                "system",
                EventLevel.Warning,
                "Log test",
                ("user", "test"),
                ("action", "test"),
                ("msg", "Log test")
            )
        );
        return "generating a system event message with level - warning\n";
    }

    private Filter Of(CliCall call) => _filters.GetValue(call.Session, _ => new Filter());

    private CliReply Display(Filter filter)
    {
        var found =
            filter.Category != "event"
                ? []
                : events
                    .After(0, int.MaxValue)
                    .Where(record => filter.Fields.All(field => field.Value.Contains(FieldOf(record, field.Key))))
                    .Reverse()
                    .ToArray();
        var returned = found.Skip(filter.StartLine - 1).Take(filter.ViewLines).ToArray();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{found.Length} logs found.\n{returned.Length} logs returned.\n\n");
        for (var at = 0; at < returned.Length; at++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{filter.StartLine + at}: ").Append(returned[at].Line).Append('\n');
        }
        return text.ToString();
    }

    private static string FieldOf(EventRecord record, string name) =>
        name switch
        {
            "logid" => record.Entry.LogId,
            "type" => "event",
            "subtype" => record.Entry.Subtype,
            "level" => EventLine.Word(record.Entry.Level),
            "logdesc" => record.Entry.Description,
            "date" => record.Time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            "vd" => "root",
            _ => record.Entry.Fields.FirstOrDefault(field => field.Name == name).Value ?? "",
        };

    private CliReply Category(CliCall call)
    {
        if (call.Arguments is [])
        {
            return "Available categories:\n"
                + string.Concat(Categories.Select((name, number) => string.Create(CultureInfo.InvariantCulture, $"{number,2}: {name}\n")));
        }
        var word = call.Arguments[0];
        var name =
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < Categories.Length
                ? Categories[number]
                : word;
        if (!CliPaths.TryMatch(name, Categories, out var category, out var unknown))
        {
            return unknown!;
        }
        Of(call).Category = category;
        return "";
    }

    private CliReply Field(CliCall call)
    {
        const int Most = 16;
        var (name, fields) = (call.Arguments[0], Of(call).Fields);
        if (call.Arguments.Count == 1)
        {
            fields.Remove(name);
            return "";
        }
        if (fields.Count >= Most && !fields.ContainsKey(name))
        {
            return new ConfigError(-4, "reached the maximum number of entries");
        }
        fields[name] = [.. call.Arguments.Skip(1)];
        return "";
    }

    private static CliReply Dump(Filter filter)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"category: {filter.Category}\ndevice: memory\nstart-line: {filter.StartLine}\nview-lines: {filter.ViewLines}\nfilter:\n"
        );
        foreach (var (name, values) in filter.Fields)
        {
            text.Append("    ").Append(name).Append(": ").AppendJoin(", ", values).Append('\n');
        }
        return text.ToString();
    }

    private CliReply Reset(CliCall call)
    {
        _filters.Remove(call.Session);
        return "";
    }

    private CliReply Number(CliCall call, int min, int max, Action<Filter, int> set)
    {
        var word = call.Arguments[0];
        if (!CallArguments.TryNumber(word, min, max, out var number))
        {
            return new ConfigError(
                -651,
                $"invalid integer value: {string.Concat(word.Where(character => !ControlCharacters.Includes(character)).Take(32))}, {min} to {max}"
            );
        }
        set(Of(call), number);
        return "";
    }

    private sealed class Filter
    {
        public string Category { get; set; } = "event";
        public int StartLine { get; set; } = 1;
        public int ViewLines { get; set; } = 10;
        public Dictionary<string, string[]> Fields { get; } = new(StringComparer.Ordinal);
    }
}
