using System.Globalization;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary>What commands have in common about the words after their own.</summary>
internal static class CallArguments
{
    internal static readonly ConfigError Incomplete = new(-160, "incomplete command in the end");

    /// <summary>Null when there are at most so many; else the error about the first one too many.</summary>
    internal static CliReply? AtMost(this CliCall call, int count) => call.Arguments.Count <= count ? (CliReply?)null : CliPaths.ParseError(call.Arguments[count]);

    /// <summary>A command without arguments.</summary>
    internal static CliCommand Plain(string words, string help, Func<CliReply> run) => new(words, help, call => call.AtMost(0) ?? run());

    /// <summary>A whole number within bounds.</summary>
    internal static bool TryNumber(string word, int min, int max, out int number) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;
}
