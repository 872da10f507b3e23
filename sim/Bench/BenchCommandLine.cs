using System.CommandLine;
using Appliance.Bench.Soak;

namespace Appliance.Bench;

/// <summary>The verbs of the benchmark program.</summary>
internal static class BenchCommandLine
{
    /// <summary>The root command with every verb.</summary>
    public static RootCommand Create() =>
        new(
            """
            Measures the appliance: the figures that the documents quote.

            Example: run bench --list
            """
        )
        {
            BenchVerb.Create(),
            SoakVerb.Create(),
        };
}
