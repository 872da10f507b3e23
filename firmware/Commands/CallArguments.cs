using System.Globalization;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary>Helpers for the arguments that follow a command's own words.</summary>
internal static class CallArguments
{
    internal static readonly ConfigError Incomplete = new(-160, "incomplete command in the end");

    /// <summary>Returns null if there are at most this many arguments; otherwise the error about the first surplus one.</summary>
    internal static CliReply? AtMost(this CliCall call, int count) =>
        call.Arguments.Count <= count ? (CliReply?)null : CliPaths.ParseError(call.Arguments[count]);

    /// <summary>Creates a command without arguments.</summary>
    internal static CliCommand Plain(string words, string help, Func<CliReply> run) => new(words, help, call => call.AtMost(0) ?? run());

    /// <summary>Parses a whole number within bounds.</summary>
    internal static bool TryNumber(string word, int min, int max, out int number) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;
}
