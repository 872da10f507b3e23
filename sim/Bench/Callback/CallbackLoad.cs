using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;

namespace Appliance.Bench.Callback;

/// <summary>Answers of phones in wire format, of one size each, and the load generator that sends them.</summary>
internal sealed class CallbackLoad
{
    private const string Head =
        "POST /api/v1/pushauthresp/ HTTP/1.1\r\nHost: 10.0.0.1:4433\r\nContent-Type: application/json\r\nContent-Length: ";
    private readonly byte[] _requests;
    private readonly int _size;

    private CallbackLoad(byte[] requests, int size) => (_requests, _size) = (requests, size);

    internal int Count => _requests.Length / _size;

    /// <summary>Approvals of these sessions with these codes.</summary>
    internal static CallbackLoad Approvals(IReadOnlyList<(string SessionId, string Code)> answers)
    {
        string Request((string SessionId, string Code) answer)
        {
            var body = $$"""{"session_id":"{{answer.SessionId}}","action":"validate","token_code":"{{answer.Code}}"}""";
            return $"{Head}{body.Length}\r\n\r\n{body}";
        }
        var size = Request(answers[0]).Length;
        var requests = new byte[size * answers.Count];
        for (var index = 0; index < answers.Count; index++)
        {
            Encoding.ASCII.GetBytes(Request(answers[index]), requests.AsSpan(index * size, size));
        }
        return new CallbackLoad(requests, size);
    }

    /// <summary>
    /// Sends all answers, distributed over the connections, with a number of them in flight on each. Returns the number that got 200.
    /// </summary>
    /// <param name="lines">The connections.</param>
    /// <param name="pipelined">Requests on one connection before the first answer is waited for.</param>
    /// <param name="acknowledged">Receives the number of each request that got 200; null for no callback.</param>
    internal async Task<int> RunAsync(IReadOnlyList<CallbackPlace.Line> lines, int pipelined, Action<int>? acknowledged = null)
    {
        var running = new Task<int>[lines.Count];
        for (var line = 0; line < lines.Count; line++)
        {
            var (at, first, end) = (lines[line], (int)((long)Count * line / lines.Count), (int)((long)Count * (line + 1) / lines.Count));
            running[line] = Task.Run(() => DriveAsync(at.Input, at.Output, first, end, pipelined, acknowledged));
        }
        return (await Task.WhenAll(running)).Sum();
    }

    private async Task<int> DriveAsync(PipeReader input, PipeWriter output, int first, int end, int pipelined, Action<int>? acknowledged)
    {
        var accepted = 0;
        for (var sent = first; sent < end;)
        {
            var count = Math.Min(pipelined, end - sent);
            output.Write(_requests.AsSpan(sent * _size, count * _size));
            await output.FlushAsync();
            for (var answered = 0; answered < count;)
            {
                var read = await input.ReadAsync();
                var buffer = read.Buffer;
                while (answered < count && Take(ref buffer) is { } status)
                {
                    if (status == 200)
                    {
                        accepted++;
                        acknowledged?.Invoke(sent + answered);
                    }
                    answered++;
                }
                input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted && answered < count)
                {
                    throw new IOException("the connection ended before every request was answered");
                }
            }
            sent += count;
        }
        return accepted;
    }

    /// <summary>Takes one answer off the buffer: its status; null when it is not whole yet.</summary>
    private static int? Take(ref ReadOnlySequence<byte> buffer)
    {
        var span = buffer.FirstSpan;
        if (Length(span, out var status) is { } whole && whole <= span.Length)
        {
            buffer = buffer.Slice(whole);
            return status;
        }
        if (buffer.IsSingleSegment)
        {
            return null;
        }
        span = buffer.ToArray();
        if (Length(span, out status) is not { } length || length > span.Length)
        {
            return null;
        }
        buffer = buffer.Slice(length);
        return status;
    }

    /// <summary>The length of the first answer, with chunked ones of one chunk included; null if its head is incomplete.</summary>
    private static int? Length(ReadOnlySpan<byte> answer, out int status)
    {
        status = 0;
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return null;
        }
        if (!Utf8Parser.TryParse(answer[9..], out status, out _))
        {
            throw new IOException("what came is no answer");
        }
        var body = head + 4;
        var length = answer[..body].IndexOf("Content-Length: "u8);
        if (length >= 0)
        {
            return Utf8Parser.TryParse(answer[(length + 16)..], out int content, out _)
                ? body + content
                : throw new IOException("an answer has no length");
        }
        var end = answer[body..].IndexOf("\r\n0\r\n\r\n"u8);
        return end < 0 ? null : body + end + 7;
    }
}
