using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>Reads the contents of a verified reply.</summary>
internal static class RadiusAnswers
{
    /// <summary>Reads an Access-Accept, Access-Reject or Access-Challenge.</summary>
    internal static RadiusResult Read(RadiusPacket packet, int server) =>
        packet.Code switch
        {
            RadiusCode.AccessAccept => new RadiusResult.Accept(
                Texts(packet, RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName),
                Texts(packet, 0, (byte)RadiusAttribute.Class),
                Texts(packet, 0, (byte)RadiusAttribute.FilterId),
                Number(packet, RadiusAttribute.SessionTimeout),
                Number(packet, RadiusAttribute.IdleTimeout)
            )
            {
                Server = server,
            },
            RadiusCode.AccessChallenge => Challenge(packet, server),
            _ => new RadiusResult.Reject(string.Concat(Texts(packet, 0, (byte)RadiusAttribute.ReplyMessage))) { Server = server },
        };

    private static RadiusResult.Challenge Challenge(RadiusPacket packet, int server)
    {
        var message = string.Concat(Texts(packet, 0, (byte)RadiusAttribute.ReplyMessage));
        // A leading plus with code 001 marks a FortiAuthenticator that supports push (*assumed*: the table of codes is not public).
        var plus = message.StartsWith('+');
        var canPush =
            plus
            && Texts(packet, RadiusVendor.Fortinet, (byte)FortinetAttribute.FacChallengeCode).Contains("001")
            && message.Contains(" no code ", StringComparison.Ordinal);
        var typePush = plus && message.Contains("'push'", StringComparison.Ordinal);
        return new(
            packet.TryGet(RadiusAttribute.State, out var state) ? [.. state] : default,
            plus ? message[1..] : message,
            canPush || typePush,
            typePush
        )
        {
            Server = server,
        };
    }

    private static ImmutableArray<string> Texts(RadiusPacket packet, uint vendor, byte type)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        foreach (var field in packet)
        {
            if (vendor == 0 && (byte)field.Type == type)
            {
                texts.Add(Encoding.UTF8.GetString(field.Value));
            }
            else if (
                vendor != 0
                && field.Type == RadiusAttribute.VendorSpecific
                && field.Value.Length > 4
                && BinaryPrimitives.ReadUInt32BigEndian(field.Value) == vendor
            )
            {
                var inner = new RadiusPacket.Fields(field.Value[4..]);
                while (inner.MoveNext())
                {
                    if ((byte)inner.Current.Type == type)
                    {
                        texts.Add(Encoding.UTF8.GetString(inner.Current.Value));
                    }
                }
            }
        }
        return texts.ToImmutable();
    }

    private static long Number(RadiusPacket packet, RadiusAttribute type) =>
        packet.TryGet(type, out var value) && value.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;
}
