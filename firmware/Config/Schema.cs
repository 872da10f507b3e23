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
    /// <summary>An IPv6 address.</summary>
    Ipv6,
    /// <summary>An IPv6 address, a slash and the length of a prefix.</summary>
    Ipv6Prefix,
    /// <summary>Six bytes in hex with colons between them.</summary>
    Mac,
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
    public bool Multi { get; init; }
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
    /// <summary>True when it is shown even at its default (an interface's <c>type</c>).</summary>
    public bool Always { get; init; }
    /// <summary>What the unit itself puts in when the entry is stored without it.</summary>
    public Assignment Assigned { get; init; }
    /// <summary>What must hold for this one to count (<c>nat</c> of a policy that accepts); null for nothing.</summary>
    public Condition? When { get; init; }
    /// <summary>True for a value of several words that are kept as one (a date and a time, an address and a mask).</summary>
    public bool Joins { get; init; }
    /// <summary>True for a value that is shown without quotes as long as it needs none (an IPv6 address, a UUID, a time).</summary>
    public bool Bare { get; init; }
    /// <summary>A line of help for <c>?</c>.</summary>
    public string Help { get; init; } = "";
}

/// <summary>One table: a single object, or a list of entries with a key.</summary>
public sealed record TableSchema(string Path, bool IsList)
{
    private readonly ImmutableDictionary<string, AttributeSchema> _byName = ImmutableDictionary<string, AttributeSchema>.Empty;
    private readonly ImmutableArray<AttributeSchema> _attributes = [];

    /// <summary>The attribute that is the key of a list; null for a single object.</summary>
    public string? Key { get; init; }
    /// <summary>True when the key is a number (<c>edit 0</c> takes the next free one).</summary>
    public bool NumericKey { get; init; }
    /// <summary>The attributes in the order in which the device shows them.</summary>
    public ImmutableArray<AttributeSchema> Attributes
    {
        get => _attributes;
        init { _attributes = value; _byName = value.ToImmutableDictionary(attribute => attribute.Name); }
    }
    /// <summary>The attributes that <c>get</c> lists for each entry of a table; empty for all.</summary>
    public ImmutableArray<string> Summary { get; init; } = [];
    /// <summary>True when the order of the entries has a meaning, and <c>move</c> changes it.</summary>
    public bool Ordered { get; init; }
    /// <summary>How many entries there can be; 0 means no limit of its own.</summary>
    public int MaxEntries { get; init; }
    /// <summary>Entries that every device has and that are not configuration: they may be referred to, and are not shown.</summary>
    public ImmutableArray<string> BuiltIn { get; init; } = [];
    /// <summary>The nested tables, each with its own name as <see cref="Path"/>.</summary>
    public ImmutableArray<TableSchema> Children { get; init; } = [];

    /// <summary>The attribute of this name, or null.</summary>
    public AttributeSchema? Attribute(string name) => _byName.GetValueOrDefault(name);
    /// <summary>The nested table of this name, or null.</summary>
    public TableSchema? Child(string name) => Children.FirstOrDefault(child => child.Path == name);
}
