using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>
/// The secret that a client and a server share, and everything computed from it. Comparisons take constant time. Thread-safe; never
/// displayed.
/// </summary>
public sealed class RadiusSecret
{
    /// <summary>The longest password that can be hidden (RFC 2865, 5.2).</summary>
    public const int PasswordMax = 128;

    private const int Block = Md5.HashSizeInBytes;
    private readonly byte[] _key;
    private readonly HmacMd5 _hmac;

    /// <summary>Creates the secret from the UTF-8 bytes of a text.</summary>
    public RadiusSecret(string text)
    {
        _key = Encoding.UTF8.GetBytes(text);
        _hmac = new HmacMd5(_key);
    }

    /// <summary>True for the empty secret, which proves nothing.</summary>
    public bool IsEmpty => _key.Length == 0;

    /// <summary>Returns true if the packet has exactly one Message-Authenticator and it is correct (RFC 3579, 3.2).</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="authenticator">The authenticator that it was computed with: the packet's own for an Access-Request, the request's for a
    /// reply.</param>
    public bool IsSigned(RadiusPacket packet, ReadOnlySpan<byte> authenticator)
    {
        var offset = packet.MessageAuthenticatorOffset();
        if (offset < 0)
        {
            return false;
        }
        Span<byte> copy = stackalloc byte[packet.Bytes.Length];
        packet.Bytes.CopyTo(copy);
        authenticator.CopyTo(copy[4..]);
        copy.Slice(offset, Block).Clear();
        Span<byte> expected = stackalloc byte[Block];
        _hmac.HashData(copy, expected);
        return CryptographicOperations.FixedTimeEquals(expected, packet.Bytes.Slice(offset, Block));
    }

    /// <summary>Returns true if a reply has the Response Authenticator for a request (RFC 2865, 3).</summary>
    public bool IsAnswer(RadiusPacket answer, ReadOnlySpan<byte> requestAuthenticator)
    {
        Span<byte> expected = stackalloc byte[Block];
        Digest(answer.Bytes, requestAuthenticator, expected);
        return CryptographicOperations.FixedTimeEquals(expected, answer.Authenticator);
    }

    /// <summary>Returns true if an Accounting-Request has the correct authenticator (RFC 2866, 3).</summary>
    public bool IsAccounting(RadiusPacket request)
    {
        Span<byte> zeros = stackalloc byte[Block];
        zeros.Clear();
        return IsAnswer(request, zeros);
    }

    /// <summary>Computes HMAC-SHA256 of a value under the secret, 32 bytes. Recognizes the value later without storing it.</summary>
    public void KeyedDigest(ReadOnlySpan<byte> value, Span<byte> destination) => HMACSHA256.HashData(_key, value, destination);

    /// <summary>Hides a password (RFC 2865, 5.2). Returns the length written: a multiple of 16, 16 to 128.</summary>
    /// <exception cref="ArgumentException">It is longer than 128 bytes.</exception>
    public int HidePassword(ReadOnlySpan<byte> password, ReadOnlySpan<byte> requestAuthenticator, Span<byte> destination)
    {
        if (password.Length > PasswordMax)
        {
            throw new ArgumentException($"a password of {password.Length} bytes cannot be hidden", nameof(password));
        }
        var length = Math.Max(Block, (password.Length + Block - 1) / Block * Block);
        destination[..length].Clear();
        password.CopyTo(destination);
        Span<byte> pad = stackalloc byte[Block];
        var previous = requestAuthenticator;
        for (var start = 0; start < length; start += Block)
        {
            Pad(previous, pad);
            Mix(destination.Slice(start, Block), pad);
            previous = destination.Slice(start, Block);
        }
        return length;
    }

    /// <summary>
    /// Decrypts the password in a User-Password, without its padding. Returns its length; -1 if the value's length is invalid.
    /// </summary>
    public int RevealPassword(ReadOnlySpan<byte> hidden, ReadOnlySpan<byte> requestAuthenticator, Span<byte> destination)
    {
        if (hidden.Length is 0 or > PasswordMax || hidden.Length % Block != 0)
        {
            return -1;
        }
        hidden.CopyTo(destination);
        Span<byte> pad = stackalloc byte[Block];
        for (var start = 0; start < hidden.Length; start += Block)
        {
            Pad(start == 0 ? requestAuthenticator : hidden.Slice(start - Block, Block), pad);
            Mix(destination.Slice(start, Block), pad);
        }
        var length = hidden.Length;
        while (length > 0 && destination[length - 1] == 0)
        {
            length--;
        }
        return length;
    }

    /// <summary>Computes the CHAP digest (RFC 1994, 4.1): MD5 of identifier, password and challenge.</summary>
    public static void ChapDigest(byte identifier, ReadOnlySpan<byte> password, ReadOnlySpan<byte> challenge, Span<byte> destination)
    {
        Span<byte> text = stackalloc byte[1 + password.Length + challenge.Length];
        text[0] = identifier;
        password.CopyTo(text[1..]);
        challenge.CopyTo(text[(1 + password.Length)..]);
        Md5.HashData(text, destination);
    }

    /// <summary>Returns the type name only: the secret must not be displayed.</summary>
    public override string ToString() => nameof(RadiusSecret);

    /// <summary>Computes MD5 over a packet, with another authenticator in its place, and the secret.</summary>
    internal void Digest(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> authenticator, Span<byte> destination)
    {
        Span<byte> copy = stackalloc byte[packet.Length + _key.Length];
        packet.CopyTo(copy);
        authenticator.CopyTo(copy[4..]);
        _key.CopyTo(copy[packet.Length..]);
        Md5.HashData(copy, destination);
    }

    /// <summary>Computes HMAC-MD5 over a packet whose Message-Authenticator is zero.</summary>
    internal void Sign(ReadOnlySpan<byte> packet, Span<byte> destination) => _hmac.HashData(packet, destination);

    private void Pad(ReadOnlySpan<byte> previous, Span<byte> pad)
    {
        Span<byte> text = stackalloc byte[_key.Length + Block];
        _key.CopyTo(text);
        previous.CopyTo(text[_key.Length..]);
        Md5.HashData(text, pad);
    }

    private static void Mix(Span<byte> block, ReadOnlySpan<byte> pad)
    {
        for (var index = 0; index < Block; index++)
        {
            block[index] ^= pad[index];
        }
    }
}
