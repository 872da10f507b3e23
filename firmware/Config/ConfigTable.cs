using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>A list table: entries by key, in the order in which they are shown. Immutable.</summary>
public sealed class ConfigTable
{
    private readonly ImmutableDictionary<string, ConfigObject> _entries;
    private readonly ImmutableList<string> _order;

    /// <summary>An empty table.</summary>
    public ConfigTable(TableSchema schema) : this(schema, ImmutableDictionary<string, ConfigObject>.Empty, ImmutableList<string>.Empty) { }

    private ConfigTable(TableSchema schema, ImmutableDictionary<string, ConfigObject> entries, ImmutableList<string> order)
    {
        Schema = schema;
        _entries = entries;
        _order = order;
    }

    /// <summary>What the entries look like.</summary>
    public TableSchema Schema { get; }

    /// <summary>How many entries there are.</summary>
    public int Count => _entries.Count;

    /// <summary>The keys, in order.</summary>
    public IEnumerable<string> Keys => _order;

    /// <summary>Key and entry, in order.</summary>
    public IEnumerable<(string Key, ConfigObject Entry)> Entries => _order.Select(key => (key, _entries[key]));

    /// <summary>The entry with exactly this key, or null.</summary>
    public ConfigObject? Find(string key) => _entries.GetValueOrDefault(key);

    /// <summary>This table with an entry added at the end, or replaced where it stands.</summary>
    public ConfigTable With(string key, ConfigObject entry) => new(Schema, _entries.SetItem(key, entry), _entries.ContainsKey(key) ? _order : _order.Add(key));

    /// <summary>This table with an entry moved before or after another; both are there.</summary>
    public ConfigTable Moved(string key, string other, bool after)
    {
        var order = _order.Remove(key);
        return new(Schema, _entries, order.Insert(order.IndexOf(other) + (after ? 1 : 0), key));
    }

    /// <summary>This table with an entry under another key, where it stands.</summary>
    public ConfigTable Renamed(string from, string to) => new(Schema, _entries.Remove(from).Add(to, _entries[from]), _order.SetItem(_order.IndexOf(from), to));

    /// <summary>This table without the entry.</summary>
    public ConfigTable Without(string key) => new(Schema, _entries.Remove(key), _order.Remove(key));
}
