namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>IPV6CP (RFC 5072): assigns the low 64 bits of the peer's address as its interface identifier.</summary>
internal sealed class Ipv6Control(PppLink link, byte[] assigned, byte[] own) : ControlProtocol(PppProtocol.Ipv6cp, link)
{
    /// <summary>The size of an interface identifier in bytes.</summary>
    internal const int IdentifierSize = 8;

    private byte[]? _own = own;

    /// <inheritdoc/>
    protected override void AddRequest(List<byte> options)
    {
        if (_own is not null)
        {
            PppOptions.Add(options, PppOption.InterfaceId, _own);
        }
    }

    /// <inheritdoc/>
    protected override OptionVerdict Judge(byte type, ReadOnlySpan<byte> value, List<byte> suggestion)
    {
        if (type != PppOption.InterfaceId || value.Length != IdentifierSize)
        {
            return OptionVerdict.Reject;
        }
        if (value.SequenceEqual(assigned))
        {
            return OptionVerdict.Ack;
        }
        suggestion.AddRange(assigned);
        return OptionVerdict.Nak;
    }

    /// <inheritdoc/>
    protected override void Suggested(byte type, ReadOnlySpan<byte> value)
    {
        if (type == PppOption.InterfaceId && value.Length == IdentifierSize && !value.SequenceEqual(assigned))
        {
            _own = value.ToArray();
        }
    }

    /// <inheritdoc/>
    protected override void Rejected(byte type) => _own = null;
}
