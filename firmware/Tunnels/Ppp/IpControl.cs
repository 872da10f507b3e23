using System.Net;
using System.Net.Sockets;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>
/// IPCP (RFC 1332): assigns the peer's address and its DNS servers (RFC 1877). Other options, among them Van Jacobson compression, are
/// rejected.
/// </summary>
internal sealed class IpControl(PppLink link) : ControlProtocol(PppProtocol.Ipcp, link)
{
    private const int AddressSize = 4;
    private readonly byte[] _assigned = Bytes(link.Parameters.Assigned);
    private readonly byte[][] _dns =
    [
        .. link.Parameters.Dns.Where(server => server.AddressFamily == AddressFamily.InterNetwork).Select(Bytes),
    ];
    private byte[]? _own = Bytes(link.Parameters.Own);

    /// <inheritdoc/>
    protected override void AddRequest(List<byte> options)
    {
        if (_own is not null)
        {
            PppOptions.Add(options, PppOption.Address, _own);
        }
    }

    /// <inheritdoc/>
    protected override OptionVerdict Judge(byte type, ReadOnlySpan<byte> value, List<byte> suggestion) =>
        type switch
        {
            PppOption.Address => Require(_assigned, value, suggestion),
            PppOption.PrimaryDns => Require(_dns.ElementAtOrDefault(0), value, suggestion),
            PppOption.SecondaryDns => Require(_dns.ElementAtOrDefault(1), value, suggestion),
            _ => OptionVerdict.Reject,
        };

    /// <summary>
    /// Takes the address that the peer suggests for this side: pppd insists on one of its own unless <c>ipcp-accept-remote</c> is set. A
    /// link with <see cref="PppParameters.InsistsOnOwnAddress"/> requests its own address again.
    /// </summary>
    protected override void Suggested(byte type, ReadOnlySpan<byte> value)
    {
        if (type == PppOption.Address && value.Length == AddressSize && !Link.Parameters.InsistsOnOwnAddress)
        {
            _own = value.ToArray();
        }
    }

    /// <inheritdoc/>
    protected override void Rejected(byte type)
    {
        if (type == PppOption.Address)
        {
            _own = null;
        }
    }

    /// <inheritdoc/>
    protected override void Failed(string reason) => Link.Terminate(PppEnd.NegotiationFailed, "IPCP: " + reason);

    /// <inheritdoc/>
    protected override void Closed() => Link.Terminate(PppEnd.ByPeer, "IPCP terminated by the peer");

    private static byte[] Bytes(IPAddress address) => address.GetAddressBytes();

    private static OptionVerdict Require(byte[]? wanted, ReadOnlySpan<byte> value, List<byte> suggestion)
    {
        if (wanted is null || value.Length != AddressSize)
        {
            return OptionVerdict.Reject;
        }
        if (value.SequenceEqual(wanted))
        {
            return OptionVerdict.Ack;
        }
        suggestion.AddRange(wanted);
        return OptionVerdict.Nak;
    }
}
