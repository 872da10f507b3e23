using System.Text;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The form of each answer of the emulator.</summary>
internal static class FacAnswer
{
    /// <summary>Writes the answer to a request.</summary>
    /// <param name="buffer">The space for it, of <see cref="RadiusPacket.LengthMax"/> bytes.</param>
    /// <param name="request">The request; of a pending one, its header and Proxy-States.</param>
    /// <param name="code">The packet type of the answer.</param>
    /// <param name="verdict">The verdict on an Access-Request; null for any other request.</param>
    /// <param name="secret">The secret that signs the answer.</param>
    public static byte[] Write(byte[] buffer, RadiusPacket request, RadiusCode code, FacVerdict? verdict, RadiusSecret secret)
    {
        var sign = code != RadiusCode.AccountingResponse || request.Count(RadiusAttribute.MessageAuthenticator) > 0;
        var writer = new RadiusWriter(buffer, code, request.Identifier, request.Authenticator, sign);
        switch (verdict)
        {
            case FacVerdict.Accept { User: { } user, Proof: var proof }:
                if (user.Group.Length > 0)
                {
                    writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName, user.Group);
                }
                if (proof is not null)
                {
                    writer.AddVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Success, proof);
                }
                break;
            case FacVerdict.Challenge challenge:
                writer.Add(RadiusAttribute.ReplyMessage, challenge.Text);
                writer.Add(RadiusAttribute.State, Encoding.ASCII.GetBytes(challenge.State));
                writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.FacChallengeCode, "001"u8);
                break;
            case FacVerdict.Reject reject:
                if (reject.Message.Length > 0)
                {
                    writer.Add(RadiusAttribute.ReplyMessage, reject.Message);
                }
                AddEapFailure(ref writer, request);
                break;
        }
        writer.AddProxyStates(request);
        return buffer[..writer.EndAnswer(secret)];
    }

    /// <summary>
    /// Ends a rejected EAP conversation with an EAP-Failure (RFC 3579, 2.6.3) that has the identifier of the client's packet (RFC 3748,
    /// 4.2).
    /// </summary>
    private static void AddEapFailure(ref RadiusWriter writer, scoped RadiusPacket request)
    {
        const byte Failure = 4;
        if (request.TryGet(RadiusAttribute.EapMessage, out var message))
        {
            writer.Add(RadiusAttribute.EapMessage, [Failure, message.Length > 1 ? message[1] : (byte)0, 0, 4]);
        }
    }
}
