using System.Security.Cryptography;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>Answers that a client must not accept, for the lab's faults.</summary>
internal static class FacForgery
{
    /// <summary>Returns the same answer without its Message-Authenticator; everything else about it is valid.</summary>
    internal static byte[] WithoutMessageAuthenticator(FacReply reply)
    {
        RadiusPacket.Parse(reply.Packet, out var packet);
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, packet.Code, packet.Identifier, reply.Entry.Authenticator, sign: false);
        foreach (var field in packet)
        {
            if (field.Type != RadiusAttribute.MessageAuthenticator)
            {
                writer.Add(field.Type, field.Value);
            }
        }
        return buffer[..writer.EndAnswer(reply.Entry.Client.Secret)];
    }

    /// <summary>Returns an accept for the same request from a sender that does not have the secret.</summary>
    internal static byte[] Accept(FacReply reply)
    {
        RadiusPacket.Parse(reply.Packet, out var packet);
        var buffer = new byte[RadiusPacket.LengthMax];
        var code = packet.Code == RadiusCode.AccountingResponse ? packet.Code : RadiusCode.AccessAccept;
        var writer = new RadiusWriter(buffer, code, packet.Identifier, reply.Entry.Authenticator, sign: true);
        return buffer[..writer.EndAnswer(new RadiusSecret(Convert.ToHexString(RandomNumberGenerator.GetBytes(16))))];
    }
}
