namespace Appliance.Firmware.Config;

/// <summary>A line of a file that was not understood.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Why">The device's message.</param>
public sealed record IgnoredLine(int Number, string Why);

/// <summary>Reads a configuration file: whole words, no console around it. What is not understood is left out and named.</summary>
internal sealed class ConfigReader
{
    private readonly List<IgnoredLine> _ignored = [];
    private readonly ConfigEditor _editor;
    private ConfigTree _tree;

    private ConfigReader(ConfigSchema schema, Func<string, string?> unseal, IReadOnlyDictionary<string, Func<string, bool>> checks)
    {
        _tree = new ConfigTree(schema);
        _editor = new ConfigEditor(() => _tree, change =>
        {
            _tree = change(_tree);
            return null;
        }, unseal, checks, checkReferences: false);
    }

    /// <summary>Reads a whole text.</summary>
    internal static (ConfigTree Tree, IReadOnlyList<IgnoredLine> Ignored) Read(ConfigSchema schema, string text, Func<string, string?> unseal, IReadOnlyDictionary<string, Func<string, bool>> checks)
    {
        var reader = new ConfigReader(schema, unseal, checks);
        reader.ReadAll(text);
        return (reader._tree, reader._ignored);
    }

    private void ReadAll(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var skipped = 0;
        for (var at = 0; at < lines.Length; at++)
        {
            var number = at + 1;
            var command = lines[at];
            if (command.TrimStart() is "" or ['#', ..])
            {
                continue;
            }
            var words = ConfigWords.Split(command);
            while (words is null && at + 1 < lines.Length)
            {
                command += "\n" + lines[++at];
                words = ConfigWords.Split(command);
            }
            if (words is null)
            {
                _ignored.Add(new(number, "Unmatched double quote."));
                return;
            }
            if (words.Count == 0)
            {
                continue;
            }
            if (skipped > 0)
            {
                skipped += words[0] switch { "config" => 1, "end" => -1, _ => 0 };
                continue;
            }
            if (Run(words) is { } why)
            {
                _ignored.Add(new(number, why));
                skipped = words[0] == "config" ? 1 : 0;
            }
        }
        if (_editor.Level is not null)
        {
            _ignored.Add(new(lines.Length, "the text ends inside a config level; what was open is left out"));
        }
    }

    /// <summary>Runs one command; null when it was understood.</summary>
    private string? Run(List<string> words) => (words, _editor.Level) switch
    {
        (["config", .. var path], null) => Enter(_editor, _tree.Schema.Table(string.Join(' ', path))),
        (["config", var name], ConfigLevel.Edit edit) => Enter(_editor, edit.Schema.Child(name)),
        (["edit", var key], ConfigLevel.List) => _editor.Edit(key).Error?.Lines[0],
        (["set", var name, .. var values], ConfigLevel.Edit edit) => edit.Schema.Attribute(name) is { } attribute ? Line(_editor.Set(attribute, values)) : Unknown(name),
        (["unset", var name], ConfigLevel.Edit edit) => edit.Schema.Attribute(name) is { } attribute ? Line(Unset(attribute)) : Unknown(name),
        (["next"], ConfigLevel.Edit { Key: not null }) => Line(_editor.Next()),
        (["end"], not null) => Line(_editor.End()),
        _ => Unknown(words[0]),
    };

    private static string? Enter(ConfigEditor editor, TableSchema? table)
    {
        if (table is null)
        {
            return "no such table in this version";
        }
        editor.Enter(table);
        return null;
    }

    private ConfigError? Unset(AttributeSchema attribute)
    {
        // An empty choice is shown as "unset": it may differ from the default.
        if (attribute is { Multi: true, Default.Length: > 0 })
        {
            var edit = (ConfigLevel.Edit)_editor.Level!;
            edit.Working = edit.Working.With(attribute.Name, []);
        }
        else
        {
            _editor.Unset(attribute);
        }
        return null;
    }

    private static string? Line(ConfigError? error) => error?.Lines[0];

    private static string Unknown(string word) => $"command parse error before '{word}'";
}
