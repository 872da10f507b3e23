using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Appliance.Tests.Style;

/// <summary>The sizes of files, functions and types.</summary>
internal static class Sizes
{
    private const int LargestFile = 400;
    private const int LargestFunction = 70;
    private const int LargestType = 500;

    /// <summary>Finds what exceeds its limit.</summary>
    public static IEnumerable<Violation> Find(IReadOnlyList<SourceFile> files)
    {
        var types = new Dictionary<string, (int Lines, string Place)>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (file.Lines > LargestFile)
            {
                yield return Excess(file.Name, file.Lines, LargestFile, file.Name);
            }
            foreach (var function in Functions(file.Root))
            {
                if (LinesOf(function) is > LargestFunction and var lines)
                {
                    var place = $"{file.Name}:{SourceFile.LineOf(function)}";
                    yield return Excess($"{file.Name}:{NameOf(function)}", lines, LargestFunction, place);
                }
            }
            foreach (var type in file.Root.DescendantNodes().OfType<TypeDeclarationSyntax>())
            {
                // Programs may have types of one name; the first folder tells them apart.
                var name = $"{file.Name.Split('/')[0]}:{FullNameOf(type)}";
                types[name] = (LinesOf(type) + types.GetValueOrDefault(name).Lines, file.Name);
            }
        }
        foreach (var (name, type) in types.Where(type => type.Value.Lines > LargestType))
        {
            yield return Excess(name, type.Lines, LargestType, type.Place);
        }
    }

    /// <summary>The members that have statements or an expression; local functions and lambdas are parts of theirs.</summary>
    private static IEnumerable<MemberDeclarationSyntax> Functions(CompilationUnitSyntax root) =>
        root.DescendantNodes()
            .OfType<MemberDeclarationSyntax>()
            .Where(member => member is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax);

    /// <summary>The lines of a declaration without its attributes and comments.</summary>
    private static int LinesOf(MemberDeclarationSyntax member)
    {
        var first = member.AttributeLists is [.., var last] ? last.GetLastToken().GetNextToken() : member.GetFirstToken();
        var lines = member.SyntaxTree.GetLineSpan(Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(first.SpanStart, member.Span.End));
        return lines.EndLinePosition.Line - lines.StartLinePosition.Line + 1;
    }

    private static string NameOf(MemberDeclarationSyntax member) =>
        member switch
        {
            MethodDeclarationSyntax method => method.Identifier.Text,
            ConstructorDeclarationSyntax constructor => constructor.Identifier.Text + ".new",
            PropertyDeclarationSyntax property => property.Identifier.Text,
            _ => member.Kind().ToString(),
        };

    private static string FullNameOf(TypeDeclarationSyntax type) =>
        string.Join(
            '.',
            type.AncestorsAndSelf()
                .Select(node =>
                    node switch
                    {
                        TypeDeclarationSyntax one => $"{one.Identifier.Text}{one.TypeParameterList}",
                        BaseNamespaceDeclarationSyntax one => one.Name.ToString(),
                        _ => null,
                    }
                )
                .OfType<string>()
                .Reverse()
        );

    private static Violation Excess(string name, int lines, int limit, string place) =>
        new(name, lines, $"{place}: {name} has {lines} lines, at most {limit}");
}
