using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary><c>tree</c>: what a branch can hold. Sizes of texts are one more than their limit, as the device prints them.</summary>
internal static class CliTree
{
    /// <summary>A table and everything in it.</summary>
    internal static string Of(TableSchema table)
    {
        var text = new StringBuilder("-- ");
        Append(text, table, 3);
        return text.ToString();
    }

    private static void Append(StringBuilder text, TableSchema table, int column)
    {
        var name = table.Path[(table.Path.LastIndexOf(' ') + 1)..];
        var head = table.IsList ? $"[{name}] --*{table.Key}{Size(table.Attribute(table.Key!))}" : $"<{name}> --";
        text.Append(head).Append('\n');
        column += name.Length + 3;
        var attributes = table.Attributes.Where(attribute => attribute.Name != table.Key).ToArray();
        for (var at = 0; at < attributes.Length + table.Children.Length; at++)
        {
            text.Append(' ', column).Append(at == attributes.Length + table.Children.Length - 1 ? "+- " : "|- ");
            if (at < attributes.Length)
            {
                text.Append(attributes[at].Required ? "*" : "").Append(attributes[at].Name).Append(Size(attributes[at])).Append('\n');
            }
            else
            {
                Append(text, table.Children[at - attributes.Length], column + 3);
            }
        }
    }

    private static string Size(AttributeSchema? attribute) => attribute switch
    {
        { Kind: ValueKind.Number } => $"  ({attribute.Min},{attribute.Max})",
        { Kind: ValueKind.Text, MaxLength: > 0 } => $"  ({attribute.MaxLength + 1})",
        _ => "",
    };
}
