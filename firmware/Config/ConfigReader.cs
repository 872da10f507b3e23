using System.Collections.Immutable;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Config;

/// <summary>A line of a file that was not understood.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Why">The device's message.</param>
/// <param name="Last">The last line that is left out with it: that of the <c>end</c> or <c>next</c> of a block.</param>
public sealed record IgnoredLine(int Number, string Why, int Last)
{
    /// <summary>A line alone.</summary>
    public IgnoredLine(int number, string why) : this(number, why, number) { }
}

/// <summary>Reads a configuration file: whole words, no console around it. What is not understood is left out and named.</summary>
internal sealed class ConfigReader
{
    private const string OpenQuote = "Unmatched double quote.";
    private const string OpenLevel = "the text ends inside a config level; what was open is left out";

    private readonly ConfigSchema _schema;
    private readonly Func<string, string?> _unseal;
    private readonly IReadOnlyDictionary<string, Func<string, bool>> _checks;

    /// <summary>Lines whose references turned out to lead nowhere.</summary>
    private readonly SortedDictionary<int, IgnoredLine> _broken;
    private readonly List<IgnoredLine> _ignored = [];
    private readonly Stack<Level> _levels = new();
    private readonly Dictionary<string, ConfigTable.Builder> _lists = new(StringComparer.Ordinal);
    private readonly List<Reference> _references = [];
    private ConfigTree _tree;
    private int _line;

    private ConfigReader(ConfigSchema schema, Func<string, string?> unseal, IReadOnlyDictionary<string, Func<string, bool>> checks, SortedDictionary<int, IgnoredLine> broken) =>
        (_schema, _unseal, _checks, _broken, _tree) = (schema, unseal, checks, broken, new ConfigTree(schema));

    /// <summary>Where the reader stands: in a list, or in an object of a table or list.</summary>
    private sealed class Level(TableSchema schema, string? key, ConfigTable.Builder? entries, ConfigObject? working)
    {
        internal TableSchema Schema => schema;
        internal string? Key => key;

        /// <summary>Not null in a list.</summary>
        internal ConfigTable.Builder? Entries => entries;

        /// <summary>Not null in an object.</summary>
        internal ConfigObject? Working { get; set; } = working;
    }

    private sealed record Reference(int Line, Level Level, AttributeSchema Attribute, ImmutableArray<string> Words);

    /// <summary>Reads a whole text.</summary>
    /// <remarks>
    /// A reference may name what comes later, so that it is judged at the end: a line that refers to nothing is left out like one that
    /// cannot be read, and what depends on it, too.
    /// </remarks>
    internal static (ConfigTree Tree, IReadOnlyList<IgnoredLine> Ignored) Read(ConfigSchema schema, string text, Func<string, string?> unseal, IReadOnlyDictionary<string, Func<string, bool>> checks)
    {
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        var broken = new SortedDictionary<int, IgnoredLine>();
        while (true)
        {
            var reader = new ConfigReader(schema, unseal, checks, broken);
            reader.ReadAll(text);
            if (!reader.FindBroken())
            {
                return (reader._tree, [.. reader._ignored.OrderBy(line => line.Number)]);
            }
        }
    }

    /// <summary>What says that a text is not whole; null when it is.</summary>
    internal static IgnoredLine? CutShort(IReadOnlyList<IgnoredLine> ignored) => ignored.FirstOrDefault(line => line.Why is OpenQuote or OpenLevel);

