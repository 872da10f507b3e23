using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>
/// A list table: entries by key, in the order in which they are shown. Immutable. Entries stand in small blocks that a changed table
/// shares with the one it came from, so that a change costs one block, and what differs is found without looking at the rest.
/// </summary>
public sealed class ConfigTable
{
    private const int BlockSize = 64;

    private readonly ImmutableDictionary<string, int> _places;
    private readonly Block[] _blocks;

    /// <summary>Places in use, those of deleted entries included; every block but the last is full.</summary>
    private readonly int _used;

    /// <summary>An empty table.</summary>
    public ConfigTable(TableSchema schema) : this(schema, ImmutableDictionary<string, int>.Empty, [], 0) { }

    private ConfigTable(TableSchema schema, ImmutableDictionary<string, int> places, Block[] blocks, int used)
    {
        Schema = schema;
        _places = places;
        _blocks = blocks;
        _used = used;
    }

    /// <summary>An entry in its place; the key of a deleted one is null.</summary>
    internal readonly record struct Place(string? Key, ConfigObject Entry);

    /// <summary>Some entries that stand together, and what the file says of them, once it was written.</summary>
    internal sealed class Block(Place[] places)
    {
        internal Place[] Places => places;

        /// <summary>The text of these entries in the saved file; null before the first save.</summary>
        internal SavedText? Saved { get; set; }
    }

    /// <summary>What became of one entry between two tables; null is not there.</summary>
    internal readonly record struct Change(string Key, ConfigObject? Before, ConfigObject? After);

    /// <summary>What the entries look like.</summary>
    public TableSchema Schema { get; }

    /// <summary>How many entries there are.</summary>
    public int Count => _places.Count;

    /// <summary>The keys, in order.</summary>
    public IEnumerable<string> Keys => Entries.Select(entry => entry.Key);

    /// <summary>Key and entry, in order.</summary>
    public IEnumerable<(string Key, ConfigObject Entry)> Entries
    {
        get
        {
            foreach (var block in _blocks)
            {
                foreach (var (key, entry) in block.Places)
                {
                    if (key is not null)
                    {
                        yield return (key, entry);
                    }
                }
            }
        }
    }

    /// <summary>The entries in the blocks that hold them.</summary>
    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>The entry with exactly this key, or null.</summary>
    public ConfigObject? Find(string key) => _places.TryGetValue(key, out var at) ? _blocks[at / BlockSize].Places[at % BlockSize].Entry : null;

    /// <summary>This table with an entry added at the end, or replaced where it stands.</summary>
    public ConfigTable With(string key, ConfigObject entry)
    {
        if (_places.TryGetValue(key, out var at))
        {
            return ReferenceEquals(Find(key), entry) ? this : new(Schema, _places, Replaced(at, new Place(key, entry)), _used);
        }
        var places = _places.Add(key, _used);
        Place added = new(key, entry);
        return _used % BlockSize == 0
            ? new(Schema, places, [.. _blocks, new Block([added])], _used + 1)
            : new(Schema, places, [.. _blocks.AsSpan(0, _blocks.Length - 1), new Block([.. _blocks[^1].Places, added])], _used + 1);
    }

    /// <summary>This table with an entry moved before or after another; both are there.</summary>
    public ConfigTable Moved(string key, string other, bool after)
    {
        var order = Entries.Where(entry => entry.Key != key).ToList();
        order.Insert(order.FindIndex(entry => entry.Key == other) + (after ? 1 : 0), (key, Find(key)!));
        return Of(order);
    }

    /// <summary>This table with an entry under another key, where it stands; an entry that is not there changes nothing.</summary>
    public ConfigTable Renamed(string from, string to) => !_places.TryGetValue(from, out var at) || _places.ContainsKey(to) ? this
        : new(Schema, _places.Remove(from).Add(to, at), Replaced(at, new Place(to, Find(from)!)), _used);

    /// <summary>This table without the entry.</summary>
    public ConfigTable Without(string key)
    {
        if (!_places.TryGetValue(key, out var at))
        {
            return this;
        }
        // Now and then the places of the deleted are given back.
        return _used - Count >= BlockSize + Count
            ? Of(Entries.Where(entry => entry.Key != key))
            : new(Schema, _places.Remove(key), Replaced(at, default), _used);
    }

    /// <summary>This table without entries, in one step.</summary>
    internal ConfigTable Without(IReadOnlySet<string> keys) => Of(Entries.Where(entry => !keys.Contains(entry.Key)));

    /// <summary>True when the two hold the same keys in the same order.</summary>
    internal bool HasOrderOf(ConfigTable other) => ReferenceEquals(_blocks, other._blocks) || Keys.SequenceEqual(other.Keys, StringComparer.Ordinal);

    /// <summary>Every entry that was added, deleted or replaced; the order of entries is not looked at.</summary>
    internal static IEnumerable<Change> Changes(ConfigTable before, ConfigTable after)
    {
        for (var at = 0; at < Math.Max(before._blocks.Length, after._blocks.Length); at++)
        {
            var (old, current) = (at < before._blocks.Length ? before._blocks[at] : null, at < after._blocks.Length ? after._blocks[at] : null);
            if (ReferenceEquals(old, current))
            {
                continue;
            }
            foreach (var (key, entry) in old?.Places ?? [])
            {
                if (key is not null && after.Find(key) is null)
                {
                    yield return new(key, entry, null);
                }
            }
            foreach (var (key, entry) in current?.Places ?? [])
            {
                if (key is not null && before.Find(key) is var was && !ReferenceEquals(was, entry))
                {
                    yield return new(key, was, entry);
                }
            }
        }
    }

    private ConfigTable Of(IEnumerable<(string Key, ConfigObject Entry)> entries)
    {
        var builder = new Builder(Schema);
        foreach (var (key, entry) in entries)
        {
            builder.Set(key, entry);
        }
        return builder.ToTable();
    }

    private Block[] Replaced(int at, Place place)
    {
        var blocks = _blocks.AsSpan().ToArray();
        var places = blocks[at / BlockSize].Places.AsSpan().ToArray();
        places[at % BlockSize] = place;
        blocks[at / BlockSize] = new Block(places);
        return blocks;
    }

    /// <summary>Collects many entries at once.</summary>
    internal sealed class Builder(TableSchema schema)
    {
        private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
        private readonly List<Place> _entries = [];
        private ConfigTable? _table;

        /// <summary>Holds what a table holds, and nothing else.</summary>
        internal void Load(ConfigTable table)
        {
            if (ReferenceEquals(table, _table))
            {
                return;
            }
            _places.Clear();
            _entries.Clear();
            foreach (var (key, entry) in table.Entries)
            {
                Set(key, entry);
            }
            _table = table;
        }

        /// <summary>Adds at the end, or replaces.</summary>
        internal void Set(string key, ConfigObject entry)
        {
            _table = null;
            if (_places.TryAdd(key, _entries.Count))
            {
                _entries.Add(new(key, entry));
            }
            else
            {
                _entries[_places[key]] = new(key, entry);
            }
        }

        internal ConfigObject? Find(string key) => _places.TryGetValue(key, out var at) ? _entries[at].Entry : null;

        internal int Count => _entries.Count;

        internal IEnumerable<string> Keys => _places.Keys;

        internal IEnumerable<ConfigObject> Entries => _entries.Select(place => place.Entry);

        internal ConfigTable ToTable() => _table ??= _entries.Count == 0 ? schema.EmptyTable : new(
            schema, _places.ToImmutableDictionary(StringComparer.Ordinal), [.. _entries.Chunk(BlockSize).Select(places => new Block(places))], _entries.Count);
    }
}
