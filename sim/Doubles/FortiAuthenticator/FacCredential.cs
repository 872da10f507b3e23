using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The credential that a request offers as password or code. Schemes that hide it can only be compared with a guess.</summary>
public abstract class FacCredential
{
    /// <summary>The shortest CHAP-Challenge, in bytes (RFC 2865, 5.40).</summary>
    private const int ChapChallengeMin = 5;

    /// <summary>The scheme's name in events.</summary>
    public abstract string Scheme { get; }

    /// <summary>Returns true if the credential represents this text. Takes the same time for any text of one length.</summary>
    public abstract bool Is(string text);

    /// <summary>Returns the proof that an accept carries (<c>MS-CHAP2-Success</c>); null for schemes that have none.</summary>
    public virtual byte[]? Proof(string text) => null;

    /// <summary>Returns the scheme alone, never a secret.</summary>
    public sealed override string ToString() => Scheme;

    /// <summary>
    /// Reads the credential of a request. Returns null if there is none, more than one, one of any attribute that RFC 2865, 5.44 allows
    /// once, a malformed one, or EAP (RFC 3579, 2.2: EAP excludes the others). A State without a credential is an empty code, because
    /// clients omit an empty User-Password. The packet's view is not kept.
    /// </summary>
    public static FacCredential? Of(RadiusPacket request, RadiusSecret secret, string user)
    {
        if (HasRepeated(request) || request.Count(RadiusAttribute.EapMessage) > 0)
        {
            return null;
        }
        var hasPassword = request.TryGet(RadiusAttribute.UserPassword, out var hidden);
        var hasChap = request.TryGet(RadiusAttribute.ChapPassword, out var chap);
        var has1 = request.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChapResponse, out var response1);
        var has2 = request.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChap2Response, out var response2);
        var credentials = (hasPassword ? 1 : 0) + (hasChap ? 1 : 0) + (has1 || has2 ? 1 : 0);
        if (credentials != 1)
        {
            return credentials == 0 && request.Count(RadiusAttribute.State) == 1 ? new Pap([]) : null;
        }
        if (hasPassword)
        {
            Span<byte> clear = stackalloc byte[RadiusSecret.PasswordMax];
            // Some clients send an empty password without any block, where RFC 2865, 5.2 requires one.
            var length = hidden.IsEmpty ? 0 : secret.RevealPassword(hidden, request.Authenticator, clear);
            return length < 0 ? null : new Pap(clear[..length]);
        }
        if (hasChap)
        {
            // RFC 2865, 5.3: without a CHAP-Challenge the authenticator is the challenge.
            var challenge = request.TryGet(RadiusAttribute.ChapChallenge, out var given) ? given : request.Authenticator;
            return chap.Length == 17 && challenge.Length >= ChapChallengeMin ? new Chap(chap.ToArray(), challenge.ToArray()) : null;
        }
        if (!request.TryGetVendor(RadiusVendor.Microsoft, (byte)MicrosoftAttribute.MsChapChallenge, out var msChallenge))
        {
            return null;
        }
        const int ResponseLength = 50; // RFC 2548, 2.1.3 and 2.3.2
        return has2
            ? response2.Length == ResponseLength && msChallenge.Length == MsChap.ChallengeLength
                ? new MsChapV2(user, response2.ToArray(), msChallenge.ToArray())
                : null
            : response1.Length == ResponseLength && msChallenge.Length == MsChap.Challenge1Length
                ? new MsChapV1(response1.ToArray(), msChallenge.ToArray())
                : null;
    }

    private static bool HasRepeated(RadiusPacket request)
    {
        foreach (
            var type in (ReadOnlySpan<RadiusAttribute>)
                [RadiusAttribute.UserPassword, RadiusAttribute.ChapPassword, RadiusAttribute.ChapChallenge, RadiusAttribute.State]
        )
        {
            if (request.Count(type) > 1)
            {
                return true;
            }
        }
        foreach (
            var type in (ReadOnlySpan<MicrosoftAttribute>)
                [MicrosoftAttribute.MsChapResponse, MicrosoftAttribute.MsChap2Response, MicrosoftAttribute.MsChapChallenge]
        )
        {
            if (request.CountVendor(RadiusVendor.Microsoft, (byte)type) > 1)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A clear-text credential, from PAP or a REST call.</summary>
    internal sealed class Pap : FacCredential
    {
        private const int LengthMax = RadiusSecret.PasswordMax;
        private readonly byte[] _clear = new byte[LengthMax];

        /// <param name="clear">The text; one that is longer than a password can be matches nothing.</param>
        internal Pap(ReadOnlySpan<byte> clear)
        {
            if (clear.Length > LengthMax)
            {
                RandomNumberGenerator.Fill(_clear);
                return;
            }
            clear.CopyTo(_clear);
        }

        public override string Scheme => "PAP";

        /// <summary>
        /// Compares all 128 bytes of both, padded as they are when hidden (RFC 2865, 5.2). The time reveals neither where they differ nor
        /// their lengths.
        /// </summary>
        public override bool Is(string text)
        {
            Span<byte> expected = stackalloc byte[LengthMax];
            expected.Clear();
            return Encoding.UTF8.TryGetBytes(text, expected, out _) & CryptographicOperations.FixedTimeEquals(_clear, expected);
        }
    }

    private sealed class Chap(byte[] answer, byte[] challenge) : FacCredential
    {
        public override string Scheme => "CHAP";

        public override bool Is(string text)
        {
            Span<byte> expected = stackalloc byte[MD5.HashSizeInBytes];
            RadiusSecret.ChapDigest(answer[0], Encoding.UTF8.GetBytes(text), challenge, expected);
            return CryptographicOperations.FixedTimeEquals(expected, answer.AsSpan(1));
        }
    }

    private sealed class MsChapV1(byte[] answer, byte[] challenge) : FacCredential
    {
        public override string Scheme => "MS-CHAP";

        /// <summary>Compares ident, flags, 24 bytes of LM (ignored) and 24 of NT (RFC 2548, 2.1.3).</summary>
        public override bool Is(string text)
        {
            Span<byte> expected = stackalloc byte[MsChap.ResponseLength];
            MsChap.Respond(challenge, MsChap.PasswordHash(text), expected);
            return answer[1] == 1 && CryptographicOperations.FixedTimeEquals(expected, answer.AsSpan(26));
        }
    }

    private sealed class MsChapV2(string user, byte[] answer, byte[] challenge) : FacCredential
    {
        public override string Scheme => "MS-CHAPv2";

        /// <summary>Compares ident, flags, 16 bytes of peer challenge, 8 reserved, 24 of response (RFC 2548, 2.3.2).</summary>
        public override bool Is(string text)
        {
            Span<byte> expected = stackalloc byte[MsChap.ResponseLength];
            MsChap.Respond2(challenge, answer.AsSpan(2, MsChap.ChallengeLength), user, MsChap.PasswordHash(text), expected);
            return CryptographicOperations.FixedTimeEquals(expected, answer.AsSpan(26));
        }

        public override byte[] Proof(string text) =>
            [
                answer[0],
                .. Encoding.ASCII.GetBytes(
                    MsChap.AuthenticatorResponse(
                        challenge,
                        answer.AsSpan(2, MsChap.ChallengeLength),
                        user,
                        MsChap.PasswordHash(text),
                        answer.AsSpan(26)
                    )
                ),
            ];
    }
}
