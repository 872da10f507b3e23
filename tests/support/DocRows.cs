using Xunit;

namespace Appliance.Tests;

/// <summary>
/// Tables in the documentation that repeat the rows of the code. They are between the comments <c>rows: NAME</c> and <c>end of rows</c>.
/// UPDATE_GOLDEN=1 writes them.
/// </summary>
internal static class DocRows
{
    /// <summary>Compares a table with the rows of the code; a failure names what is missing or superfluous in the page.</summary>
    /// <param name="page">The page's path in the repository.</param>
    /// <param name="name">The name of the table.</param>
    /// <param name="head">The first line of the table.</param>
    /// <param name="rows">The cells of each row, in order.</param>
    public static void AssertSame(string page, string name, string head, IEnumerable<string[]> rows)
    {
        var file = Repository.PathOf(page);
        string[] expected =
        [
            head,
            string.Concat(Enumerable.Repeat("|---", head.Count(character => character == '|') - 1)) + "|",
            .. rows.Select(cells => $"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |"),
        ];
        var lines = File.ReadAllLines(file);
        var first = Array.IndexOf(lines, $"<!-- rows: {name} -->") + 1;
        Assert.True(first > 0, $"{page} has no table of {name}");
        var end = Array.IndexOf(lines, "<!-- end of rows -->", first);
        if (Golden.Updates)
        {
            File.WriteAllLines(file, [.. lines[..first], "", .. expected, "", .. lines[end..]]);
            return;
        }
        var written = lines[first..end].Where(line => line.Length > 0).ToArray();
        var missing = expected.Except(written).Select(line => $"missing: {line}");
        var superfluous = written.Except(expected).Select(line => $"superfluous: {line}");
        var differences = string.Join('\n', missing.Concat(superfluous));
        Assert.True(differences.Length == 0, $"{page} (UPDATE_GOLDEN=1 writes the table)\n{differences}");
        Assert.Equal(expected, written);
    }
}
