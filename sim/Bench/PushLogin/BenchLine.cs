using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.Unicode;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Bench.PushLogin;

/// <summary>A reply: its status and all of its bytes, which belong to the line and are valid until its next exchange.</summary>
internal readonly record struct BenchAnswer(int Status, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Returns the text between a word and any of the ends; "" if the word is missing.</summary>
    public string Between(ReadOnlySpan<byte> word, ReadOnlySpan<byte> ends)
    {
        var at = Bytes.Span.IndexOf(word);
        if (at < 0)
        {
            return "";
        }
        var rest = Bytes.Span[(at + word.Length)..];
        var end = rest.IndexOfAny(ends);
        return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
    }
}

/// <summary>
/// A client's connection with the part of HTTP/1.1 that a benchmark needs: one request at a time, answers with Content-Length.
/// </summary>
internal sealed class BenchLine : IAsyncDisposable
{
    private readonly ConnectionContext _connection;
    private readonly SslStream? _tls;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private byte[] _answer = new byte[1024];

    private BenchLine(ConnectionContext connection, SslStream? tls)
    {
        (_connection, _tls) = (connection, tls);
        (_input, _output) = tls is null
            ? (connection.Transport.Input, connection.Transport.Output)
            : (PipeReader.Create(tls), PipeWriter.Create(tls));
    }

    /// <summary>Connects; with TLS when there are options for it.</summary>
    public static async Task<BenchLine> ConnectAsync(
        INic from,
        IPEndPoint to,
        SslClientAuthenticationOptions? tls,
        CancellationToken cancellationToken
    )
    {
        var connection = await from.ConnectAsync(to, cancellationToken);
        if (tls is null)
        {
            return new BenchLine(connection, null);
        }
        var stream = new SslStream(new ConnectionStream(connection));
        await stream.AuthenticateAsClientAsync(tls, cancellationToken);
        return new BenchLine(connection, stream);
    }

    /// <summary>A whole request with a body.</summary>
    public static byte[] Post(string target, string type, string body)
    {
        Span<byte> request = stackalloc byte[1024];
        return Utf8.TryWrite(
            request,
            CultureInfo.InvariantCulture,
            $"POST {target} HTTP/1.1\r\nHost: bench\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}",
            out var written
        )
            ? request[..written].ToArray()
            : throw new ArgumentException("a request of a benchmark has no kilobyte", nameof(body));
    }

    /// <summary>Sends a request and waits for its answer, as long as it takes.</summary>
    /// <exception cref="IOException">The connection ended before.</exception>
    public async ValueTask<BenchAnswer> ExchangeAsync(ReadOnlyMemory<byte> request)
    {
        await _output.WriteAsync(request);
        while (true)
        {
            var read = await _input.ReadAsync();
            if (Take(read.Buffer) is { } answer)
            {
                _input.AdvanceTo(read.Buffer.GetPosition(answer.Bytes.Length));
                return answer;
            }
            if (read.IsCompleted)
            {
                throw new IOException("the connection ended before the answer");
            }
            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_tls is not null)
        {
            await _tls.DisposeAsync();
        }
        await _connection.DisposeAsync();
    }

    private BenchAnswer? Take(ReadOnlySequence<byte> buffer)
    {
        var bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        var head = bytes.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return null;
        }
        var length = bytes[..head].IndexOf("Content-Length: "u8);
        if (
            length < 0
            || !Utf8Parser.TryParse(bytes[9..], out int status, out _)
            || !Utf8Parser.TryParse(bytes[(length + 16)..], out int content, out _)
        )
        {
            throw new IOException("an answer without a length");
        }
        var whole = head + 4 + content;
        if (bytes.Length < whole)
        {
            return null;
        }
        if (_answer.Length < whole)
        {
            _answer = new byte[whole];
        }
        bytes[..whole].CopyTo(_answer);
        return new BenchAnswer(status, _answer.AsMemory(0, whole));
    }
}
