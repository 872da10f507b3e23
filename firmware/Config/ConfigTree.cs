namespace Appliance.Firmware.Config;

/// <summary>The whole configuration at one moment. Immutable: a commit swaps one tree for another.</summary>
public sealed class ConfigTree
{
    /// <summary>The object or table of each path in the schema; null if it was never set.</summary>
    private readonly object?[] _held;

    /// <summary>Creates a configuration with every table at its default.</summary>
    public ConfigTree(ConfigSchema schema)
        : this(schema, new object?[schema.Paths.Length]) { }

    private ConfigTree(ConfigSchema schema, object?[] held)
    {
        Schema = schema;
        _held = held;
    }

    /// <summary>The schema of the tables.</summary>
    public ConfigSchema Schema { get; }

    /// <summary>The paths of the tables that were ever set, in the schema's order.</summary>
    public IEnumerable<string> HeldPaths => Schema.Paths.Where((_, at) => _held[at] is not null);

    /// <summary>Returns a single object by its path as typed, for example <c>system ftm-push</c>.</summary>
    public ConfigObject Object(string path) => At(path) as ConfigObject ?? Table(path, isList: false).EmptyObject;

    /// <summary>Returns a list table by its path as typed, for example <c>user local</c>.</summary>
    public ConfigTable List(string path) => At(path) as ConfigTable ?? Table(path, isList: true).EmptyTable;

    /// <summary>Returns this tree with a single object replaced.</summary>
    public ConfigTree With(string path, ConfigObject value) => ReferenceEquals(Object(path), value) ? this : Replaced(path, value);

    /// <summary>Returns this tree with a list table replaced.</summary>
    public ConfigTree With(string path, ConfigTable value) => ReferenceEquals(List(path), value) ? this : Replaced(path, value);

    /// <summary>Returns the tables in which two trees of one schema differ.</summary>
    internal static IEnumerable<TableSchema> Changed(ConfigTree before, ConfigTree after) =>
        after.Schema.Paths.Where((_, at) => !ReferenceEquals(before._held[at], after._held[at])).Select(path => after.Schema.Table(path)!);

    /// <summary>Returns this tree with a list marked as deliberately empty, so that it is saved as an empty block.</summary>
    internal ConfigTree Holding(string path) => At(path) is null ? Replaced(path, Table(path, isList: true).EmptyTable) : this;

    private object? At(string path) => Schema.PlaceOf(path) is >= 0 and var at ? _held[at] : null;

    private ConfigTree Replaced(string path, object value)
    {
        var held = _held.AsSpan().ToArray();
        held[Schema.PlaceOf(path)] = value;
        return new(Schema, held);
    }

    private TableSchema Table(string path, bool isList) =>
        Schema.Table(path) is { } table && table.IsList == isList
            ? table
            : throw new ArgumentException($"no such {(isList ? "list" : "object")}: {path}");
}
