using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Radius;

/// <summary>
/// Formats a packet as one human-readable line: <c>Access-Request 3 User-Name="ann" State=0x3031</c>. Never contains a secret.
/// </summary>
public static class RadiusText
{
    /// <summary>The name of a code, or its number if it has no name here.</summary>
    public static string Name(RadiusCode code) =>
        code switch
        {
            RadiusCode.AccessRequest => "Access-Request",
            RadiusCode.AccessAccept => "Access-Accept",
            RadiusCode.AccessReject => "Access-Reject",
            RadiusCode.AccessChallenge => "Access-Challenge",
            RadiusCode.AccountingRequest => "Accounting-Request",
            RadiusCode.AccountingResponse => "Accounting-Response",
            RadiusCode.StatusServer => "Status-Server",
            _ => $"Code-{(byte)code}",
        };

    /// <summary>Formats the packet as one line. Control characters are never output raw.</summary>
    public static string Format(RadiusPacket packet)
    {
        var line = new StringBuilder().Append(Name(packet.Code)).Append(' ').Append(packet.Identifier);
        foreach (var (name, value) in Fields(packet))
        {
            line.Append(' ').Append(name).Append('=').Append(value);
        }
        return line.ToString();
    }

    /// <summary>The attributes in order, each with its name and formatted value.</summary>
    public static IReadOnlyList<(string Name, string Value)> Fields(RadiusPacket packet)
    {
        var fields = new List<(string, string)>();
        foreach (var field in packet)
        {
            if (field.Type == RadiusAttribute.VendorSpecific && field.Value.Length > 4)
            {
                var vendor = BinaryPrimitives.ReadUInt32BigEndian(field.Value);
                var inner = new RadiusPacket.Fields(field.Value[4..]);
                while (inner.MoveNext())
                {
                    var own = RadiusDictionary.Find(vendor, (byte)inner.Current.Type);
                    fields.Add((own.Name, Value(own, inner.Current.Value)));
                }
                continue;
            }
            var definition = RadiusDictionary.Find(0, (byte)field.Type);
            fields.Add((definition.Name, Value(definition, field.Value)));
        }
        return fields;
    }

    private static string Value(RadiusDefinition definition, ReadOnlySpan<byte> value)
    {
        switch (definition.Kind)
        {
            case RadiusValueKind.Secret:
                return $"<{value.Length} bytes>";
            case RadiusValueKind.Integer when value.Length == 4:
                return BinaryPrimitives.ReadUInt32BigEndian(value).ToString(CultureInfo.InvariantCulture);
            case RadiusValueKind.Ipv4 when value.Length == 4:
            case RadiusValueKind.Ipv6 when value.Length == 16:
                return new IPAddress(value).ToString();
            case RadiusValueKind.Text
                when value.IndexOfAnyInRange((byte)0, (byte)0x1f) < 0
                    && value.IndexOfAny((byte)'"', (byte)0x7f, (byte)'\\') < 0
                    && System.Text.Unicode.Utf8.IsValid(value)
                    && !ControlCharacters.AnyIn(Encoding.UTF8.GetString(value)):
                return $"\"{Encoding.UTF8.GetString(value)}\"";
            default:
                return "0x" + Convert.ToHexStringLower(value);
        }
    }
}
