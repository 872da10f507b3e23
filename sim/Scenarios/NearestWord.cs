namespace Appliance.Sim.Scenarios;

/// <summary>What somebody may have meant.</summary>
internal static class NearestWord
{
    /// <summary>A hint with the nearest of the known words, or with all of them when none is near.</summary>
    public static string Hint(string word, IEnumerable<string> known)
    {
        string[] words = [.. known];
        var nearest = words.MinBy(candidate => Distance(word, candidate));
        return nearest is not null && Distance(word, nearest) <= Math.Max(2, word.Length / 3) ? $"did you mean '{nearest}'?" : $"known: {string.Join(", ", words)}";
    }

    /// <summary>How many letters are to be changed, put in or taken out (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }
        return row[^1];
    }
}
