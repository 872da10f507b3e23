namespace Appliance.Hal;

/// <summary>Suggestions for misspelled words.</summary>
public static class Spelling
{
    /// <summary>
    /// Returns the known word with the smallest edit distance from a misspelled one. The limit is a third of its letters, but at
    /// least 1. Null if no word is that close.
    /// </summary>
    public static string? Nearest(string wrong, ReadOnlySpan<string> known)
    {
        string? nearest = null;
        var least = Math.Max(1, wrong.Length / 3) + 1;
        foreach (var word in known)
        {
            // A word whose length differs by more than the limit needs no table, which would be large for a very long word.
            if (Math.Abs(wrong.Length - word.Length) < least && Distance(wrong, word) is var distance && distance < least)
            {
                (nearest, least) = (word, distance);
            }
        }
        return nearest;
    }

    /// <summary>Counts the letters to replace, insert or delete, ignoring case. Two transposed letters count as one.</summary>
    private static int Distance(string left, string right)
    {
        var table = new int[left.Length + 1, right.Length + 1];
        for (var row = 0; row <= left.Length; row++)
        {
            for (var column = 0; column <= right.Length; column++)
            {
                if (row == 0 || column == 0)
                {
                    table[row, column] = row + column;
                    continue;
                }
                var same = Same(left[row - 1], right[column - 1]);
                table[row, column] = Math.Min(
                    table[row - 1, column - 1] + (same ? 0 : 1),
                    Math.Min(table[row - 1, column], table[row, column - 1]) + 1
                );
                if (row > 1 && column > 1 && Same(left[row - 1], right[column - 2]) && Same(left[row - 2], right[column - 1]))
                {
                    table[row, column] = Math.Min(table[row, column], table[row - 2, column - 2] + 1);
                }
            }
        }
        return table[left.Length, right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
