using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Page;

/// <summary>
/// The state, sent to a page over a WebSocket: the frames that it lacks, then each change. Actions of the page use the lab API.
/// </summary>
internal sealed class PageStream(PageState state, LabClock clock, CancellationToken stopping)
{
    private const int PagesMax = 64;
    private const int FromPageMax = 256;

    /// <summary>The interval at which the page's clock is corrected.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan PhoneBetween = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A page that reads nothing for this time is closed, with its queued frames. It reconnects with its sequence number.
    /// </summary>
    private static readonly TimeSpan TakingMax = TimeSpan.FromMinutes(2);

    /// <summary>The size of one write. Data that a page does not read waits here, and not in a buffer of the whole message.</summary>
    private const int Fragment = 16 * 1024;

    private static readonly byte[] ObjectEnd = "}"u8.ToArray();

    private int _pages;

    /// <summary><c>/lab/stream</c>, with <c>epoch</c>, <c>seq</c> and <c>event</c> if the page was connected before.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var epoch = query["epoch"] is [{ Length: > 0 and <= 32 } known] ? known : null;
        var (seq, lastEvent) = (Number(query["seq"]), Number(query["event"]));
        await RunAsync(
            context,
            async (socket, ending) =>
            {
                using var watching = state.Watch();
                while (true)
                {
                    var lacks = state.CatchUp(epoch, seq, lastEvent);
                    var first = true;
                    foreach (var frame in lacks.Frames)
                    {
                        await SendAsync(socket, Head(lacks, frame, first), frame.Body, ending);
                        (epoch, seq, lastEvent, first) = (lacks.Epoch, frame.Seq, frame.LastEvent, false);
                    }
                    if (first)
                    {
                        await SendAsync(socket, "{\"clock\":" + Now(), [], ending);
                    }
                    await Task.WhenAny(state.ChangedAfter(lacks.Epoch, seq), Task.Delay(Beat, LabClock.Wall, ending.Token));
                }
            }
        );
    }

    /// <summary><c>/lab/stream?phone=…</c>: one card, at each change.</summary>
    public Task ServePhoneAsync(HttpContext context, Func<Phone?> find) =>
        RunAsync(
            context,
            async (socket, ending) =>
            {
                using var timer = new PeriodicTimer(PhoneBetween, LabClock.Wall);
                string? sent = null;
                var beat = LabClock.Wall.GetTimestamp();
                do
                {
                    var phone = find() is { } found
                        ? JsonSerializer.Serialize(PagePhoneJson.Of(found), PageJson.Default.PagePhoneJson)
                        : "null";
                    if (phone != sent || LabClock.Wall.GetElapsedTime(beat) > Beat)
                    {
                        await SendAsync(socket, $"{{\"phone\":{phone},\"clock\":{Now()}", [], ending);
                        (sent, beat) = (phone, LabClock.Wall.GetTimestamp());
                    }
                } while (await timer.WaitForNextTickAsync(ending.Token));
            }
        );

    /// <summary>Accepts a WebSocket and serves it until either side ends it.</summary>
    private async Task RunAsync(HttpContext context, Func<WebSocket, CancellationTokenSource, Task> serve)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw LabProblem.Bad("this path speaks WebSocket only");
        }
        if (Interlocked.Increment(ref _pages) > PagesMax)
        {
            Interlocked.Decrement(ref _pages);
            throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"the limit of {PagesMax} pages is reached");
        }
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            var listening = UntilClosedAsync(socket, ending);
            try
            {
                await serve(socket, ending);
            }
            catch (Exception e) when (e is OperationCanceledException or WebSocketException)
            {
                // The page disconnected, or the lab stops.
            }
            await ending.CancelAsync();
            await listening;
        }
        finally
        {
            Interlocked.Decrement(ref _pages);
        }
    }

    /// <summary>Reads and discards input; a page sends none.</summary>
    private static async Task UntilClosedAsync(WebSocket socket, CancellationTokenSource ending)
    {
        var buffer = new byte[FromPageMax];
        try
        {
            while ((await socket.ReceiveAsync(buffer, ending.Token)).MessageType != WebSocketMessageType.Close) { }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The page disconnected without a close frame.
        }
        await ending.CancelAsync();
    }

    /// <summary>Sends one message: an object that is begun, and its further members.</summary>
    private static async Task SendAsync(WebSocket socket, string head, byte[] members, CancellationTokenSource ending)
    {
        await WriteAsync(socket, Encoding.UTF8.GetBytes(head), endOfMessage: false, ending);
        for (var at = 0; at < members.Length; at += Fragment)
        {
            await WriteAsync(socket, members.AsMemory(at, Math.Min(Fragment, members.Length - at)), endOfMessage: false, ending);
        }
        await WriteAsync(socket, ObjectEnd, endOfMessage: true, ending);
    }

    private static async Task WriteAsync(WebSocket socket, ReadOnlyMemory<byte> part, bool endOfMessage, CancellationTokenSource ending)
    {
        var writing = socket.SendAsync(part, WebSocketMessageType.Text, endOfMessage, ending.Token);
        if (writing.IsCompleted)
        {
            await writing;
            return;
        }
        using var late = LabClock.Wall.CreateTimer(
            static source => ((CancellationTokenSource)source!).Cancel(),
            ending,
            TakingMax,
            Timeout.InfiniteTimeSpan
        );
        await writing;
    }

    /// <summary>
    /// Sends the frames. A snapshot may have several pieces: the first one replaces the state and the last one has the number, so a page
    /// that lost some gets all again.
    /// </summary>
    private string Head(PageCatchUp lacks, PageFrame frame, bool first) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"epoch\":\"{lacks.Epoch}\",\"seq\":{frame.Seq},\"whole\":{(lacks.Whole && first ? "true" : "false")},\"clock\":{Now()}{(frame.Body.Length > 0 ? "," : "")}"
        );

    private string Now() => JsonSerializer.Serialize(PageClockJson.Of(clock), PageJson.Default.PageClockJson);

    private static long Number(Microsoft.Extensions.Primitives.StringValues text) =>
        text is [{ } digits] && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
