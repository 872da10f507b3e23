using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>A packet as one line for people: <c>Access-Request 3 User-Name="ann" State=0x3031</c>. No secret is ever in one.</summary>
public static class RadiusText
{
    /// <summary>The name of a code; its number when it is not known.</summary>
    public static string Name(RadiusCode code) => code switch
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

    /// <summary>The line. Control characters never get through raw.</summary>
    public static string Format(RadiusPacket packet)
    {
        var line = new StringBuilder().Append(Name(packet.Code)).Append(' ').Append(packet.Identifier);
        foreach (var field in packet)
        {
            if (field.Type == RadiusAttribute.VendorSpecific && field.Value.Length > 4)
            {
                var vendor = BinaryPrimitives.ReadUInt32BigEndian(field.Value);
                var inner = new RadiusPacket.Fields(field.Value[4..]);
                while (inner.MoveNext())
                {
                    Append(line, RadiusDictionary.Find(vendor, (byte)inner.Current.Type), inner.Current.Value);
                }
                continue;
            }
            Append(line, RadiusDictionary.Find(0, (byte)field.Type), field.Value);
        }
        return line.ToString();
    }

    private static void Append(StringBuilder line, RadiusDefinition definition, ReadOnlySpan<byte> value)
    {
        line.Append(' ').Append(definition.Name).Append('=');
        switch (definition.Kind)
        {
            case RadiusValueKind.Secret:
                line.Append(CultureInfo.InvariantCulture, $"<{value.Length} bytes>");
                break;
            case RadiusValueKind.Integer when value.Length == 4:
                line.Append(BinaryPrimitives.ReadUInt32BigEndian(value));
                break;
            case RadiusValueKind.Ipv4 when value.Length == 4:
            case RadiusValueKind.Ipv6 when value.Length == 16:
                line.Append(new IPAddress(value));
                break;
            case RadiusValueKind.Text when value.IndexOfAnyInRange((byte)0, (byte)0x1f) < 0 && value.IndexOfAny((byte)'"', (byte)0x7f, (byte)'\\') < 0 && System.Text.Unicode.Utf8.IsValid(value)
                && !Encoding.UTF8.GetString(value).Any(char.IsControl):
                line.Append('"').Append(Encoding.UTF8.GetString(value)).Append('"');
                break;
            default:
                line.Append("0x").Append(Convert.ToHexStringLower(value));
                break;
        }
    }
}
