using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Appliance.Tests.Mutants;

/// <summary>
/// Every defect that can be put into one file: a condition forced, a check dropped, a bound or a constant moved by one, a statement or an
/// arm left
/// out, a sum inverted. It inspects the syntax alone. A defect that does not compile is dropped later.
/// </summary>
/// <param name="file">Path below the root.</param>
/// <param name="fixedNames">The names of constants that C# requires to be constants somewhere.</param>
internal sealed class DefectFinder(string file, IReadOnlySet<string> fixedNames) : CSharpSyntaxWalker
{
    private static readonly Dictionary<SyntaxKind, string> Moved = new()
    {
        [SyntaxKind.LessThanExpression] = "<=",
        [SyntaxKind.LessThanOrEqualExpression] = "<",
        [SyntaxKind.GreaterThanExpression] = ">=",
        [SyntaxKind.GreaterThanOrEqualExpression] = ">",
        [SyntaxKind.AddExpression] = "-",
        [SyntaxKind.SubtractExpression] = "+",
    };

    private static readonly Dictionary<string, string> Swapped = new(StringComparer.Ordinal)
    {
        ["Min"] = "Max",
        ["Max"] = "Min",
        ["First"] = "Last",
        ["Last"] = "First",
        ["FirstOrDefault"] = "LastOrDefault",
        ["LastOrDefault"] = "FirstOrDefault",
        ["Any"] = "All",
        ["All"] = "Any",
        ["OrderBy"] = "OrderByDescending",
        ["OrderByDescending"] = "OrderBy",
        ["Ordinal"] = "OrdinalIgnoreCase",
        ["OrdinalIgnoreCase"] = "Ordinal",
    };

    /// <summary>Calls whose absence changes no decision of the product.</summary>
    private static readonly string[] Unobserved =
    [
        "Dispose",
        "DisposeAsync",
        "ConfigureAwait",
        "ThrowIf",
        "SuppressFinalize",
        "KeepAlive",
        "Trace",
        "Debug",
    ];

    private readonly List<Defect> _found = [];

    /// <summary>The defects of a file, in the order of its text.</summary>
    public static IReadOnlyList<Defect> In(string file, SyntaxNode root, IReadOnlySet<string> fixedNames)
    {
        var finder = new DefectFinder(file, fixedNames);
        finder.Visit(root);
        return finder._found;
    }

    /// <summary>The names in places where the language requires a constant.</summary>
    public static IEnumerable<string> FixedNames(SyntaxNode root) =>
        root.DescendantNodes()
            .Where(node =>
                node
                    is AttributeSyntax
                        or EnumMemberDeclarationSyntax
                        or CaseSwitchLabelSyntax
                        or ConstantPatternSyntax
                        or RelationalPatternSyntax
                || (node is FieldDeclarationSyntax field && field.Modifiers.Any(SyntaxKind.ConstKeyword))
                || (node is LocalDeclarationStatementSyntax local && local.IsConst)
                || (node is EqualsValueClauseSyntax { Parent: ParameterSyntax })
            )
            .SelectMany(node => node.DescendantNodes().OfType<IdentifierNameSyntax>())
            .Select(name => name.Identifier.Text);

    public override void VisitAttributeList(AttributeListSyntax node) { }

    public override void VisitEnumDeclaration(EnumDeclarationSyntax node) { }

    public override void VisitParameter(ParameterSyntax node) { }

    public override void VisitFieldDeclaration(FieldDeclarationSyntax node)
    {
        var constant = node.Modifiers.Any(SyntaxKind.ConstKeyword);
        if (!constant && !node.Modifiers.Any(SyntaxKind.StaticKeyword))
        {
            base.VisitFieldDeclaration(node);
            return;
        }
        // It is computed once or never; a property in its place is computed for each test.
        if (
            node.Declaration.Variables is [{ Initializer.Value: { } value } variable]
            && node.Declaration.Type.ToString() is "int" or "long" or "double" or "TimeSpan" or "ushort" or "byte" or "uint"
            && (!constant || !fixedNames.Contains(variable.Identifier.Text))
        )
        {
            var modifiers = string.Join(
                ' ',
                node.Modifiers.Where(word => !word.IsKind(SyntaxKind.ConstKeyword) && !word.IsKind(SyntaxKind.ReadOnlyKeyword))
                    .Select(word => word.Text)
            );
            var head = $"{modifiers} {(constant ? "static " : "")}{node.Declaration.Type} {variable.Identifier.Text} => ";
            Constants(node, value, head, ";", variable.Identifier.Text + " = ");
        }
    }

