using System.Buffers;
using System.Text;
using System.Text.Json;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The groups that a remote server returned for a user, as text for the database: a JSON array of the groups; <c>true</c> for every group;
/// "" if no server was queried.
/// </summary>
internal static class ToldGroups
{
    internal static string Write(RemoteVerdict.Accepted? told)
    {
        if (told is null)
        {
            return "";
        }
        if (told.InEveryGroup)
        {
            return "true";
        }
        var text = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(text);
        json.WriteStartArray();
        foreach (var group in told.Groups)
        {
            json.WriteStringValue(group);
        }
        json.WriteEndArray();
        json.Flush();
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    internal static RemoteVerdict.Accepted? Read(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }
        using var json = JsonDocument.Parse(text);
        return json.RootElement.ValueKind == JsonValueKind.True
            ? new RemoteVerdict.Accepted([]) { InEveryGroup = true }
            : new RemoteVerdict.Accepted([.. json.RootElement.EnumerateArray().Select(group => group.GetString()!)]);
    }
}
