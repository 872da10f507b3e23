namespace Appliance.Tests.Fuzz;

/// <summary>The inputs in the tree: good ones to begin from, and every one that ever broke a promise.</summary>
internal static class Corpus
{
    /// <summary>The inputs of a target by name, in order of names.</summary>
    public static IReadOnlyList<(string Name, byte[] Input)> Of(FuzzTarget target)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "corpus", target.Name);
        return Directory.Exists(folder)
            ?
            [
                .. Directory
                    .EnumerateFiles(folder)
                    .Order(StringComparer.Ordinal)
                    .Select(file => (Path.GetFileName(file), File.ReadAllBytes(file))),
            ]
            : [];
    }
}