    public override void VisitPropertyDeclaration(PropertyDeclarationSyntax node)
    {
        if (node.Initializer is null || !node.Modifiers.Any(SyntaxKind.StaticKeyword))
        {
            base.VisitPropertyDeclaration(node);
        }
    }

    public override void VisitLocalDeclarationStatement(LocalDeclarationStatementSyntax node)
    {
        if (!node.IsConst)
        {
            base.VisitLocalDeclarationStatement(node);
        }
    }

    public override void VisitConstructorDeclaration(ConstructorDeclarationSyntax node)
    {
        if (!node.Modifiers.Any(SyntaxKind.StaticKeyword))
        {
            base.VisitConstructorDeclaration(node);
        }
    }

    public override void VisitIfStatement(IfStatementSyntax node)
    {
        Forced(node.Condition);
        base.VisitIfStatement(node);
    }

    public override void VisitWhileStatement(WhileStatementSyntax node)
    {
        Forced(node.Condition, toTrue: false);
        base.VisitWhileStatement(node);
    }

    public override void VisitConditionalExpression(ConditionalExpressionSyntax node)
    {
        Forced(node.Condition);
        base.VisitConditionalExpression(node);
    }

    public override void VisitCatchFilterClause(CatchFilterClauseSyntax node)
    {
        Forced(node.FilterExpression);
        base.VisitCatchFilterClause(node);
    }

    public override void VisitReturnStatement(ReturnStatementSyntax node)
    {
        Negated(node.Expression);
        base.VisitReturnStatement(node);
    }

    public override void VisitArrowExpressionClause(ArrowExpressionClauseSyntax node)
    {
        Negated(node.Expression);
        base.VisitArrowExpressionClause(node);
    }

    public override void VisitBinaryExpression(BinaryExpressionSyntax node)
    {
        var kind = node.Kind();
        if (kind == SyntaxKind.LogicalAndExpression)
        {
            Forced(node.Left, toFalse: false);
            Forced(node.Right, toFalse: false);
        }
        else if (kind == SyntaxKind.LogicalOrExpression)
        {
            Forced(node.Left, toTrue: false);
            Forced(node.Right, toTrue: false);
        }
        else if (
            Moved.TryGetValue(kind, out var other)
            && !Declares(node)
            && !node.DescendantNodes()
                .Any(inner => inner is InterpolatedStringExpressionSyntax || inner.IsKind(SyntaxKind.StringLiteralExpression))
        )
        {
            Add(node, node, $"{node.Left} {other} {node.Right}", $"({{0}} ? {Raw(node.Left)} {other} {Raw(node.Right)} : {Raw(node)})");
        }
        base.VisitBinaryExpression(node);
    }

    public override void VisitIsPatternExpression(IsPatternExpressionSyntax node)
    {
        if (!Declares(node))
        {
            foreach (var bound in node.Pattern.DescendantNodesAndSelf().OfType<RelationalPatternSyntax>())
            {
                var sign = bound.OperatorToken.Text;
                var at = bound.OperatorToken.SpanStart - node.SpanStart;
                var moved = node.ToString().Remove(at, sign.Length).Insert(at, sign.EndsWith('=') ? sign[..1] : sign + "=");
                Add(node, node, moved, $"({{0}} ? {Escaped(moved)} : {Raw(node)})");
            }
        }
        base.VisitIsPatternExpression(node);
    }

