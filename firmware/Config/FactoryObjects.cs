using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Reflection;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>
/// The objects of a new unit: addresses, portals, profiles, the guest user and its group, and the board's interfaces. A loaded file has
/// them as well, unless it defines them otherwise (docs/reference/configuration.md).
/// </summary>
public static class FactoryObjects
{
    private const string Interfaces = "system interface";
    private const string Users = "user local";
    private const string Guest = "guest";
    private const string From = "#from ";
    private const string To = "#end";

    private static readonly string[] Lines = ReadLines();

    /// <summary>The names of the factory objects of all releases, by table.</summary>
    private static readonly FrozenDictionary<string, FrozenSet<string>> Names = ReadNames();

    /// <summary>Returns the factory objects of a release on a board. Nothing matches the password of the guest user.</summary>
    /// <param name="schema">The tables of the release.</param>
    /// <param name="interfaces">The names of the board's interfaces, in order.</param>
    public static ConfigTree For(ConfigSchema schema, IReadOnlyList<string> interfaces)
    {
        var text = new StringBuilder($"config {Interfaces}\n");
        foreach (var name in interfaces)
        {
            text.Append("edit ").Append(ConfigWords.Quote(name)).Append("\nset type physical\nnext\n");
        }
        text.Append("end\n");
        var skipped = false;
        foreach (var line in Lines)
        {
            skipped = line.StartsWith(From, StringComparison.Ordinal)
                ? schema.Personality.Release < Version.Parse(line[From.Length..])
                : skipped && line != To;
            if (!skipped)
            {
                text.Append(line).Append('\n');
            }
        }
        var tree = ConfigReader.Read(schema, text.ToString(), _ => null, ImmutableDictionary<string, Func<string, bool>>.Empty).Tree;
        var users = tree.List(Users);
        return tree.With(Users, users.With(Guest, users.Find(Guest)!.With("passwd", [UnmatchableSecret.Create()])));
    }

    /// <summary>True for the name of a factory object.</summary>
    public static bool Has(string path, string key) => Names.GetValueOrDefault(path)?.Contains(key) == true;

    /// <summary>
    /// True for a table with factory objects, the board's interfaces excluded. If such a table is empty, its entries were deleted.
    /// </summary>
    internal static bool Has(string path) => Names.ContainsKey(path);

    /// <summary>Returns the factory objects without the board's interfaces.</summary>
    internal static ConfigTree WithoutInterfaces(ConfigTree factory) =>
        factory.With(Interfaces, factory.List(Interfaces).Schema.EmptyTable);

    /// <summary>Returns a tree with the missing factory objects, or only the missing interfaces, appended.</summary>
    internal static ConfigTree AddTo(ConfigTree tree, ConfigTree factory, bool interfacesOnly)
    {
        foreach (var path in factory.HeldPaths.Where(path => !interfacesOnly || path == Interfaces))
        {
            var list = tree.List(path);
            foreach (var (key, entry) in factory.List(path).Entries)
            {
                if (list.Find(key) is null)
                {
                    list = list.With(
                        key,
                        ConfigAssignments.Complete(
                            list.Schema,
                            key,
                            ConfigAssignments.Unassigned(entry),
                            list.Entries.Select(other => other.Entry)
                        )
                    );
                }
            }
            tree = tree.With(path, list);
        }
        return tree;
    }

    /// <summary>
    /// Returns a tree without the factory objects that a device's file omits, because such a file lists every entry of its tables.
    /// Referenced objects and the board's interfaces remain.
    /// </summary>
    /// <param name="tree">The objects of the file and the factory objects.</param>
    /// <param name="factory">The factory objects.</param>
    /// <param name="own">The objects of the file alone.</param>
    /// <param name="listed">The tables that the file has.</param>
    internal static ConfigTree RemoveFrom(ConfigTree tree, ConfigTree factory, ConfigTree own, IReadOnlyCollection<string> listed)
    {
        // From the last table to the first, so that referrers are removed before the objects they refer to.
        foreach (var path in factory.HeldPaths.Where(path => path != Interfaces && listed.Contains(path)).Reverse())
        {
            foreach (var key in factory.List(path).Keys)
            {
                if (own.List(path).Find(key) is null && ConfigReferences.CountUses(tree, tree.Schema.Table(path)!, key) == 0)
                {
                    tree = tree.With(path, tree.List(path).Without(key));
                }
            }
        }
        return tree;
    }

    private static string[] ReadLines()
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream("schema/_factory.conf")
            ?? throw new InvalidOperationException("no factory objects are built in");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().Split('\n');
    }

    private static FrozenDictionary<string, FrozenSet<string>> ReadNames()
    {
        const string Table = "config ";
        const string Entry = "    edit \"";
        var names = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var path = "";
        foreach (var line in Lines)
        {
            if (line.StartsWith(Table, StringComparison.Ordinal))
            {
                names.Add(path = line[Table.Length..], new(StringComparer.Ordinal));
            }
            else if (line.StartsWith(Entry, StringComparison.Ordinal))
            {
                names[path].Add(line[Entry.Length..^1]);
            }
        }
        return names.ToFrozenDictionary(
            table => table.Key,
            table => table.Value.ToFrozenSet(StringComparer.Ordinal),
            StringComparer.Ordinal
        );
    }
}
