namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>
/// CCP (RFC 1962) without any compression: every algorithm is rejected, and this side's request is empty. pppd negotiates it.
/// </summary>
internal sealed class CompressionControl(PppLink link) : ControlProtocol(PppProtocol.Ccp, link)
{
    /// <inheritdoc/>
    protected override void AddRequest(List<byte> options) { }

    /// <inheritdoc/>
    protected override OptionVerdict Judge(byte type, ReadOnlySpan<byte> value, List<byte> suggestion) => OptionVerdict.Reject;
}