    public override void VisitSwitchExpressionArm(SwitchExpressionArmSyntax node)
    {
        if (node.WhenClause is { } when)
        {
            Forced(when.Condition);
        }
        else if (node.Pattern is not DiscardPatternSyntax)
        {
            Add(node, node.Pattern, "(arm left out)", $"{Raw(node.Pattern)} when !{{0}}", node.Pattern);
        }
        Visit(node.Expression);
    }

    public override void VisitLiteralExpression(LiteralExpressionSyntax node)
    {
        if (
            node.Ancestors()
                .Any(outer =>
                    outer is PatternSyntax or SwitchLabelSyntax or StackAllocArrayCreationExpressionSyntax
                    || (outer is InitializerExpressionSyntax list && list.Expressions.Count > 4)
                    || (outer is CollectionExpressionSyntax { Elements.Count: > 4 })
                )
        )
        {
            return;
        }
        if (node.IsKind(SyntaxKind.TrueLiteralExpression) || node.IsKind(SyntaxKind.FalseLiteralExpression))
        {
            if (
                node.Parent is not ArgumentSyntax { NameColon: not null }
                && node.Parent?.Parent?.Parent
                    is not InvocationExpressionSyntax
                    {
                        Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "ConfigureAwait" }
                    }
            )
            {
                Add(node, node, node.IsKind(SyntaxKind.TrueLiteralExpression) ? "false" : "true", $"({{0}} ^ {node})");
            }
        }
        else if (Number(node) is { } number)
        {
            Add(node, node, $"{number} + 1", $"({{0}} ? {node} + 1 : {node})");
            if (number is not "0")
            {
                Add(node, node, $"{number} - 1", $"({{0}} ? {node} - 1 : {node})");
            }
        }
    }

    public override void VisitExpressionStatement(ExpressionStatementSyntax node)
    {
        var inner = node.Expression is AwaitExpressionSyntax awaited ? awaited.Expression : node.Expression;
        var name = inner.DescendantNodesAndSelf().OfType<InvocationExpressionSyntax>().FirstOrDefault()?.Expression.ToString() ?? "";
        if (
            !Declares(node)
            && !Unobserved.Any(word => name.Contains(word, StringComparison.Ordinal))
            && node.Parent is BlockSyntax or SwitchSectionSyntax
        )
        {
            Add(
                node,
                node,
                "(left out)",
                $"if (!{{0}}) {{{{ {Raw(node)} }}}}"
                    .Replace("{{", "{", StringComparison.Ordinal)
                    .Replace("}}", "}", StringComparison.Ordinal)
            );
        }
        base.VisitExpressionStatement(node);
    }

    public override void VisitIdentifierName(IdentifierNameSyntax node)
    {
        if (
            !Swapped.TryGetValue(node.Identifier.Text, out var other)
            || node.Parent is not MemberAccessExpressionSyntax access
            || access.Name != node
        )
        {
            return;
        }
        if (access.Parent is InvocationExpressionSyntax call && call.Expression == access && !Declares(call))
        {
            if (call.ArgumentList.Arguments.Count > 0 || node.Identifier.Text is not ("Any" or "All"))
            {
                var changed = $"{access.Expression}.{other}{call.ArgumentList}";
                Add(call, call, changed, $"({{0}} ? {Escaped(changed)} : {Raw(call)})");
            }
        }
        else if (access.Expression.ToString() is "StringComparison" or "StringComparer")
        {
            Add(access, access, $"{access.Expression}.{other}", $"({{0}} ? {access.Expression}.{other} : {access})");
        }
    }

    private void Constants(SyntaxNode whole, ExpressionSyntax value, string head, string tail, string shown)
    {
        foreach (var literal in value.DescendantNodesAndSelf().OfType<LiteralExpressionSyntax>())
        {
            if (Number(literal) is { } number)
            {
                foreach (var step in number is "0" ? ["+ 1"] : new[] { "+ 1", "- 1" })
                {
                    var changed = value
                        .ToString()
                        .Remove(literal.SpanStart - value.SpanStart, literal.Span.Length)
                        .Insert(literal.SpanStart - value.SpanStart, $"({literal} {step})");
                    Add(whole, whole, shown + changed, head + $"{{0}} ? {Escaped(changed)} : {Raw(value)}" + tail, value, shown + value);
                }
            }
        }
    }

    private static string? Number(LiteralExpressionSyntax literal) =>
        literal.IsKind(SyntaxKind.NumericLiteralExpression) ? Convert.ToString(literal.Token.Value, CultureInfo.InvariantCulture) : null;

    /// <summary>A condition that is always true or always false. Its declarations remain if the following code needs them.</summary>
    private void Forced(ExpressionSyntax condition, bool toTrue = true, bool toFalse = true)
    {
        var declares = Declares(condition);
        var negative =
            condition is IsPatternExpressionSyntax { Pattern: UnaryPatternSyntax } or PrefixUnaryExpressionSyntax
            || condition.IsKind(SyntaxKind.LogicalOrExpression);
        if (toTrue && (!declares || negative))
        {
            Add(condition, condition, "true", $"({Raw(condition)} || {{0}})");
        }
        if (toFalse && (!declares || !negative))
        {
            Add(condition, condition, "false", $"({Raw(condition)} && !{{0}})");
        }
    }

    /// <summary>True for an expression of type bool, as far as the syntax shows.</summary>
    private void Negated(ExpressionSyntax? result)
    {
        if (
            result is IsPatternExpressionSyntax
            || (
                result is BinaryExpressionSyntax binary
                && binary.Kind()
                    is SyntaxKind.EqualsExpression
                        or SyntaxKind.NotEqualsExpression
                        or SyntaxKind.LogicalAndExpression
                        or SyntaxKind.LogicalOrExpression
                        or SyntaxKind.LessThanExpression
                        or SyntaxKind.GreaterThanExpression
                        or SyntaxKind.LessThanOrEqualExpression
                        or SyntaxKind.GreaterThanOrEqualExpression
            )
        )
        {
            Add(result, result, "true", $"(({Raw(result)}) || {{0}})");
            Add(result, result, "false", $"(({Raw(result)}) && !{{0}})");
        }
    }

    private static bool Declares(SyntaxNode node) =>
        node.DescendantNodesAndSelf()
            .Any(inner =>
                inner is SingleVariableDesignationSyntax or DeclarationExpressionSyntax or ParenthesizedVariableDesignationSyntax
            );

    private static string Raw(SyntaxNode node) => Escaped(node.ToString());

    // A template is no composite format: only "{0}" has a meaning, and interpolated strings in the source may hold it.
    private static string Escaped(string text) => text.Replace("{0}", "{(0)}", StringComparison.Ordinal);

    private void Add(SyntaxNode at, SyntaxNode span, string defective, string template, SyntaxNode? where = null, string? original = null)
    {
        if (
            span.ToString().Contains("OperatingSystem.", StringComparison.Ordinal)
            || at.Ancestors()
                .Any(outer =>
                    outer is InvocationExpressionSyntax call
                    && (call.Expression.ToString() is "nameof" || call.Expression.ToString().Contains("ThrowIf", StringComparison.Ordinal))
                )
        )
        {
            return;
        }
        var type = at.Ancestors().OfType<BaseTypeDeclarationSyntax>().FirstOrDefault()?.Identifier.Text ?? "";
        var member = at.AncestorsAndSelf().OfType<MemberDeclarationSyntax>().FirstOrDefault() switch
        {
            MethodDeclarationSyntax method => method.Identifier.Text,
            PropertyDeclarationSyntax property => property.Identifier.Text,
            FieldDeclarationSyntax field => field.Declaration.Variables[0].Identifier.Text,
            ConstructorDeclarationSyntax => "constructor",
            var other => other?.Kind().ToString() ?? "",
        };
        _found.Add(
            new Defect(
                file,
                span.SpanStart,
                span.Span.Length,
                (where ?? span).GetLocation().GetLineSpan().StartLinePosition.Line + 1,
                $"{type}.{member}",
                OneLine(original ?? span.ToString()),
                OneLine(defective),
                template
            )
        );
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
