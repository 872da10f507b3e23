using System.Globalization;

namespace Appliance.Firmware.Commands;

/// <summary>Parses the arguments that follow a command's own words.</summary>
internal static class CallArguments
{
    /// <summary>Parses a whole number within bounds.</summary>
    internal static bool TryNumber(string word, int min, int max, out int number) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;
}
