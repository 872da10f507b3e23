using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>Writes Access-Requests as the device does. Not thread-safe, because it has one buffer.</summary>
internal sealed class RadiusRequests(RadiusRandom random)
{
    private const string Vdom = "root";
    private const uint VirtualPort = 5; // NAS-Port-Type, RFC 2865, 5.41
    private readonly byte[] _buffer = new byte[RadiusPacket.LengthMax];

    /// <summary>Writes the packet. Also returns the proof that an Access-Accept must contain with MS-CHAPv2, otherwise empty.</summary>
    /// <param name="query">The request.</param>
    /// <param name="settings">The settings of the entry.</param>
    /// <param name="secret">The secret shared with the server.</param>
    /// <param name="scheme">The scheme that protects the password.</param>
    /// <param name="identifier">The identifier.</param>
    /// <param name="local">The address that it is sent from.</param>
    /// <param name="session">The number that identifies the login (Acct-Session-Id).</param>
    internal (byte[] Packet, byte[] Proof) Write(
        RadiusQuery query,
        RadiusSettings settings,
        RadiusSecret secret,
        RadiusScheme scheme,
        byte identifier,
        IPAddress local,
        long session
    )
    {
        Span<byte> authenticator = stackalloc byte[RadiusPacket.AuthenticatorLength];
        random(authenticator);
        var writer = new RadiusWriter(_buffer, RadiusCode.AccessRequest, identifier, authenticator, sign: true);
        if (settings.NasId.Length > 0)
        {
            writer.Add(RadiusAttribute.NasIdentifier, settings.NasId);
        }
        writer.Add(RadiusAttribute.UserName, query.User);
        var proof = AddCredential(ref writer, query, settings, secret, scheme, authenticator);
        writer.Add(RadiusAttribute.NasIpAddress, settings.NasIp ?? local);
        writer.Add(RadiusAttribute.NasPort, 1u);
        writer.Add(RadiusAttribute.NasPortType, VirtualPort);
        if (query.Caller is { } caller)
        {
            writer.Add(RadiusAttribute.CallingStationId, caller.ToString());
        }
        writer.Add(RadiusAttribute.AcctSessionId, session.ToString("x8", CultureInfo.InvariantCulture));
        writer.Add(RadiusAttribute.ConnectInfo, query.ConnectInfo);
        writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.VdomName, Vdom);
        if (query.Answers is { State.IsDefault: false } challenge)
        {
            writer.Add(RadiusAttribute.State, challenge.State.AsSpan());
        }
        return (_buffer[..writer.EndRequest(secret)], proof);
    }

    private byte[] AddCredential(
        scoped ref RadiusWriter writer,
        RadiusQuery query,
        RadiusSettings settings,
        RadiusSecret secret,
        RadiusScheme scheme,
        scoped ReadOnlySpan<byte> authenticator
    )
    {
        Span<byte> value = stackalloc byte[RadiusSecret.PasswordMax];
        var password =
            settings.Latin1 && query.Password.All(c => c <= 0xff)
                ? Encoding.Latin1.GetBytes(query.Password)
                : Encoding.UTF8.GetBytes(query.Password);
        switch (scheme)
        {
            case RadiusScheme.Pap:
                writer.Add(RadiusAttribute.UserPassword, value[..secret.HidePassword(password, authenticator, value)]);
                return [];
            case RadiusScheme.Chap:
                Span<byte> challenge = stackalloc byte[MD5.HashSizeInBytes];
                random(challenge);
                value[0] = challenge[0];
                RadiusSecret.ChapDigest(value[0], password, challenge, value[1..]);
                writer.Add(RadiusAttribute.ChapPassword, value[..(1 + MD5.HashSizeInBytes)]);
                writer.Add(RadiusAttribute.ChapChallenge, challenge);
                return [];
            default:
                return AddMsChap(ref writer, query, scheme);
        }
    }

    /// <summary>
    /// Adds the MS-CHAP attributes (RFC 2548, 2.1 and 2.3): ident and flags, then either the LM (never set) and NT responses, or the peer
    /// challenge, zeros and the NT response.
    /// </summary>
    private byte[] AddMsChap(scoped ref RadiusWriter writer, RadiusQuery query, RadiusScheme scheme)
    {
        const int AnswerAt = 26;
        byte[] proof = [];
        var hash = MsChap.PasswordHash(query.Password);
        Span<byte> challenge = stackalloc byte[scheme == RadiusScheme.MsChap ? MsChap.Challenge1Length : MsChap.ChallengeLength];
        random(challenge);
        Span<byte> response = stackalloc byte[AnswerAt + MsChap.ResponseLength];
        response.Clear();
        if (scheme == RadiusScheme.MsChap)
        {
            response[1] = 1;
            MsChap.Respond(challenge, hash, response[AnswerAt..]);
        }
        else
        {
            var peer = response.Slice(2, MsChap.ChallengeLength);
            random(peer);
            MsChap.Respond2(challenge, peer, query.User, hash, response[AnswerAt..]);
            proof = Encoding.ASCII.GetBytes(MsChap.AuthenticatorResponse(challenge, peer, query.User, hash, response[AnswerAt..]));
        }
        writer.AddVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChapChallenge, challenge);
        writer.AddVendor(
            RadiusVendor.Microsoft,
            (byte)(scheme == RadiusScheme.MsChap ? MicrosoftAttribute.MsChapResponse : MicrosoftAttribute.MsChap2Response),
            response
        );
        return proof;
    }
}
