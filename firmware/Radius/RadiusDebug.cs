using Appliance.Firmware.Events;

namespace Appliance.Firmware.Radius;

/// <summary>
/// The client's output in <c>diagnose debug application fnbamd</c>. The wording is that of public traces, except that the file descriptor
/// number is always 0 and that only the first refusal line is public. Never contains a password or a secret.
/// </summary>
internal sealed class RadiusDebug(DebugTap tap)
{
    /// <summary>Writes the lines for a request that was sent.</summary>
    internal void Sent(RadiusSend send)
    {
        if (!tap.IsWatched(DebugArea.Fnbamd) || RadiusPacket.Parse(send.Packet, out var packet) != RadiusDefect.None)
        {
            return;
        }
        var user = packet.TryGet(RadiusAttribute.UserName, out var name) ? System.Text.Encoding.UTF8.GetString(name) : "";
        tap.Write(
            DebugArea.Fnbamd,
            $"__fnbamd_rad_send-Sent radius req to server '{send.Settings.Name}': fd=0, IP={send.To.Address}({send.To}) code={(int)packet.Code} id={packet.Identifier} len={packet.Bytes.Length} user=\"{user}\" using {SchemeOf(packet)}"
        );
    }

    /// <summary>Writes the lines for a packet that was received.</summary>
    internal void Received(ReadOnlySpan<byte> packet)
    {
        if (packet.Length > 0 && tap.IsWatched(DebugArea.Fnbamd))
        {
            var code = packet[0];
            tap.Write(DebugArea.Fnbamd, $"fnbamd_radius_auth_validate_pkt-RADIUS resp code {code}");
        }
    }

    /// <summary>Writes the lines for a packet that was refused.</summary>
    internal void Refused(RadiusRefusal reason)
    {
        var words = Words(reason);
        tap.Write(DebugArea.Fnbamd, $"__rad_chk_resp_authenticator-{words}");
    }

    /// <summary>Writes the line for a server that cannot be connected to.</summary>
    internal void NotConnected(RadiusSend send, string why) =>
        tap.Write(DebugArea.Fnbamd, $"fnbamd_radius_connect-No connection to server '{send.Settings.Name}' ({send.To}): {why}");

    /// <summary>A refusal in the device's words, where they are public.</summary>
    internal static string Words(RadiusRefusal reason) =>
        reason switch
        {
            RadiusRefusal.NoMessageAuthenticator => "No Message Authenticator",
            RadiusRefusal.WrongAuthenticator or RadiusRefusal.WrongMessageAuthenticator => "Invalid secret for the server",
            RadiusRefusal.UnknownProxyState => "Unknown Proxy-State",
            RadiusRefusal.NoServerProof => "No proof of the server (MS-CHAPv2)",
            RadiusRefusal.WrongCode => "No answer to an Access-Request",
            _ => reason.ToString(),
        };

    private static string SchemeOf(RadiusPacket packet) =>
        packet.TryGet(RadiusAttribute.UserPassword, out _) ? "PAP"
        : packet.TryGet(RadiusAttribute.ChapPassword, out _) ? "CHAP"
        : packet.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Response, out _) ? "MS-CHAPv2"
        : "MS-CHAP";
}
