namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>The configuration options of one control packet: type, length including the head of two bytes, value (RFC 1661, section 6).</summary>
internal static class PppOptions
{
    private const int HeadSize = 2;

    /// <summary>Reads the next option and advances over it.</summary>
    /// <param name="rest">The unread options.</param>
    /// <param name="type">The option's type.</param>
    /// <param name="value">The option's value, a part of <paramref name="rest"/>.</param>
    /// <returns>False at the end, or if the option's length does not fit; <paramref name="rest"/> is empty at the end only.</returns>
    internal static bool TryRead(ref ReadOnlySpan<byte> rest, out byte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (rest.Length < HeadSize || rest[1] < HeadSize || rest[1] > rest.Length)
        {
            return false;
        }
        type = rest[0];
        value = rest[HeadSize..rest[1]];
        rest = rest[rest[1]..];
        return true;
    }

    /// <summary>True if the options fill the packet exactly. A packet that fails this check is discarded silently.</summary>
    internal static bool AreWellFormed(ReadOnlySpan<byte> options)
    {
        while (TryRead(ref options, out _, out _)) { }
        return options.IsEmpty;
    }

    /// <summary>Appends an option.</summary>
    internal static void Add(List<byte> options, byte type, ReadOnlySpan<byte> value)
    {
        options.Add(type);
        options.Add((byte)(HeadSize + value.Length));
        options.AddRange(value);
    }
}
