using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>
/// Writes a packet into the caller's buffer, which holds at least 4096 bytes. A Message-Authenticator is always the first attribute, so
/// that a chosen prefix cannot shift the content after it (CVE-2024-3596).
/// </summary>
public ref struct RadiusWriter
{
    /// <summary>Maximum length of an attribute's value in bytes.</summary>
    public const int ValueMax = 253;

    private readonly Span<byte> _buffer;
    private readonly bool _signed;
    private int _length;

    /// <summary>Starts a packet.</summary>
    /// <param name="buffer">The buffer to write into.</param>
    /// <param name="code">The packet type.</param>
    /// <param name="identifier">The packet identifier.</param>
    /// <param name="authenticator">The Request Authenticator: random for a request, that of the request for a reply, 16 zeros for
    /// accounting.</param>
    /// <param name="sign">True to include a Message-Authenticator.</param>
    public RadiusWriter(Span<byte> buffer, RadiusCode code, byte identifier, scoped ReadOnlySpan<byte> authenticator, bool sign)
    {
        _buffer = buffer;
        _signed = sign;
        buffer[0] = (byte)code;
        buffer[1] = identifier;
        authenticator[..RadiusPacket.AuthenticatorLength].CopyTo(buffer[4..]);
        _length = RadiusPacket.HeaderLength;
        if (sign)
        {
            Span<byte> zeros = stackalloc byte[RadiusPacket.AuthenticatorLength];
            zeros.Clear();
            Add(RadiusAttribute.MessageAuthenticator, zeros);
        }
    }

    /// <summary>The number of bytes that the packet still has room for.</summary>
    public readonly int Room => RadiusPacket.LengthMax - _length;

    /// <summary>Adds an attribute.</summary>
    /// <exception cref="ArgumentException">The value is longer than 253 bytes, or the packet is full.</exception>
    public void Add(RadiusAttribute type, scoped ReadOnlySpan<byte> value)
    {
        if (value.Length > ValueMax || value.Length + 2 > Room)
        {
            throw new ArgumentException($"{type} of {value.Length} bytes does not fit", nameof(value));
        }
        _buffer[_length] = (byte)type;
        _buffer[_length + 1] = (byte)(value.Length + 2);
        value.CopyTo(_buffer[(_length + 2)..]);
        _length += value.Length + 2;
    }

    /// <summary>Adds a text, truncated at a character boundary if it is too long.</summary>
    public void Add(RadiusAttribute type, string text)
    {
        Span<byte> value = stackalloc byte[ValueMax];
        Add(type, value[..Cut(text, value)]);
    }

    /// <summary>Adds an integer.</summary>
    public void Add(RadiusAttribute type, uint number)
    {
        Span<byte> value = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(value, number);
        Add(type, value);
    }

    /// <summary>Adds an address.</summary>
    public void Add(RadiusAttribute type, IPAddress address)
    {
        Span<byte> value = stackalloc byte[16];
        address.TryWriteBytes(value, out var length);
        Add(type, value[..length]);
    }

    /// <summary>Adds a value of any length, split over as many attributes of one type as it needs (EAP-Message: RFC 3579, 3.1).</summary>
    public void AddLong(RadiusAttribute type, scoped ReadOnlySpan<byte> value)
    {
        for (; value.Length > ValueMax; value = value[ValueMax..])
        {
            Add(type, value[..ValueMax]);
        }
        Add(type, value);
    }

    /// <summary>Adds a vendor's attribute, in a separate Vendor-Specific attribute.</summary>
    public void AddVendor(uint vendor, byte type, scoped ReadOnlySpan<byte> value)
    {
        const int Around = 6;
        Span<byte> outer = stackalloc byte[ValueMax];
        if (value.Length > ValueMax - Around)
        {
            throw new ArgumentException($"attribute {type} of vendor {vendor} with {value.Length} bytes does not fit", nameof(value));
        }
        BinaryPrimitives.WriteUInt32BigEndian(outer, vendor);
        outer[4] = type;
        outer[5] = (byte)(value.Length + 2);
        value.CopyTo(outer[Around..]);
        Add(RadiusAttribute.VendorSpecific, outer[..(value.Length + Around)]);
    }

    /// <summary>Adds a vendor's text attribute, truncated at a character boundary if it is too long.</summary>
    public void AddVendor(uint vendor, byte type, string text)
    {
        Span<byte> value = stackalloc byte[ValueMax - 6];
        AddVendor(vendor, type, value[..Cut(text, value)]);
    }

    /// <summary>Copies the Proxy-State attributes of a request, in order and unchanged (RFC 2865, 5.33).</summary>
    public void AddProxyStates(RadiusPacket request)
    {
        foreach (var field in request)
        {
            if (field.Type == RadiusAttribute.ProxyState)
            {
                Add(field.Type, field.Value);
            }
        }
    }

    /// <summary>Completes an Access-Request or Status-Server; its authenticator is not changed. Returns the length of the packet.</summary>
    public readonly int EndRequest(RadiusSecret secret)
    {
        End(secret);
        return _length;
    }

    /// <summary>Completes a reply: computes its Response Authenticator. Returns the length of the packet.</summary>
    public readonly int EndAnswer(RadiusSecret secret)
    {
        End(secret);
        Span<byte> digest = stackalloc byte[RadiusPacket.AuthenticatorLength];
        secret.Digest(_buffer[.._length], _buffer.Slice(4, RadiusPacket.AuthenticatorLength), digest);
        digest.CopyTo(_buffer[4..]);
        return _length;
    }

    /// <summary>
    /// Completes an Accounting-Request that was started with a zero authenticator (RFC 2866, 3). Returns the length of the packet.
    /// </summary>
    public readonly int EndAccounting(RadiusSecret secret) => EndAnswer(secret);

    private readonly void End(RadiusSecret secret)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[2..], (ushort)_length);
        if (_signed)
        {
            Span<byte> signature = stackalloc byte[RadiusPacket.AuthenticatorLength];
            secret.Sign(_buffer[.._length], signature);
            signature.CopyTo(_buffer[(RadiusPacket.HeaderLength + 2)..]);
        }
    }

    /// <summary>Writes the text as UTF-8, as much of it as fits, and returns the number of bytes.</summary>
    private static int Cut(string text, Span<byte> value)
    {
        Encoding.UTF8.GetEncoder().Convert(text, value, flush: true, out _, out var length, out _);
        return length;
    }
}
