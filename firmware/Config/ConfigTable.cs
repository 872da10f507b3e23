using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>
/// A list table: entries by key, in display order. Immutable. Entries are stored in small blocks that a changed table shares with the
/// original, so that a change costs one block, and differences are found without comparing the rest.
/// </summary>
public sealed class ConfigTable
{
    private const int BlockSize = 64;

    private readonly ImmutableDictionary<string, int> _places;
    private readonly Block[] _blocks;

    /// <summary>The number of slots in use, including those of deleted entries; every block but the last is full.</summary>
    private readonly int _used;

    /// <summary>Creates an empty table.</summary>
    public ConfigTable(TableSchema schema)
        : this(schema, ImmutableDictionary<string, int>.Empty, [], 0) { }

    private ConfigTable(TableSchema schema, ImmutableDictionary<string, int> places, Block[] blocks, int used)
    {
        Schema = schema;
        _places = places;
        _blocks = blocks;
        _used = used;
    }

    /// <summary>The schema of the entries.</summary>
    public TableSchema Schema { get; }

    /// <summary>The number of entries.</summary>
    public int Count => _places.Count;

    /// <summary>The keys, in order.</summary>
    public IEnumerable<string> Keys => Entries.Select(entry => entry.Key);

    /// <summary>Keys and entries, in order.</summary>
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

    /// <summary>Returns the entry with exactly this key, or null.</summary>
    public ConfigObject? Find(string key) =>
        _places.TryGetValue(key, out var at) ? _blocks[at / BlockSize].Places[at % BlockSize].Entry : null;

    /// <summary>Returns this table with an entry appended, or replaced in its position.</summary>
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

    /// <summary>Returns this table with an entry moved before or after another; both must exist.</summary>
    public ConfigTable Moved(string key, string other, bool after)
    {
        var order = Entries.Where(entry => entry.Key != key).ToList();
        order.Insert(order.FindIndex(entry => entry.Key == other) + (after ? 1 : 0), (key, Find(key)!));
        return Of(order);
    }

    /// <summary>
    /// Returns this table with an entry renamed in its position; unchanged if there is no such entry or the new key exists.
    /// </summary>
    public ConfigTable Renamed(string from, string to) =>
        !_places.TryGetValue(from, out var at) || _places.ContainsKey(to)
            ? this
            : new(Schema, _places.Remove(from).Add(to, at), Replaced(at, new Place(to, Find(from)!)), _used);

    /// <summary>Returns this table without an entry.</summary>
    public ConfigTable Without(string key)
    {
        if (!_places.TryGetValue(key, out var at))
        {
            return this;
        }
        // Occasionally the slots of deleted entries are reclaimed.
        return _used - Count >= BlockSize + Count
            ? Of(Entries.Where(entry => entry.Key != key))
            : new(Schema, _places.Remove(key), Replaced(at, default), _used);
    }

    /// <summary>The blocks of entries.</summary>
    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>Returns this table without several entries, in one step.</summary>
    internal ConfigTable Without(IReadOnlySet<string> keys) => Of(Entries.Where(entry => !keys.Contains(entry.Key)));

    /// <summary>True if both tables have the same keys in the same order.</summary>
    internal bool HasOrderOf(ConfigTable other) =>
        ReferenceEquals(_blocks, other._blocks) || Keys.SequenceEqual(other.Keys, StringComparer.Ordinal);

    /// <summary>Returns every entry that was added, deleted or replaced; the order of entries is ignored.</summary>
    internal static IEnumerable<Change> Changes(ConfigTable before, ConfigTable after)
    {
        for (var at = 0; at < Math.Max(before._blocks.Length, after._blocks.Length); at++)
        {
            var (old, current) = (
                at < before._blocks.Length ? before._blocks[at] : null,
                at < after._blocks.Length ? after._blocks[at] : null
            );
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

    /// <summary>An entry in its slot; the key of a deleted entry is null.</summary>
    internal readonly record struct Place(string? Key, ConfigObject Entry);

    /// <summary>A group of adjacent entries, with their text in the saved file once it was written.</summary>
    internal sealed class Block(Place[] places)
    {
        internal Place[] Places => places;

        /// <summary>The text of these entries in the saved file; null before the first save.</summary>
        internal SavedText? Saved { get; set; }
    }

    /// <summary>The change of one entry between two tables; null means that the entry does not exist.</summary>
    internal readonly record struct Change(string Key, ConfigObject? Before, ConfigObject? After);

    /// <summary>A builder for tables of many entries.</summary>
    internal sealed class Builder(TableSchema schema)
    {
        private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
        private readonly List<Place> _entries = [];
        private ConfigTable? _table;

        /// <summary>Replaces the content by that of a table.</summary>
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

        /// <summary>Appends or replaces an entry.</summary>
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

        internal ConfigTable ToTable() =>
            _table ??=
                _entries.Count == 0
                    ? schema.EmptyTable
                    : new(
                        schema,
                        _places.ToImmutableDictionary(StringComparer.Ordinal),
                        [.. _entries.Chunk(BlockSize).Select(places => new Block(places))],
                        _entries.Count
                    );
    }
}
