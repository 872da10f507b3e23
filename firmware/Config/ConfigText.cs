using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>Writes configuration as the commands that make it: the form of <c>show</c> and of the saved file.</summary>
/// <param name="seal">Encrypts a secret; called anew for each one that is written.</param>
/// <param name="full">True shows defaults, too.</param>
internal sealed class ConfigText(Func<string, string> seal, bool full = false)
{
    private readonly StringBuilder _text = new();

    /// <summary>What was written.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>Every table that holds something, or those of them that may be seen.</summary>
    internal ConfigText Tree(ConfigTree tree, Func<TableSchema, bool>? maySee = null)
    {
        foreach (var table in (full ? tree.Schema.Paths : tree.HeldPaths).Select(path => tree.Schema.Table(path)!).Where(table => maySee?.Invoke(table) != false))
        {
            if (full || (table.IsList ? tree.List(table.Path).Count > 0 : !IsDefault(tree.Object(table.Path))))
            {
                Table(tree, table);
            }
        }
        return this;
    }

    /// <summary>One table, or one entry of it.</summary>
    internal ConfigText Table(ConfigTree tree, TableSchema table, string? onlyKey = null)
    {
        if (table.IsList)
        {
            List(table.Path, tree.List(table.Path), 0, onlyKey);
        }
        else
        {
            Object(table.Path, tree.Object(table.Path), 0);
        }
        return this;
    }

    /// <summary>A list, at a depth of nesting.</summary>
    internal void List(string path, ConfigTable table, int depth, string? onlyKey = null)
    {
        Line(depth, $"config {path}");
        foreach (var (key, entry) in table.Entries)
        {
            if (onlyKey is null || onlyKey == key)
            {
                Entry(key, entry, depth + 1);
            }
        }
        Line(depth, "end");
    }

    /// <summary>An entry with its edit and next.</summary>
    internal void Entry(string key, ConfigObject entry, int depth)
    {
        Line(depth, $"edit {(entry.Schema.NumericKey ? key : ConfigWords.Quote(key))}");
        Body(entry, depth + 1);
        Line(depth, "next");
    }

    /// <summary>A single object with its config and end.</summary>
    internal void Object(string path, ConfigObject value, int depth)
    {
        Line(depth, $"config {path}");
        Body(value, depth + 1);
        Line(depth, "end");
    }

    /// <summary>The value part of a <c>set</c>.</summary>
    internal string Value(AttributeSchema attribute, ConfigObject value)
    {
        var words = value.Words(attribute.Name);
        if (words.Length == 0 || (words.Length == 1 && words[0].Length == 0))
        {
            return "''";
        }
        if (attribute.Secret)
        {
            return "ENC " + seal(words[0]);
        }
        return attribute.Kind == ValueKind.Text ? string.Join(' ', words.Select(word => attribute.Bare && (attribute.Joins ? word.Split(' ').All(NeedsNoQuotes) : NeedsNoQuotes(word)) ? word : ConfigWords.Quote(word))) : string.Join(' ', words);
    }

    private void Body(ConfigObject value, int depth)
    {
        foreach (var attribute in value.Schema.Attributes)
        {
            if (attribute.Name == value.Schema.Key || !Shows(attribute, value))
            {
                continue;
            }
            Line(depth, value.Words(attribute.Name).Length == 0 && attribute.Multi ? $"unset {attribute.Name}" : $"set {attribute.Name} {Value(attribute, value)}");
        }
        foreach (var child in value.Schema.Children)
        {
            var entries = value.Children(child.Path);
            if (child.IsList && entries.Count > 0)
            {
                List(child.Path, entries, depth);
            }
            else if (entries.Find("") is { } single && (full || !IsDefault(single)))
            {
                Object(child.Path, single, depth);
            }
        }
    }

    /// <summary>
    /// What is set, what is always shown, and in full whatever counts; of those an empty number, choice or address is left out: there is
    /// no word for it.
    /// </summary>
    private bool Shows(AttributeSchema attribute, ConfigObject value) =>
        value.IsSet(attribute.Name)
        || ((full || attribute.Always) && value.Applies(attribute) && (value.Text(attribute.Name).Length > 0 || attribute.Kind == ValueKind.Text || attribute.Multi));

    private static bool NeedsNoQuotes(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or ':' or '/' or '-' or '_' or '+');

    private static bool IsDefault(ConfigObject value) =>
        value.Schema.Attributes.All(attribute => !value.IsSet(attribute.Name)) && value.Schema.Children.All(child => value.Children(child.Path).Count == 0);

    private void Line(int depth, string text) => _text.Append(' ', depth * 4).Append(text).Append('\n');
}
