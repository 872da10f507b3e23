using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// Requests to the SSL VPN byte for byte as a test writes them, over TLS, one after another. A closed connection is opened again.
/// </summary>
internal sealed class RawTls(TestLab lab) : IAsyncDisposable
{
    private TcpClient? _client;
    private SslStream? _stream;

    /// <summary>The status of the answer; 400 when the connection was closed without one.</summary>
    public async Task<int> StatusAsync(string request)
    {
        if (_stream is null)
        {
            var shown = lab.Unit.ServiceCertificate("sslvpn")!.RawData;
            _client = new TcpClient();
            await _client.ConnectAsync(IPAddress.Parse(lab.Port1), 10443);
            _stream = new SslStream(
                _client.GetStream(),
                leaveInnerStreamOpen: false,
                (_, certificate, _, _) => certificate is not null && certificate.GetRawCertData().AsSpan().SequenceEqual(shown)
            );
            await _stream.AuthenticateAsClientAsync(lab.Port1);
        }
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(request));
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await _stream.ReadAsync(one) == 0)
            {
                await DisposeAsync();
                return 400;
            }
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n");
        var length = lines.Select(line => line.Split(": ")).FirstOrDefault(pair => pair[0] == "Content-Length") is [_, var text]
            ? int.Parse(text)
            : 0;
        await _stream.ReadExactlyAsync(new byte[length]);
        if (lines.Contains("Connection: close"))
        {
            await DisposeAsync();
        }
        return int.Parse(lines[0].Split(' ')[1]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stream is not null)
        {
            await _stream.DisposeAsync();
        }
        _client?.Dispose();
        (_stream, _client) = (null, null);
    }
}
