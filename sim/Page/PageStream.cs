using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Appliance.Sim.Phones;
using Microsoft.AspNetCore.Http;

namespace Appliance.Sim.Page;

/// <summary>The state, pushed to a page over a WebSocket: what it lacks, then each change. Everything that a page does goes by the lab API.</summary>
internal sealed class PageStream(PageState state, LabClock clock, CancellationToken stopping)
{
    private const int PagesMax = 64;
    private const int FromPageMax = 256;

    /// <summary>The page's clock is set right at least this often.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan PhoneBetween = TimeSpan.FromMilliseconds(100);

    private int _pages;

    /// <summary><c>/lab/stream</c>, with <c>epoch</c>, <c>seq</c> and <c>event</c> when the page has been here before.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var epoch = query["epoch"] is [{ Length: > 0 and <= 32 } known] ? known : null;
        var (seq, lastEvent) = (Number(query["seq"]), Number(query["event"]));
        await RunAsync(context, async (socket, token) =>
        {
            using var watching = state.Watch();
            while (true)
            {
                var lacks = state.CatchUp(epoch, seq, lastEvent);
                var changed = state.ChangedAfter(lacks.Epoch, lacks.Seq);
                for (var index = 0; index < lacks.Bodies.Count; index++)
                {
                    await SendAsync(socket, Envelope(lacks, index), token);
                }
                (epoch, seq, lastEvent) = (lacks.Epoch, lacks.Seq, lacks.LastEvent);
                if (lacks.Bodies.Count == 0)
                {
                    await SendAsync(socket, $"{{\"clock\":{Now()}}}", token);
                }
                await Task.WhenAny(changed, Task.Delay(Beat, LabClock.Wall, token));
            }
        });
    }

    /// <summary><c>/lab/stream?phone=…</c>: one card, whenever it changes.</summary>
    public Task ServePhoneAsync(HttpContext context, Func<Phone?> find) => RunAsync(context, async (socket, token) =>
    {
        using var timer = new PeriodicTimer(PhoneBetween, LabClock.Wall);
        string? sent = null;
        var beat = LabClock.Wall.GetTimestamp();
        do
        {
            var phone = find() is { } found ? JsonSerializer.Serialize(PagePhoneJson.Of(found), PageJson.Default.PagePhoneJson) : "null";
            if (phone != sent || LabClock.Wall.GetElapsedTime(beat) > Beat)
            {
                await SendAsync(socket, $"{{\"phone\":{phone},\"clock\":{Now()}}}", token);
                (sent, beat) = (phone, LabClock.Wall.GetTimestamp());
            }
        }
        while (await timer.WaitForNextTickAsync(token));
    });

    /// <summary>Takes a WebSocket, and serves it until either side ends it.</summary>
    private async Task RunAsync(HttpContext context, Func<WebSocket, CancellationToken, Task> serve)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw LabProblem.Bad("this path speaks WebSocket only");
        }
        if (Interlocked.Increment(ref _pages) > PagesMax)
        {
            Interlocked.Decrement(ref _pages);
            throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"{PagesMax} pages watch already");
        }
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            var listening = UntilClosedAsync(socket, ending);
            try
            {
                await serve(socket, ending.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or WebSocketException)
            {
                // The page is gone, or the lab stops.
            }
            await ending.CancelAsync();
            await listening;
        }
        finally
        {
            Interlocked.Decrement(ref _pages);
        }
    }

    /// <summary>A page says nothing here; what it says all the same is read and forgotten.</summary>
    private static async Task UntilClosedAsync(WebSocket socket, CancellationTokenSource ending)
    {
        var buffer = new byte[FromPageMax];
        try
        {
            while ((await socket.ReceiveAsync(buffer, ending.Token)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // Gone without a word.
        }
        await ending.CancelAsync();
    }

    private static Task SendAsync(WebSocket socket, string text, CancellationToken cancellationToken) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>A snapshot may come in pieces: the first one replaces, and the last one has the number.</summary>
    private string Envelope(PageCatchUp lacks, int index)
    {
        var seq = lacks.Whole ? lacks.Seq : lacks.Seq - lacks.Bodies.Count + 1 + index;
        return string.Create(CultureInfo.InvariantCulture, $"{{\"epoch\":\"{lacks.Epoch}\",\"seq\":{seq},\"whole\":{(lacks.Whole && index == 0 ? "true" : "false")},\"clock\":{Now()},{lacks.Bodies[index]}}}");
    }

    private string Now() => JsonSerializer.Serialize(PageClockJson.Of(clock), PageJson.Default.PageClockJson);

    private static long Number(Microsoft.Extensions.Primitives.StringValues text) =>
        text is [{ } digits] && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
