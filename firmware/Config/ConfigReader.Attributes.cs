using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <content>The keys of entries and the values of attributes.</content>
internal sealed partial class ConfigReader
{
    private string? RefuseKey(Level list, string typed)
    {
        if (ConfigEditor.CheckKey(list.Schema, typed) is { } error)
        {
            return error.Lines[0];
        }
        var key = ConfigEditor.KeyOf(list.Schema, typed);
        if (_levels.Count > 1)
        {
            return null;
        }
        return _source.Checks.TryGetValue(list.Schema.Attribute(list.Schema.Key!)!.Id, out var check) && !check(key)
                ? $"node_check_object fail! for {list.Schema.Key} {Clean(key)}"
            : list.Entries!.Find(key) is null
                ? SisterNames.Check(list.Schema.Path, key, (path, name) => _lists.GetValueOrDefault(path)?.Find(name) is not null)?.Lines[0]
            : null;
    }

    /// <param name="level">The level of the attribute.</param>
    /// <param name="attribute">The attribute to set.</param>
    /// <param name="words">The new value.</param>
    /// <param name="held">The number of leading words that were there before; they belong to the line that added them.</param>
    private string? Set(Level level, AttributeSchema attribute, IReadOnlyList<string> words, int held = 0)
    {
        var why = _damaged ? NotUtf8 : _findings.Broken.GetValueOrDefault(_line);
        ImmutableArray<string> kept = [];
        if (why is null)
        {
            (kept, var error) = ConfigEditor.Check(attribute, words, null, _source.Unseal, _source.Checks);
            why = error?.Lines[0];
        }
        if (why is not null)
        {
            level.Unrestricted = Restricts(attribute) ? _line : level.Unrestricted;
            return attribute.Secret ? KeepSecret(level, attribute, why) : why;
        }
        level.Working = ConfigEditor.Assign(
            level.Working!,
            attribute,
            attribute.References.Length > 0 ? FromHere(kept, words.Take(held)) : kept
        );
        return null;
    }

    private static string? Unset(Level level, AttributeSchema attribute)
    {
        // An empty choice is shown as "unset": it may differ from the default.
        level.Working = attribute.EmptyIsUnset ? level.Working!.With(attribute, []) : level.Working!.With(attribute, attribute.Default);
        return null;
    }
}
