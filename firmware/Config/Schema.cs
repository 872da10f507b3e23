using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>The syntax of an attribute's words.</summary>
public enum ValueKind
{
    /// <summary>Free text up to <see cref="AttributeSchema.MaxLength"/>.</summary>
    Text,

    /// <summary>An integer from <see cref="AttributeSchema.Min"/> to <see cref="AttributeSchema.Max"/>.</summary>
    Number,

    /// <summary>One (or, for a multi-value, any number) of <see cref="AttributeSchema.Options"/>.</summary>
    Option,

    /// <summary>A dotted IPv4 address.</summary>
    Ipv4,

    /// <summary>An IPv4 address and mask, typed as two words or with a slash; stored as two words.</summary>
    Ipv4Mask,

    /// <summary>An IPv4 address and a wildcard mask, whose bits need not be contiguous.</summary>
    Ipv4Wildcard,

    /// <summary>An IPv4 network mask alone.</summary>
    Netmask,

    /// <summary>An IPv6 address.</summary>
    Ipv6,

    /// <summary>An IPv6 address with a slash and its prefix length.</summary>
    Ipv6Prefix,

    /// <summary>Six octets in hexadecimal, separated by colons.</summary>
    Mac,

    /// <summary>Thirty-two hexadecimal digits in five groups.</summary>
    Uuid,

    /// <summary>A day and a time, typed and stored as two words: <c>yyyy-mm-dd hh:mm:ss</c>; all zeros mean none.</summary>
    DateTime,

    /// <summary>A time of day, <c>hh:mm</c>.</summary>
    Time,

    /// <summary>One octet in hexadecimal: <c>0x1f</c>.</summary>
    HexByte,

    /// <summary>Six binary digits.</summary>
    Dscp,

    /// <summary>A port number, or two with a hyphen between.</summary>
    PortRange,
}

/// <summary>The value that the unit assigns to an attribute that is not set when its entry is stored.</summary>
public enum Assignment
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The next number, greater than that of every other entry of the table.</summary>
    Number,

    /// <summary>A UUID derived from the path and the key (RFC 9562 version 8, *assumed*: the device's is random).</summary>
    Uuid,

    /// <summary>The virtual domain <c>root</c>, the only one of a unit without virtual domains.</summary>
    RootDomain,
}

/// <summary>The relation between several words of one attribute.</summary>
public enum MultiShape
{
    /// <summary>One word, or one value of several words.</summary>
    Single,

    /// <summary>Choices or names, each once; choices in the schema's order, names as typed (<c>allowaccess</c>, <c>member</c>).</summary>
    Set,

    /// <summary>A list whose order matters and in which a value may be repeated (the addresses of a DHCP option).</summary>
    List,

    /// <summary>Names, each once and followed by its number (<c>hbdev</c>: an interface and its priority).</summary>
    Pairs,
}

/// <summary>A condition on another attribute of the same entry, which must have one of several values.</summary>
/// <param name="Attribute">The other attribute.</param>
/// <param name="Values">The values that meet the condition.</param>
/// <param name="Drops">
/// True if setting the other attribute to a value that does not meet the condition drops this one (<c>mode static</c> drops those of
/// DHCP).
/// </param>
public sealed record Condition(string Attribute, ImmutableArray<string> Values, bool Drops);

/// <summary>One attribute of a table, as the reference data defines it for the unit's release profile.</summary>
public sealed record AttributeSchema(string Name, ValueKind Kind)
{
    /// <summary>True for an attribute of several words (options, or a list of references).</summary>
    public bool Multi => Shape != MultiShape.Single;

    /// <summary>The relation between the attribute's words.</summary>
    public MultiShape Shape { get; init; }

    /// <summary>The choices, in the device's order; empty unless <see cref="Kind"/> is an option.</summary>
    public ImmutableArray<string> Options { get; init; } = [];

    /// <summary>The minimum of a number.</summary>
    public long Min { get; init; } = long.MinValue;

    /// <summary>The maximum of a number.</summary>
    public long Max { get; init; } = long.MaxValue;

    /// <summary>The maximum length of a text, in characters; 0 means no own limit.</summary>
    public int MaxLength { get; init; }

    /// <summary>The tables and attributes that supply the value (<c>system.interface.name</c>); empty for a free value.</summary>
    public ImmutableArray<string> References { get; init; } = [];

    /// <summary>The words of the attribute when it is unset; empty for none.</summary>
    public ImmutableArray<string> Default { get; init; } = [];

    /// <summary>True if the value is a secret: shown as ENC, never logged.</summary>
    public bool Secret { get; init; }

    /// <summary>True if the entry cannot be stored without the attribute.</summary>
    public bool Required { get; init; }

    /// <summary>The condition under which the entry cannot be stored without the attribute; null for none.</summary>
    public Condition? RequiredWhen { get; init; }

    /// <summary>Names that may be referred to although no table contains them (<c>any</c> in a policy's <c>srcintf</c>).</summary>
    public ImmutableArray<string> BuiltIn { get; init; } = [];

    /// <summary>True for a private key: shown as text if it is an encrypted PEM block, else as ENC.</summary>
    public bool Pem { get; init; }