    private void ReadAll(string text)
    {
        var words = new List<string>();
        var (at, next, open) = (0, 1, false);
        while (at < text.Length)
        {
            var start = at;
            _line = next;
            words.Clear();
            var line = text.AsSpan(start).TrimStart([' ', '\t']);
            if (line is ['#' or '\n', ..])
            {
                at = text.IndexOf('\n', start) is >= 0 and var end ? end + 1 : text.Length;
                next++;
                continue;
            }
            var whole = ConfigWords.Read(text, ref at, words);
            next += text.AsSpan(start, at - start).Count('\n');
            if (!whole)
            {
                Ignore(OpenQuote, next);
                break;
            }
            if (words.Count > 0 && Run(words) is { } why)
            {
                var last = words[0] is "config" or "edit" ? Skip(text, ref at, ref next, words[0] == "edit") : _line;
                Ignore(why, last ?? next);
                open |= last is null;
            }
        }
        if (open || _levels.Count > 0)
        {
            _line = next;
            Ignore(OpenLevel, next);
        }
        foreach (var (path, entries) in _lists)
        {
            _tree = _tree.With(path, entries.ToTable());
        }
    }

    /// <summary>Passes over a block that was not understood; returns the line of its end, null when the text ends before.</summary>
    private static int? Skip(string text, ref int at, ref int next, bool entry)
    {
        var depth = 1;
        var words = new List<string>();
        while (at < text.Length)
        {
            var (start, line) = (at, next);
            words.Clear();
            if (text.AsSpan(start).TrimStart([' ', '\t']) is ['#', ..])
            {
                at = text.IndexOf('\n', start) is >= 0 and var end ? end + 1 : text.Length;
            }
            else
            {
                ConfigWords.Read(text, ref at, words);
            }
            next += text.AsSpan(start, at - start).Count('\n');
            switch (words)
            {
                case ["config", ..]:
                    depth++;
                    break;
                case ["next"] when entry && depth == 1:
                    return line;
                case ["end"] when entry && depth == 1:
                    // It ends the list, too: read again.
                    (at, next) = (start, line);
                    return line - 1;
                case ["end"]:
                    depth--;
                    break;
            }
            if (depth == 0)
            {
                return line;
            }
        }
        return null;
    }

    /// <summary>Runs one command; null when it was understood.</summary>
    private string? Run(List<string> words)
    {
        var level = _levels.Count > 0 ? _levels.Peek() : null;
        return words switch
        {
            ["set", var name, ..] when level is { Working: not null } => level.Schema.Attribute(name) is { IsKey: false } attribute ? Set(level, attribute, words) : Unknown(name),
            ["next"] when level is { Working: not null, Key: not null } => Next(level),
            ["edit", var key] when level is { Entries: not null } => Edit(level, key),
            ["end"] when level is not null => End(level),
            ["unset", var name] when level is { Working: not null } => level.Schema.Attribute(name) is { IsKey: false } attribute ? Unset(level, attribute) : Unknown(name),
            ["config", _, ..] when level is null => Enter(string.Join(' ', words.Skip(1))),
            ["config", var name] when level is { Working: not null } => Enter(level, name),
            _ => Unknown(words[0]),
        };
    }

    private string? Enter(string path)
    {
        if (_schema.Table(path) is not { } table)
        {
            return "no such table in this version: " + Clean(path);
        }
        _levels.Push(table.IsList ? new Level(table, null, Root(path), null) : new Level(table, null, null, _tree.Object(path)));
        return null;
    }

    private string? Enter(Level parent, string name)
    {
        if (parent.Schema.Child(name) is not { } table)
        {
            return "no such table in this version: " + Clean(name);
        }
        var held = parent.Working!.Children(name);
        _levels.Push(table.IsList ? new Level(table, null, Copy(held), null) : new Level(table, null, null, held.Find("") ?? table.EmptyObject));
        return null;
    }

    private ConfigTable.Builder Root(string path)
    {
        if (!_lists.TryGetValue(path, out var entries))
        {
            _lists.Add(path, entries = new ConfigTable.Builder(_schema.Table(path)!));
        }
        return entries;
    }

    private static ConfigTable.Builder Copy(ConfigTable table)
    {
        var copy = new ConfigTable.Builder(table.Schema);
        foreach (var (key, entry) in table.Entries)
        {
            copy.Set(key, entry);
        }
        return copy;
    }

