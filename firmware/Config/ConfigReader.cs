using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Config;

/// <summary>
/// Reads a configuration file: complete words, without a console. Unknown content is omitted and reported. The same reader is used for
/// the saved file, the first configuration, a restore and its check.
/// </summary>
internal sealed partial class ConfigReader
{
    private const string OpenQuote = "Unmatched double quote.";
    private const string OpenLevel = "the text ends inside a config level; the open entry is omitted";

    /// <summary>The replacement character of the decoder for bytes that are not UTF-8.</summary>
    private const char NotUtf8Mark = '\uFFFD';
    private const string NotUtf8 = "the line is not UTF-8";

    private readonly ConfigSource _source;
    private readonly Findings _findings;
    private readonly List<IgnoredLine> _ignored = [];
    private readonly Stack<Level> _levels = new();
    private readonly Dictionary<string, ConfigTable.Builder> _lists = new(StringComparer.Ordinal);

    /// <summary>The entries and single objects that the text stores at the root, in its order, each with its most recent lines.</summary>
    private readonly Dictionary<(string Path, string Key), (int First, int Last)> _places = [];
    private ConfigTree _tree;

    /// <summary>The result of the text alone, without the objects that a unit has in any case.</summary>
    private ConfigTree _own;

    /// <summary>
    /// True for a file written by a device, which lists every entry of its tables; any other file is a script on top of the factory
    /// objects.
    /// </summary>
    private readonly bool _ofDevice;
    private int _line;
    private bool _damaged;
    private bool _carried;

    private ConfigReader(ConfigSource source, Findings findings, bool ofDevice)
    {
        _source = source;
        _findings = findings;
        _ofDevice = ofDevice;
        _tree = _own =
            source.Factory is { } factory && !ofDevice ? FactoryObjects.WithoutInterfaces(factory) : new ConfigTree(source.Schema);
    }

    /// <summary>Reads a whole text independent of a unit.</summary>
    internal static ConfigReading Read(
        ConfigSchema schema,
        string text,
        Func<string, string?> unseal,
        IReadOnlyDictionary<string, Func<string, bool>> checks
    ) => Read(new ConfigSource(schema, unseal, checks), text, new Findings());

    /// <summary>Reads a whole text.</summary>
    /// <remarks>
    /// A reference may name a later entry, so references are checked at the end. A line with a broken reference is omitted like an
    /// unreadable one, together with everything that depends on it.
    /// </remarks>
    internal static ConfigReading Read(ConfigSource source, string text, Findings findings)
    {
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        while (true)
        {
            var reader = new ConfigReader(source, findings, !HeadOf(text).IsEmpty);
            reader.ReadAll(text);
            reader.Complete();
            if (!reader.FindBroken())
            {
                return new ConfigReading(
                    reader.WithoutUnlistedFactoryObjects(),
                    [.. reader._ignored.OrderBy(line => line.Number)],
                    reader.Refusal(text)
                )
                {
                    Places = [.. reader._places.Keys],
                };
            }
        }
    }

    /// <summary>
    /// Decodes a file: UTF-8, with or without a byte order mark. Bytes that are not UTF-8 become U+FFFD, which the reader rejects.
    /// </summary>
    internal static string Decode(ReadOnlySpan<byte> file) =>
        Encoding.UTF8.GetString(file.StartsWith(Encoding.UTF8.Preamble) ? file[Encoding.UTF8.Preamble.Length..] : file);

    private void ReadAll(string text)
    {
        var damaged = text.Contains(NotUtf8Mark, StringComparison.Ordinal);
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
            _damaged = damaged && text.AsSpan(start, at - start).Contains(NotUtf8Mark);
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
        Flush();
    }

    /// <summary>Writes the current state of the lists into the tree.</summary>
    private void Flush()
    {
        foreach (var (path, entries) in _lists)
        {
            _tree = _tree.With(path, entries.ToTable());
        }
    }

    /// <summary>Skips an unknown block; returns the line of its end, or null if the text ends before it.</summary>
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
                    // This line also ends the list, so it is read again.
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

    /// <summary>Runs one command; returns null, or the reason that it is ignored.</summary>
    private string? Run(List<string> words)
    {
        var level = _levels.Count > 0 ? _levels.Peek() : null;
        var asked = _purged;
        _purged = null;
        if (_damaged && words[0] is not ("set" or "select" or "append"))
        {
            return NotUtf8; // Reject a value only where it is known whether it is a secret.
        }
        return words switch
        {
            ["set", var name, ..] when level is { Working: not null } => level.Schema.Attribute(name) is { IsKey: false } attribute
                ? Set(level, attribute, words.GetRange(2, words.Count - 2))
                : Unknown(name),
            ["next"] when level is { Working: not null, Key: not null } => Next(level),
            ["edit", var key] when level is { Entries: not null } => Edit(level, key),
            ["end"] when level is not null => End(level),
            ["unset" or "clear", var name] when level is { Working: not null } => level.Schema.Attribute(name) is { IsKey: false } attribute
                ? Unset(level, attribute)
                : Unknown(name),
            ["config", _, ..] when level is null => Enter(string.Join(' ', words.Skip(1))),
            ["config", var name] when level is { Working: not null } => Enter(level, name),
            ["y" or "Y" or "n" or "N"] when asked is not null => AnswerPurge(asked, words[0]),
            ["select" or "append" or "unselect", var name, ..] when level is { Working: not null } => level.Schema.Attribute(name)
                is { IsKey: false } attribute
                ? ChangeWords(level, attribute, words)
                : Unknown(name),
            ["delete" or "purge" or "rename" or "clone" or "move", ..] when level is { Entries: not null } => ChangeList(level, words),
            ["abort"] when level is not null => Abort(level),
            _ => Unknown(words[0]),
        };
    }

