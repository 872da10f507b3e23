using System.Buffers;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Events;

/// <summary>An event as one line of <c>key=value</c>, in the device's order. Control characters never get through raw.</summary>
public static class EventLine
{
    // The device shows these without quotes: numbers and addresses.
    private static readonly HashSet<string> Bare = new(StringComparer.Ordinal)
    {
        "tunnelid", "remip", "tunnelip", "srcip", "dstip", "policyid", "duration", "sentbyte", "rcvdbyte", "cfgtid", "sequence",
    };

    private static readonly SearchValues<char> NumberOrAddress = SearchValues.Create("0123456789abcdefABCDEF.:");

    /// <summary>The line, without a newline.</summary>
    public static string Format(EventEntry entry, DateTimeOffset time, string deviceName, string deviceId)
    {
        var line = new StringBuilder(256);
        line.Append(CultureInfo.InvariantCulture, $"date={time.UtcDateTime:yyyy-MM-dd} time={time.UtcDateTime:HH:mm:ss} ");
        Append(line, "devname", deviceName);
        Append(line, "devid", deviceId);
        Append(line, "logid", entry.LogId);
        Append(line, "type", "event");
        Append(line, "subtype", entry.Subtype);
        Append(line, "level", Word(entry.Level));
        Append(line, "vd", "root");
        line.Append(CultureInfo.InvariantCulture, $"eventtime={(time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100} ");
        Append(line, "tz", "+0000");
        Append(line, "logdesc", entry.Description);
        foreach (var (name, value) in entry.Fields)
        {
            Append(line, name, value);
        }
        line.Length--;
        return line.ToString();
    }

    /// <summary>The level in the device's words.</summary>
    public static string Word(EventLevel level) => level switch
    {
        EventLevel.Alert => "alert",
        EventLevel.Error => "error",
        EventLevel.Warning => "warning",
        EventLevel.Notice => "notice",
        _ => "information",
    };

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
            switch (rune.Value)
            {
                case '"' or '\\':
                    line.Append('\\').Append((char)rune.Value);
                    break;
                case < 0x20 or (>= 0x7f and < 0xa0) or 0x2028 or 0x2029:
                    line.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
                    break;
                default:
                    line.Append(rune.ToString());
                    break;
            }
        }
        line.Append("\" ");
    }
}
