using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <content>The source lines of references, and the detection of broken references.</content>
internal sealed partial class ConfigReader
{
    /// <summary>
    /// The source line of each word that is a reference, by the word's object identity, which survives <c>clone</c> and <c>append</c>.
    /// </summary>
    private readonly Dictionary<string, int> _origins = new(ReferenceEqualityComparer.Instance);

    /// <summary>
    /// Records the current line as the source of words; each word that is new gets a string instance that no other line has.
    /// </summary>
    private ImmutableArray<string> FromHere(ImmutableArray<string> kept, IEnumerable<string> older) =>
        [
            .. kept.Select(word =>
            {
                if (older.Any(known => ReferenceEquals(known, word)) || _origins.TryAdd(word, _line))
                {
                    return word;
                }
                var own = new string(word.AsSpan());
                _origins[own] = _line;
                return own;
            }),
        ];

    /// <summary>
    /// Finds lines with broken references that are still in effect; true if there are some, so that the text must be read again without
    /// them.
    /// </summary>
    private bool FindBroken()
    {
        var found = false;
        foreach (
            var value in _tree
                .HeldPaths.SelectMany(path =>
                    _source.Schema.Table(path)!.IsList ? _tree.List(path).Entries.Select(entry => entry.Entry) : [_tree.Object(path)]
                )
                .SelectMany(ConfigReferences.WithChildren)
        )
        {
            foreach (var (attribute, words) in value.Values)
            {
                foreach (var word in attribute.References.Length == 0 ? [] : words)
                {
                    if (word.Length > 0 && !ConfigReferences.Allows(_tree, attribute, word) && _origins.TryGetValue(word, out var line))
                    {
                        found |= _findings.Broken.TryAdd(
                            line,
                            $"entry not found in datasource: {value.Schema.Path} {attribute.Name} {Clean(word)}"
                        );
                    }
                }
            }
        }
        return found;
    }
}
