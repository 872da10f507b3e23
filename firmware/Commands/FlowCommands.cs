using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose debug flow</c>: settings are accepted and stored per session. The unit forwards no packets, so there is nothing to trace,
/// and <c>trace start</c> reports that. The words of the filter's display are those of public captures.
/// </summary>
internal sealed class FlowCommands : ICommandSource
{
    private const int PacketsMax = 1_000_000;
    private const string NothingToTrace =
        "this unit forwards no packets, so no flow is traced; its own connections are shown by 'diagnose sniffer packet'\n";
    private static readonly string[] Fields = ["vd", "proto", "addr", "saddr", "daddr", "port", "sport", "dport"];
    private static readonly string[] Shown = ["vf", "proto", "Host addr", "Host saddr", "Host daddr", "port", "sport", "dport"];

    private readonly ConditionalWeakTable<CliSession, Dictionary<string, string>> _filters = [];

    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "diagnose debug flow filter",
                "Trace packet flow filter: [clear | negate FIELD | FIELD VALUE [VALUE]].",
                Permissions.System.Read,
                new CliArguments(0, 3),
                Filter
            ),
            new("diagnose debug flow show function-name", "Show function name.", Permissions.System.Read, CliArguments.One, Switch),
            new("diagnose debug flow show iprope", "Show trace messages about iprope.", Permissions.System.Read, CliArguments.One, Switch),
            new(
                "diagnose debug flow trace start",
                "Start trace: [COUNT].",
                Permissions.System.Read,
                CliArguments.Optional,
                call =>
                    call.Arguments is [var word] && !CallArguments.TryNumber(word, 1, PacketsMax, out _)
                        ? CliPaths.ParseError(word)
                        : NothingToTrace
            ),
            new("diagnose debug flow trace stop", "Stop trace.", Permissions.System.Read, CliArguments.None, _ => ""),
        ];

    private static CliReply Switch(CliCall call) =>
        call.Arguments[0] is "enable" or "disable" ? "" : CliPaths.ParseError(call.Arguments[0]);

    private CliReply Filter(CliCall call)
    {
        var filter = _filters.GetValue(call.Session, _ => []);
        switch (call.Arguments)
        {
            case []:
                return string.Concat(Fields.Select((field, at) => $"{Shown[at]}: {filter.GetValueOrDefault(field, "any")}\n"));
            case ["clear"]:
                filter.Clear();
                return "";
            case ["negate", var negated]:
                return Fields.Contains(negated) ? "" : CliPaths.ParseError(negated);
        }
        if (!CliPaths.TryMatch(call.Arguments[0], Fields, out var name, out var unknown))
        {
            return unknown!;
        }
        if (call.Arguments.Count == 1)
        {
            filter.Remove(name);
            return "";
        }
        foreach (var value in call.Arguments.Skip(1))
        {
            if (
                !(
                    name.EndsWith("addr", StringComparison.Ordinal)
                        ? IPAddress.TryParse(value, out _)
                        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                )
            )
            {
                return CliPaths.ParseError(value);
            }
        }
        filter[name] = string.Join('-', call.Arguments.Skip(1));
        return "";
    }
}
