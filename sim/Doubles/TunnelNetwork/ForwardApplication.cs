using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Appliance.Hal.Linux;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>
/// Connects a TCP connection in the tunnel to a server of the user's on loopback (<c>--tunnel-net</c>). The connection is reset if the
/// server cannot be reached.
/// </summary>
#pragma warning disable CA1001 // The source has no timer, and the connection's end cancels it.
internal sealed class ForwardApplication : ITcpApplication
#pragma warning restore CA1001
{
    private const int BufferSize = 32 * 1024;
    private readonly Action _progress;
    private readonly Lock _lock = new();
    private readonly byte[] _toServer = new byte[BufferSize];
    private readonly byte[] _toClient = new byte[BufferSize];
    private readonly CancellationTokenSource _closed = new();
    private ConnectionContext? _server;
    private int _toServerLength;
    private int _toClientStart;
    private int _toClientLength;
    private bool _sending;
    private bool _receiving;
    private bool _serverFinished;
    private bool _clientFinished;
    private bool _broken;

    /// <summary>Creates the application and begins to connect.</summary>
    /// <param name="server">The server.</param>
    /// <param name="progress">Called, from any thread, when <see cref="Run"/> has something to do.</param>
    internal ForwardApplication(IPEndPoint server, Action progress)
    {
        _progress = progress;
        _ = ConnectAsync(server);
    }

    /// <inheritdoc/>
    public void Run(TcpConnection connection)
    {
        lock (_lock)
        {
            if (_broken)
            {
                connection.Reset();
                return;
            }
            if (_server is null)
            {
                return;
            }
            while (_toClientLength > 0 && connection.Write(_toClient.AsSpan(_toClientStart, _toClientLength)) is > 0 and var written)
            {
                _toClientStart += written;
                _toClientLength -= written;
            }
            if (_toClientLength == 0 && _serverFinished)
            {
                connection.Finish();
            }
            else if (_toClientLength == 0 && !_receiving)
            {
                _receiving = true;
                _ = ReceiveAsync(_server);
            }
            if (!_sending && connection.Received.Length > 0)
            {
                var size = Math.Min(BufferSize, connection.Received.Length);
                connection.Received[..size].CopyTo(_toServer);
                connection.Read(size);
                (_toServerLength, _sending) = (size, true);
                _ = SendAsync(_server);
            }
            else if (!_sending && connection.ReceivedAll && !_clientFinished)
            {
                _clientFinished = true;
                _server.Transport.Output.Complete();
            }
        }
    }

    /// <inheritdoc/>
    public void Closed(TcpConnection connection)
    {
        _closed.Cancel();
        lock (_lock)
        {
            _broken = true;
            _ = _server?.DisposeAsync().AsTask();
        }
    }

    private async Task ConnectAsync(IPEndPoint endPoint)
    {
        try
        {
            var nic = new SocketNic("tunnel-net", IPAddress.Loopback);
            var server = await nic.ConnectAsync(endPoint, _closed.Token).ConfigureAwait(false);
            lock (_lock)
            {
                if (!_broken)
                {
                    _server = server;
                }
                else
                {
                    _ = server.DisposeAsync().AsTask();
                }
            }
        }
        catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
        {
            Break();
        }
        _progress();
    }

    private async Task ReceiveAsync(ConnectionContext server)
    {
        try
        {
            var read = await server.Transport.Input.ReadAsync(_closed.Token).ConfigureAwait(false);
            var part = read.Buffer.Slice(0, Math.Min(BufferSize, read.Buffer.Length));
            var length = (int)part.Length;
            part.CopyTo(_toClient);
            server.Transport.Input.AdvanceTo(part.End);
            lock (_lock)
            {
                (_toClientStart, _toClientLength, _receiving, _serverFinished) = (0, length, false, length == 0);
            }
        }
        catch (Exception error)
            when (error is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            Break();
        }
        _progress();
    }

    private async Task SendAsync(ConnectionContext server)
    {
        try
        {
            await server.Transport.Output.WriteAsync(_toServer.AsMemory(0, _toServerLength), _closed.Token).ConfigureAwait(false);
            lock (_lock)
            {
                _sending = false;
            }
        }
        catch (Exception error)
            when (error is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            Break();
        }
        _progress();
    }

    private void Break()
    {
        lock (_lock)
        {
            _broken = true;
        }
    }
}
