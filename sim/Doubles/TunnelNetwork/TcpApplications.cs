using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>Sends every received byte back (RFC 862).</summary>
internal sealed class EchoApplication : ITcpApplication
{
    /// <inheritdoc/>
    public void Run(TcpConnection connection)
    {
        while (connection.Received.Length > 0 && connection.Write(connection.Received) is > 0 and var written)
        {
            connection.Read(written);
        }
        if (connection.ReceivedAll)
        {
            connection.Finish();
        }
    }

    /// <inheritdoc/>
    public void Closed(TcpConnection connection) { }
}

/// <summary>Discards every received byte (RFC 863).</summary>
internal sealed class DiscardApplication : ITcpApplication
{
    /// <inheritdoc/>
    public void Run(TcpConnection connection)
    {
        connection.Read(connection.Received.Length);
        if (connection.ReceivedAll)
        {
            connection.Finish();
        }
    }

    /// <inheritdoc/>
    public void Closed(TcpConnection connection) { }
}

/// <summary>Sends the rotating lines of printable characters (RFC 864) until the client closes.</summary>
internal sealed class CharacterGenerator : ITcpApplication
{
    private const int Columns = 72;
    private const int FirstPrintable = 0x20;
    private const int Printables = 95;
    private long _sent;

    /// <inheritdoc/>
    public void Run(TcpConnection connection)
    {
        connection.Read(connection.Received.Length);
        if (connection.ReceivedAll)
        {
            connection.Finish();
            return;
        }
        Span<byte> block = stackalloc byte[1024];
        while (connection.Room > 0)
        {
            for (var at = 0; at < block.Length; at++)
            {
                block[at] = At(_sent + at);
            }
            _sent += connection.Write(block);
        }
    }

    /// <inheritdoc/>
    public void Closed(TcpConnection connection) { }

    private static byte At(long position)
    {
        var (line, column) = Math.DivRem(position, Columns + 2);
        return column switch
        {
            Columns => (byte)'\r',
            Columns + 1 => (byte)'\n',
            _ => (byte)(FirstPrintable + ((line + column) % Printables)),
        };
    }
}

/// <summary>
/// An HTTP/1.0 server: <c>/</c> shows the connected user, <c>/bytes/N</c> sends N bytes, and a POST is answered by the number of bytes and
/// their SHA-256.
/// </summary>
/// <param name="visitor">Returns the user behind an address; null if there is none.</param>
#pragma warning disable CA1001 // The connection's end disposes the hash.
internal sealed class HttpPage(Func<IPAddress, TunnelVisitor?> visitor) : ITcpApplication
#pragma warning restore CA1001
{
    private const int HeadMax = 8192;
    private const long BytesMax = 1L << 30;
    private readonly List<byte> _head = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _bodyLeft = -1;
    private long _bodySize;
    private byte[] _answer = [];
    private int _answered;
    private long _bytesLeft;

    /// <inheritdoc/>
    public void Run(TcpConnection connection)
    {
        if (_answer.Length == 0)
        {
            ReadRequest(connection);
        }
        if (_answer.Length > 0)
        {
            Answer(connection);
        }
    }

    /// <inheritdoc/>
    public void Closed(TcpConnection connection) => _hash.Dispose();

    private void ReadRequest(TcpConnection connection)
    {
        while (_bodyLeft < 0 && connection.Received.Length > 0)
        {
            _head.Add(connection.Received[0]);
            connection.Read(1);
            if (_head.Count > HeadMax)
            {
                SetAnswer("431 Request Header Fields Too Large", "the request head is too large\n");
                return;
            }
            if (_head is [.., (byte)'\n', (byte)'\n'] or [.., (byte)'\n', (byte)'\r', (byte)'\n'])
            {
                HeadRead(connection);
            }
        }
        while (_bodyLeft > 0 && connection.Received.Length > 0)
        {
            var part = connection.Received[..(int)Math.Min(_bodyLeft, connection.Received.Length)];
            _hash.AppendData(part);
            _bodyLeft -= part.Length;
            connection.Read(part.Length);
        }
        if (_bodyLeft == 0 && _bodySize > 0)
        {
            var digest = Convert.ToHexStringLower(_hash.GetHashAndReset());
            SetAnswer("200 OK", string.Create(CultureInfo.InvariantCulture, $"{_bodySize} {digest}\n"));
        }
        else if (connection.ReceivedAll && _answer.Length == 0)
        {
            connection.Finish();
        }
    }

    private void HeadRead(TcpConnection connection)
    {
        var lines = Encoding.Latin1.GetString([.. _head]).Split('\n', StringSplitOptions.TrimEntries);
        var length = lines
            .Where(line => line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
            .Select(line =>
                long.TryParse(line["content-length:".Length..], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var size)
                    ? size
                    : 0
            )
            .FirstOrDefault();
        _bodyLeft = _bodySize = Math.Clamp(length, 0, BytesMax);
        switch (lines[0].Split(' '))
        {
            case ["POST" or "PUT", ..] when _bodySize > 0:
                if (lines.Any(line => line.Equals("expect: 100-continue", StringComparison.OrdinalIgnoreCase)))
                {
                    connection.Write("HTTP/1.1 100 Continue\r\n\r\n"u8);
                }
                break;
            case ["GET", var path, ..] when path.StartsWith("/bytes/", StringComparison.Ordinal):
                if (
                    long.TryParse(path["/bytes/".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                    && count <= BytesMax
                )
                {
                    _bytesLeft = count;
                    SetHead("200 OK", "application/octet-stream", count);
                }
                else
                {
                    SetAnswer(
                        "400 Bad Request",
                        string.Create(CultureInfo.InvariantCulture, $"expected /bytes/N with N at most {BytesMax}\n")
                    );
                }
                break;
            case ["GET", "/", ..]:
                SetAnswer("200 OK", Page(connection.Remote.Address));
                break;
            default:
                SetAnswer("404 Not Found", "this server has / and /bytes/N\n");
                break;
        }
    }

    private string Page(IPAddress address) =>
        visitor(address) is { } user
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"user: {user.User}\ngroup: {user.Group}\ntunnel address: {user.Address}\nsession: {user.TunnelId}\n"
            )
            : $"user: none\ntunnel address: {address}\n";

    private void SetAnswer(string status, string body)
    {
        SetHead(status, "text/plain; charset=utf-8", Encoding.UTF8.GetByteCount(body));
        _answer = [.. _answer, .. Encoding.UTF8.GetBytes(body)];
    }

    private void SetHead(string status, string type, long length) =>
        _answer = Encoding.UTF8.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )
        );

    private void Answer(TcpConnection connection)
    {
        connection.Read(connection.Received.Length);
        _answered += connection.Write(_answer.AsSpan(_answered));
        if (_answered < _answer.Length)
        {
            return;
        }
        Span<byte> block = stackalloc byte[1024];
        while (_bytesLeft > 0 && connection.Room > 0)
        {
            var size = (int)Math.Min(_bytesLeft, block.Length);
            block[..size].Fill((byte)'x');
            _bytesLeft -= connection.Write(block[..size]);
        }
        if (_bytesLeft == 0)
        {
            connection.Finish();
        }
    }
}
