using System.Buffers.Binary;

namespace Appliance.Firmware.Radius;

/// <summary>The reason why a datagram is not a valid packet.</summary>
public enum RadiusDefect
{
    /// <summary>No defect.</summary>
    None,

    /// <summary>Fewer bytes than a header.</summary>
    TooShort,

    /// <summary>The length field is under 20, over 4096, or greater than the number of bytes received.</summary>
    BadLength,

    /// <summary>An attribute's length is under 2 or extends beyond the packet.</summary>
    BadAttribute,
}

/// <summary>One attribute of a packet: a view, valid as long as the packet's bytes are.</summary>
public readonly ref struct RadiusField(byte type, ReadOnlySpan<byte> value)
{
    /// <summary>The attribute's type.</summary>
    public RadiusAttribute Type { get; } = (RadiusAttribute)type;

    /// <summary>The attribute's value, 0 to 253 bytes.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>
/// A RADIUS packet (RFC 2865, 3) as a view of the received bytes; nothing is copied or allocated. A parsed packet is well formed to its
/// last attribute. The values of the attributes are not validated.
/// </summary>
public readonly ref struct RadiusPacket
{
    /// <summary>Length of the header in bytes: code, identifier, length and authenticator.</summary>
    public const int HeaderLength = 20;

    /// <summary>Maximum length of a packet in bytes.</summary>
    public const int LengthMax = 4096;

    /// <summary>Length of an authenticator in bytes.</summary>
    public const int AuthenticatorLength = 16;

    private RadiusPacket(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The whole packet, without any padding after it.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The packet type.</summary>
    public RadiusCode Code => (RadiusCode)Bytes[0];

    /// <summary>The identifier, which distinguishes the requests of one client and is returned in the reply.</summary>
    public byte Identifier => Bytes[1];

    /// <summary>The 16 bytes of the Request or Response Authenticator.</summary>
    public ReadOnlySpan<byte> Authenticator => Bytes.Slice(4, AuthenticatorLength);

    /// <summary>
    /// Parses a datagram. Never throws; the packet is valid if the result is no defect. Bytes beyond the length field are padding (RFC
    /// 2865, 3).
    /// </summary>
    public static RadiusDefect Parse(ReadOnlySpan<byte> datagram, out RadiusPacket packet)
    {
        packet = default;
        if (datagram.Length < HeaderLength)
        {
            return RadiusDefect.TooShort;
        }
        var length = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        if (length is < HeaderLength or > LengthMax || length > datagram.Length)
        {
            return RadiusDefect.BadLength;
        }
        var rest = datagram[HeaderLength..length];
        while (rest.Length > 0)
        {
            if (rest.Length < 2 || rest[1] < 2 || rest[1] > rest.Length)
            {
                return RadiusDefect.BadAttribute;
            }
            rest = rest[rest[1]..];
        }
        packet = new RadiusPacket(datagram[..length]);
        return RadiusDefect.None;
    }

    /// <summary>Enumerates the attributes in order, for <c>foreach</c>.</summary>
    public Fields GetEnumerator() => new(Bytes.IsEmpty ? default : Bytes[HeaderLength..]);

    /// <summary>Gets the first attribute of a type. False if there is none.</summary>
    public bool TryGet(RadiusAttribute type, out ReadOnlySpan<byte> value)
    {
        foreach (var field in this)
        {
            if (field.Type == type)
            {
                value = field.Value;
                return true;
            }
        }
        value = default;
        return false;
    }

    /// <summary>
    /// Gets the first attribute of a vendor's type. False if there is none, or if its Vendor-Specific attribute is not in the form that RFC
    /// 2865, 5.26 recommends.
    /// </summary>
    public bool TryGetVendor(uint vendor, byte type, out ReadOnlySpan<byte> value)
    {
        foreach (var field in this)
        {
            var inner = FieldsOf(field, vendor);
            while (inner.MoveNext())
            {
                if ((byte)inner.Current.Type == type)
                {
                    value = inner.Current.Value;
                    return true;
                }
            }
        }
        value = default;
        return false;
    }

    /// <summary>Counts the attributes of a type.</summary>
    public int Count(RadiusAttribute type)
    {
        var count = 0;
        foreach (var field in this)
        {
            count += field.Type == type ? 1 : 0;
        }
        return count;
    }

    /// <summary>Counts a vendor's attributes of a type, in Vendor-Specific attributes of the form that RFC 2865, 5.26 recommends.</summary>
    public int CountVendor(uint vendor, byte type)
    {
        var count = 0;
        foreach (var field in this)
        {
            var inner = FieldsOf(field, vendor);
            while (inner.MoveNext())
            {
                count += (byte)inner.Current.Type == type ? 1 : 0;
            }
        }
        return count;
    }

    /// <summary>
    /// The offset in <see cref="Bytes"/> of the value of the only Message-Authenticator; -1 if there is none, if there are several, or if
    /// its length is not 16.
    /// </summary>
    public int MessageAuthenticatorOffset()
    {
        var (found, offset) = (-1, HeaderLength);
        foreach (var field in this)
        {
            if (field.Type == RadiusAttribute.MessageAuthenticator)
            {
                if (found >= 0 || field.Value.Length != AuthenticatorLength)
                {
                    return -1;
                }
                found = offset + 2;
            }
            offset += field.Value.Length + 2;
        }
        return found;
    }

    /// <summary>
    /// Returns the attributes in a Vendor-Specific attribute of a vendor; empty for any other field, and for any other form than RFC 2865,
    /// 5.26 recommends.
    /// </summary>
    private static Fields FieldsOf(RadiusField field, uint vendor) =>
        field.Type == RadiusAttribute.VendorSpecific
        && field.Value.Length >= 4
        && BinaryPrimitives.ReadUInt32BigEndian(field.Value) == vendor
            ? new Fields(field.Value[4..])
            : new Fields(default);

    /// <summary>Enumerates attributes. Ends early at a malformed attribute inside a Vendor-Specific one.</summary>
    public ref struct Fields
    {
        private ReadOnlySpan<byte> _rest;

        internal Fields(ReadOnlySpan<byte> bytes) => _rest = bytes;

        /// <summary>The current attribute.</summary>
        public RadiusField Current { get; private set; }

        /// <summary>Moves to the next attribute; false if there is none.</summary>
        public bool MoveNext()
        {
            if (_rest.Length < 2 || _rest[1] < 2 || _rest[1] > _rest.Length)
            {
                return false;
            }
            Current = new RadiusField(_rest[0], _rest[2.._rest[1]]);
            _rest = _rest[_rest[1]..];
            return true;
        }
    }
}
