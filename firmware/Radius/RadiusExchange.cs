using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;

namespace Appliance.Firmware.Radius;

/// <summary>A request of <see cref="RadiusClientCore"/> that is open, and its progress over servers, schemes and tries.</summary>
internal sealed class RadiusExchange(
    long number,
    RadiusQuery query,
    RadiusSettings settings,
    string nic,
    IPAddress local,
    ImmutableArray<int> servers
)
{
    public long Number => number;
    public RadiusQuery Query => query;
    public RadiusSettings Settings => settings;
    public string Nic => nic;
    public IPAddress Local => local;

    /// <summary>The servers to try, in order.</summary>
    public ImmutableArray<int> Servers => servers;
    public ImmutableArray<RadiusScheme> Schemes { get; } =
        query.Answers is not null ? [RadiusScheme.Pap]
        : query.Schemes.IsDefaultOrEmpty ? settings.Schemes
        : query.Schemes;
    public int ServerAt { get; set; }
    public int SchemeAt { get; set; }

    /// <summary>The index of the last server that a notice reported; -1 if none.</summary>
    public int NoticedServerAt { get; set; } = -1;
    public int Try { get; set; }
    public int Slot { get; set; } = -1;
    public string Channel { get; set; } = "";
    public byte[] Packet { get; set; } = [];
    public byte[] Proof { get; set; } = [];
    public DateTimeOffset ServerDeadline { get; set; }

    /// <summary>True when a broken connection was re-established for this request.</summary>
    public bool IsSecondConnection { get; set; }

    /// <summary>The reason for which the last packet that claimed to be the reply was refused; null if none was.</summary>
    public RadiusRefusal? Refused { get; set; }
    public int Server => servers[ServerAt];
    public RadiusTarget Target => settings.Targets[Server];
    public ReadOnlySpan<byte> Authenticator => Packet.AsSpan(4, RadiusPacket.AuthenticatorLength);

    /// <summary>The reason why a packet is not the reply to this request; null if it is.</summary>
    public RadiusRefusal? RefusalOf(RadiusPacket packet)
    {
        if (packet.Code is not (RadiusCode.AccessAccept or RadiusCode.AccessReject or RadiusCode.AccessChallenge))
        {
            return RadiusRefusal.WrongCode;
        }
        if (!Target.Secret.IsAnswer(packet, Authenticator))
        {
            return RadiusRefusal.WrongAuthenticator;
        }
        // The client sends no Proxy-State, so a genuine reply has none: CVE-2024-3596 needs that room.
        if (packet.Count(RadiusAttribute.ProxyState) > 0)
        {
            return RadiusRefusal.UnknownProxyState;
        }
        if (packet.Count(RadiusAttribute.MessageAuthenticator) == 0)
        {
            if (settings.RequireMessageAuthenticator)
            {
                return RadiusRefusal.NoMessageAuthenticator;
            }
        }
        else if (!Target.Secret.IsSigned(packet, Authenticator))
        {
            return RadiusRefusal.WrongMessageAuthenticator;
        }
        // With MS-CHAPv2 the server also has to prove that it has the password.
        return
            packet.Code != RadiusCode.AccessAccept
            || Proof.Length == 0
            || (
                packet.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Success, out var proof)
                && proof.Length > 1
                && CryptographicOperations.FixedTimeEquals(proof[1..], Proof)
            )
            ? null
            : RadiusRefusal.NoServerProof;
    }
}
