using Appliance.Tests.Mutants;

// Started by scripts/mutants, which describes it.
if (args is not [var root, .. var words] || Options.Of(words) is not { } options)
{
    Console.Error.WriteLine(
        "usage: scripts/mutants [--count N] [--seed N] [--lanes N] [--at-least PERCENT] [--in FOLDER,...] [--quick] [--list] "
            + "[--again REPORT] [--tests CLASS,...]"
    );
    return 2;
}
var work = Path.Combine(root, ".build/mutants");
var copy = new SourceCopy(root, Directory.CreateDirectory(Path.Combine(work, "src")).FullName);
var sample = new Sample(root, options);
foreach (var stale in sample.Stale)
{
    Console.Error.WriteLine(
        $"mutants: equivalent.json names no possible defect: {stale.File} {stale.Member}: {stale.Original}  ->  {stale.Defective}"
    );
}
if (sample.Stale.Count > 0)
{
    return 1;
}
if (options.List)
{
    sample.Chosen.ForEach(Console.WriteLine);
    return 0;
}
foreach (var old in new[] { "tmp", "reach" }.Select(name => Path.Combine(work, name)).Where(Directory.Exists))
{
    Directory.Delete(old, recursive: true);
}
Console.WriteLine($"{sample.Candidates} defects can be put into {sample.Files} files; {sample.Chosen.Count} are, by seed {options.Seed}");
while (true)
{
    copy.Write(sample.Chosen);
    var errors = copy.Build();
    if (errors.Count == 0)
    {
        break;
    }
    var blamed = errors
        .SelectMany(error => SourceCopy.Blamed(sample.Chosen, error.File, error.Line, copy.Line(error.File, error.Line)))
        .ToHashSet();
    if (blamed.Count == 0)
    {
        // An assignment that was left out is missed elsewhere in its file.
        blamed =
        [
            .. errors.SelectMany(error =>
                sample.Chosen.Select((defect, id) => (defect, id)).Where(each => each.defect.File == error.File).Select(each => each.id)
            ),
        ];
    }
    if (blamed.Count == 0)
    {
        Console.Error.WriteLine($"mutants: the copy does not build, and no defect is to blame: {string.Join('\n', errors.Take(5))}");
        return 1;
    }
    Console.WriteLine($"{blamed.Count} of them are no valid program and are replaced");
    sample.Replace(blamed);
}

using var run = new TestRun(copy, work);
var bench = new DefectBench(sample.Chosen, run, work, options);
await bench.FindReachAsync();
var results = await bench.RunAsync();
return Report.Print(results, options, Path.Combine(work, "report.txt"));
