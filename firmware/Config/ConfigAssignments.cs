using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>Attributes that the unit itself fills in when an entry is stored without them.</summary>
internal static class ConfigAssignments
{
    /// <summary>The entry with everything filled in that it lacks; <paramref name="others"/> are the entries that have numbers already.</summary>
    internal static ConfigObject Complete(TableSchema table, string key, ConfigObject entry, IEnumerable<ConfigObject> others)
    {
        foreach (var attribute in table.Filled)
        {
            if (!entry.IsSet(attribute))
            {
                entry = entry.With(attribute, [attribute.Assigned == Assignment.Uuid ? Uuid(table.Path, key) : NextNumber(others, attribute.Name)]);
            }
        }
        return entry;
    }

    private static string NextNumber(IEnumerable<ConfigObject> others, string attribute) =>
        (others.Select(entry => entry.Number(attribute)).DefaultIfEmpty(0).Max() + 1).ToString(CultureInfo.InvariantCulture);

    private static string Uuid(string path, string key)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{path}\n{key}"))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
