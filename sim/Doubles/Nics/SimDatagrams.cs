using System.Net;
using System.Threading.Channels;
using Appliance.Hal;

namespace Appliance.Doubles.Nics;

/// <summary>A UDP-like port in memory; datagrams that do not fit into its queue are lost.</summary>
internal sealed class SimDatagrams(SimNetwork network, SimNic nic, IPEndPoint local) : IDatagramPort
{
    private const int WaitingMax = 256;
    private const int LengthMax = 65507; // RFC 768 and 791: 65535 less both headers
    private readonly Channel<(byte[] Payload, IPEndPoint From)> _waiting = Channel.CreateBounded<(byte[], IPEndPoint)>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    private Action<byte[], IPEndPoint>? _handle;

    public IPEndPoint LocalEndPoint => local;

    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_waiting.Reader.Completion.IsCompleted, this);
        Send(payload.Span, remote);
        return default;
    }

    public async ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var (payload, from) = await _waiting.Reader.ReadAsync(cancellationToken);
            var length = Math.Min(payload.Length, buffer.Length);
            payload.AsSpan(0, length).CopyTo(buffer.Span);
            return (length, from);
        }
        catch (ChannelClosedException ended)
        {
            throw new ObjectDisposedException(nameof(SimDatagrams), ended);
        }
    }

    public async Task ServeAsync(int lengthMax, DatagramHandler handle)
    {
        void Handle(byte[] payload, IPEndPoint from) => handle(payload.AsSpan(0, Math.Min(payload.Length, lengthMax)), from);
        if (network.HandlesAtOnce)
        {
            _handle = Handle;
            await _waiting.Reader.Completion;
            return;
        }
        await foreach (var (payload, from) in _waiting.Reader.ReadAllAsync())
        {
            Handle(payload, from);
        }
    }

    public void Send(ReadOnlySpan<byte> payload, IPEndPoint remote)
    {
        if (!nic.LinkUp || payload.Length > LengthMax || _waiting.Reader.Completion.IsCompleted)
        {
            return;
        }
        if (network.Wire is { } wire)
        {
            var copy = payload.ToArray();
            wire(remote, () => network.DatagramsAt(remote)?.Deliver(copy, local));
            return;
        }
        network.DatagramsAt(remote)?.Deliver(payload, local);
    }

    public ValueTask DisposeAsync()
    {
        network.Free(this);
        _waiting.Writer.TryComplete();
        return default;
    }

    private void Deliver(ReadOnlySpan<byte> payload, IPEndPoint from)
    {
        if (!nic.LinkUp)
        {
            return;
        }
        if (_handle is { } handle)
        {
            handle(payload.ToArray(), from);
        }
        else
        {
            _waiting.Writer.TryWrite((payload.ToArray(), from));
        }
    }
}
