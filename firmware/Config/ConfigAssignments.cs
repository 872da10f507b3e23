using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>The attributes that the unit fills in when an entry is stored without them.</summary>
internal static class ConfigAssignments
{
    /// <summary>Returns the entry with every missing assigned attribute filled in.</summary>
    /// <param name="table">The table.</param>
    /// <param name="key">The entry's key.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="others">The entries that already have numbers and UUIDs.</param>
    /// <param name="unique">
    /// False to skip comparing a new UUID with those of <paramref name="others"/>, which is too slow for a long file.
    /// </param>
    internal static ConfigObject Complete(
        TableSchema table,
        string key,
        ConfigObject entry,
        IEnumerable<ConfigObject> others,
        bool unique = true
    )
    {
        foreach (var attribute in table.Filled)
        {
            if (!entry.IsSet(attribute))
            {
                entry = entry.With(
                    attribute,
                    [
                        attribute.Assigned switch
                        {
                            Assignment.Uuid => Uuid(table.Path, key, unique ? others : [], attribute),
                            Assignment.RootDomain => "root",
                            _ => NextNumber(others, attribute.Name),
                        },
                    ]
                );
            }
        }
        return entry;
    }

    private static string NextNumber(IEnumerable<ConfigObject> others, string attribute) =>
        (others.Select(entry => entry.Number(attribute)).DefaultIfEmpty(0).Max() + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>Returns an entry without its unique attributes, so that a copy gets its own number and UUID.</summary>
    internal static ConfigObject Unassigned(ConfigObject entry) =>
        entry
            .Schema.Filled.Where(attribute => attribute.Assigned is Assignment.Number or Assignment.Uuid)
            .Aggregate(entry, (value, attribute) => value.Without(attribute.Name));

    /// <summary>
    /// Returns a UUID that no other entry has. A collision is possible because a renamed entry keeps the UUID derived from its old key.
    /// </summary>
    private static string Uuid(string path, string key, IEnumerable<ConfigObject> others, AttributeSchema attribute)
    {
        var taken = others.Select(other => other.Text(attribute.Name)).ToHashSet(StringComparer.Ordinal);
        for (var turn = 0; ; turn++)
        {
            var uuid = Uuid(turn == 0 ? $"{path}\n{key}" : $"{path}\n{key}\n{turn.ToString(CultureInfo.InvariantCulture)}");
            if (!taken.Contains(uuid))
            {
                return uuid;
            }
        }
    }

    private static string Uuid(string name)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(name))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
