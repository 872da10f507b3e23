using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Link;

/// <summary>
/// The handshake of a lab link over a network: TLS 1.3, then each side proves the key that the box's owner made. The proof is bound to the
/// agent's certificate, which prevents a man in the middle. The certificate is self-signed and lives as long as its agent. A peer without
/// the key gets nothing.
/// </summary>
internal static class AgentHandshake
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 32;
    private const byte Welcome = (byte)'+';

    /// <summary>The handshake timeout of both sides: a silent peer is closed after this time.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Reads a key's file: 64 hexadecimal digits, as <c>openssl rand -hex 32</c> makes them.</summary>
    /// <exception cref="FormatException">The file holds something else.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static byte[] ReadKey(string file)
    {
        using var stream = File.OpenRead(file);
        var text = new byte[(KeyBytes * 2) + 2];
        var length = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        var digits = System.Text.Encoding.ASCII.GetString(text, 0, length).TrimEnd('\r', '\n');
        return digits.Length == KeyBytes * 2 && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new FormatException($"{file}: a key is {KeyBytes * 2} hexadecimal digits (openssl rand -hex {KeyBytes})");
    }

    /// <summary>Creates the certificate for one run of an agent.</summary>
    public static X509Certificate2 MakeCertificate(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=lab link", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            now.AddDays(-1),
            now.AddYears(10)
        );
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Performs the handshake as the controller.</summary>
    /// <exception cref="LinkException">The peer is not an agent with this key.</exception>
    public static async Task<Stream> EnterAsync(Stream wire, byte[] key, CancellationToken cancellationToken)
    {
        var tls = new SslStream(wire);
        try
        {
            // The key proves the certificate's owner.
            await tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        TargetHost = "lab",
                        EnabledSslProtocols = SslProtocols.Tls13,
                        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            var mine = RandomNumberGenerator.GetBytes(NonceBytes);
            await tls.WriteAsync(mine, cancellationToken).ConfigureAwait(false);
            var theirs = await ReadAsync(tls, NonceBytes, cancellationToken).ConfigureAwait(false);
            var shown = await ReadAsync(tls, HMACSHA256.HashSizeInBytes, cancellationToken).ConfigureAwait(false);
            var digest = SHA256.HashData(tls.RemoteCertificate!.GetRawCertData());
            if (!CryptographicOperations.FixedTimeEquals(shown, Proof(key, Agent, mine, theirs, digest)))
            {
                throw new LinkException("the agent has another key");
            }
            await tls.WriteAsync(Proof(key, Controller, mine, theirs, digest), cancellationToken).ConfigureAwait(false);
            return (await ReadAsync(tls, 1, cancellationToken).ConfigureAwait(false))[0] == Welcome
                ? tls
                : throw new LinkException("the agent refuses this controller");
        }
        catch (Exception refused)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw refused is EndOfStreamException or AuthenticationException
                ? new LinkException("the peer is not an agent, or has another key")
                : refused;
        }
    }

    /// <summary>Performs the handshake as the agent and admits a controller.</summary>
    /// <exception cref="LinkException">The peer does not have the key.</exception>
    public static async Task<Stream> AdmitAsync(Stream wire, X509Certificate2 certificate, byte[] key, CancellationToken cancellationToken)
    {
        var tls = new SslStream(wire);
        try
        {
            await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = SslProtocols.Tls13 },
                    cancellationToken
                )
                .ConfigureAwait(false);
            var theirs = await ReadAsync(tls, NonceBytes, cancellationToken).ConfigureAwait(false);
            var mine = RandomNumberGenerator.GetBytes(NonceBytes);
            var digest = SHA256.HashData(certificate.RawDataMemory.Span);
            await tls.WriteAsync((byte[])[.. mine, .. Proof(key, Agent, theirs, mine, digest)], cancellationToken).ConfigureAwait(false);
            var shown = await ReadAsync(tls, HMACSHA256.HashSizeInBytes, cancellationToken).ConfigureAwait(false);
            if (!CryptographicOperations.FixedTimeEquals(shown, Proof(key, Controller, theirs, mine, digest)))
            {
                throw new LinkException("a controller with another key");
            }
            await tls.WriteAsync(new[] { Welcome }, cancellationToken).ConfigureAwait(false);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static ReadOnlySpan<byte> Agent => "appliance lab link, agent"u8;

    private static ReadOnlySpan<byte> Controller => "appliance lab link, controller"u8;

    private static byte[] Proof(byte[] key, ReadOnlySpan<byte> side, byte[] ofController, byte[] ofAgent, byte[] certificate) =>
        HMACSHA256.HashData(key, (byte[])[.. side, .. ofController, .. ofAgent, .. certificate]);

    private static async Task<byte[]> ReadAsync(Stream from, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await from.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }
}
