namespace Appliance.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder of Appliance.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The path of a file or folder of the checkout.</summary>
    /// <param name="path">The path below the root, with forward slashes.</param>
    public static string PathOf(string path) => Path.Combine(Root, path);

    /// <summary>All C# sources that are not output of a build.</summary>
    public static IEnumerable<string> Sources() => SourcesIn("");

    /// <summary>The C# sources of a folder and of all folders below it, without the output of a build.</summary>
    public static IEnumerable<string> SourcesIn(string folder) =>
        Directory.EnumerateFiles(PathOf(folder), "*.cs", SearchOption.AllDirectories).Where(file => !IsBuilt(file));

    private static bool IsBuilt(string file) =>
        file.Contains("/obj/", StringComparison.Ordinal)
        || file.Contains("/bin/", StringComparison.Ordinal)
        || Path.GetRelativePath(Root, file).StartsWith(".build/", StringComparison.Ordinal);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Appliance.sln")))
        {
            folder = folder.Parent!;
        }
        return folder.FullName;
    }
}