    private string? Edit(Level list, string typed)
    {
        if (ConfigEditor.CheckKey(list.Schema, typed) is { } error)
        {
            return error.Lines[0];
        }
        var key = ConfigEditor.KeyOf(list.Schema, typed);
        if (_levels.Count == 1 && _checks.TryGetValue(list.Schema.Attribute(list.Schema.Key!)!.Id, out var check) && !check(key))
        {
            return $"node_check_object fail! for {list.Schema.Key} {Clean(key)}";
        }
        if (list.Schema.NumericKey && key == "0")
        {
            key = ConfigEditor.NextFree(list.Entries!.Keys);
        }
        var existing = list.Entries!.Find(key);
        if (existing is null && ConfigEditor.CheckRoom(list.Schema, list.Entries.Count) is { } full)
        {
            return full.Lines[0];
        }
        _levels.Push(new Level(list.Schema, key, null, existing ?? list.Schema.EmptyObject));
        return null;
    }

    private string? Set(Level level, AttributeSchema attribute, List<string> words)
    {
        if (_broken.TryGetValue(_line, out var known))
        {
            return known.Why;
        }
        var (kept, error) = ConfigEditor.Check(attribute, words.GetRange(2, words.Count - 2), null, _unseal, _checks);
        if (error is not null)
        {
            return error.Lines[0];
        }
        level.Working = ConfigEditor.Assign(level.Working!, attribute, kept);
        if (attribute.References.Length > 0)
        {
            _references.Add(new(_line, level, attribute, kept));
        }
        return null;
    }

    private static string? Unset(Level level, AttributeSchema attribute)
    {
        // An empty choice is shown as "unset": it may differ from the default.
        level.Working = attribute.EmptyIsUnset ? level.Working!.With(attribute, []) : level.Working!.With(attribute, attribute.Default);
        return null;
    }

    private string? Next(Level level)
    {
        _levels.Pop();
        return Store(level);
    }

    private string? End(Level level)
    {
        _levels.Pop();
        var error = level.Working is not null ? Store(level) : null;
        if (level.Key is not null)
        {
            level = _levels.Pop();
        }
        if (level.Entries is { } entries && _levels.TryPeek(out var parent))
        {
            parent.Working = parent.Working!.WithChildren(level.Schema.Path, entries.ToTable());
        }
        return error;
    }

    private string? Store(Level level)
    {
        if (ConfigEditor.CheckWhole(level.Working!) is { } missing)
        {
            _references.RemoveAll(reference => reference.Level == level);
            return missing.Lines[0];
        }
        if (level.Key is { } key)
        {
            var entries = _levels.Peek().Entries!;
            entries.Set(key, ConfigAssignments.Complete(level.Schema, key, level.Working!, entries.Entries));
        }
        else if (_levels.TryPeek(out var parent))
        {
            parent.Working = parent.Working!.WithChildren(level.Schema.Path, level.Working!.IsDefault ? level.Schema.EmptyTable : level.Schema.EmptyTable.With("", level.Working));
        }
        else
        {
            _tree = _tree.With(level.Schema.Path, level.Working!);
        }
        return null;
    }

    /// <summary>Finds lines that refer to nothing and still stand; true when there are some, and the text must be read again without them.</summary>
    private bool FindBroken()
    {
        var found = false;
        foreach (var (line, level, attribute, words) in _references)
        {
            if (!level.Working!.Words(attribute).AsSpan().SequenceEqual(words.AsSpan()))
            {
                continue; // Another line took its place.
            }
            foreach (var word in words)
            {
                if (word.Length > 0 && !ConfigReferences.Allows(_tree, attribute, word))
                {
                    _broken[line] = new(line, $"entry not found in datasource: {level.Schema.Path} {attribute.Name} {Clean(word)}");
                    found = true;
                    break;
                }
            }
        }
        return found;
    }

    private void Ignore(string why, int last) => _ignored.Add(new(_line, why, last));

    private static string Clean(string word) => string.Concat(word.Where(c => !ControlCharacters.Includes(c)).Take(64));

    private static string Unknown(string word) => $"command parse error before '{Clean(word)}'";
}
