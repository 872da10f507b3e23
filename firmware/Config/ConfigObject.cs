using System.Collections.Immutable;
using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// One object (a single table, or an entry of a list). Immutable. Stores only values that differ from the schema's default; reading any
/// other attribute returns the default.
/// </summary>
public sealed class ConfigObject
{
    /// <summary>The stored values, in the schema's order.</summary>
    private readonly Held[] _values;
    private readonly (string Name, ConfigTable Table)[] _children;

    /// <summary>Creates an object with every attribute at its default.</summary>
    public ConfigObject(TableSchema schema)
        : this(schema, [], []) { }

    private ConfigObject(TableSchema schema, Held[] values, (string, ConfigTable)[] children)
    {
        Schema = schema;
        _values = values;
        _children = children;
    }

    /// <summary>The table that this object belongs to.</summary>
    public TableSchema Schema { get; }

    /// <summary>Returns the words of an attribute: one for a plain value, any number for a multi-value; secrets in clear text.</summary>
    /// <exception cref="ArgumentException">The schema has no such attribute: a programming error.</exception>
    public ImmutableArray<string> Words(string attribute) => Words(Known(attribute));

    /// <summary>True if the attribute differs from its default.</summary>
    public bool IsSet(string attribute) => Schema.Attribute(attribute) is { } known && IsSet(known);

    /// <summary>False for an attribute at its default whose condition is not met; it is not shown.</summary>
    public bool Applies(AttributeSchema attribute) =>
        attribute.When is not { } condition || IsSet(attribute) || condition.Values.Contains(Text(condition.Attribute));

    /// <summary>Returns a plain value, or "" if it is empty.</summary>
    public string Text(string attribute) => Words(attribute) is [var first, ..] ? first : "";

    /// <summary>Returns a number; the schema has already checked its range. 0 if the value is not a number.</summary>
    public long Number(string attribute) =>
        long.TryParse(Text(attribute), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>True if an enable/disable option is <c>enable</c>.</summary>
    public bool Enabled(string attribute) => Text(attribute) == "enable";

    /// <summary>Returns the entries of a nested table (<c>config members</c> inside an entry); empty if there are none.</summary>
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

    /// <summary>Returns this object with another value; the default value unsets the attribute.</summary>
    public ConfigObject With(string attribute, ImmutableArray<string> words) => With(Known(attribute), words);

    /// <summary>Returns this object with the attribute at its default.</summary>
    public ConfigObject Without(string attribute) => Without(Known(attribute));

    /// <summary>Returns this object with another nested table.</summary>
    public ConfigObject WithChildren(string table, ConfigTable children)
    {
        if (ReferenceEquals(Children(table), children))
        {
            return this;
        }
        return new(
            Schema,
            _values,
            children.Count == 0
                ? [.. _children.Where(child => child.Name != table)]
                : [.. _children.Where(child => child.Name != table), (table, children)]
        );
    }

    /// <summary>True if every attribute is at its default and there are no nested entries.</summary>
    internal bool IsDefault => _values.Length == 0 && _children.All(child => child.Table.Count == 0);

    /// <summary>The text of a single object in the saved file; null before the first save.</summary>
    internal SavedText? Saved { get; set; }

    /// <summary>Returns the words of an attribute of this object's schema.</summary>
    internal ImmutableArray<string> Words(AttributeSchema attribute) =>
        Find(attribute.Index) is >= 0 and var at ? _values[at].Words : attribute.Default;

    /// <summary>True if the attribute differs from its default.</summary>
    internal bool IsSet(AttributeSchema attribute) => Find(attribute.Index) >= 0;

    /// <summary>The values that differ from their defaults, in the schema's order.</summary>
    internal IEnumerable<(AttributeSchema Attribute, ImmutableArray<string> Words)> Values =>
        _values.Select(held => (Schema.Attributes[held.Attribute], held.Words));

    /// <summary>The nested tables that have entries.</summary>
    internal IEnumerable<ConfigTable> HeldChildren => _children.Select(child => child.Table);

    /// <summary>Returns this object with another value of an attribute of its schema.</summary>
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

    private ConfigObject Without(AttributeSchema attribute)
    {
        var at = Find(attribute.Index);
        return at < 0 ? this : new(Schema, [.. _values.AsSpan(0, at), .. _values.AsSpan(at + 1)], _children);
    }

    private AttributeSchema Known(string attribute) =>
        Schema.Attribute(attribute) ?? throw new ArgumentException($"{Schema.Path} has no attribute {attribute}");

    /// <summary>Returns the index of an attribute's value, or the complement of its insertion index.</summary>
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

    private readonly record struct Held(int Attribute, ImmutableArray<string> Words);
}
