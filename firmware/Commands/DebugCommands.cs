using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose debug</c>: streams the services' decisions to the session that enabled it. Levels and the switch are per session. The stream
/// ends after 30 minutes (<c>diagnose debug duration</c>), as on the device.
/// </summary>
internal sealed class DebugCommands(DebugTap tap, TimeProvider time)
{
    private static readonly (string Name, DebugArea Area)[] Applications =
    [
        ("fnbamd", DebugArea.Fnbamd),
        ("ftm-push", DebugArea.FtmPush),
        ("httpsd", DebugArea.Httpsd),
        ("sslvpnd", DebugArea.SslVpn),
    ];

    private readonly ConditionalWeakTable<CliSession, Stream> _streams = [];

    internal IReadOnlyList<CliCommand> Commands =>
        [
            new("diagnose debug application", "Application debugging.", Application),
            new(
                "diagnose debug console timestamp",
                "Prefix debug lines with the time.",
                call => Switch(call, (stream, on) => stream.IsStamped = on)
            ),
            new("diagnose debug duration", "Minutes that debugging stays on; 0 for ever.", Duration),
            new("diagnose debug enable", "Enable debug output.", call => None(call) ?? Enable(call.Session)),
            new("diagnose debug disable", "Disable debug output.", call => None(call) ?? Change(call.Session, stream => stream.Disable())),
            new(
                "diagnose debug reset",
                "Reset all debug levels and the output.",
                call => None(call) ?? Change(call.Session, stream => stream.Reset())
            ),
            new("diagnose debug info", "Show debug settings.", call => None(call) ?? new CliReply(Of(call.Session).Describe())),
        ];

    private static CliReply? None(CliCall call) => call.Arguments.Count == 0 ? null : (CliReply)CliPaths.ParseError(call.Arguments[0]);

    private CliReply Application(CliCall call)
    {
        if (call.Arguments.Count == 0)
        {
            return new ConfigError(-160, "incomplete command in the end");
        }
        if (!CliPaths.TryMatch(call.Arguments[0], Applications.Select(application => application.Name), out var name, out var unknown))
        {
            return unknown!;
        }
        var area = Applications.First(application => application.Name == name).Area;
        var stream = Of(call.Session);
        if (call.Arguments.Count == 1)
        {
            return stream.Level(name, area) + "\n";
        }
        if (
            call.Arguments.Count > 2
            || !int.TryParse(call.Arguments[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var level)
        )
        {
            return CliPaths.ParseError(call.Arguments[^1]);
        }
        stream.Levels[(int)area] = level;
        return level == 0 ? "" : stream.Remaining();
    }

    private CliReply Duration(CliCall call)
    {
        const int LongestMinutes = 1440; // *Assumed*.
        if (
            call.Arguments.Count != 1
            || !int.TryParse(call.Arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out var minutes)
            || minutes > LongestMinutes
        )
        {
            return call.Arguments.Count == 0
                ? new ConfigError(-160, "incomplete command in the end")
                : CliPaths.ParseError(call.Arguments[^1]);
        }
        var stream = Of(call.Session);
        stream.Life = minutes == 0 ? null : TimeSpan.FromMinutes(minutes);
        return minutes == 0 ? "Current duration is set to unlimited.\n" : stream.Remaining();
    }

    private CliReply Switch(CliCall call, Action<Stream, bool> set) =>
        call.Arguments switch
        {
            ["enable" or "disable"] => Change(call.Session, stream => set(stream, call.Arguments[0] == "enable")),
            [] => new ConfigError(-160, "incomplete command in the end"),
            _ => CliPaths.ParseError(call.Arguments[0]),
        };

    private CliReply Enable(CliSession session)
    {
        Of(session).Enable(tap, session);
        return "";
    }

    private CliReply Change(CliSession session, Action<Stream> change)
    {
        change(Of(session));
        return "";
    }

    private Stream Of(CliSession session) => _streams.GetValue(session, _ => new Stream(time));

    /// <summary>The debug stream of one session.</summary>
    private sealed class Stream(TimeProvider time)
    {
        private static readonly TimeSpan UsualLife = TimeSpan.FromMinutes(30);
        private IDisposable? _listening;
        private DateTimeOffset _ends;
        private TimeSpan? _life = UsualLife;

        internal int[] Levels { get; } = new int[Enum.GetValues<DebugArea>().Length];

        internal bool IsStamped { get; set; }

        internal TimeSpan? Life
        {
            set => (_life, _ends) = (value, End(value));
        }

        private bool IsOn => _listening is not null && time.GetUtcNow() < _ends;

        internal void Enable(DebugTap tap, CliSession session)
        {
            Disable();
            _ends = End(_life);
            _listening = tap.Listen(
                area => Levels[(int)area] != 0 && time.GetUtcNow() < _ends,
                line => session.Say(IsStamped ? Stamp() + line : line)
            );
            // The session's debug stream ends with the session.
            session.Ended += Reset;
        }

        internal void Disable()
        {
            _listening?.Dispose();
            _listening = null;
        }

        internal void Reset()
        {
            Disable();
            Array.Clear(Levels);
            (IsStamped, Life) = (false, UsualLife);
        }

        internal string Remaining() =>
            _life is { } life
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"Debug messages will be on for {(long)Math.Ceiling((IsOn ? _ends - time.GetUtcNow() : life).TotalMinutes)} minutes.\n"
                )
                : "Debug messages will be on for unlimited time.\n";

        internal string Level(string name, DebugArea area) =>
            string.Create(CultureInfo.InvariantCulture, $"{name} debug level is {Levels[(int)area]} (0x{Levels[(int)area]:x})");

        internal string Describe()
        {
            var text = new StringBuilder();
            text.Append("debug output:           ").Append(IsOn ? "enable" : "disable").Append('\n');
            text.Append("console timestamp:      ").Append(IsStamped ? "enable" : "disable").Append('\n');
            foreach (var (name, area) in Applications.Where(application => Levels[(int)application.Area] != 0))
            {
                text.Append($"{name} debug level:".PadRight(24))
                    .Append(CultureInfo.InvariantCulture, $"{Levels[(int)area]} (0x{Levels[(int)area]:x})\n");
            }
            return text.ToString();
        }

        private DateTimeOffset End(TimeSpan? life) => life is { } limited ? time.GetUtcNow() + limited : DateTimeOffset.MaxValue;

        private string Stamp() => time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss ", CultureInfo.InvariantCulture);
    }
}
