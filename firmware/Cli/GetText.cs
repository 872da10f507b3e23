using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The layout of <c>get</c>: names and values, defaults included, secrets masked.</summary>
internal static class GetText
{
    private const int NameWidth = 20;
    private const int Indent = 4;

    /// <summary>Formats an object: one line per attribute, ended by a space; nested tables are indented below their name.</summary>
    internal static string Of(ConfigObject value, string? key)
    {
        var text = new StringBuilder();
        Append(text, value, key, 0);
        return text.ToString();
    }

    /// <summary>Formats a table: a header and one long line per entry.</summary>
    internal static string Of(ConfigTable table)
    {
        var text = new StringBuilder();
        Append(text, table, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, ConfigObject value, string? key, int indent)
    {
        foreach (var attribute in InOrder(value.Schema).Where(value.Applies))
        {
            text.Append(' ', indent)
                .Append(attribute.Name.PadRight(NameWidth))
                .Append(": ")
                .Append(Shown(value, attribute, key))
                .Append(" \n");
        }
        foreach (var child in value.Schema.Children)
        {
            text.Append(' ', indent).Append(child.Path).Append(":\n");
            if (child.IsList)
            {
                Append(text, value.Children(child.Path), indent + Indent);
            }
            else
            {
                Append(text, value.Children(child.Path).Find("") ?? new ConfigObject(child), null, indent + Indent);
            }
        }
    }

    private static void Append(StringBuilder text, ConfigTable table, int indent)
    {
        foreach (var (key, entry) in table.Entries)
        {
            text.Append(' ', indent).Append("== [ ").Append(key).Append(" ]\n").Append(' ', indent);
            // Three spaces follow a text or an address, four a choice or a number.
            foreach (var attribute in table.Schema.Summary.Length > 0 ? [] : table.Schema.Attributes.Where(entry.Applies))
            {
                Append(text, entry, attribute, key);
            }
            foreach (var listed in table.Schema.Summary)
            {
                var (name, absent) = listed.Split('=') is [var named, var value] ? (named, value) : (listed, null);
                if (table.Schema.Attribute(name) is { } attribute)
                {
                    Append(text, entry, attribute, key);
                }
                else if (absent is not null)
                {
                    text.Append(name).Append(": ").Append(absent).Append(' ', 4);
                }
            }
            text.Append('\n');
        }
    }

    private static void Append(StringBuilder text, ConfigObject entry, AttributeSchema attribute, string key) =>
        text.Append(attribute.Name)
            .Append(": ")
            .Append(Shown(entry, attribute, key))
            .Append(' ', attribute.Kind is ValueKind.Option or ValueKind.Number ? 4 : 3);

    /// <summary>Returns the attributes in the order of <c>get</c>; attributes that this order omits come last.</summary>
    private static IEnumerable<AttributeSchema> InOrder(TableSchema table) =>
        table.IsList || table.Summary.IsEmpty
            ? table.Attributes
            : table.Summary.Select(table.Attribute).OfType<AttributeSchema>().Union(table.Attributes);

    private static string Shown(ConfigObject value, AttributeSchema attribute, string? key) =>
        attribute.Name == value.Schema.Key ? key ?? ""
        : attribute.Secret ? (value.Text(attribute.Name).Length > 0 ? "*" : "")
        : string.Join(' ', value.Words(attribute.Name));
}
