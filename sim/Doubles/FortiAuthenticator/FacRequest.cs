using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>Reads the attributes of a request, and decides whether it is discarded.</summary>
internal static class FacRequest
{
    private const int ProxyStatesMax = 2048;

    /// <summary>Returns the reason for which a packet is silently discarded, as the RFCs require; null if it is to be answered.</summary>
    public static string? Refusal(RadiusPacket packet, FacClient client, FacWay way)
    {
        var fits = packet.Code switch
        {
            RadiusCode.StatusServer => true,
            RadiusCode.AccessRequest => way != FacWay.Accounting,
            RadiusCode.AccountingRequest => way != FacWay.Authentication,
            _ => false,
        };
        if (!fits)
        {
            return "wrong_code"; // RFC 2865, 3
        }
        if (ProxyStates(packet) > ProxyStatesMax)
        {
            return "long_proxy_state"; // All of it has to fit into the answer.
        }
        if (packet.Code == RadiusCode.AccountingRequest)
        {
            return client.Secret.IsAccounting(packet) ? null : "bad_authenticator"; // RFC 2866, 3
        }
        if (packet.Count(RadiusAttribute.MessageAuthenticator) > 0)
        {
            return client.Secret.IsSigned(packet, packet.Authenticator) ? null : "bad_message_authenticator"; // RFC 2869, 5.14
        }
        // RFC 5997, 3; RFC 3579, 3.1
        var must =
            client.RequireMessageAuthenticator || packet.Code == RadiusCode.StatusServer || packet.Count(RadiusAttribute.EapMessage) > 0;
        return must ? "no_message_authenticator" : null;
    }

    /// <summary>The address of the user (Calling-Station-Id); null if the request has none.</summary>
    public static IPAddress? CallerOf(RadiusPacket packet) =>
        packet.TryGet(RadiusAttribute.CallingStationId, out var caller)
        && caller.Length <= 45
        && IPAddress.TryParse(Encoding.ASCII.GetString(caller), out var address)
            ? address
            : null;

    /// <summary>An attribute as text; empty if the request has none.</summary>
    public static string TextOf(RadiusPacket packet, RadiusAttribute type) =>
        packet.TryGet(type, out var value) ? Encoding.UTF8.GetString(value) : "";

    /// <summary>An attribute as a number; 0 if the request has none.</summary>
    public static string NumberOf(RadiusPacket packet, RadiusAttribute type) =>
        packet.TryGet(type, out var value) && value.Length == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(value).ToString(CultureInfo.InvariantCulture)
            : "0";

    private static int ProxyStates(RadiusPacket packet)
    {
        var length = 0;
        foreach (var field in packet)
        {
            length += field.Type == RadiusAttribute.ProxyState ? field.Value.Length + 2 : 0;
        }
        return length;
    }
}
