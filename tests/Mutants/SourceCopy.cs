using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Appliance.Tests.Mutants;

/// <summary>
/// The copy of the sources with all chosen defects in it, behind their switch, and its one build. The product's sources are unchanged.
/// </summary>
internal sealed partial class SourceCopy(string root, string folder)
{
    /// <summary>The projects whose tests are witnesses: by folder, the name of the assembly.</summary>
    private static readonly (string Folder, string Assembly)[] Projects = [("unit", "Appliance.UnitTests"), ("lab", "Appliance.LabTests")];

    /// <summary>The programs of its tests.</summary>
    public IReadOnlyList<string> Tests =>
        [.. Projects.Select(project => Path.Combine(folder, $"tests/{project.Folder}/bin/Release/net10.0/{project.Assembly}.dll"))];

    /// <summary>
    /// Updates the copy from the work tree and inserts the defects. A file is written only if it differs, so that the build is incremental.
    /// </summary>
    public void Write(IReadOnlyList<Defect> defects)
    {
        var wanted = Run("git", root, "ls-files", "-co", "--exclude-standard")
            .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(file => File.Exists(Path.Combine(root, file)))
            .ToDictionary(file => file, file => Path.Combine(root, file));
        wanted["hal/Mutant.cs"] = Path.Combine(root, "tests/Mutants/Runtime/Mutant.cs");
        foreach (var project in Projects)
        {
            wanted[$"tests/{project.Folder}/MutantReach.cs"] = Path.Combine(root, "tests/Mutants/Runtime/MutantReach.cs");
        }
        foreach (var (file, from) in wanted)
        {
            var there = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(there)!);
            if (defects.Any(defect => defect.File == file))
            {
                var text = WithDefects(file, File.ReadAllText(from), defects);
                if (!File.Exists(there) || File.ReadAllText(there) != text)
                {
                    File.WriteAllText(there, text);
                }
            }
            else if (!File.Exists(there) || !File.ReadAllBytes(from).AsSpan().SequenceEqual(File.ReadAllBytes(there)))
            {
                File.Copy(from, there, overwrite: true);
                File.SetLastWriteTimeUtc(there, TimeProvider.System.GetUtcNow().UtcDateTime);
            }
        }
        foreach (
            var old in Directory
                .EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder, path))
                .Where(path => !wanted.ContainsKey(path) && !path.Contains("/obj/", StringComparison.Ordinal))
        )
        {
            File.Delete(Path.Combine(folder, old));
        }
    }

    /// <summary>Builds; the errors are files and lines of the copy, none when it succeeded.</summary>
    public IReadOnlyList<(string File, int Line, string Error)> Build() =>
        Projects.Select(project => Build($"tests/{project.Folder}/{project.Assembly}.csproj")).FirstOrDefault(errors => errors.Count > 0, []);

    /// <summary>The defects that can have caused an error in a line of the copy: those on it, else the constant that it names.</summary>
    public static IEnumerable<int> Blamed(IReadOnlyList<Defect> defects, string file, int line, string text) =>
        defects
            .Select((defect, id) => (defect, id))
            .Where(each => text.Contains($"Mutant.Is({each.id})", StringComparison.Ordinal))
            .Select(each => each.id)
            .DefaultIfEmpty(defects.ToList().FindIndex(defect => defect.File == file && Math.Abs(defect.Line - line) <= 3))
            .Concat(
                defects
                    .Select((defect, id) => (defect, id))
                    .Where(each =>
                        each.defect.Template.Contains(" => ", StringComparison.Ordinal)
                        && text.Contains(each.defect.Member.Split('.')[1], StringComparison.Ordinal)
                    )
                    .Select(each => each.id)
            )
            .Where(id => id >= 0);

    /// <summary>A line of the copy.</summary>
    public string Line(string file, int line) => File.ReadLines(Path.Combine(folder, file)).Skip(line - 1).FirstOrDefault("");

    private List<(string File, int Line, string Error)> Build(string project)
    {
        var (code, output) = Run(
            "dotnet",
            folder,
            "build",
            project,
            "-c",
            "Release",
            "-v",
            "q",
            "-nologo",
            "-p:RunAnalyzers=false",
            "-p:EnforceCodeStyleInBuild=false",
            "-p:TreatWarningsAsErrors=false",
            "-clp:NoSummary"
        );
        var errors = ErrorLine()
            .Matches(output)
            .Select(match =>
                (
                    Path.GetRelativePath(folder, match.Groups[1].Value),
                    int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture),
                    match.Groups[3].Value.Trim()
                )
            )
            .Distinct()
            .ToList();
        return code == 0 ? []
            : errors.Count > 0 ? errors
            : throw new InvalidOperationException($"the copy does not build:\n{output}");
    }

    private static string WithDefects(string file, string text, IReadOnlyList<Defect> defects)
    {
        foreach (
            var (defect, id) in defects
                .Select((defect, id) => (defect, id))
                .Where(each => each.defect.File == file)
                .OrderByDescending(each => each.defect.Start)
        )
        {
            text = text.Remove(defect.Start, defect.Length)
                .Insert(defect.Start, defect.Text(id).Replace("{(0)}", "{0}", StringComparison.Ordinal));
        }
        return text;
    }

    private static (int Code, string Output) Run(string program, string inFolder, params string[] words)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, words) { WorkingDirectory = inFolder, RedirectStandardOutput = true }
        )!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    [GeneratedRegex(@"^\s*(/[^(\n]+)\((\d+),\d+\): error ([^\[\n]+)", RegexOptions.Multiline)]
    private static partial Regex ErrorLine();
}
