using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Appliance.Tests.Style;

/// <summary>A C# file of the repository.</summary>
/// <param name="Name">The path below the root, with slashes.</param>
/// <param name="Text">The content.</param>
internal sealed record SourceFile(string Name, string Text)
{
    private static readonly string[] Skipped = ["bin", "obj", "node_modules"];

    /// <summary>The parsed content.</summary>
    public CompilationUnitSyntax Root { get; } = CSharpSyntaxTree.ParseText(Text).GetCompilationUnitRoot();

    /// <summary>The number of lines.</summary>
    public int Lines => Text.AsSpan().Count('\n');

    /// <summary>Every C# file of the repository, ordered by name; build output and hidden folders are left out.</summary>
    public static IEnumerable<SourceFile> All(string root) =>
        Below(new DirectoryInfo(root))
            .Select(file => new SourceFile(Path.GetRelativePath(root, file.FullName), File.ReadAllText(file.FullName)))
            .OrderBy(file => file.Name, StringComparer.Ordinal);

    /// <summary>The line of a node, from 1.</summary>
    public static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;

    private static IEnumerable<FileInfo> Below(DirectoryInfo folder) =>
        folder
            .EnumerateDirectories()
            .Where(inner => !Skipped.Contains(inner.Name) && !inner.Name.StartsWith('.'))
            .SelectMany(Below)
            .Concat(folder.EnumerateFiles("*.cs"));
}
