using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware;

/// <summary>
/// Events for changes of the configuration: 44546 for a single object, 44547 for an entry (both "assumed": ids of the device's
/// configuration log, whose fields no public source here lists). Names what changed, never a value: it may be a secret.
/// </summary>
internal sealed class ConfigJournal
{
    /// <summary>A commit of more objects is one event.</summary>
    private const int ObjectsMax = 100;

    private readonly EventLog _events;

    /// <summary>Writes to a log, and keeps its device name the host name.</summary>
    internal ConfigJournal(EventLog events) => _events = events;

    /// <summary>Records a commit.</summary>
    internal void Record(ConfigChange change)
    {
        var (before, after, author) = change;
        _events.DeviceName = after.Object("system global").Text("hostname");
        var changed = ConfigTree.Changed(before, after).ToArray();
        if (changed.Sum(table => table.IsList ? ConfigTable.Changes(before.List(table.Path), after.List(table.Path)).Take(ObjectsMax + 1).Count() : 1) is > ObjectsMax)
        {
            // A restored file: the log is not for repeating it.
            Write(author, "0100044546", "Attribute configured", "Edit", "", "", string.Join(' ', changed.Select(table => table.Path.Replace(' ', '.'))), $"more than {ObjectsMax} objects configured at once");
            return;
        }
        foreach (var table in changed)
        {
            if (!table.IsList)
            {
                if (Changed(before.Object(table.Path), after.Object(table.Path)) is { Length: > 0 } attributes)
                {
                    Write(author, "0100044546", "Attribute configured", table, null, "Edit", attributes);
                }
                continue;
            }
            foreach (var (key, old, entry) in ConfigTable.Changes(before.List(table.Path), after.List(table.Path)))
            {
                if (entry is null)
                {
                    Write(author, "0100044547", "Object configured", table, key, "Delete", "");
                }
                else if (old is null)
                {
                    Write(author, "0100044547", "Object configured", table, key, "Add", Changed(table.EmptyObject, entry));
                }
                else if (Changed(old, entry) is { Length: > 0 } attributes)
                {
                    Write(author, "0100044547", "Object configured", table, key, "Edit", attributes);
                }
            }
        }
    }

    private static string Changed(ConfigObject before, ConfigObject after) => string.Join(' ', after.Schema.Attributes
        .Where(attribute => !before.Words(attribute.Name).AsSpan().SequenceEqual(after.Words(attribute.Name).AsSpan())).Select(attribute => attribute.Name)
        .Concat(after.Schema.Children.Where(child => !ReferenceEquals(before.Children(child.Path), after.Children(child.Path)) && (before.Children(child.Path).Count > 0 || after.Children(child.Path).Count > 0)).Select(child => child.Path)));

    private void Write(ConfigAuthor author, string id, string description, TableSchema table, string? key, string action, string attributes) =>
        Write(author, id, description, action, table.Path.Replace(' ', '.'), key ?? "", attributes, $"{action} {table.Path.Replace(' ', '.')} {key}".TrimEnd());

    private void Write(ConfigAuthor author, string id, string description, string action, string path, string key, string attributes, string message) => _events.Write(new EventEntry(id, "system", EventLevel.Information, description,
        ("user", author.User), ("ui", author.Ui), ("action", action), ("cfgpath", path), ("cfgobj", key), ("cfgattr", attributes), ("msg", message)));
}
