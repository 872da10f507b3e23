using Appliance.Hal;

namespace Appliance.Lab.Scenarios;

/// <summary>What somebody may have meant.</summary>
internal static class NearestWord
{
    /// <summary>The nearest of the known words, or all of them when none is near.</summary>
    public static string Hint(string word, IEnumerable<string> known)
    {
        string[] words = [.. known];
        return Spelling.Nearest(word, words) is { } near ? $"did you mean '{near}'?" : $"known: {string.Join(", ", words)}";
    }
}
