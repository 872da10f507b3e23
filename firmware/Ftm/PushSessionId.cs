using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Appliance.Firmware.Ftm;

/// <summary>The id of one push, which only its phone receives: 128 random bits, 32 lower-case hex digits on the wire.</summary>
public readonly record struct PushSessionId(UInt128 Value)
{
    /// <summary>Number of hex digits on the wire.</summary>
    public const int Digits = 32;

    /// <summary>Generates a new random id.</summary>
    public static PushSessionId New()
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return new(BinaryPrimitives.ReadUInt128BigEndian(random));
    }

    /// <summary>Parses the wire form; null for anything but 32 lower-case hex digits.</summary>
    public static PushSessionId? Parse(ReadOnlySpan<byte> utf8)
    {
        Span<byte> bytes = stackalloc byte[16];
        return
            utf8.Length == Digits
            && !utf8.ContainsAnyInRange((byte)'A', (byte)'F')
            && Convert.FromHexString(utf8, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? new(BinaryPrimitives.ReadUInt128BigEndian(bytes))
            : null;
    }

    /// <summary>Returns part of the value, which is random already.</summary>
    public override int GetHashCode() => (int)(ulong)Value;

    /// <summary>Returns the wire form.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return Convert.ToHexStringLower(bytes);
    }
}
