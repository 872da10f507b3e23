using Appliance.Hal;

namespace Appliance.Boot;

/// <summary>
/// What is typed at a port that outlives its sessions. A read of a terminal cannot be taken back; one that its session gives up goes on here, and what it gets is the next
/// session's. One reads at a time.
/// </summary>
internal sealed class PortKeys(Stream port) : AsyncStream
{
    private const int BufferSize = 4096;
    private readonly byte[] _buffer = new byte[BufferSize];
    private Task<int>? _reading;
    private ReadOnlyMemory<byte> _rest;

    public override bool CanWrite => false;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty)
        {
            _reading ??= port.ReadAsync(_buffer.AsMemory(), CancellationToken.None).AsTask();
            var read = await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
            (_reading, _rest) = (null, _buffer.AsMemory(0, read));
        }
        var length = Math.Min(buffer.Length, _rest.Length);
        _rest[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }
}
