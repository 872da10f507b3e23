using System.Buffers;
using System.IO.Pipelines;

namespace Appliance.Firmware.Tunnels;

/// <summary>
/// A tunnel's connection over TLS, after the HTTP request that opened it. Packets are collected in one buffer while another one is sent.
/// </summary>
internal sealed class TlsTunnelTransport : ITunnelTransport
{
    /// <summary>The largest number of bytes that are queued for a client that does not read.</summary>
    internal const int QueueMax = 256 * 1024;

    private readonly PipeWriter _output;
    private readonly Lock _lock = new();
    private ArrayBufferWriter<byte> _queued = new();
    private ArrayBufferWriter<byte> _sending = new();
    private TaskCompletionSource? _waiting;
    private bool _closed;

    /// <summary>Creates the transport over the connection's output.</summary>
    internal TlsTunnelTransport(PipeWriter output) => _output = output;

    /// <inheritdoc/>
    public string Name => "TLS";

    /// <inheritdoc/>
    public bool TryQueue(ushort protocol, ReadOnlySpan<byte> body)
    {
        var size = TunnelFrame.HeadSize + sizeof(ushort) + body.Length;
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            if (_closed || _queued.WrittenCount + size > QueueMax)
            {
                return false;
            }
            _queued.Advance(TunnelFrame.Write(_queued.GetSpan(size), protocol, body));
            (waiting, _waiting) = (_waiting, null);
        }
        waiting?.TrySetResult();
        return true;
    }

    /// <inheritdoc/>
    public void Close()
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            _closed = true;
            (waiting, _waiting) = (_waiting, null);
        }
        waiting?.TrySetResult();
    }

    /// <summary>Sends queued packets until <see cref="Close"/>, then the rest of the queue.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    internal async Task SendAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task? more = null;
            lock (_lock)
            {
                if (_queued.WrittenCount > 0)
                {
                    (_queued, _sending) = (_sending, _queued);
                }
                else if (_closed)
                {
                    return;
                }
                else
                {
                    _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    more = _waiting.Task;
                }
            }
            if (more is not null)
            {
                await more.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }
            await _output.WriteAsync(_sending.WrittenMemory, cancellationToken).ConfigureAwait(false);
            Shrink();
        }
    }

    /// <summary>Empties the sent buffer. An idle tunnel keeps no memory for a burst that has passed.</summary>
    private void Shrink()
    {
        const int Kept = 16 * 1024;
        if (_sending.Capacity > Kept)
        {
            _sending = new ArrayBufferWriter<byte>();
        }
        else
        {
            _sending.ResetWrittenCount();
        }
    }
}
