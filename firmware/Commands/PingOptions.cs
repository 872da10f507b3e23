using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Text;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute ping-options</c>: the settings of <c>execute ping</c>, per session. Repeat count, data size, timeout and source have an
/// effect. The others are stored and displayed (docs/reference/commands.md). Ranges are *assumed*; the reference's are wider.
/// </summary>
internal sealed class PingOptions(IReadOnlyList<GatedNic> nics) : ICommandSource
{
    private const int RepeatMax = 1000;
    private const int SizeMax = 65_507;
    private const int TimeoutMax = 3600;
    private const int IntervalMax = 3600;
    private const int PatternLengthMax = 16;

    private readonly ConditionalWeakTable<CliSession, Values> _values = [];

    public IReadOnlyList<CliCommand> Commands =>
        [
            Option(
                "adaptive-ping",
                "Adaptive ping <enable|disable>.",
                (values, word) => Switch(word, "enable", "disable", on => values.Adapts = on)
            ),
            Option(
                "data-size",
                "Integer value to specify datagram size in bytes.",
                (values, word) => Number(word, 0, SizeMax, number => values.Size = number)
            ),
            Option(
                "df-bit",
                "Set DF bit in IP header <yes | no>.",
                (values, word) => Switch(word, "yes", "no", on => values.KeepsWhole = on)
            ),
            Option(
                "interface",
                "Auto | <outgoing interface>.",
                (values, word) =>
                    word == "auto" || nics.Any(nic => nic.Name == word) ? Keep(() => values.Interface = word) : CliPaths.ParseError(word)
            ),
            Option(
                "interval",
                "Integer value to specify seconds between two pings.",
                (values, word) => Number(word, 1, IntervalMax, number => values.Interval = number)
            ),
            Option("pattern", "Hex format of pattern, e.g. 00ffaabb.", Pattern),
            Option(
                "repeat-count",
                "Integer value to specify how many times to repeat PING.",
                (values, word) => Number(word, 1, RepeatMax, number => values.Repeat = number)
            ),
            Reset,
            Option("source", "Auto | <source interface IP>.", Source),
            Option(
                "timeout",
                "Integer value to specify timeout in seconds.",
                (values, word) => Number(word, 1, TimeoutMax, number => values.Timeout = number)
            ),
            Option("tos", "IP type-of-service option.", (values, word) => Number(word, 0, 255, number => values.Service = number)),
            Option(
                "ttl",
                "Integer value to specify time-to-live.",
                (values, word) => Number(word, 1, 255, number => values.TimeToLive = number)
            ),
            Option(
                "use-sdwan",
                "Use SD-WAN rules to get output interface <yes | no>.",
                (values, word) => Switch(word, "yes", "no", on => values.UsesSdwan = on)
            ),
            Option(
                "validate-reply",
                "Validate reply data <yes | no>.",
                (values, word) => Switch(word, "yes", "no", on => values.Validates = on)
            ),
            new(
                "execute ping-options view-settings",
                "View the current settings for PING option.",
                Permissions.Network.Read,
                CliArguments.None,
                call => View(Of(call.Session))
            ),
        ];

    private CliCommand Reset =>
        new(
            "execute ping-options reset",
            "Reset settings.",
            Permissions.Network.Read,
            CliArguments.None,
            call =>
            {
                _values.Remove(call.Session);
                return "";
            }
        );

    /// <summary>Returns the options of a session.</summary>
    internal Values Of(CliSession session) => _values.GetValue(session, _ => new Values());

    private CliCommand Option(string name, string help, Func<Values, string, ConfigError?> set) =>
        new(
            $"execute ping-options {name}",
            help,
            Permissions.Network.Read,
            CliArguments.One,
            call => set(Of(call.Session), call.Arguments[0]) is { } wrong ? wrong : ""
        );

    private static ConfigError? Keep(Action keep)
    {
        keep();
        return null;
    }

    private static ConfigError? Number(string word, int min, int max, Action<int> keep) =>
        CallArguments.TryNumber(word, min, max, out var number)
            ? Keep(() => keep(number))
            : new ConfigError(-651, $"invalid integer value: {string.Concat(ControlCharacters.Remove(word).Take(32))}, {min} to {max}");

    private static ConfigError? Switch(string word, string on, string off, Action<bool> keep) =>
        CliPaths.TryMatch(word, [on, off], out var match, out var wrong) ? Keep(() => keep(match == on)) : wrong;

    private static ConfigError? Pattern(Values values, string word) =>
        word.Length is > 0 and <= PatternLengthMax && word.Length % 2 == 0 && word.All(char.IsAsciiHexDigit)
            ? Keep(() => values.Pattern = word)
            : CliPaths.ParseError(word);

    /// <summary>Sets the source to one of the unit's own addresses.</summary>
    private ConfigError? Source(Values values, string word) =>
        word == "auto" ? Keep(() => values.Source = null)
        : IPAddress.TryParse(word, out var address) && nics.Any(nic => nic.Addresses.Contains(address))
            ? Keep(() => values.Source = address)
        : CliPaths.ParseError(word);

    private static string View(Values values)
    {
        var text = new StringBuilder("Ping Options:\n");
        void Line(string name, object value) => text.Append(CultureInfo.InvariantCulture, $"        {name}: {value}\n");
        Line("Repeat Count", values.Repeat);
        Line("Data Size", values.Size);
        Line("Timeout", values.Timeout);
        Line("Interval", values.Interval);
        Line("Interface", values.Interface);
        Line("TTL", values.TimeToLive);
        Line("TOS", values.Service);
        Line("DF bit", values.KeepsWhole ? "set" : "unset");
        Line("Source Address", values.Source?.ToString() ?? "auto");
        Line("Pattern", values.Pattern);
        Line("Pattern Size in Bytes", values.Pattern.Length / 2);
        Line("Validate Reply", values.Validates ? "yes" : "no");
        Line("Adaptive Ping", values.Adapts ? "enable" : "disable");
        Line("Use SD-WAN", values.UsesSdwan ? "yes" : "no");
        return text.ToString();
    }

    /// <summary>The options of one session.</summary>
    internal sealed class Values
    {
        /// <summary>The number of probes.</summary>
        internal int Repeat { get; set; } = 5;

        /// <summary>The length of a probe, in bytes.</summary>
        internal int Size { get; set; } = 56;

        /// <summary>The timeout of a probe, in seconds.</summary>
        internal int Timeout { get; set; } = 2;

        /// <summary>The source address; null for any.</summary>
        internal IPAddress? Source { get; set; }
        internal int Interval { get; set; } = 1;
        internal string Interface { get; set; } = "auto";
        internal int TimeToLive { get; set; } = 64;
        internal int Service { get; set; }
        internal bool KeepsWhole { get; set; }
        internal string Pattern { get; set; } = "";
        internal bool Validates { get; set; }
        internal bool Adapts { get; set; }
        internal bool UsesSdwan { get; set; }
    }
}
