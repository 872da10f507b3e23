using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Failures;

namespace Appliance.Bench;

/// <summary>
/// A headless browser, driven by the part of the Chrome DevTools Protocol (chromedevtools.github.io/devtools-protocol) that a measurement
/// needs.
/// It has one page and serves one caller at a time.
/// </summary>
internal sealed class Chromium : IAsyncDisposable
{
    private const string Listening = "DevTools listening on ";
    private const int FrameSize = 64 * 1024;

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("appliance-browser-");
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _asked = [];
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _stopping = new();
    private Process _process = null!;
    private Task _reading = Task.CompletedTask;
    private Task _draining = Task.CompletedTask;
    private string? _session;
    private int _last;

    private Chromium() { }

    /// <summary>Starts the browser with an empty page.</summary>
    /// <exception cref="LabFailure">No browser is installed.</exception>
    public static async Task<Chromium> StartAsync(CancellationToken cancellationToken)
    {
        var browser = new Chromium();
        try
        {
            browser._process =
                Names.Select(browser.Launch).FirstOrDefault(process => process is not null)
                ?? throw new LabFailure(
                    FailureKind.Missing,
                    $"no browser is here: looked for {string.Join(", ", Names)} (Debian: the package chromium)"
                );
            await browser._socket.ConnectAsync(await browser.AddressAsync(cancellationToken), cancellationToken);
            browser._reading = browser.ReadAsync();
            var target = await browser.AskAsync("Target.createTarget", new() { ["url"] = "about:blank" }, cancellationToken);
            var attached = await browser.AskAsync(
                "Target.attachToTarget",
                new() { ["targetId"] = target["targetId"]!.DeepClone(), ["flatten"] = true },
                cancellationToken
            );
            browser._session = attached["sessionId"]!.GetValue<string>();
            await browser.AskAsync(
                "Emulation.setDeviceMetricsOverride",
                new()
                {
                    ["width"] = 1500,
                    ["height"] = 1150,
                    ["deviceScaleFactor"] = 1,
                    ["mobile"] = false,
                },
                cancellationToken
            );
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a command of the protocol and returns its result.</summary>
    public async Task<JsonNode> AskAsync(string method, JsonObject parameters, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _last);
        var answer = _asked[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var command = new JsonObject
        {
            ["id"] = id,
            ["method"] = method,
            ["params"] = parameters,
        };
        if (_session is not null)
        {
            command["sessionId"] = _session;
        }
        await _socket.SendAsync(
            Encoding.UTF8.GetBytes(command.ToJsonString()),
            WebSocketMessageType.Text,
            endOfMessage: true,
            cancellationToken
        );
        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Returns the value of an expression on the page. A promise is awaited.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression, CancellationToken cancellationToken)
    {
        var told = await AskAsync(
            "Runtime.evaluate",
            new()
            {
                ["expression"] = expression,
                ["returnByValue"] = true,
                ["awaitPromise"] = true,
            },
            cancellationToken
        );
        return told["exceptionDetails"] is { } thrown
            ? throw new InvalidOperationException(thrown.ToJsonString())
            : told["result"]?["value"];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _reading;
        _socket.Dispose();
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            await _draining;
            _process.Dispose();
        }
        _stopping.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser still wrote; the folder is in the system's temporary one.
        }
    }

    private Process? Launch(string name)
    {
        string[] root = Environment.IsPrivilegedProcess ? ["--no-sandbox"] : [];
        try
        {
            return Process.Start(
                new ProcessStartInfo(
                    name,
                    [
                        "--headless",
                        "--disable-gpu",
                        "--disable-quic",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--disable-dev-shm-usage",
                        .. root,
                        "--remote-debugging-port=0",
                        $"--user-data-dir={_profile.FullName}",
                        "about:blank",
                    ]
                )
                {
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                }
            );
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private async Task<Uri> AddressAsync(CancellationToken cancellationToken)
    {
        while (await _process.StandardError.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith(Listening, StringComparison.Ordinal))
            {
                _draining = _process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None); // Its pipe must not fill.
                return new Uri(line[Listening.Length..].Trim());
            }
        }
        throw new LabFailure(FailureKind.Missing, "the browser ended before it listened");
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[FrameSize];
        try
        {
            while (true)
            {
                using var text = new MemoryStream();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(), _stopping.Token);
                    text.Write(buffer, 0, part.Count);
                } while (!part.EndOfMessage);
                if (
                    JsonNode.Parse(text.ToArray()) is { } told
                    && told["id"]?.GetValue<int>() is { } id
                    && _asked.TryRemove(id, out var asked)
                )
                {
                    asked.SetResult(told["result"] ?? throw new InvalidOperationException(told.ToJsonString()));
                }
            }
        }
        catch (Exception end) when (end is OperationCanceledException or WebSocketException or JsonException or InvalidOperationException)
        {
            foreach (var asked in _asked.Values)
            {
                asked.TrySetException(end);
            }
        }
    }
}
