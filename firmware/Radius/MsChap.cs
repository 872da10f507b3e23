using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>The computations of MS-CHAP and MS-CHAPv2 (RFC 2433, 2759). Responses are 24 bytes.</summary>
public static class MsChap
{
    /// <summary>Length of a response in bytes.</summary>
    public const int ResponseLength = 24;

    /// <summary>Length in bytes of the two challenges of version 2.</summary>
    public const int ChallengeLength = 16;

    /// <summary>Length in bytes of the challenge of version 1.</summary>
    public const int Challenge1Length = 8;

    private const int UserNameMax = 256;

    /// <summary>Computes the password hash: MD4 of the password in UTF-16 (RFC 2759, 8.3).</summary>
    public static byte[] PasswordHash(string password)
    {
        var hash = new byte[Md4.HashSizeInBytes];
        Md4.HashData(Encoding.Unicode.GetBytes(password), hash);
        return hash;
    }

    /// <summary>
    /// Computes the version 1 response to a challenge of 8 bytes, which is also the last step of version 2 (RFC 2759, 8.5).
    /// </summary>
    public static void Respond(ReadOnlySpan<byte> challenge8, ReadOnlySpan<byte> passwordHash, Span<byte> response)
    {
        Span<byte> keys = stackalloc byte[21];
        keys.Clear();
        passwordHash[..Md4.HashSizeInBytes].CopyTo(keys);
        for (var piece = 0; piece < 3; piece++)
        {
            Des.Encrypt(challenge8, keys.Slice(piece * 7, 7), response.Slice(piece * 8, 8));
        }
    }

    /// <summary>Computes the version 2 response (RFC 2759, 8.1).</summary>
    public static void Respond2(
        ReadOnlySpan<byte> serverChallenge,
        ReadOnlySpan<byte> peerChallenge,
        string userName,
        ReadOnlySpan<byte> passwordHash,
        Span<byte> response
    )
    {
        Span<byte> challenge = stackalloc byte[SHA1.HashSizeInBytes];
        ChallengeHash(serverChallenge, peerChallenge, userName, challenge);
        Respond(challenge[..Challenge1Length], passwordHash, response);
    }

    /// <summary>Computes the server's proof that it has the password: <c>S=</c> and 40 hex digits (RFC 2759, 8.7).</summary>
    public static string AuthenticatorResponse(
        ReadOnlySpan<byte> serverChallenge,
        ReadOnlySpan<byte> peerChallenge,
        string userName,
        ReadOnlySpan<byte> passwordHash,
        ReadOnlySpan<byte> response
    )
    {
        Span<byte> hashOfHash = stackalloc byte[Md4.HashSizeInBytes];
        Md4.HashData(passwordHash, hashOfHash);
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData([.. hashOfHash, .. response, .. "Magic server to client signing constant"u8], digest);
        Span<byte> challenge = stackalloc byte[SHA1.HashSizeInBytes];
        ChallengeHash(serverChallenge, peerChallenge, userName, challenge);
        SHA1.HashData([.. digest, .. challenge[..Challenge1Length], .. "Pad to make it do more than one iteration"u8], digest);
        return "S=" + Convert.ToHexString(digest);
    }

    /// <summary>Computes the challenge hash (RFC 2759, 8.2). The user name excludes its domain.</summary>
    private static void ChallengeHash(
        ReadOnlySpan<byte> serverChallenge,
        ReadOnlySpan<byte> peerChallenge,
        string userName,
        Span<byte> destination
    )
    {
        var name = userName[(userName.LastIndexOf('\\') + 1)..];
        Span<byte> text = stackalloc byte[(2 * ChallengeLength) + UserNameMax];
        peerChallenge[..ChallengeLength].CopyTo(text);
        serverChallenge[..ChallengeLength].CopyTo(text[ChallengeLength..]);
        var length = Encoding.UTF8.GetBytes(name.AsSpan(0, Math.Min(name.Length, UserNameMax / 3)), text[(2 * ChallengeLength)..]);
        SHA1.HashData(text[..((2 * ChallengeLength) + length)], destination);
    }
}
