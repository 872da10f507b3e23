using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Radius;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>
/// RADIUS over TLS (RFC 6614): consecutive packets on a connection, each answered on the connection that it arrived on. If a CA for clients
/// is set, the handshake accepts only clients with a certificate of it.
/// </summary>
internal sealed class FacRadSec(FacServer server, IReadOnlyList<X509Certificate2> clientAuthorities, TimeProvider time) : IDisposable
{
    /// <summary>The number of answers that may be pending for a slow reader; a connection with more is closed.</summary>
    private const int AnswersMax = 1024;

    private readonly ConcurrentDictionary<IPEndPoint, Channel<byte[]>> _connections = [];

    public void Dispose()
    {
        foreach (var answers in _connections.Values)
        {
            answers.Writer.TryComplete();
        }
    }

    /// <summary>Returns the TLS options of the handshake.</summary>
    internal SslServerAuthenticationOptions Tls(SslStreamCertificateContext certificate) =>
        new()
        {
            ServerCertificateContext = certificate,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateRequired = clientAuthorities.Count > 0,
            CertificateChainPolicy = TrustedPeer.NoPublicAuthorities(),
            RemoteCertificateValidationCallback = (_, presented, chain, _) =>
                clientAuthorities.Count == 0
                || TrustedPeer.ClientRefusal(presented as X509Certificate2, chain, clientAuthorities, time.GetUtcNow()) is null,
        };

    /// <summary>Serves one connection until either side closes it.</summary>
    internal async Task ServeAsync(ConnectionContext connection)
    {
        var remote = (IPEndPoint)connection.RemoteEndPoint!;
        var answers = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(AnswersMax) { SingleReader = true });
        _connections[remote] = answers;
        var writing = WriteAsync(answers.Reader, connection.Transport.Output);
        try
        {
            await ReadAsync(remote, connection.Transport.Input);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The peer disconnected, which it may do at any time.
        }
        finally
        {
            _connections.TryRemove(new(remote, answers));
            answers.Writer.TryComplete();
            await writing;
        }
    }

    /// <summary>Queues an answer on its connection; the answer is lost if the connection has closed.</summary>
    internal void Send(byte[] packet, IPEndPoint to)
    {
        if (_connections.TryGetValue(to, out var answers) && !answers.Writer.TryWrite(packet))
        {
            answers.Writer.TryComplete();
        }
    }

    private async Task ReadAsync(IPEndPoint remote, PipeReader input)
    {
        while (true)
        {
            var result = await input.ReadAsync();
            var rest = result.Buffer;
            while (rest.Length >= RadiusPacket.HeaderLength)
            {
                var length = LengthOf(rest);
                if (length is < RadiusPacket.HeaderLength or > RadiusPacket.LengthMax)
                {
                    // RFC 6614, 3.4: the packet boundaries are lost. The server counts the packet as dropped.
                    server.Receive(rest.Slice(0, RadiusPacket.HeaderLength).ToArray(), remote, FacWay.RadSec);
                    return;
                }
                if (rest.Length < length)
                {
                    break;
                }
                var packet = rest.Slice(0, length);
                server.Receive(packet.IsSingleSegment ? packet.FirstSpan : packet.ToArray(), remote, FacWay.RadSec);
                rest = rest.Slice(length);
            }
            input.AdvanceTo(rest.Start, rest.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private static int LengthOf(ReadOnlySequence<byte> packet)
    {
        Span<byte> header = stackalloc byte[4];
        packet.Slice(0, header.Length).CopyTo(header);
        return BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
    }

    private static async Task WriteAsync(ChannelReader<byte[]> answers, PipeWriter output)
    {
        try
        {
            await foreach (var answer in answers.ReadAllAsync())
            {
                output.Write(answer);
                if (!answers.TryPeek(out _) && (await output.FlushAsync()).IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The peer disconnected.
        }
        await output.CompleteAsync();
    }
}
