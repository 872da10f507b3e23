namespace Appliance.Tests.Style;

/// <summary>The order of members, and one assignment a line in constructors.</summary>
internal static class LayoutRules
{
    /// <summary>The violations, by file.</summary>
    public static IEnumerable<Violation> Find(IReadOnlyList<SourceFile> files) =>
        files
            .Select(file => (file.Name, Faults: Assignments.Find(file).Concat(MemberOrder.Find(file)).ToList()))
            .Where(file => file.Faults.Count > 0)
            .Select(file => new Violation(
                file.Name,
                file.Faults.Count,
                string.Join('\n', file.Faults.Select(fault => $"{file.Name}:{fault.Line}: {fault.Text}"))
            ));

    /// <summary>Rewrites the files that violate a rule. Returns the exit code.</summary>
    public static int Fix(IReadOnlyList<SourceFile> files, string root)
    {
        foreach (var file in files)
        {
            var text = MemberOrder.Fix(file with { Text = Assignments.Fix(file) });
            if (text != file.Text)
            {
                File.WriteAllText(Path.Combine(root, file.Name), text);
                Console.WriteLine(file.Name);
            }
        }
        return 0;
    }
}

/// <summary>A violation of a rule.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Text">What was found, and what was expected.</param>
internal sealed record Fault(int Line, string Text);
