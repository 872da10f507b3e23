using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>What an attribute's words must look like.</summary>
public enum ValueKind
{
    /// <summary>Free text up to <see cref="AttributeSchema.MaxLength"/>.</summary>
    Text,
    /// <summary>An integer from <see cref="AttributeSchema.Min"/> to <see cref="AttributeSchema.Max"/>.</summary>
    Number,
    /// <summary>One (or, when multi, any number) of <see cref="AttributeSchema.Options"/>.</summary>
    Option,
    /// <summary>A dotted IPv4 address.</summary>
    Ipv4,
    /// <summary>An IPv4 address and mask, typed as two words or with a slash; held as two words.</summary>
    Ipv4Mask,
    /// <summary>The same with a mask whose bits may stand anywhere (a wildcard).</summary>
    Ipv4Wildcard,
    /// <summary>An IPv4 network mask alone.</summary>
    Netmask,
    /// <summary>An IPv6 address.</summary>
    Ipv6,
    /// <summary>An IPv6 address with a slash and the length of its prefix.</summary>
    Ipv6Prefix,
    /// <summary>Six octets in hexadecimal, parted by colons.</summary>
    Mac,
    /// <summary>Thirty-two hexadecimal digits in five groups.</summary>
    Uuid,
    /// <summary>A day and a time, typed and held as two words: <c>yyyy-mm-dd hh:mm:ss</c>; all zeros is none.</summary>
    DateTime,
    /// <summary>A time of day, <c>hh:mm</c>.</summary>
    Time,
    /// <summary>One octet in hexadecimal: <c>0x1f</c>.</summary>
    HexByte,
    /// <summary>Six binary digits.</summary>
    Dscp,
    /// <summary>Two port numbers with a hyphen between.</summary>
    PortRange,
}

/// <summary>What the unit itself puts into an attribute that is not set when its entry is stored.</summary>
public enum Assignment
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>The next number that no entry of the table has.</summary>
    Number,
    /// <summary>A UUID, made from the path and the key (RFC 9562 version 8, *assumed*: the device's is random).</summary>
    Uuid,
    /// <summary>The virtual domain <c>root</c>, the only one of a unit without virtual domains.</summary>
    RootDomain,
}

/// <summary>What several words of one attribute are to each other.</summary>
public enum MultiShape
{
    /// <summary>One word, or one value of several words.</summary>
    Single,
    /// <summary>Choices or names, each once; choices in the schema's order, names as they were typed (<c>allowaccess</c>, <c>member</c>).</summary>
    Set,
    /// <summary>A list whose order counts and in which a value may be more than once (the addresses of a DHCP option).</summary>
    List,
    /// <summary>Names, each once and followed by its number (<c>hbdev</c>: an interface and its priority).</summary>
    Pairs,
}

/// <summary>Another attribute of the same entry has one of these values.</summary>
/// <param name="Attribute">The other attribute.</param>
/// <param name="Values">What it must be.</param>
/// <param name="Drops">True when setting the other one to something else takes the value away (<c>mode static</c> those of DHCP).</param>
public sealed record Condition(string Attribute, ImmutableArray<string> Values, bool Drops);

