using Appliance.Tests.Style;

if (args is not [("sizes" or "order") and var check, var root, .. var rest] || rest is not ([] or ["--all" or "--update" or "--fix"]))
{
    Console.Error.WriteLine("usage: sizes ROOT [--all | --update], order ROOT [--all | --update | --fix]");
    return 2;
}
var files = SourceFile.All(root).ToList();
var option = rest.FirstOrDefault();
return option == "--fix"
    ? LayoutRules.Fix(files, root)
    : Ratchet.Report(check == "sizes" ? Sizes.Find(files) : LayoutRules.Find(files), $"scripts/{check}", root, option);
