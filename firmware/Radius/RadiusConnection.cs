using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Appliance.Firmware.Certificates;
using Appliance.Hal;

namespace Appliance.Firmware.Radius;

/// <summary>
/// The certificates with which a RadSec server and this client authenticate each other (<c>user radius</c>, 7.4.0 on), as PEM.
/// </summary>
/// <param name="Authority">The CA that issued the server's certificate; "" trusts none.</param>
/// <param name="Certificate">The client's certificate; "" for none.</param>
/// <param name="Key">The private key of the client's certificate.</param>
/// <param name="KeyPassword">The password of the encrypted key; "" if it is not encrypted.</param>
/// <param name="ChecksIdentity">True if the server's certificate must match the configured address.</param>
/// <param name="Only13">True for TLS 1.3 only. False also allows 1.2, and nothing older regardless of the configuration
/// (*assumed*).</param>
public sealed record RadiusTls(string Authority, string Certificate, string Key, string KeyPassword, bool ChecksIdentity, bool Only13)
{
    /// <summary>Returns the type name only: the key must not be displayed.</summary>
    public override string ToString() => nameof(RadiusTls);
}

/// <summary>
/// A connection to one server over TCP (RFC 6613) or TLS (RFC 6614). It connects when it is constructed, reports its end once, and is not
/// reused.
/// </summary>
internal sealed class RadiusConnection : IRadiusPath
{
    private const int WaitingMax = 256;
    private readonly Channel<byte[]> _sending = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );
    private readonly CancellationTokenSource _stopping = new();
    private readonly RadiusSettings _settings;
    private readonly TimeProvider _time;
    private readonly RadiusReceived _received;
    private readonly IPEndPoint _server;
    private readonly Task _running;

    /// <param name="nic">The interface to connect from.</param>
    /// <param name="settings">The transport and TLS settings.</param>
    /// <param name="server">The server's address.</param>
    /// <param name="time">The clock.</param>
    /// <param name="received">Receives each packet.</param>
    /// <param name="lost">Called once, when the connection closed or could not be established, with whether it was established and the
    /// cause. Not called if the connection is disposed first.</param>
    internal RadiusConnection(
        INic nic,
        RadiusSettings settings,
        IPEndPoint server,
        TimeProvider time,
        RadiusReceived received,
        Action<RadiusConnection, bool, string> lost
    )
    {
        _settings = settings;
        _server = server;
        _time = time;
        _received = received;
        _running = Task.Run(() => RunAsync(nic, lost));
    }

    /// <inheritdoc/>
    public void Send(byte[] packet, IPEndPoint to) => _sending.Writer.TryWrite(packet);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>Closes the connection. The handler of its loss takes care of the requests sent on it.</summary>
    internal void End() => _sending.Writer.TryComplete();

    private async Task RunAsync(INic nic, Action<RadiusConnection, bool, string> lost)
    {
        var (connected, why) = (false, "the server closed it");
        try
        {
            var stream = await ConnectAsync(nic).ConfigureAwait(false);
            await using var closing = stream.ConfigureAwait(false);
            connected = true;
            using var over = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            var (reading, writing) = (ReadAsync(stream, over.Token), WriteAsync(stream, over.Token));
            await Task.WhenAny(reading, writing).ConfigureAwait(false);
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(reading, writing).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException or CryptographicException or InvalidDataException)
        {
            why = failure.Message;
        }
        catch (OperationCanceledException)
        {
            why = connected ? why : "no connection in time";
        }
        if (!_stopping.IsCancellationRequested)
        {
            lost(this, connected, why);
        }
    }

    private async Task ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        const int LengthAt = 2;
        var packet = new byte[RadiusPacket.LengthMax];
        while (true)
        {
            await stream.ReadExactlyAsync(packet.AsMemory(0, RadiusPacket.HeaderLength), cancellationToken).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(LengthAt));
            if (length is < RadiusPacket.HeaderLength or > RadiusPacket.LengthMax)
            {
                // The beginning of the next packet is unknown (RFC 6613, section 2.6.4).
                throw new InvalidDataException("the server sent data that is not RADIUS");
            }
            await stream
                .ReadExactlyAsync(packet.AsMemory(RadiusPacket.HeaderLength, length - RadiusPacket.HeaderLength), cancellationToken)
                .ConfigureAwait(false);
            _received(packet.AsSpan(0, length), _server);
        }
    }

    private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
    {
        await foreach (var packet in _sending.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            await stream.WriteAsync(packet, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<Stream> ConnectAsync(INic nic)
    {
        using var late = new CancellationTokenSource(_settings.ServerTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopping.Token);
        var plain = new ConnectionStream(await nic.ConnectAsync(_server, either.Token).ConfigureAwait(false));
        if (_settings.Transport != RadiusTransport.Tls)
        {
            return plain;
        }
        try
        {
            var tls = _settings.Tls ?? throw new InvalidDataException("no TLS is set");
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(tls.Authority);
            if (authorities.Count == 0)
            {
                throw new InvalidDataException("no ca-cert is set, so no server can be trusted");
            }
            using var own = OwnCertificate(tls);
            var address = _server.Address.ToString();
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = address,
                EnabledSslProtocols = tls.Only13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificates = own is null ? null : [own],
            };
            return await TlsClient
                .ConnectAsync(plain, options, [.. authorities], tls.ChecksIdentity ? address : null, _time.GetUtcNow(), either.Token)
                .ConfigureAwait(false);
        }
        catch
        {
            await plain.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static X509Certificate2? OwnCertificate(RadiusTls tls) =>
        tls.Certificate.Length == 0 ? null
        : tls.KeyPassword.Length > 0 ? X509Certificate2.CreateFromEncryptedPem(tls.Certificate, tls.Key, tls.KeyPassword)
        : X509Certificate2.CreateFromPem(tls.Certificate, tls.Key);
}
