using System.Globalization;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Config;

/// <summary>
/// The log events of configuration changes: 44546 for a single object, 44547 for a table entry, 44545 for an entry's position in its
/// table. Names, fields and the form of <c>cfgattr</c> are those of public device logs. Secrets are written as <c>[*]</c>.
/// </summary>
internal sealed class ConfigJournal
{
    /// <summary>The maximum number of changed objects that get separate events; a commit with more is one event.</summary>
    private const int ObjectsMax = 100;

    /// <summary>The maximum length of one <c>cfgattr</c>, in characters (*assumed*).</summary>
    private const int AttributesMax = 2048;

    /// <summary>
    /// Attributes whose values are masked although the configuration file shows them (*assumed*). For example, a phone's registration is
    /// enough to send pushes to that phone.
    /// </summary>
    private static readonly HashSet<string> Hidden = ["activation-code", "reg-id", "ssh-hostkey"];

    private const string Attribute = "0100044546";
    private const string ObjectAttribute = "0100044547";
    private const string Object = "0100044545";

    private readonly EventLog _events;

    /// <summary>Creates a journal that writes to a log and keeps the log's device name equal to the host name.</summary>
    internal ConfigJournal(EventLog events) => _events = events;

    /// <summary>Logs a commit.</summary>
    internal void Record(ConfigChange change)
    {
        var (before, after, author) = change;
        _events.DeviceName = after.Object("system global").Text("hostname");
        // The events of one commit share this number. It increases, also across restarts, because each commit writes an event.
        var transaction = (_events.LastId + 1).ToString(CultureInfo.InvariantCulture);
        var changed = ConfigTree.Changed(before, after).ToArray();
        if (
            changed.Sum(table =>
                table.IsList ? ConfigTable.Changes(before.List(table.Path), after.List(table.Path)).Take(ObjectsMax + 1).Count() : 1
            )
            is > ObjectsMax
        )
        {
            // A restored file: the log does not repeat its content.
            Write(
                Attribute,
                "Attribute configured",
                author,
                "Edit",
                transaction,
                ("msg", $"Edit more than {ObjectsMax} objects of {string.Join(' ', changed.Select(Path))}")
            );
            return;
        }
        foreach (var table in changed)
        {
            if (table.IsList)
            {
                RecordTable(table, before.List(table.Path), after.List(table.Path), author, transaction);
            }
            else if (Edited(before.Object(table.Path), after.Object(table.Path)) is { Length: > 0 } attributes)
            {
                Write(
                    Attribute,
                    "Attribute configured",
                    author,
                    "Edit",
                    transaction,
                    ("cfgpath", Path(table)),
                    ("cfgattr", attributes),
                    ("msg", $"Edit {Path(table)} ")
                );
            }
        }
    }

    /// <summary>
    /// Formats the changes for <c>cfgattr</c>: <c>name[old-&gt;new]</c> for an existing entry, <c>name[value]</c> for a new one, without
    /// separators. An entry of a nested table is <c>table:key[…]</c> (*assumed*).
    /// </summary>
    /// <param name="before">The entry before; null for a new one.</param>
    /// <param name="after">The entry after.</param>
    internal static string Edited(ConfigObject? before, ConfigObject after)
    {
        var text = new StringBuilder();
        Append(text, before, after);
        return text.Length <= AttributesMax ? text.ToString() : string.Concat(text.ToString(0, AttributesMax - 3), "...");
    }

    private void RecordTable(TableSchema table, ConfigTable before, ConfigTable after, ConfigAuthor author, string transaction)
    {
        void Entry(string action, string key, params ReadOnlySpan<(string, string)> attributes) =>
            Write(
                ObjectAttribute,
                "Object attribute configured",
                author,
                action,
                transaction,
                [("cfgpath", Path(table)), ("cfgobj", key), .. attributes, ("msg", $"{action} {Path(table)} {key}")]
            );
        foreach (var (key, old, entry) in ConfigTable.Changes(before, after))
        {
            if (entry is null)
            {
                Entry("Delete", key);
            }
            else if (old is null)
            {
                Entry("Add", key, Edited(null, entry) is { Length: > 0 } set ? [("cfgattr", set)] : []);
            }
            else if (Edited(old, entry) is { Length: > 0 } attributes)
            {
                Entry("Edit", key, ("cfgattr", attributes));
            }
        }
        if (table.Ordered && !after.HasOrderOf(before) && Moved(before, after) is var (moved, other))
        {
            Write(
                Object,
                "Object configured",
                author,
                "Move",
                transaction,
                ("cfgpath", Path(table)),
                ("cfgobj", $"{moved}->{other}"),
                ("msg", $"Move {Path(table)} {moved}->{other}")
            );
        }
    }

    /// <summary>
    /// Returns the first entry whose position changed and the entry whose position it took; null if the order is unchanged.
    /// </summary>
    private static (string Moved, string Other)? Moved(ConfigTable before, ConfigTable after)
    {
        string[] was = [.. before.Keys.Where(key => after.Find(key) is not null)],
            now = [.. after.Keys.Where(key => before.Find(key) is not null)];
        var at = was.AsSpan().CommonPrefixLength(now);
        if (at == was.Length)
        {
            return null;
        }
        // Either an entry moved up to this position, or the entry at this position moved down.
        return was.Where(key => key != now[at]).SequenceEqual(now.Where(key => key != now[at]), StringComparer.Ordinal)
            ? (now[at], was[at])
            : (was[at], now[Array.IndexOf(now, was[at]) - 1]);
    }

    private static void Append(StringBuilder text, ConfigObject? before, ConfigObject after)
    {
        foreach (var attribute in after.Schema.Attributes.Where(attribute => !attribute.IsKey))
        {
            var (old, current) = (before?.Words(attribute) ?? [], after.Words(attribute));
            if (before is null ? after.IsSet(attribute) : !old.AsSpan().SequenceEqual(current.AsSpan()))
            {
                var isHidden =
                    attribute.Secret
                    || Hidden.Contains(attribute.Name)
                    || current.Concat(old).Any(word => word.Contains('\n', StringComparison.Ordinal));
                text.Append(attribute.Name)
                    .Append('[')
                    .Append(
                        isHidden ? "*"
                        : before is null ? string.Join(' ', current)
                        : $"{string.Join(' ', old)}->{string.Join(' ', current)}"
                    )
                    .Append(']');
            }
        }
        foreach (var child in after.Schema.Children)
        {
            var (old, current) = (before?.Children(child.Path) ?? child.EmptyTable, after.Children(child.Path));
            foreach (var (key, oldEntry, entry) in ConfigTable.Changes(old, current))
            {
                var inner = new StringBuilder();
                if (entry is not null)
                {
                    Append(inner, oldEntry, entry);
                }
                text.Append(child.Path)
                    .Append(key.Length > 0 ? ":" : "")
                    .Append(key)
                    .Append('[')
                    .Append(entry is null ? "delete" : inner)
                    .Append(']');
            }
        }
    }

    private static string Path(TableSchema table) => table.Path.Replace(' ', '.');

    private void Write(
        string id,
        string description,
        ConfigAuthor author,
        string action,
        string transaction,
        params ReadOnlySpan<(string, string)> more
    ) =>
        _events.Write(
            new EventEntry(
                id,
                "system",
                EventLevel.Information,
                description,
                [("user", author.User), ("ui", author.Ui), ("action", action), ("cfgtid", transaction), .. more]
            )
        );
}