    private string? Enter(string path)
    {
        if (path is "vdom" or "global")
        {
            _vdoms ??= _line;
        }
        if (_source.Schema.Table(path) is not { } table)
        {
            return "no such table in this version: " + Clean(path);
        }
        _carried = true;
        _levels.Push(
            table.IsList ? new Level(_line, table, null, Root(path), null) : new Level(_line, table, null, null, _tree.Object(path))
        );
        return null;
    }

    private string? Enter(Level parent, string name)
    {
        if (parent.Schema.Child(name) is not { } table)
        {
            return "no such table in this version: " + Clean(name);
        }
        var held = parent.Working!.Children(name);
        _levels.Push(
            table.IsList
                ? new Level(_line, table, null, Copy(held), null)
                : new Level(_line, table, null, null, held.Find("") ?? table.EmptyObject)
        );
        return null;
    }

    private ConfigTable.Builder Root(string path)
    {
        if (!_lists.TryGetValue(path, out var entries))
        {
            _lists.Add(path, entries = Copy(_tree.List(path)));
        }
        return entries;
    }

    private static ConfigTable.Builder Copy(ConfigTable table)
    {
        var copy = new ConfigTable.Builder(table.Schema);
        copy.Load(table);
        return copy;
    }

    private string? Edit(Level list, string typed)
    {
        if (RefuseKey(list, typed) is { } error)
        {
            return error;
        }
        var key = ConfigEditor.KeyOf(list.Schema, typed);
        if (list.Schema.NumericKey && key == "0")
        {
            key = ConfigEditor.NextFree(list.Entries!.Keys);
        }
        var existing = list.Entries!.Find(key);
        if (existing is null && ConfigEditor.CheckRoom(list.Schema, list.Entries.Count) is { } full)
        {
            return full.Lines[0];
        }
        _levels.Push(new Level(_line, list.Schema, key, null, existing ?? list.Schema.EmptyObject));
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
        var error = level.Working is not null ? Store(level, endsList: level.Key is not null) : null;
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

    /// <summary>Stores the open entry or object; a rejected one is omitted as a whole, from the line that opened it.</summary>
    private string? Store(Level level, bool endsList = false)
    {
        var why =
            ConfigEditor.CheckWhole(level.Working!)?.Lines[0]
            ?? (level.Unrestricted > 0 && level.Key is not null ? $"the entry would allow more without line {level.Unrestricted}" : null)
            ?? (_levels.Count == (level.Key is null ? 0 : 1) ? Refused(level.Schema.Path, level.Key ?? "", level.Line) : null);
        if (why is not null)
        {
            _ignored.Add(new(level.Line, why, endsList ? _line - 1 : _line));
            return null;
        }
        if (level.Key is { } key)
        {
            var entries = _levels.Peek().Entries!;
            entries.Set(key, ConfigAssignments.Complete(level.Schema, key, level.Working!, entries.Entries, unique: false));
        }
        else if (_levels.TryPeek(out var parent))
        {
            parent.Working = parent.Working!.WithChildren(
                level.Schema.Path,
                level.Working!.IsDefault ? level.Schema.EmptyTable : level.Schema.EmptyTable.With("", level.Working)
            );
        }
        else
        {
            _tree = _tree.With(level.Schema.Path, level.Working!);
        }
        return null;
    }

    /// <summary>
    /// Returns the reason if an entry or object at the root breaks a rule across tables; otherwise records its lines and returns null.
    /// </summary>
    private string? Refused(string path, string key, int first)
    {
        if (_findings.Refused.TryGetValue((path, key), out var why))
        {
            return why;
        }
        _places[(path, key)] = (first, _line);
        return null;
    }

    private void Ignore(string why, int last) => _ignored.Add(new(_line, why, last));

    private static string Clean(string word) => string.Concat(word.Where(c => !ControlCharacters.Includes(c)).Take(64));

    private static string Unknown(string word) => $"command parse error before '{Clean(word)}'";

    /// <summary>The reader's position: in a list, or in an object of a table or list.</summary>
    private sealed class Level(int line, TableSchema schema, string? key, ConfigTable.Builder? entries, ConfigObject? working)
    {
        /// <summary>The line that opened the level.</summary>
        internal int Line => line;
        internal TableSchema Schema => schema;
        internal string? Key => key;

        /// <summary>The entries of a list; null in an object.</summary>
        internal ConfigTable.Builder? Entries => entries;

        /// <summary>The working copy of an object; null in a list.</summary>
        internal ConfigObject? Working { get; set; } = working;

        /// <summary>The rejected line that would have restricted the object; 0 for none.</summary>
        internal int Unrestricted { get; set; }
    }

    /// <summary>The findings of earlier passes over a text.</summary>
    internal sealed class Findings
    {
        /// <summary>Lines with broken references.</summary>
        internal SortedDictionary<int, string> Broken { get; } = [];

        /// <summary>Entries and single objects at the root that break a rule across tables, with the reason; they are omitted.</summary>
        internal Dictionary<(string Path, string Key), string> Refused { get; } = [];
    }
}
