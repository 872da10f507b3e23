using System.Globalization;

namespace Appliance.Tests.Mutants;

/// <summary>The report that is printed at the end.</summary>
internal static class Report
{
    /// <summary>Prints the survivors, the areas and the figure; writes all to a file.</summary>
    /// <returns>1 when fewer than wanted were found.</returns>
    public static int Print(IReadOnlyList<Result> results, Options options, string file)
    {
        File.WriteAllLines(
            file,
            results.Select((result, id) => $"{(result.Found ? "found   " : "SURVIVED")}  #{id} {result.Defect}  [{result.How}]")
        );
        Console.WriteLine();
        foreach (var result in results.Where(result => !result.Found))
        {
            Console.WriteLine($"SURVIVED  {result.Defect}  [{result.How}]");
        }
        Console.WriteLine();
        foreach (var area in results.GroupBy(result => result.Defect.Area))
        {
            Console.WriteLine($"{area.Key,-20} {area.Count(result => result.Found),4} of {area.Count(),4}");
        }
        var found = results.Count(result => result.Found);
        var percent = results.Count == 0 ? 0 : 100.0 * found / results.Count;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"mutants: {found} of {results.Count} defects are found by the tests, {percent:0.0} %; wanted are {options.AtLeast:0} %"
            )
        );
        return percent >= options.AtLeast ? 0 : 1;
    }
}
