using System.Net.Security;
using System.Text;
using Appliance.Firmware.Certificates;
using Appliance.Hal;

namespace Appliance.Firmware.Network;

/// <summary>
/// The liveness probe of a unit: every placed listener has its port and is accepted from, and every listening service answers a request
/// over TLS within a time limit. The request originates inside the process, because a device's listener does not receive from its own
/// machine. From the accept on, it is handled like any other.
/// </summary>
internal sealed class Liveness(NicTransport transport, Func<string, ReadOnlyMemory<byte>?> certificate)
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("OPTIONS * HTTP/1.1\r\nHost: liveness\r\nConnection: close\r\n\r\n");
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.1 ");

    /// <summary>Returns the faults, in words for the operator; empty if there are none.</summary>
    internal async Task<IReadOnlyList<string>> ProbeAsync(IReadOnlyList<string> services, CancellationToken cancellationToken)
    {
        var faults = new List<string>(transport.Faults);
        foreach (var service in services)
        {
            try
            {
                if (transport.Connect(service) is { } connection)
                {
                    await AskAsync(service, connection, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                faults.Add($"{service} does not answer in time");
            }
            catch (Exception error)
                when (error is IOException or System.Security.Authentication.AuthenticationException or InvalidOperationException)
            {
                faults.Add($"{service} does not answer: {error.Message}");
            }
        }
        return faults;
    }

    private async Task AskAsync(
        string service,
        Microsoft.AspNetCore.Connections.ConnectionContext connection,
        CancellationToken cancellationToken
    )
    {
        var stream = new ConnectionStream(connection);
        await using var closing = stream.ConfigureAwait(false);
        var tls = await TlsClient
            .ConnectAsync(
                stream,
                new SslClientAuthenticationOptions
                {
                    TargetHost = service,
                    CertificateChainPolicy = TrustedPeer.NoPublicAuthorities(),
                    // Exactly the certificate that this service presents, so the other end can only be the service.
                    RemoteCertificateValidationCallback = (_, shown, _, _) =>
                        shown is not null && certificate(service) is { } own && own.Span.SequenceEqual(shown.GetRawCertData()),
                },
                leaveOpen: true,
                cancellationToken
            )
            .ConfigureAwait(false);
        await using var ending = tls.ConfigureAwait(false);
        await tls.WriteAsync(Request, cancellationToken).ConfigureAwait(false);
        var answer = new byte[Answer.Length];
        await tls.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
        if (!answer.AsSpan().SequenceEqual(Answer))
        {
            throw new IOException("no HTTP");
        }
    }
}
