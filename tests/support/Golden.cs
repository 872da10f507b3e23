using System.Runtime.CompilerServices;
using Xunit;

namespace Appliance.Tests;

/// <summary>Files with the expected output, beside the test that reads them. UPDATE_GOLDEN=1 rewrites them.</summary>
internal static class Golden
{
    public static bool Updates => Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1";

    public static string Folder([CallerFilePath] string test = "") => Path.Combine(Path.GetDirectoryName(test)!, "Golden");

    public static void AssertSame(string name, string actual, [CallerFilePath] string test = "")
    {
        var file = Path.Combine(Folder(test), name);
        if (Updates)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
        }
        Assert.Equal(File.ReadAllText(file), actual);
    }
}
