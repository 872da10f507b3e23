using System.Globalization;
using System.Text.RegularExpressions;

namespace Appliance.Tests.Mutants;

/// <summary>The options of the command line.</summary>
internal sealed partial record Options
{
    /// <summary>The parts of the product that decide: where defects are put.</summary>
    public static readonly string[] Areas =
    [
        "firmware/Tokens",
        "firmware/Login",
        "firmware/Ftm",
        "firmware/Radius",
        "firmware/Config",
        "firmware/Storage",
        "firmware/Vpn",
        "hal",
        "sim/Doubles/FortiAuthenticator",
        "sim/Doubles/Phones",
        "sim/Doubles/Providers",
        "sim/Doubles/PushProxy",
    ];

    /// <summary>
    /// Tests that are not run: they take minutes, or need a part that the copy does not have (a browser's page, a booted image).
    /// </summary>
    public static readonly string[] Left =
    [
        "Appliance.Tests.Page.*",
        "Appliance.Tests.Box.*",
        "Appliance.Tests.ArrowTests",
        "Appliance.Tests.EndToEnd.SoakTests",
        "Appliance.Tests.EndToEnd.KillTests",
        "Appliance.Tests.EndToEnd.SlowCallerTests",
        "Appliance.Tests.Boards.SlotTests",
    ];

    /// <summary>Tests that --quick leaves out in addition: whole labs, other programs, and tests with a long list of cases.</summary>
    private static readonly string[] Slow =
    [
        "Appliance.Tests.EndToEnd.*",
        "Appliance.Tests.Scenarios.*",
        "Appliance.Tests.Fuzz.*",
        "Appliance.Tests.Radius.RadSec*",
        "Appliance.Tests.Radius.FreeRadiusTests",
        "Appliance.Tests.Cli.TmuxTests",
    ];

    public int Count { get; private set; } = 150;

    public int Seed { get; private set; } = 1;

    public int Lanes { get; private set; } = 2;

    public IReadOnlyList<string> In { get; private set; } = Areas;

    public bool List { get; private set; }

    /// <summary>The names of the defects to try again; null for all.</summary>
    public IReadOnlySet<string>? Again { get; private set; }

    /// <summary>The tests that take part, as xunit's class filters; none for all.</summary>
    public IReadOnlyList<string> Tests { get; private set; } = [];

    /// <summary>The excluded test classes.</summary>
    public IReadOnlyList<string> Without { get; private set; } = Left;

    public double AtLeast { get; private set; } = 85;

    /// <summary>Null for a word that is not known.</summary>
    public static Options? Of(string[] words)
    {
        var options = new Options();
        for (var at = 0; at < words.Length; at++)
        {
            var value = at + 1 < words.Length ? words[at + 1] : "";
            var number = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var read) ? read : -1;
            switch (words[at])
            {
                case "--quick":
                    options.Without = [.. Left, .. Slow];
                    break;
                case "--list":
                    options.List = true;
                    break;
                case "--again" when File.Exists(value):
                    options.Again = Survivors(value);
                    at++;
                    break;
                case "--tests" when value.Length > 0:
                    options.Tests = value.Split(',');
                    at++;
                    break;
                case "--count" when number > 0:
                    options.Count = number;
                    at++;
                    break;
                case "--seed" when number >= 0:
                    options.Seed = number;
                    at++;
                    break;
                case "--lanes" when number is > 0 and < 64:
                    options.Lanes = number;
                    at++;
                    break;
                case "--at-least" when number is >= 0 and <= 100:
                    options.AtLeast = number;
                    at++;
                    break;
                case "--in" when value.Length > 0:
                    options.In = value.TrimEnd('/').Split(',');
                    at++;
                    break;
                default:
                    return null;
            }
        }
        return options;
    }

    // A row of the report: "SURVIVED  #7 file:line member: original  ->  defective  [why]".
    private static HashSet<string> Survivors(string report) =>
        File.ReadLines(report)
            .Select(line => SurvivorLine().Match(line))
            .Where(match => match.Success)
            .Select(match => $"{match.Groups[1].Value}{match.Groups[2].Value}")
            .ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex(@"^.*SURVIVED  #\d+ (\S+):\d+( .*)  \[[^\[]*\]$")]
    private static partial Regex SurvivorLine();
}
