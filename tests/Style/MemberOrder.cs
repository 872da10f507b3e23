using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Appliance.Tests.Style;

/// <summary>
/// The order of a type's members: constants and static fields, fields, constructors, public members, other members, nested types.
/// A static property with an initial value counts as a static field, because both are initialized in the order of their text.
/// Within a group the order is free.
/// </summary>
internal static class MemberOrder
{
    private static readonly string[] Groups =
    [
        "a constant or static field",
        "a field",
        "a constructor",
        "a public member",
        "a member",
        "a nested type",
    ];

    /// <summary>The members that follow one of a later group; at most one for each type.</summary>
    public static IEnumerable<Fault> Find(SourceFile file)
    {
        foreach (var type in Types(file.Root))
        {
            var ranks = type.Members.Select(RankOf).ToList();
            for (var at = 1; at < ranks.Count; at++)
            {
                if (ranks[at] < ranks[at - 1])
                {
                    yield return new(
                        SourceFile.LineOf(type.Members[at]),
                        $"{type.Identifier.Text}: {Groups[ranks[at]]} stands before {Groups[ranks[at - 1]]}"
                    );
                    break;
                }
            }
        }
    }

    /// <summary>The text with the members of each type in order, each with its comments and attributes.</summary>
    public static string Fix(SourceFile file)
    {
        var text = file.Text;
        // From the innermost and last type outward; each rewrite changes only what is inside its own braces.
        for (var round = 0; ; round++)
        {
            var root = CSharpSyntaxTree.ParseText(text).GetCompilationUnitRoot();
            var type = Types(root)
                .Where(one => !one.Members.Select(RankOf).SequenceEqual(one.Members.Select(RankOf).Order()))
                .OrderByDescending(one => one.SpanStart)
                .FirstOrDefault();
            if (type is null)
            {
                return text;
            }
            text = text[..type.Members[0].FullSpan.Start] + Sorted(type) + text[type.Members[^1].FullSpan.End..];
        }
    }

    private static string Sorted(TypeDeclarationSyntax type)
    {
        var before = type.Members.ToList();
        var after = before.OrderBy(RankOf).ToList();
        var text = new System.Text.StringBuilder();
        for (var at = 0; at < after.Count; at++)
        {
            var member = after[at];
            if (at > 0 && NeedsBlankLine(before, after[at - 1], member))
            {
                text.Append('\n');
            }
            text.Append(member.ToFullString().TrimStart('\n'));
        }
        return text.ToString();
    }

    private static bool NeedsBlankLine(List<MemberDeclarationSyntax> before, MemberDeclarationSyntax first, MemberDeclarationSyntax second)
    {
        if (before.IndexOf(second) == before.IndexOf(first) + 1)
        {
            return second.ToFullString().StartsWith('\n');
        }
        var plain =
            !second.GetLeadingTrivia().ToString().Contains('/', StringComparison.Ordinal)
            && !second.ToString().Contains('\n', StringComparison.Ordinal);
        return !plain || !first.IsKind(SyntaxKind.FieldDeclaration) || RankOf(first) != RankOf(second);
    }

    /// <summary>Classes, structs and records. The order in an interface is free, and a conditional part stays where it is.</summary>
    private static IEnumerable<TypeDeclarationSyntax> Types(CompilationUnitSyntax root) =>
        root.DescendantNodes()
            .OfType<TypeDeclarationSyntax>()
            .Where(type => type is not InterfaceDeclarationSyntax && type.Members.Count > 1 && !type.ContainsDirectives);

    private static int RankOf(MemberDeclarationSyntax member) =>
        member switch
        {
            FieldDeclarationSyntax => IsStatic(member) ? 0 : 1,
            PropertyDeclarationSyntax { Initializer: not null } when IsStatic(member) => 0,
            ConstructorDeclarationSyntax => 2,
            BaseTypeDeclarationSyntax or DelegateDeclarationSyntax => 5,
            _ => IsPublic(member) ? 3 : 4,
        };

    private static bool IsStatic(MemberDeclarationSyntax member) =>
        member.Modifiers.Any(SyntaxKind.StaticKeyword) || member.Modifiers.Any(SyntaxKind.ConstKeyword);

    private static bool IsPublic(MemberDeclarationSyntax member) =>
        member.Modifiers.Any(SyntaxKind.PublicKeyword)
        || member
            is MethodDeclarationSyntax { ExplicitInterfaceSpecifier: not null }
                or BasePropertyDeclarationSyntax { ExplicitInterfaceSpecifier: not null };
}
