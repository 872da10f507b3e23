using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Cli;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Page;

/// <summary>
/// The console tabs of pages, each a WebSocket. <c>/lab/console?rows=R&amp;columns=C[&amp;login=1]</c> opens a session, <c>?id=…</c>
/// resumes it after a reload, and <c>?watch=…</c> shows it without typing. The first message contains its ids and size. Bytes follow in
/// both directions, and text with the new size when the typing page's terminal changes.
/// </summary>
internal sealed class WebConsoles(CancellationToken stopping) : IAsyncDisposable
{
    private const int ConsolesMax = 32;
    private const int WatchersMax = 64;
    private const int KeysMax = 64 * 1024;
    private const int RowsMax = 500;

    /// <summary>A session without a page is kept for this time, for a reload.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, WebConsole> _consoles = [];
    private int _watchers;

    public async Task ServeAsync(HttpContext context, ILabUnit unit)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw LabProblem.Bad("this path speaks WebSocket only");
        }
        var query = context.Request.Query;
        if (query.Keys.FirstOrDefault(key => key is not ("rows" or "columns" or "login" or "id" or "watch")) is { } stray)
        {
            throw LabProblem.Bad($"unknown parameter '{stray}'; known: rows, columns, login, id, watch");
        }
        var watches = query.ContainsKey("watch");
        var console =
            query["watch"] is [{ } watch] ? Find(console => console.WatchId == watch)
            : query["id"] is [{ } id] ? Find(console => console.Id == id)
            : Open(unit.Console.Get(), new TerminalSize(Size(query, "rows"), Size(query, "columns")), query["login"] is ["1"]);
        if (watches && Interlocked.Increment(ref _watchers) > WatchersMax)
        {
            Interlocked.Decrement(ref _watchers);
            throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"the limit of {WatchersMax} watching pages is reached");
        }
        try
        {
            Hold(console, watches ? 0 : 1);
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await ServeAsync(socket, console, watches, context.RequestAborted);
        }
        finally
        {
            if (watches)
            {
                Interlocked.Decrement(ref _watchers);
            }
            else
            {
                Release(console);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        WebConsole[] consoles;
        lock (_lock)
        {
            consoles = [.. _consoles.Values];
            _consoles.Clear();
        }
        foreach (var console in consoles)
        {
            await console.DisposeAsync();
        }
    }

    private static int Size(IQueryCollection query, string name) =>
        query[name] is [{ } text]
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number is >= 2 and <= RowsMax
            ? number
            : throw LabProblem.Bad($"{name} must be one whole number from 2 to {RowsMax}");

    private WebConsole Find(Func<WebConsole, bool> wanted)
    {
        lock (_lock)
        {
            return _consoles.Values.FirstOrDefault(wanted) ?? throw LabProblem.NotFound("no such console; it may have ended");
        }
    }

    private WebConsole Open(IUnitConsole unit, TerminalSize size, bool login)
    {
        lock (_lock)
        {
            foreach (var over in _consoles.Values.Where(console => console is { Over: true, Holders: 0 }).ToArray())
            {
                _consoles.Remove(over.Id);
            }
            if (_consoles.Count >= ConsolesMax)
            {
                throw new LabProblem(StatusCodes.Status503ServiceUnavailable, $"the limit of {ConsolesMax} consoles is reached");
            }
            var console = new WebConsole(NewId(), NewId(), size);
            _consoles.Add(console.Id, console);
            console.Start(unit, login);
            return console;
        }
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private void Hold(WebConsole console, int more)
    {
        lock (_lock)
        {
            console.Holders += more;
        }
    }

    private void Release(WebConsole console)
    {
        Hold(console, -1);
        _ = Task.Run(async () =>
        {
            try
            {
                await Task.Delay(console.Over ? TimeSpan.Zero : Kept, LabClock.Wall, stopping);
            }
            catch (OperationCanceledException)
            {
                return; // The lab stops, and all sessions with it.
            }
            lock (_lock)
            {
                if (console.Holders > 0 || !_consoles.Remove(console.Id))
                {
                    return;
                }
            }
            await console.DisposeAsync();
        });
    }

    private async Task ServeAsync(WebSocket socket, WebConsole console, bool watches, CancellationToken aborted)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted);
        try
        {
            await TellAsync(
                socket,
                new PageConsoleJson(
                    watches ? null : console.Id,
                    watches ? null : console.WatchId,
                    console.Size.Rows,
                    console.Size.Columns,
                    Begins: true
                ),
                ending.Token
            );
            var typing = TypeAsync(socket, console, watches, ending);
            await foreach (var shown in console.Show().ReadAllAsync(ending.Token))
            {
                if (shown.Size is { } size)
                {
                    await TellAsync(socket, new PageConsoleJson(null, null, size.Rows, size.Columns, Begins: false), ending.Token);
                }
                else
                {
                    await socket.SendAsync(shown.Bytes!, WebSocketMessageType.Binary, endOfMessage: true, ending.Token);
                }
            }
            // 4000: the session has ended. After any other code a page reconnects.
            await socket.CloseOutputAsync(
                console.Over ? (WebSocketCloseStatus)4000 : WebSocketCloseStatus.PolicyViolation,
                console.Over ? "the session ended" : "too far behind",
                ending.Token
            );
            await typing;
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The page disconnected, or the lab stops.
        }
        await ending.CancelAsync();
    }

    private static Task TellAsync(WebSocket socket, PageConsoleJson told, CancellationToken cancellationToken) =>
        socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(told, PageJson.Default.PageConsoleJson),
            WebSocketMessageType.Text,
            endOfMessage: true,
            cancellationToken
        );

    /// <summary>Reads and discards what a watching page types. An invalid size is ignored.</summary>
    private static async Task TypeAsync(WebSocket socket, WebConsole console, bool watches, CancellationTokenSource ending)
    {
        var buffer = new byte[KeysMax];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), ending.Token) is { MessageType: not WebSocketMessageType.Close } received)
            {
                if (watches || console.Over)
                {
                    continue;
                }
                if (received.MessageType == WebSocketMessageType.Binary)
                {
                    await console.TypeAsync(buffer.AsMemory(0, received.Count), ending.Token);
                }
                else if (SizeOf(buffer.AsSpan(0, received.Count)) is { } size)
                {
                    console.Resize(size);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or InvalidOperationException)
        {
            // The page disconnected, or the session ended while it typed.
        }
        await ending.CancelAsync();
    }

    private static TerminalSize? SizeOf(ReadOnlySpan<byte> message)
    {
        try
        {
            return
                JsonSerializer.Deserialize(message, PageJson.Default.PageSizeJson)
                    is { Rows: >= 2 and <= RowsMax, Columns: >= 2 and <= RowsMax } size
                ? new TerminalSize(size.Rows, size.Columns)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
