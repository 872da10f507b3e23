using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Certificates;

/// <summary>The client's side of TLS over a stream that is already connected.</summary>
public static class TlsClient
{
    /// <summary>Performs the handshake with a peer that <see cref="TrustedPeer"/> validates.</summary>
    /// <param name="stream">The connection; the result owns it, and it is closed on failure.</param>
    /// <param name="options">Name, versions and client certificate; the validation is set here.</param>
    /// <param name="authorities">The trusted CAs.</param>
    /// <param name="host">The name that the certificate must have; null for any.</param>
    /// <param name="now">The time at which the certificate must be valid.</param>
    /// <param name="cancellationToken">Ends the handshake.</param>
    /// <exception cref="IOException">The certificate is refused; the message names the cause.</exception>
    /// <exception cref="AuthenticationException">The handshake failed for another reason.</exception>
    public static async Task<SslStream> ConnectAsync(
        Stream stream,
        SslClientAuthenticationOptions options,
        IReadOnlyList<X509Certificate2> authorities,
        string? host,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        string? refusal = null;
        options.CertificateChainPolicy = TrustedPeer.NoPublicAuthorities();
        options.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            (refusal = TrustedPeer.Refusal(certificate as X509Certificate2, chain, authorities, host, now)) is null;
        try
        {
            return await ConnectAsync(stream, options, leaveOpen: false, cancellationToken).ConfigureAwait(false);
        }
        catch (AuthenticationException failure) when (refusal is not null)
        {
            throw new IOException($"its certificate is {refusal}", failure);
        }
    }

    /// <summary>Performs the handshake as <paramref name="options"/> says.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="options">All of them, with the validation.</param>
    /// <param name="leaveOpen">True: the connection stays open on failure, and when the result is disposed.</param>
    /// <param name="cancellationToken">Ends the handshake.</param>
    /// <exception cref="AuthenticationException">The handshake failed.</exception>
    public static async Task<SslStream> ConnectAsync(
        Stream stream,
        SslClientAuthenticationOptions options,
        bool leaveOpen,
        CancellationToken cancellationToken
    )
    {
        var tls = new SslStream(stream, leaveOpen);
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
