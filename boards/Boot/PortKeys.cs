using Appliance.Hal;

namespace Appliance.Boot;

/// <summary>
/// The input of a port that outlives its sessions. A read from a terminal cannot be cancelled: a read that its session abandons continues
/// here, and its result goes to the next session. At most one read is active at a time.
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
