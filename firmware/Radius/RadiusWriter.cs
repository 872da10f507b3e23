using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Appliance.Firmware.Radius;

/// <summary>
/// Writes a packet into a buffer of the caller's, which holds at least 4096 bytes. A Message-Authenticator is always the first
/// attribute: what is behind it cannot be moved about by a chosen prefix (CVE-2024-3596).
/// </summary>
public ref struct RadiusWriter
{
    /// <summary>The longest value of an attribute.</summary>
    public const int ValueMax = 253;

    private readonly Span<byte> _buffer;
    private readonly bool _signed;
    private int _length;

    /// <summary>Begins a packet.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="code">What it is.</param>
    /// <param name="identifier">Its identifier.</param>
    /// <param name="authenticator">The Request Authenticator: of itself for a request (random), of the request for an answer; 16 zeros for accounting.</param>
    /// <param name="sign">Whether it gets a Message-Authenticator.</param>
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

    /// <summary>How many more bytes the packet can take.</summary>
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

    /// <summary>Adds a text, cut at a character where it is too long.</summary>
    public void Add(RadiusAttribute type, string text)
    {
        Span<byte> value = stackalloc byte[ValueMax];
        Add(type, value[..Cut(text, value)]);
    }

    /// <summary>Adds a number.</summary>
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

    /// <summary>Adds a value of any length as so many attributes of one type (EAP-Message: RFC 3579, 3.1).</summary>
    public void AddLong(RadiusAttribute type, scoped ReadOnlySpan<byte> value)
    {
        for (; value.Length > ValueMax; value = value[ValueMax..])
        {
            Add(type, value[..ValueMax]);
        }
        Add(type, value);
    }

    /// <summary>Adds a vendor's attribute, in an attribute of its own.</summary>
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

    /// <summary>Adds a vendor's text, cut at a character where it is too long.</summary>
    public void AddVendor(uint vendor, byte type, string text)
    {
        Span<byte> value = stackalloc byte[ValueMax - 6];
        AddVendor(vendor, type, value[..Cut(text, value)]);
    }

    /// <summary>Copies the Proxy-States of a request, in order and unchanged (RFC 2865, 5.33).</summary>
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

    /// <summary>Ends an Access-Request or Status-Server, whose authenticator is what it is. Returns its length.</summary>
    public readonly int EndRequest(RadiusSecret secret)
    {
        End(secret);
        return _length;
    }

    /// <summary>Ends an answer: its authenticator becomes the Response Authenticator. Returns its length.</summary>
    public readonly int EndAnswer(RadiusSecret secret)
    {
        End(secret);
        Span<byte> digest = stackalloc byte[RadiusPacket.AuthenticatorLength];
        secret.Digest(_buffer[.._length], _buffer.Slice(4, RadiusPacket.AuthenticatorLength), digest);
        digest.CopyTo(_buffer[4..]);
        return _length;
    }

    /// <summary>Ends an Accounting-Request, begun with zeros for an authenticator (RFC 2866, 3). Returns its length.</summary>
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

    /// <summary>The text as UTF-8, as much of it as fits.</summary>
    private static int Cut(string text, Span<byte> value)
    {
        Encoding.UTF8.GetEncoder().Convert(text, value, flush: true, out _, out var length, out _);
        return length;
    }
}
