using System.Collections.Immutable;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>Formats configuration as commands: the form of <c>show</c> and of the saved file.</summary>
/// <param name="seal">Encrypts a secret; called separately for each secret that is written.</param>
/// <param name="full">True to show defaults, too.</param>
internal sealed class ConfigText(Func<string, string> seal, bool full = false)
{
    private readonly StringBuilder _text = new();

    /// <summary>Returns the text written so far.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>
    /// Writes every table that is not empty, limited to the visible ones. A table whose factory objects were all deleted is written as an
    /// empty block, which keeps them deleted.
    /// </summary>
    internal ConfigText Tree(ConfigTree tree, Func<TableSchema, bool>? maySee = null)
    {
        foreach (
            var table in (full ? tree.Schema.Paths : tree.HeldPaths)
                .Select(path => tree.Schema.Table(path)!)
                .Where(table => maySee?.Invoke(table) != false)
        )
        {
            if (
                full
                || (table.IsList ? tree.List(table.Path).Count > 0 || FactoryObjects.Has(table.Path) : !tree.Object(table.Path).IsDefault)
            )
            {
                Table(tree, table);
            }
        }
        return this;
    }

    /// <summary>Returns the text as bytes and clears it.</summary>
    internal byte[] Take()
    {
        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        _text.Clear();
        return bytes;
    }

    /// <summary>Writes one table, or one entry of it.</summary>
    internal ConfigText Table(ConfigTree tree, TableSchema table, string? onlyKey = null)
    {
        if (table.IsList)
        {
            List(table.Path, tree.List(table.Path), 0, onlyKey);
        }
        else
        {
            Object(table.Path, tree.Object(table.Path), 0);
        }
        return this;
    }

    /// <summary>Writes a list at a nesting depth.</summary>
    internal void List(string path, ConfigTable table, int depth, string? onlyKey = null)
    {
        Line(depth, $"config {path}");
        foreach (var (key, entry) in table.Entries)
        {
            if (onlyKey is null || onlyKey == key)
            {
                Entry(key, entry, depth + 1);
            }
        }
        Line(depth, "end");
    }

    /// <summary>Writes an entry with its <c>edit</c> and <c>next</c>.</summary>
    internal void Entry(string key, ConfigObject entry, int depth)
    {
        _text.Append(' ', depth * 4).Append("edit ");
        (entry.Schema.NumericKey ? _text.Append(key) : ConfigWords.AppendQuoted(_text, key)).Append('\n');
        Body(entry, depth + 1);
        Line(depth, "next");
    }

    /// <summary>Writes a single object with its <c>config</c> and <c>end</c>.</summary>
    internal void Object(string path, ConfigObject value, int depth)
    {
        Line(depth, $"config {path}");
        Body(value, depth + 1);
        Line(depth, "end");
    }

    private void Body(ConfigObject value, int depth)
    {
        var shown = 0;
        if (full || value.Schema.ShowsDefaults)
        {
            foreach (var attribute in value.Schema.Attributes)
            {
                if (Shows(attribute, value))
                {
                    shown = Children(value, shown, attribute.Index, depth);
                    Set(attribute, value.Words(attribute), depth);
                }
            }
        }
        else
        {
            foreach (var (attribute, words) in value.Values)
            {
                shown = Children(value, shown, attribute.Index, depth);
                Set(attribute, words, depth);
            }
        }
        Children(value, shown, int.MaxValue, depth);
    }

    /// <summary>
    /// Writes the nested tables from index <paramref name="at"/> that precede an attribute; returns the index of the next one.
    /// </summary>
    private int Children(ConfigObject value, int at, int attribute, int depth)
    {
        for (; at < value.Schema.Children.Length && value.Schema.Children[at] is var child && child.Place <= attribute; at++)
        {
            var entries = value.Children(child.Path);
            if (child.IsList && entries.Count > 0)
            {
                List(child.Path, entries, depth);
            }
            else if (entries.Find("") is { } single && (full || !single.IsDefault))
            {
                Object(child.Path, single, depth);
            }
        }
        return at;
    }

    private void Set(AttributeSchema attribute, ImmutableArray<string> words, int depth)
    {
        if (attribute.IsKey)
        {
            return;
        }
        if (words.Length == 0 && attribute.EmptyIsUnset)
        {
            _text.Append(' ', depth * 4).Append("unset ").Append(attribute.Name).Append('\n');
            return;
        }
        _text.Append(' ', depth * 4).Append("set ").Append(attribute.Name).Append(' ');
        Value(attribute, words);
        _text.Append('\n');
    }

    private void Value(AttributeSchema attribute, ImmutableArray<string> words)
    {
        if (words.Length == 0 || (words.Length == 1 && words[0].Length == 0))
        {
            _text.Append("''");
        }
        else if (attribute.Secret && !(attribute.Pem && IsEncryptedPem(words[0])))
        {
            _text.Append("ENC ").Append(seal(words[0]));
        }
        else if (attribute.Kind != ValueKind.Text || (attribute.Bare && words.All(ConfigWords.NeedsNoQuotes)))
        {
            _text.AppendJoin(' ', words.AsSpan());
        }
        else
        {
            for (var at = 0; at < words.Length; at++)
            {
                if (at > 0)
                {
                    _text.Append(' ');
                }
                if (attribute.NumbersBare && IsNumbers(words[at], attribute.Joins))
                {
                    _text.Append(words[at]);
                    continue;
                }
                ConfigWords.AppendQuoted(_text, words[at]);
            }
        }
    }

    /// <summary>True for a number or a time or, for several words stored as one, if each of them is one.</summary>
    private static bool IsNumbers(string word, bool joined) =>
        joined
            ? word.Split(' ').All(one => IsNumbers(one, joined: false))
            : word.Length > 0 && char.IsAsciiDigit(word[0]) && word.All(c => char.IsAsciiDigit(c) || c is '-' or ':');

    /// <summary>True for a PEM private key that only its password decrypts (RFC 7468, section 11; RFC 1421 headers).</summary>
    private static bool IsEncryptedPem(string word) =>
        word.StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
        || (
            word.StartsWith("-----BEGIN ", StringComparison.Ordinal)
            && word.Contains("\nProc-Type: 4,ENCRYPTED\n", StringComparison.Ordinal)
        );

    /// <summary>
    /// True if an attribute is shown: it is set, or it applies and is shown always or in full mode. An empty number, choice or address at
    /// its default is omitted, because there is no word for it.
    /// </summary>
    private bool Shows(AttributeSchema attribute, ConfigObject value) =>
        value.IsSet(attribute)
        || (
            (full || attribute.Always)
            && value.Applies(attribute)
            && (value.Words(attribute) is [{ Length: > 0 }, ..] || ConfigValue.HasEmptyWord(attribute.Kind) || attribute.Multi)
        );

    private void Line(int depth, string text) => _text.Append(' ', depth * 4).Append(text).Append('\n');
}
