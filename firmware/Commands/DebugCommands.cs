using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose debug</c>: streams the services' decisions to the session that enabled it. Levels and the switch are per session. The stream
/// ends after 30 minutes (<c>diagnose debug duration</c>), as on the device.
/// </summary>
internal sealed class DebugCommands(DebugTap tap, TimeProvider time) : ICommandSource
{
    private static readonly (string Name, DebugArea Area)[] Applications =
    [
        ("fnbamd", DebugArea.Fnbamd),
        ("ftm-push", DebugArea.FtmPush),
        ("httpsd", DebugArea.Httpsd),
        ("sslvpnd", DebugArea.SslVpn),
    ];

    private readonly ConditionalWeakTable<CliSession, Stream> _streams = [];

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("diagnose debug application", "Application debugging.", Permissions.System.Read, new CliArguments(1, 2), Application),
            new(
                "diagnose debug console timestamp",
                "Prefix debug lines with the time.",
                Permissions.System.Read,
                CliArguments.One,
                call => Switch(call, (stream, on) => stream.IsStamped = on)
            ),
            new(
                "diagnose debug duration",
                "Minutes that debugging stays on; 0 is unlimited.",
                Permissions.System.Read,
                CliArguments.One,
                Duration
            ),
            new(
                "diagnose debug enable",
                "Enable debug output.",
                Permissions.System.Read,
                CliArguments.None,
                call => Enable(call.Session)
            ),
            new(
                "diagnose debug disable",
                "Disable debug output.",
                Permissions.System.Read,
                CliArguments.None,
                call => Change(call.Session, stream => stream.Disable())
            ),
            new(
                "diagnose debug reset",
                "Reset all debug levels and the output.",
                Permissions.System.Read,
                CliArguments.None,
                call => Change(call.Session, stream => stream.Reset())
            ),
            new(
                "diagnose debug info",
                "Show debug settings.",
                Permissions.System.Read,
                CliArguments.None,
                call => Of(call.Session).Describe()
            ),
        ];

    private CliReply Application(CliCall call)
    {
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
        if (!int.TryParse(call.Arguments[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var level))
        {
            return CliPaths.ParseError(call.Arguments[1]);
        }
        stream.Levels[(int)area] = level;
        return level == 0 ? "" : stream.Remaining();
    }

    private CliReply Duration(CliCall call)
    {
        const int LongestMinutes = 1440; // *Assumed*.
        if (!CallArguments.TryNumber(call.Arguments[0], 0, LongestMinutes, out var minutes))
        {
            return CliPaths.ParseError(call.Arguments[0]);
        }
        var stream = Of(call.Session);
        stream.Life = minutes == 0 ? null : TimeSpan.FromMinutes(minutes);
        return minutes == 0 ? "Current duration is set to unlimited.\n" : stream.Remaining();
    }

    private CliReply Switch(CliCall call, Action<Stream, bool> set) =>
        call.Arguments[0] is "enable" or "disable"
            ? Change(call.Session, stream => set(stream, call.Arguments[0] == "enable"))
            : CliPaths.ParseError(call.Arguments[0]);

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
