using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Bench.Callback;

/// <summary>One service on one port of an interface, and the way of clients to it: the same for all that is compared.</summary>
internal sealed class CallbackPlace : IDisposable
{
    internal const string Service = "ftm";

    private readonly GatedNic _nic;

    internal CallbackPlace(INic nic, int port, TimeProvider time)
    {
        _nic = new GatedNic(nic);
        Transport = new NicTransport(time);
        Transport.Apply([new Placement(Service, _nic, port, AllowAccess.None)]);
    }

    public void Dispose()
    {
        Transport.Apply([]);
        _nic.Dispose();
    }

    internal NicTransport Transport { get; }

    internal IPEndPoint EndPoint => Transport.Bound[0].EndPoint;

    /// <summary>Connects; over TLS when <paramref name="tls"/> is given.</summary>
    internal static async Task<Line> ConnectAsync(
        INic from,
        IPEndPoint to,
        SslClientAuthenticationOptions? tls,
        CancellationToken cancellationToken
    )
    {
        var connection = await from.ConnectAsync(to, cancellationToken);
        if (tls is null)
        {
            return new Line(connection, null, connection.Transport.Input, connection.Transport.Output);
        }
        var stream = new SslStream(new ConnectionStream(connection));
        await stream.AuthenticateAsClientAsync(tls, cancellationToken);
        return new Line(connection, stream, PipeReader.Create(stream), PipeWriter.Create(stream));
    }

    /// <summary>A client's end of a connection.</summary>
    internal sealed record Line(ConnectionContext Connection, SslStream? Tls, PipeReader Input, PipeWriter Output) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            Connection.Abort();
            await Connection.DisposeAsync();
            if (Tls is not null)
            {
                await Tls.DisposeAsync();
            }
        }
    }
}
