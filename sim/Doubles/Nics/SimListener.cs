using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.Nics;

/// <summary>A listener in memory.</summary>
internal sealed class SimListener(SimNetwork network, IPEndPoint local) : IConnectionListener
{
    private const int Backlog = 512;
    private readonly Channel<ConnectionContext> _waiting = Channel.CreateBounded<ConnectionContext>(Backlog);

    public EndPoint EndPoint => local;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_waiting.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }
        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        network.Free(this);
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out var connection))
        {
            connection.Abort(new ConnectionAbortedException("the listener is closed"));
        }
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    internal IPEndPoint Local => local;

    /// <summary>Queues a connection; false if the listener has ended or too many connections are pending.</summary>
    internal bool Offer(ConnectionContext connection) => _waiting.Writer.TryWrite(connection);
}
