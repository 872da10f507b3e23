using System.Collections.Immutable;
using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// One object (a single table, or an entry of a list), immutable. Holds only what differs from the schema's default;
/// reading an attribute that is not held gives the default.
/// </summary>
public sealed class ConfigObject
{
    /// <summary>What is held, in the schema's order.</summary>
    private readonly Held[] _values;
    private readonly (string Name, ConfigTable Table)[] _children;

    /// <summary>An object with every attribute at its default.</summary>
    public ConfigObject(TableSchema schema) : this(schema, [], []) { }

    private ConfigObject(TableSchema schema, Held[] values, (string, ConfigTable)[] children)
    {
        Schema = schema;
        _values = values;
        _children = children;
    }

    private readonly record struct Held(int Attribute, ImmutableArray<string> Words);

    /// <summary>The table that this object belongs to.</summary>
    public TableSchema Schema { get; }

    /// <summary>True when nothing differs from the default.</summary>
    internal bool IsDefault => _values.Length == 0 && _children.All(child => child.Table.Count == 0);

    /// <summary>What the saved file says of it, when it is a single object; null before the first save.</summary>
    internal SavedText? Saved { get; set; }

    /// <summary>The words of an attribute: one for a plain value, any number for a multi-value; secrets in clear.</summary>
    /// <exception cref="ArgumentException">The schema has no such attribute: a mistake of ours.</exception>
    public ImmutableArray<string> Words(string attribute) => Words(Known(attribute));

    /// <summary>The words of an attribute of this object's own schema.</summary>
    internal ImmutableArray<string> Words(AttributeSchema attribute) => Find(attribute.Index) is >= 0 and var at ? _values[at].Words : attribute.Default;

    /// <summary>True when the attribute holds something else than its default.</summary>
    public bool IsSet(string attribute) => Schema.Attribute(attribute) is { } known && IsSet(known);

    /// <summary>True when the attribute holds something else than its default.</summary>
    internal bool IsSet(AttributeSchema attribute) => Find(attribute.Index) >= 0;

    /// <summary>What is held, attribute by attribute, in the schema's order.</summary>
    internal IEnumerable<(AttributeSchema Attribute, ImmutableArray<string> Words)> Values => _values.Select(held => (Schema.Attributes[held.Attribute], held.Words));

    /// <summary>False for an attribute at its default whose condition is not met: it is not shown.</summary>
    public bool Applies(AttributeSchema attribute) => attribute.When is not { } condition || IsSet(attribute) || condition.Values.Contains(Text(condition.Attribute));

    /// <summary>A plain value, or "" when it is empty.</summary>
    public string Text(string attribute) => Words(attribute) is [var first, ..] ? first : "";

    /// <summary>A number; the schema has already checked its range.</summary>
    public long Number(string attribute) => long.TryParse(Text(attribute), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>True when an enable/disable option says <c>enable</c>.</summary>
    public bool Enabled(string attribute) => Text(attribute) == "enable";

    /// <summary>The entries of a nested table (<c>config members</c> inside an entry); empty when there are none.</summary>
    public ConfigTable Children(string table)
    {
        foreach (var (name, held) in _children)
        {
            if (name == table)
            {
                return held;
            }
        }
        return (Schema.Child(table) ?? throw new ArgumentException($"{Schema.Path} has no table {table}")).EmptyTable;
    }

    /// <summary>The nested tables that hold something.</summary>
    internal IEnumerable<ConfigTable> HeldChildren => _children.Select(child => child.Table);

    /// <summary>This object with another value; the default value makes it unset.</summary>
    public ConfigObject With(string attribute, ImmutableArray<string> words) => With(Known(attribute), words);

    /// <summary>This object with another value of an attribute of its own schema.</summary>
    internal ConfigObject With(AttributeSchema attribute, ImmutableArray<string> words)
    {
        if (words.AsSpan().SequenceEqual(attribute.Default.AsSpan()))
        {
            return Without(attribute);
        }
        var at = Find(attribute.Index);
        if (at >= 0)
        {
            if (_values[at].Words.AsSpan().SequenceEqual(words.AsSpan()))
            {
                return this;
            }
            var replaced = _values.AsSpan().ToArray();
            replaced[at] = new(attribute.Index, words);
            return new(Schema, replaced, _children);
        }
        var values = new Held[_values.Length + 1];
        _values.AsSpan(0, ~at).CopyTo(values);
        values[~at] = new(attribute.Index, words);
        _values.AsSpan(~at).CopyTo(values.AsSpan(~at + 1));
        return new(Schema, values, _children);
    }

    /// <summary>This object with the attribute at its default.</summary>
    public ConfigObject Without(string attribute) => Without(Known(attribute));

    /// <summary>This object with another nested table.</summary>
    public ConfigObject WithChildren(string table, ConfigTable children)
    {
        if (ReferenceEquals(Children(table), children))
        {
            return this;
        }
        return new(Schema, _values, children.Count == 0
            ? [.. _children.Where(child => child.Name != table)]
            : [.. _children.Where(child => child.Name != table), (table, children)]);
    }

    private ConfigObject Without(AttributeSchema attribute)
    {
        var at = Find(attribute.Index);
        return at < 0 ? this : new(Schema, [.. _values.AsSpan(0, at), .. _values.AsSpan(at + 1)], _children);
    }

    private AttributeSchema Known(string attribute) => Schema.Attribute(attribute) ?? throw new ArgumentException($"{Schema.Path} has no attribute {attribute}");

    /// <summary>Where an attribute is held, or the complement of where it would be.</summary>
    private int Find(int attribute)
    {
        for (var at = 0; at < _values.Length; at++)
        {
            if (_values[at].Attribute >= attribute)
            {
                return _values[at].Attribute == attribute ? at : ~at;
            }
        }
        return ~_values.Length;
    }
}
