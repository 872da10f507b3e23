using Appliance.Hal;

namespace Appliance.Lab.Scenarios;

/// <summary>Suggestions for misspelled words.</summary>
internal static class NearestWord
{
    /// <summary>Returns the nearest of the known words, or all of them if none is near.</summary>
    public static string Hint(string word, IEnumerable<string> known)
    {
        string[] words = [.. known];
        return Spelling.Nearest(word, words) is { } near ? $"did you mean '{near}'?" : $"known: {string.Join(", ", words)}";
    }
}
