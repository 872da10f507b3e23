using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Appliance.Tests.Style;

/// <summary>A constructor assigns each field on a line: a tuple assignment has at most two parts.</summary>
internal static class Assignments
{
    private const int Most = 2;

    /// <summary>The tuple assignments of constructors that are too long.</summary>
    public static IEnumerable<Fault> Find(SourceFile file) =>
        InConstructors(file.Root)
            .Select(found => new Fault(SourceFile.LineOf(found), "a constructor has one assignment a line"));

    /// <summary>The text with each of them as statements; one that reads what it assigns is left.</summary>
    public static string Fix(SourceFile file)
    {
        var text = file.Text;
        foreach (var found in InConstructors(file.Root).Where(IsIndependent).OrderByDescending(found => found.SpanStart))
        {
            var (left, right) = Parts(found);
            var line = text.LastIndexOf('\n', found.SpanStart) + 1;
            var constructor = found.Parent!.AncestorsAndSelf().OfType<ConstructorDeclarationSyntax>().First();
            if (found.Parent is ArrowExpressionClauseSyntax arrow)
            {
                var start = constructor.GetFirstToken().SpanStart;
                var indent = text[(text.LastIndexOf('\n', start) + 1)..start];
                var statements = left.Zip(right, (field, value) => $"{indent}    {field} = {value};\n");
                var before = arrow.ArrowToken.GetPreviousToken().Span.End;
                text = text[..before] + $"\n{indent}{{\n{string.Concat(statements)}{indent}}}" + text[constructor.Span.End..];
            }
            else
            {
                var indent = text[line..found.SpanStart];
                var statements = left.Zip(right, (field, value) => $"{field} = {value};");
                text = text[..found.SpanStart] + string.Join($"\n{indent}", statements) + text[found.Parent!.Span.End..];
            }
        }
        return text;
    }

    private static IEnumerable<AssignmentExpressionSyntax> InConstructors(CompilationUnitSyntax root) =>
        root.DescendantNodes()
            .OfType<ConstructorDeclarationSyntax>()
            .SelectMany(constructor => constructor.DescendantNodes().OfType<AssignmentExpressionSyntax>())
            .Where(found =>
                found is { Left: TupleExpressionSyntax left, Right: TupleExpressionSyntax right }
                && left.Arguments.Count > Most
                && left.Arguments.Count == right.Arguments.Count
                && found.Parent is ExpressionStatementSyntax or ArrowExpressionClauseSyntax
            );

    private static (IReadOnlyList<string> Left, IReadOnlyList<string> Right) Parts(AssignmentExpressionSyntax found) =>
        (
            [.. ((TupleExpressionSyntax)found.Left).Arguments.Select(part => part.ToString())],
            [.. ((TupleExpressionSyntax)found.Right).Arguments.Select(part => part.ToString())]
        );

    private static bool IsIndependent(AssignmentExpressionSyntax found)
    {
        var assigned = Parts(found).Left;
        return !found.Right.DescendantTokens().Any(token => assigned.Contains(token.Text));
    }
}