/// <summary>One attribute of a table, as the reference data gives it for the personality in force.</summary>
public sealed record AttributeSchema(string Name, ValueKind Kind)
{
    /// <summary>True for an attribute of several words (options, or a list of references).</summary>
    public bool Multi => Shape != MultiShape.Single;
    /// <summary>What its words are to each other.</summary>
    public MultiShape Shape { get; init; }
    /// <summary>The choices, in the device's order; empty unless <see cref="Kind"/> is an option.</summary>
    public ImmutableArray<string> Options { get; init; } = [];
    /// <summary>The smallest number.</summary>
    public long Min { get; init; } = long.MinValue;
    /// <summary>The greatest number.</summary>
    public long Max { get; init; } = long.MaxValue;
    /// <summary>The greatest length of a text, in characters; 0 means no limit of its own.</summary>
    public int MaxLength { get; init; }
    /// <summary>Tables and attributes that supply the value (<c>system.interface.name</c>); empty for a free value.</summary>
    public ImmutableArray<string> References { get; init; } = [];
    /// <summary>The words that an unset attribute reads as; empty for none.</summary>
    public ImmutableArray<string> Default { get; init; } = [];
    /// <summary>True when the value is a secret: shown as ENC, never logged.</summary>
    public bool Secret { get; init; }
    /// <summary>True when the entry cannot be stored without it.</summary>
    public bool Required { get; init; }
    /// <summary>The entry cannot be stored without the attribute while this holds; null for no such condition.</summary>
    public Condition? RequiredWhen { get; init; }
    /// <summary>Names that may be referred to here although no table has them (<c>any</c> in a policy's <c>srcintf</c>).</summary>
    public ImmutableArray<string> BuiltIn { get; init; } = [];
    /// <summary>True for a private key: shown as text if it is an encrypted PEM block, else as ENC.</summary>
    public bool Pem { get; init; }
    /// <summary>True when emptiness is shown as <c>unset</c> and not as two quotes.</summary>
    public bool EmptyIsUnset { get; init; }
    /// <summary>Where it stands among the attributes of its table.</summary>
    internal int Index { get; init; }
    /// <summary>Its table and its own name, as checks of single values name it.</summary>
    internal string Id { get; init; } = "";
    /// <summary>True for the key of a list: it is shown by <c>edit</c>, never set.</summary>
    internal bool IsKey { get; init; }
    /// <summary>True when it is shown even at its default (an interface's <c>type</c>).</summary>
    public bool Always { get; init; }
    /// <summary>What the unit itself puts in when the entry is stored without it.</summary>
    public Assignment Assigned { get; init; }
    /// <summary>What must hold for this one to count (<c>nat</c> of a policy that accepts); null for nothing.</summary>
    public Condition? When { get; init; }
    /// <summary>True for a value that is shown without quotes as long as it needs none (an IPv6 address, a UUID, a time).</summary>
    public bool Bare { get; init; }
    /// <summary>True for a text whose words are shown without quotes only if they are numbers or times (<c>set hbdev "port3" 50</c>).</summary>
    public bool NumbersBare { get; init; }
    /// <summary>True for a value of several words that are kept as one (a date and a time, an address and a mask).</summary>
    public bool Joins { get; init; }
    /// <summary>A line of help for <c>?</c>.</summary>
    public string Help { get; init; } = "";
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
    /// <summary>True when the key is a number (<c>edit 0</c> takes the next free one).</summary>
    public bool NumericKey { get; init; }
    /// <summary>The attributes in the order in which the device shows them.</summary>
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
    /// <summary>The attributes without which an entry cannot be stored, always or on a condition; the key is not among them.</summary>
    internal ImmutableArray<AttributeSchema> Mandatory { get; private init; } = [];
    /// <summary>The attributes that the unit itself fills in.</summary>
    internal ImmutableArray<AttributeSchema> Filled { get; private init; } = [];
    /// <summary>The attributes that lose their value when another one gets a certain one.</summary>
    internal ImmutableArray<AttributeSchema> Droppable { get; private init; } = [];
    /// <summary>True when some attribute is shown even at its default.</summary>
    internal bool ShowsDefaults { get; private init; }
    /// <summary>
    /// The attributes that <c>get</c> lists for each entry of a table, or the order in which it lists those of an object; empty for all, in <c>show</c>'s
    /// order. <c>name=value</c> is an attribute that is listed with this value in a release that does not have it.
    /// </summary>
    public ImmutableArray<string> Summary { get; init; } = [];
    /// <summary>True when the order of the entries has a meaning, and <c>move</c> changes it.</summary>
    public bool Ordered { get; init; }
    /// <summary>How many entries there can be; 0 means no limit of its own.</summary>
    public int MaxEntries { get; init; }
    /// <summary>Entries that every device has and that are not configuration: they may be referred to, and are not shown.</summary>
    public ImmutableArray<string> BuiltIn { get; init; } = [];
    /// <summary>The nested tables, each with its own name as <see cref="Path"/>.</summary>
    public ImmutableArray<TableSchema> Children { get; init; } = [];

    /// <summary>How many of the parent's attributes are shown before this nested table.</summary>
    internal int Place { get; init; }

    /// <summary>The object with every attribute at its default.</summary>
    internal ConfigObject EmptyObject => _emptyObject ??= new ConfigObject(this);
    /// <summary>The table without entries.</summary>
    internal ConfigTable EmptyTable => _emptyTable ??= new ConfigTable(this);

    /// <summary>The attribute of this name, or null.</summary>
    public AttributeSchema? Attribute(string name) => _byName.GetValueOrDefault(name);
    /// <summary>The nested table of this name, or null.</summary>
    public TableSchema? Child(string name) => Children.FirstOrDefault(child => child.Path == name);
}
