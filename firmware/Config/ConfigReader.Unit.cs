using System.Collections.Frozen;

namespace Appliance.Firmware.Config;

/// <content>
/// The relation of a text to the unit that it is read for: its acceptance as a configuration file, and the parts of the unit's current
/// configuration that remain.
/// </content>
internal sealed partial class ConfigReader
{
    private const string Administrators = "system admin";
    private const string Interfaces = "system interface";
    private const string SuperAdmin = "super_admin";
    private static readonly FrozenSet<string> Restricting = new[]
    {
        "system admin two-factor",
        "system admin remote-auth",
        "system admin peer-auth",
        "user local type",
        "user local status",
        "user local two-factor",
        "user local username-sensitivity",
        "authentication-rule source-interface",
        "authentication-rule source-address",
        "authentication-rule source-address6",
        "authentication-rule source-address-negate",
        "authentication-rule source-address6-negate",
        "authentication-rule client-cert",
        "authentication-rule user-peer",
        "authentication-rule cipher",
        "authentication-rule realm",
        "authentication-rule auth",
    }.ToFrozenSet(StringComparer.Ordinal);

    private const string Head = "#config-version=";
    private const string VdomField = ":vdom=";

    /// <summary>The first line that only a file of a unit with VDOMs has.</summary>
    private int? _vdoms;

    /// <summary>Returns the reason that a text is rejected as a configuration file; null if it can be loaded.</summary>
    private string? Refusal(string text)
    {
        var head = HeadOf(text);
        if (text.AsSpan().Trim().IsEmpty)
        {
            return "the file is empty";
        }
        if (_vdoms is not null || HasVdoms(head))
        {
            return $"line {_vdoms ?? 1}: the file is a backup of a unit with several VDOMs, and this unit has none: restore the blocks of one VDOM";
        }
        if (_ignored.OrderBy(ignored => ignored.Number).FirstOrDefault(ignored => ignored.Why is OpenQuote or OpenLevel) is { } cut)
        {
            return $"line {cut.Number}: {cut.Why}";
        }
        return _carried || !head.IsEmpty ? null
            : text.Contains(NotUtf8Mark, StringComparison.Ordinal) ? "the file is not UTF-8 text"
            : $"the file is not a configuration: it neither begins with {Head} nor has a table of this version";
    }

    /// <summary>True if the header declares VDOMs (<c>vdom=1</c>).</summary>
    private static bool HasVdoms(ReadOnlySpan<char> head) =>
        head.IndexOf(VdomField) is >= 0 and var at && head[(at + VdomField.Length)..] is not ([] or ['0', ..]);

