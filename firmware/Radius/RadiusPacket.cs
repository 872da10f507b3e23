using System.Buffers.Binary;

namespace Appliance.Firmware.Radius;

/// <summary>What is wrong with a datagram, so that it is no packet.</summary>
public enum RadiusDefect
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Fewer bytes than a header.</summary>
    TooShort,
    /// <summary>The length field is under 20, over 4096, or more than came.</summary>
    BadLength,
    /// <summary>An attribute's length is under 2 or goes beyond the packet.</summary>
    BadAttribute,
}

/// <summary>One attribute of a packet: a view, which is good for as long as the packet's bytes are.</summary>
public readonly ref struct RadiusField(byte type, ReadOnlySpan<byte> value)
{
    /// <summary>Its number.</summary>
    public RadiusAttribute Type { get; } = (RadiusAttribute)type;

    /// <summary>Its value, 0 to 253 bytes.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>
/// A packet of RADIUS (RFC 2865, 3) as a view onto the bytes that came: nothing is copied, nothing allocated. One that was parsed is
/// well-formed to its last attribute; what the attributes hold is for the reader to doubt.
/// </summary>
public readonly ref struct RadiusPacket
{
    /// <summary>Code, identifier, length and authenticator.</summary>
    public const int HeaderLength = 20;

    /// <summary>The longest packet.</summary>
    public const int LengthMax = 4096;

    /// <summary>Length of an authenticator.</summary>
    public const int AuthenticatorLength = 16;

    private RadiusPacket(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The whole packet, without what came after it.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>What it is.</summary>
    public RadiusCode Code => (RadiusCode)Bytes[0];

    /// <summary>Tells requests of one client apart, and goes back in the answer.</summary>
    public byte Identifier => Bytes[1];

    /// <summary>The 16 bytes of the Request or Response Authenticator.</summary>
    public ReadOnlySpan<byte> Authenticator => Bytes.Slice(4, AuthenticatorLength);

    /// <summary>Reads a datagram. Never throws; the packet is good when there is no defect. Bytes beyond the length field are padding (RFC 2865, 3).</summary>
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

    /// <summary>The attributes in order, for <c>foreach</c>.</summary>
    public Fields GetEnumerator() => new(Bytes.IsEmpty ? default : Bytes[HeaderLength..]);

    /// <summary>The first attribute of a type. False when there is none.</summary>
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

    /// <summary>The first attribute of a vendor's type. False when there is none, or what holds it is not in the form that RFC 2865, 5.26 recommends.</summary>
    public bool TryGetVendor(uint vendor, byte type, out ReadOnlySpan<byte> value)
    {
        foreach (var field in this)
        {
            if (field.Type != RadiusAttribute.VendorSpecific || field.Value.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(field.Value) != vendor)
            {
                continue;
            }
            var inner = new Fields(field.Value[4..]);
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

    /// <summary>How often an attribute occurs.</summary>
    public int Count(RadiusAttribute type)
    {
        var count = 0;
        foreach (var field in this)
        {
            count += field.Type == type ? 1 : 0;
        }
        return count;
    }

    /// <summary>How often a vendor's attribute occurs, in attributes of the form that RFC 2865, 5.26 recommends.</summary>
    public int CountVendor(uint vendor, byte type)
    {
        var count = 0;
        foreach (var field in this)
        {
            if (field.Type != RadiusAttribute.VendorSpecific || field.Value.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(field.Value) != vendor)
            {
                continue;
            }
            var inner = new Fields(field.Value[4..]);
            while (inner.MoveNext())
            {
                count += (byte)inner.Current.Type == type ? 1 : 0;
            }
        }
        return count;
    }

    /// <summary>Where in <see cref="Bytes"/> the value of the one Message-Authenticator stands; -1 when there is none, or more, or one of another length than 16.</summary>
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

    /// <summary>Walks over attributes; ends early where a vendor's own are malformed.</summary>
    public ref struct Fields
    {
        private ReadOnlySpan<byte> _rest;

        internal Fields(ReadOnlySpan<byte> bytes) => _rest = bytes;

        /// <summary>The attribute at hand.</summary>
        public RadiusField Current { get; private set; }

        /// <summary>Goes to the next; false when there is none.</summary>
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
