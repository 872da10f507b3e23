using System.IO.Pipelines;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Http;
using Appliance.Hal;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Doubles.Wire;

/// <summary>Captures the login requests of clients to the SSL VPN and their responses, and changes neither.</summary>
internal sealed partial class ClientRecorder(IHttpService inner, LabWire wire, TimeProvider time) : IHttpService
{
    private const string LoginCheck = "/remote/logincheck";

    public Task ServeAsync(IFeatureCollection request)
    {
        var head = request.GetRequiredFeature<IHttpRequestFeature>();
        return head.Method == HttpMethods.Post && head.RawTarget.Split('?')[0] == LoginCheck
            ? OverhearAsync(request, head)
            : inner.ServeAsync(request);
    }

    private async Task OverhearAsync(IFeatureCollection request, IHttpRequestFeature head)
    {
        var exchange = new ClientExchange(time.GetUtcNow());
        wire.Begin(exchange);
        var replied = false;
        void Reply(ReadOnlyMemory<byte> body)
        {
            if (!replied)
            {
                replied = true;
                Answer(exchange, request.GetRequiredFeature<IHttpResponseFeature>(), Encoding.UTF8.GetString(body.Span));
            }
        }
        request.Set<IRequestBodyPipeFeature>(
            new OverheardBody(
                new OverheardReader(
                    request.GetRequiredFeature<IRequestBodyPipeFeature>().Reader,
                    body => Ask(exchange, head, Encoding.UTF8.GetString(body))
                )
            )
        );
        var response = request.GetRequiredFeature<IHttpResponseBodyFeature>();
        await using var overheard = new OverheardStream(response.Stream, Reply);
        request.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(overheard, response));
        try
        {
            await inner.ServeAsync(request);
        }
        finally
        {
            request.Set(response);
        }
    }

    private void Ask(ClientExchange exchange, IHttpRequestFeature head, string body)
    {
        var kind =
            Field(body, "ftmpush") is not null ? "wait for the phone"
            : Field(body, "reqid") is null && Field(body, "magic") is null ? "name and password"
            : "code";
        wire.Asked(
            exchange,
            new MessageText(
                $"POST logincheck: {kind}",
                $"POST {Mask.Line(head.RawTarget)} HTTP/1.1",
                Headers(head.Headers),
                Mask.Form(body)
            ),
            Field(body, "reqid")
        );
    }

    private void Answer(ClientExchange exchange, IHttpResponseFeature head, string body)
    {
        var told =
            ReturnCode().Match(body) is { Success: true } line ? line.Value
            : head.StatusCode == StatusCodes.Status200OK ? "page"
            : head.StatusCode == StatusCodes.Status401Unauthorized ? "page that asks"
            : "page that refuses";
        wire.Answered(
            exchange,
            new MessageText(
                $"{head.StatusCode} {told}",
                $"HTTP/1.1 {head.StatusCode} {head.ReasonPhrase}".TrimEnd(),
                Headers(head.Headers),
                Mask.Reply(body)
            ),
            RequestId().Match(body) is { Success: true } id ? id.Groups[1].Value : null
        );
    }

    private static (string, string)[] Headers(IHeaderDictionary headers) =>
        [.. headers.SelectMany(header => header.Value.Select(value => Mask.Header(header.Key, value ?? "")))];

    private static string? Field(string body, string name) =>
        body.Split('&').FirstOrDefault(pair => pair.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];

    [GeneratedRegex("^ret=[0-9]+")]
    private static partial Regex ReturnCode();

    [GeneratedRegex("(?:\\breqid=|name=\"reqid\" value=\")([0-9]+)")]
    private static partial Regex RequestId();

    private sealed record OverheardBody(PipeReader Reader) : IRequestBodyPipeFeature;

    /// <summary>A reader that reports the body once its consumer has taken all of it.</summary>
    private sealed class OverheardReader(PipeReader inner, Action<byte[]> whole) : PipeReader
    {
        private ReadResult _read;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            _read = await inner.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result)
        {
            var read = inner.TryRead(out result);
            _read = result;
            return read;
        }

        public override void AdvanceTo(SequencePosition consumed)
        {
            if (_read.IsCompleted)
            {
                whole(System.Buffers.BuffersExtensions.ToArray(_read.Buffer.Slice(0, consumed)));
            }
            inner.AdvanceTo(consumed);
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }

    /// <summary>A stream that reports data before it is written. It never closes the inner stream.</summary>
    private sealed class OverheardStream(Stream inner, Action<ReadOnlyMemory<byte>> told) : WriteOnlyStream
    {
        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Write(byte[] buffer, int offset, int count)
        {
            told(buffer.AsMemory(offset, count));
            inner.Write(buffer, offset, count);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            told(buffer);
            await inner.WriteAsync(buffer, cancellationToken);
        }
    }
}