    /// <summary>
    /// Returns the header line that identifies the unit that wrote the file; empty if no comment before the first command is one.
    /// </summary>
    private static ReadOnlySpan<char> HeadOf(string text)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var trimmed = line.Trim();
            if (trimmed.StartsWith(Head, StringComparison.Ordinal))
            {
                return trimmed;
            }
            if (trimmed is not [] and not ['#', ..])
            {
                break;
            }
        }
        return [];
    }

    /// <summary>
    /// Handles a secret that cannot be decrypted, which never becomes an empty one. The unit's current value remains if the same entry
    /// has one; otherwise the value becomes one that nothing matches. A value that its own check rejects (the seed of a token) stays
    /// unset, with which no authentication succeeds either.
    /// </summary>
    private string KeepSecret(Level level, AttributeSchema attribute, string why)
    {
        var own = _source.KeepsSecrets && Here() is { } here && here.Text(attribute.Name).Length > 0 ? here.Words(attribute) : [];
        if (own.Length > 0)
        {
            level.Working = level.Working!.With(attribute, own);
            return why + "; this unit's own value stays";
        }
        var unmatchable = UnmatchableSecret.Create();
        if (_source.Checks.TryGetValue(attribute.Id, out var check) && !check(unmatchable))
        {
            level.Working = level.Working!.With(attribute, attribute.Default);
            return why + "; there is no value until another one is set";
        }
        level.Working = level.Working!.With(attribute, [unmatchable]);
        return why + "; nothing matches the value until another one is set";
    }

    /// <summary>True if an entry would permit more without this attribute; an entry that loses it is omitted as a whole.</summary>
    private static bool Restricts(AttributeSchema attribute) =>
        attribute.Id.StartsWith("system admin trusthost", StringComparison.Ordinal)
        || attribute.Id.StartsWith("system admin ip6-trusthost", StringComparison.Ordinal)
        || Restricting.Contains(attribute.Id);

    /// <summary>Returns this unit's current object at the reader's position; null if there is none.</summary>
    private ConfigObject? Here()
    {
        ConfigObject? at = null;
        var isRoot = true;
        foreach (var level in _levels.Reverse().Where(level => level.Working is not null))
        {
            at =
                !isRoot ? at?.Children(level.Schema.Path).Find(level.Key ?? "")
                : level.Key is { } key ? _source.Standing!.List(level.Schema.Path).Find(key)
                : _source.Standing!.Object(level.Schema.Path);
            isRoot = false;
        }
        return at;
    }

    /// <summary>Adds what the unit requires: an administrator with full rights, and an interface of its board.</summary>
    private void Complete()
    {
        _own = _tree;
        if (_source.Standing is { } standing)
        {
            _tree = Completed(_tree, standing, note => _ignored.Add(new(0, note)));
        }
        if (_source.Factory is { } factory)
        {
            _tree = FactoryObjects.AddTo(_tree, factory, interfacesOnly: !_ofDevice);
        }
    }

    /// <summary>
    /// Returns the tree that was read. A table that a device's file lists has only the factory objects that the file lists, and may be
    /// empty.
    /// </summary>
    private ConfigTree WithoutUnlistedFactoryObjects()
    {
        if (_source.Factory is not { } factory)
        {
            return _tree;
        }
        var tree = _ofDevice ? FactoryObjects.RemoveFrom(_tree, factory, _own, _lists.Keys) : _tree;
        return _lists.Keys.Where(FactoryObjects.Has).Aggregate(tree, (whole, path) => whole.Holding(path));
    }

    /// <summary>
    /// Returns a tree with another tree's administrators if it lacks one with full rights, and with that tree's interfaces if it has
    /// none.
    /// </summary>
    internal static ConfigTree Completed(ConfigTree tree, ConfigTree standing, Action<string>? note = null)
    {
        if (!HasSuperAdmin(tree) && HasSuperAdmin(standing))
        {
            tree = WithEntries(tree, standing, Administrators);
            note?.Invoke("the file leaves no administrator with profile super_admin: this unit's administrators stay");
        }
        if (tree.List(Interfaces).Count == 0 && standing.List(Interfaces).Count > 0)
        {
            tree = WithEntries(tree, standing, Interfaces);
            note?.Invoke("the file leaves no interface of this board: this unit's interfaces stay");
        }
        return tree;
    }

    private static bool HasSuperAdmin(ConfigTree tree) =>
        tree.List(Administrators).Entries.Any(account => account.Entry.Text("accprofile") == SuperAdmin);

    /// <summary>Copies all entries of a table, with the missing entries that they refer to.</summary>
    private static ConfigTree WithEntries(ConfigTree tree, ConfigTree from, string path) =>
        from.List(path).Keys.Aggregate(tree, (all, key) => WithEntry(all, from, path, key));

    private static ConfigTree WithEntry(ConfigTree tree, ConfigTree from, string path, string key)
    {
        var entry = from.List(path).Find(key)!;
        tree = tree.With(path, tree.List(path).With(key, entry));
        foreach (var value in ConfigReferences.WithChildren(entry))
        {
            foreach (var (attribute, words) in value.Values.Where(held => held.Attribute.References.Length > 0))
            {
                foreach (var word in words)
                {
                    if (
                        !ConfigReferences.Allows(tree, attribute, word)
                        && tree.Schema.Targets(attribute).FirstOrDefault(target => from.List(target.Path).Find(word) is not null)
                            is { } target
                    )
                    {
                        tree = WithEntry(tree, from, target.Path, word);
                    }
                }
            }
        }
        return tree;
    }
}
