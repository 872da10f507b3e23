using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// <c>tree</c>: prints the attributes and tables of a branch. Text sizes are one more than their limit, as the device prints them. The
/// position of children under a branch that is neither a table nor an object is *assumed*.
/// </summary>
internal static class CliTree
{
    /// <summary>Formats a table with its attributes and child tables.</summary>
    internal static string Of(TableSchema table) => Print(Branch(table));

    /// <summary>
    /// Formats tables under their common branches; their paths share the first <paramref name="skip"/> words, of which the last is shown.
    /// </summary>
    internal static string Of(IReadOnlyList<TableSchema> tables, int skip) =>
        tables is [var only]
            ? Of(only)
            : Print(
                Group(
                    skip == 0 ? "" : tables[0].Path.Split(' ')[skip - 1],
                    [.. tables.Select(table => (table.Path.Split(' '), (Node?)Branch(table)))],
                    skip
                )
            );

    /// <summary>Formats the commands of a verb below a path.</summary>
    internal static string Of(string verb, FollowedPath followed) =>
        Print(
            Group(
                followed.Depth == 0 ? verb : followed.Open[0][followed.Depth - 1],
                [.. followed.Open.Select(path => (path, (Node?)null))],
                followed.Depth
            )
        );

    private static Node Group(string name, IReadOnlyList<(string[] Path, Node? Node)> under, int depth)
    {
        var children = new List<Node>();
        foreach (var group in under.Where(entry => entry.Path.Length > depth).GroupBy(entry => entry.Path[depth], StringComparer.Ordinal))
        {
            // A table's own node represents its last word; deeper paths form a separate branch.
            children.AddRange(group.Where(entry => entry.Path.Length == depth + 1).Select(entry => entry.Node ?? new Node(group.Key, [])));
            if (group.Where(entry => entry.Path.Length > depth + 1).ToArray() is { Length: > 0 } deeper)
            {
                children.Add(Group(group.Key, deeper, depth + 1));
            }
        }
        return new Node(name, children);
    }

    private static Node Branch(TableSchema table)
    {
        var name = table.Path[(table.Path.LastIndexOf(' ') + 1)..];
        var key = table.Key is null ? [] : new[] { new Node(table.Key + KeySize(table.Attribute(table.Key)), [], Starred: true) };
        return new Node(
            table.IsList ? $"[{name}]" : $"<{name}>",
            [
                .. key,
                .. table
                    .Attributes.Where(attribute => attribute.Name != table.Key)
                    .Select(attribute => new Node(attribute.Name + Size(attribute), [], attribute.Required)),
                .. table.Children.Select(Branch),
            ]
        );
    }

    private static string Print(Node root)
    {
        var text = new StringBuilder("-- ");
        Append(text, root, 3);
        return text.ToString();
    }

    /// <summary>Prints the first child on the line of its parent and the others below it.</summary>
    private static void Append(StringBuilder text, Node node, int column)
    {
        text.Append(node.Name);
        column += node.Name.Length + (node.Name.Length > 0 ? 1 : 0);
        for (var at = 0; at < node.Children.Count; at++)
        {
            if (at == 0)
            {
                text.Append(node.Name.Length > 0 ? " --" : "--");
            }
            else
            {
                text.Append(' ', column).Append(at == node.Children.Count - 1 ? "+-" : "|-");
            }
            text.Append(node.Children[at].Starred ? '*' : ' ');
            Append(text, node.Children[at], column + 3);
        }
        if (node.Children.Count == 0)
        {
            text.Append('\n');
        }
    }

    private static string KeySize(AttributeSchema? key) =>
        key switch
        {
            { Kind: ValueKind.Number } => $"  ({key.Min},{key.Max})",
            { MaxLength: > 0 } => $"  ({key.MaxLength + 1})",
            _ => "",
        };

    private static string Size(AttributeSchema attribute) =>
        attribute switch
        {
            { Kind: ValueKind.Number } => $"  ({attribute.Min},{attribute.Max})",
            { Kind: ValueKind.Text, MaxLength: > 0 } => $" ({attribute.MaxLength + 1})",
            _ => "",
        };

    private sealed record Node(string Name, IReadOnlyList<Node> Children, bool Starred = false);
}
