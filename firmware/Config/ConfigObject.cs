using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>
/// One object (a single table, or an entry of a list), immutable. Holds only what differs from the schema's default;
/// reading an attribute that is not held gives the default.
/// </summary>
public sealed class ConfigObject
{
    private readonly ImmutableDictionary<string, ImmutableArray<string>> _values;
    private readonly ImmutableDictionary<string, ConfigTable> _children;

    /// <summary>An object with every attribute at its default.</summary>
    public ConfigObject(TableSchema schema)
        : this(schema, ImmutableDictionary<string, ImmutableArray<string>>.Empty, ImmutableDictionary<string, ConfigTable>.Empty) { }

    private ConfigObject(TableSchema schema, ImmutableDictionary<string, ImmutableArray<string>> values, ImmutableDictionary<string, ConfigTable> children)
    {
        Schema = schema;
        _values = values;
        _children = children;
    }

    /// <summary>The table that this object belongs to.</summary>
    public TableSchema Schema { get; }

    /// <summary>The words of an attribute: one for a plain value, any number for a multi-value; secrets in clear.</summary>
    /// <exception cref="ArgumentException">The schema has no such attribute: a mistake of ours.</exception>
    public ImmutableArray<string> Words(string attribute)
    {
        var schema = Schema.Attribute(attribute) ?? throw new ArgumentException($"{Schema.Path} has no attribute {attribute}");
        return _values.TryGetValue(attribute, out var words) ? words : schema.Default;
    }

    /// <summary>True when the attribute holds something else than its default.</summary>
    public bool IsSet(string attribute) => _values.ContainsKey(attribute);

    /// <summary>False for an attribute at its default whose condition is not met: it is not shown.</summary>
    public bool Applies(AttributeSchema attribute) => attribute.When is not { } condition || IsSet(attribute.Name) || condition.Values.Contains(Text(condition.Attribute));

    /// <summary>A plain value, or "" when it is empty.</summary>
    public string Text(string attribute) => Words(attribute) is [var first, ..] ? first : "";

    /// <summary>A number; the schema has already checked its range.</summary>
    public long Number(string attribute) => long.TryParse(Text(attribute), out var number) ? number : 0;

    /// <summary>True when an enable/disable option says <c>enable</c>.</summary>
    public bool Enabled(string attribute) => Text(attribute) == "enable";

    /// <summary>The entries of a nested table (<c>config members</c> inside an entry); empty when there are none.</summary>
    public ConfigTable Children(string table) =>
        _children.TryGetValue(table, out var children) ? children : new ConfigTable(Schema.Child(table) ?? throw new ArgumentException($"{Schema.Path} has no table {table}"));

    /// <summary>This object with another value; the default value (or none) makes it unset.</summary>
    public ConfigObject With(string attribute, ImmutableArray<string> words)
    {
        var schema = Schema.Attribute(attribute) ?? throw new ArgumentException($"{Schema.Path} has no attribute {attribute}");
        return new(Schema, words.AsSpan().SequenceEqual(schema.Default.AsSpan()) ? _values.Remove(attribute) : _values.SetItem(attribute, words), _children);
    }

    /// <summary>This object with the attribute at its default.</summary>
    public ConfigObject Without(string attribute) => new(Schema, _values.Remove(attribute), _children);

    /// <summary>This object with another nested table.</summary>
    public ConfigObject WithChildren(string table, ConfigTable children) => new(Schema, _values, _children.SetItem(table, children));
}
