using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>The whole configuration at one moment. Immutable: a commit swaps one tree for another.</summary>
public sealed class ConfigTree
{
    private readonly ImmutableDictionary<string, ConfigObject> _objects;
    private readonly ImmutableDictionary<string, ConfigTable> _tables;

    /// <summary>A configuration with every table at its default.</summary>
    public ConfigTree(ConfigSchema schema) : this(schema, ImmutableDictionary<string, ConfigObject>.Empty, ImmutableDictionary<string, ConfigTable>.Empty) { }

    private ConfigTree(ConfigSchema schema, ImmutableDictionary<string, ConfigObject> objects, ImmutableDictionary<string, ConfigTable> tables)
    {
        Schema = schema;
        _objects = objects;
        _tables = tables;
    }

    /// <summary>The tables that there are.</summary>
    public ConfigSchema Schema { get; }

    /// <summary>The paths of the tables that ever held something, in the schema's order.</summary>
    public IEnumerable<string> HeldPaths => Schema.Paths.Where(path => _objects.ContainsKey(path) || _tables.ContainsKey(path));

    /// <summary>A single object by its path as typed, for example <c>system ftm-push</c>.</summary>
    public ConfigObject Object(string path) => _objects.GetValueOrDefault(path) ?? new ConfigObject(Table(path, isList: false));

    /// <summary>A list table by its path as typed, for example <c>user local</c>.</summary>
    public ConfigTable List(string path) => _tables.GetValueOrDefault(path) ?? new ConfigTable(Table(path, isList: true));

    /// <summary>This tree with a single object replaced.</summary>
    public ConfigTree With(string path, ConfigObject value) => new(Schema, _objects.SetItem(path, value), _tables);

    /// <summary>This tree with a list table replaced.</summary>
    public ConfigTree With(string path, ConfigTable value) => new(Schema, _objects, _tables.SetItem(path, value));

    private TableSchema Table(string path, bool isList) =>
        Schema.Table(path) is { } table && table.IsList == isList ? table : throw new ArgumentException($"no such {(isList ? "list" : "object")}: {path}");
}