    /// <summary>True if an empty value is shown as <c>unset</c> and not as two quotes.</summary>
    public bool EmptyIsUnset { get; init; }

    /// <summary>True if the attribute is shown even at its default (an interface's <c>type</c>).</summary>
    public bool Always { get; init; }

    /// <summary>The value that the unit assigns if the entry is stored without the attribute.</summary>
    public Assignment Assigned { get; init; }

    /// <summary>The condition under which the attribute applies (<c>nat</c> of a policy that accepts); null for always.</summary>
    public Condition? When { get; init; }

    /// <summary>True for a value that is shown without quotes if it needs none (an IPv6 address, a UUID, a time).</summary>
    public bool Bare { get; init; }

    /// <summary>True for a text in which only numbers and times are shown without quotes (<c>set hbdev "port3" 50</c>).</summary>
    public bool NumbersBare { get; init; }

    /// <summary>True for a value of several words that are stored as one (a date and a time, an address and a mask).</summary>
    public bool Joins { get; init; }

    /// <summary>The help line for <c>?</c>.</summary>
    public string Help { get; init; } = "";

    /// <summary>The index of the attribute in its table.</summary>
    internal int Index { get; init; }

    /// <summary>The table and the attribute's name, as checks of single values identify it.</summary>
    internal string Id { get; init; } = "";

    /// <summary>True for the key of a list, which <c>edit</c> shows and <c>set</c> cannot change.</summary>
    internal bool IsKey { get; init; }
}

/// <summary>One table: a single object, or a list of entries with a key.</summary>
public sealed record TableSchema(string Path, bool IsList)
{
    private readonly Dictionary<string, AttributeSchema> _byName = [];
    private readonly ImmutableArray<AttributeSchema> _attributes = [];
    private ConfigObject? _emptyObject;
    private ConfigTable? _emptyTable;

    /// <summary>The attribute that is the key of a list; null for a single object.</summary>
    public string? Key { get; init; }

    /// <summary>True if the key is a number (<c>edit 0</c> takes the next free one).</summary>
    public bool NumericKey { get; init; }

    /// <summary>The attributes, in the order in which the device shows them.</summary>
    public ImmutableArray<AttributeSchema> Attributes
    {
        get => _attributes;
        init
        {
            _attributes = [.. value.Select((attribute, at) => attribute with { Index = at, Id = $"{Path} {attribute.Name}" })];
            Mandatory = [.. _attributes.Where(attribute => (attribute.Required || attribute.RequiredWhen is not null) && !attribute.IsKey)];
            Filled = [.. _attributes.Where(attribute => attribute.Assigned != Assignment.None)];
            Droppable = [.. _attributes.Where(attribute => attribute.When is { Drops: true })];
            ShowsDefaults = _attributes.Any(attribute => attribute.Always);
            _byName = _attributes.ToDictionary(attribute => attribute.Name, StringComparer.Ordinal);
        }
    }

    /// <summary>
    /// The attributes that <c>get</c> lists for each entry of a table, or the order in which it lists those of an object; empty for all,
    /// in the order of <c>show</c>. <c>name=value</c> is an attribute that is listed with this value in a release that does not have it.
    /// </summary>
    public ImmutableArray<string> Summary { get; init; } = [];

    /// <summary>True if the order of the entries is significant; <c>move</c> changes it.</summary>
    public bool Ordered { get; init; }

    /// <summary>The maximum number of entries; 0 means no own limit.</summary>
    public int MaxEntries { get; init; }

    /// <summary>Entries that every device has and that are not configuration: they may be referred to, but are not shown.</summary>
    public ImmutableArray<string> BuiltIn { get; init; } = [];

    /// <summary>The nested tables; the <see cref="Path"/> of each is its own name.</summary>
    public ImmutableArray<TableSchema> Children { get; init; } = [];

    /// <summary>Returns the attribute with this name, or null.</summary>
    public AttributeSchema? Attribute(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Returns the nested table with this name, or null.</summary>
    public TableSchema? Child(string name) => Children.FirstOrDefault(child => child.Path == name);

    /// <summary>The attributes without which an entry cannot be stored, always or conditionally; the key is not included.</summary>
    internal ImmutableArray<AttributeSchema> Mandatory { get; private init; } = [];

    /// <summary>The attributes that the unit fills in.</summary>
    internal ImmutableArray<AttributeSchema> Filled { get; private init; } = [];

    /// <summary>The attributes that are dropped when another attribute is set to certain values.</summary>
    internal ImmutableArray<AttributeSchema> Droppable { get; private init; } = [];

    /// <summary>True if some attribute is shown even at its default.</summary>
    internal bool ShowsDefaults { get; private init; }

    /// <summary>The number of the parent's attributes that are shown before this nested table.</summary>
    internal int Place { get; init; }

    /// <summary>An object with every attribute at its default.</summary>
    internal ConfigObject EmptyObject => _emptyObject ??= new ConfigObject(this);

    /// <summary>A table without entries.</summary>
    internal ConfigTable EmptyTable => _emptyTable ??= new ConfigTable(this);
}
