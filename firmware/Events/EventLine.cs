using System.Buffers;
using System.Globalization;
using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Events;

/// <summary>The identity of the unit in its event lines.</summary>
/// <param name="Name">The <c>devname</c>: the host name at the time of the event.</param>
/// <param name="Id">The <c>devid</c>: the serial number.</param>
/// <param name="TimeFirst">
/// True for the header order of late 6.4 and 7.x, in which <c>eventtime</c> and <c>tz</c> follow <c>devid</c>; false for that of 6.2 and
/// early 6.4, in which they follow <c>vd</c>.
/// </param>
public readonly record struct EventDevice(string Name, string Id, bool TimeFirst = false)
{
    /// <summary>
    /// The first release with the later order. The builds of 6.4 that changed the order are not public; 6.4.0 has the earlier one.
    /// </summary>
    private static readonly Version TimeFirstSince = new(7, 0);

    /// <summary>Returns true if a release has the later header order.</summary>
    public static bool IsTimeFirst(Version release) => release >= TimeFirstSince;
}

/// <summary>Formats an event as one line of <c>key=value</c>, in the order of the unit's release. Control characters are escaped.</summary>
public static class EventLine
{
    // The device shows these fields without quotes: numbers and addresses.
    private static readonly HashSet<string> Bare = new(StringComparer.Ordinal)
    {
        "tunnelid",
        "remip",
        "tunnelip",
        "srcip",
        "dstip",
        "policyid",
        "duration",
        "sentbyte",
        "rcvdbyte",
        "cfgtid",
        "sequence",
    };

    private static readonly SearchValues<char> NumberOrAddress = SearchValues.Create("0123456789abcdefABCDEF.:");

    /// <summary>Formats the line, without a newline.</summary>
    public static string Format(EventEntry entry, DateTimeOffset time, EventDevice device)
    {
        var line = new StringBuilder(256);
        line.Append(CultureInfo.InvariantCulture, $"date={time.UtcDateTime:yyyy-MM-dd} time={time.UtcDateTime:HH:mm:ss} ");
        Append(line, "devname", device.Name);
        Append(line, "devid", device.Id);
        if (device.TimeFirst)
        {
            AppendTime(line, time);
        }
        Append(line, "logid", entry.LogId);
        Append(line, "type", "event");
        Append(line, "subtype", entry.Subtype);
        Append(line, "level", Word(entry.Level));
        Append(line, "vd", "root");
        if (!device.TimeFirst)
        {
            AppendTime(line, time);
        }
        Append(line, "logdesc", entry.Description);
        foreach (var (name, value) in entry.Fields)
        {
            Append(line, name, value);
        }
        line.Length--;
        return line.ToString();
    }

    /// <summary>The level as the device spells it.</summary>
    public static string Word(EventLevel level) =>
        level switch
        {
            EventLevel.Alert => "alert",
            EventLevel.Error => "error",
            EventLevel.Warning => "warning",
            EventLevel.Notice => "notice",
            _ => "information",
        };

    /// <summary>Appends the time in nanoseconds since 1970, and the offset from UTC.</summary>
    private static void AppendTime(StringBuilder line, DateTimeOffset time)
    {
        line.Append(CultureInfo.InvariantCulture, $"eventtime={(time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100} ");
        Append(line, "tz", "+0000");
    }

    private static void Append(StringBuilder line, string name, string value)
    {
        line.Append(name).Append('=');
        if (Bare.Contains(name) && value.Length > 0 && !value.AsSpan().ContainsAnyExcept(NumberOrAddress))
        {
            line.Append(value).Append(' ');
            return;
        }
        line.Append('"');
        if (value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && !value.AsSpan().ContainsAny('"', '\\'))
        {
            line.Append(value).Append("\" ");
            return;
        }
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsBmp && ControlCharacters.Includes((char)rune.Value))
            {
                line.Append(ControlCharacters.Escape((char)rune.Value));
                continue;
            }
            if (rune.Value is '"' or '\\')
            {
                line.Append('\\');
            }
            line.Append(rune.ToString());
        }
        line.Append("\" ");
    }
}
