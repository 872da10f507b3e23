using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Hal;

/// <summary>
/// A connection that may be aborted and disposed any number of times, from any thread, before, during and after its end. The platform's
/// implementation terminates the process if it is aborted after its end.
/// </summary>
/// <param name="inner">The connection.</param>
/// <param name="ended">Called when the connection has ended.</param>
/// <param name="tapped">The connection's pipe with a tap in it; null for its own pipe.</param>
internal sealed class GuardedConnection(ConnectionContext inner, Action<GuardedConnection> ended, TappedPipe? tapped = null)
    : ConnectionContext,
        IConnectionTransportFeature
{
    private IDuplexPipe? _transport = tapped;
    private readonly Lock _lock = new();
    private long _turn;
    private bool _aborted;
    private Task? _disposing;

    /// <inheritdoc/>
    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    /// <inheritdoc/>
    public override IFeatureCollection Features => inner.Features;

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    /// <inheritdoc/>
    public override IDuplexPipe Transport
    {
        get => _transport ?? inner.Transport;
        set
        {
            if (_transport is null)
            {
                inner.Transport = value;
            }
            else
            {
                _transport = value;
            }
        }
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    /// <summary>The sequence number of its last served request among its listener's connections; the lowest is evicted first.</summary>
    internal long Turn
    {
        get => Volatile.Read(ref _turn);
        set => Volatile.Write(ref _turn, value);
    }

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        // Under the lock, so that disposal has either not begun or is seen here.
        lock (_lock)
        {
            if (!_aborted && _disposing is null)
            {
                _aborted = true;
                tapped?.Aborted();
                inner.Abort(abortReason);
            }
        }
    }

    /// <inheritdoc/>
#pragma warning disable CA2215 // The base class has no resources to dispose.
    public override ValueTask DisposeAsync()
#pragma warning restore CA2215
    {
        lock (_lock)
        {
            return new(_disposing ??= EndAsync());
        }
    }

    private async Task EndAsync()
    {
        // Outside the caller's lock: closing may run callbacks that call back into this type.
        await Task.Yield();
        try
        {
            await inner.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            ended(this);
        }
    }
}
