using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Units;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab.Console;

/// <summary>
/// The appliance's console as a Unix socket that only its owner can open. A client first sends one line: <c>echo</c> (a script whose lines
/// appear in the transcript), <c>plain</c> (a script whose lines do not), or <c>terminal ROWS COLUMNS</c> (a terminal in raw mode: the
/// appliance echoes, edits and pages). With <c>login</c> before it, the appliance first prompts for a login.
/// </summary>
internal sealed class ConsoleSocket : IAsyncDisposable
{
    private const string Name = "console.sock";

    /// <summary>The file that contains the real path if the state folder's path is too long for a socket address.</summary>
    private const string PathFile = "console.path";

    /// <summary>The length of sun_path (unix(7)), including the final NUL.</summary>
    private const int LongestPath = 107;

    private const string LoginWord = "login ";

    private const int GreetingMax = 32;

    private const int SizeMax = 10_000;

    private readonly Socket _listener;
    private readonly string _path;
    private readonly IUnitConsole _unit;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    private ConsoleSocket(Socket listener, string path, IUnitConsole unit, ILogger log)
    {
        _listener = listener;
        _path = path;
        _unit = unit;
        _log = log;
        _accepting = AcceptAsync();
    }

    /// <summary>
    /// Opens the listener. The caller holds the state folder's lock, so an existing socket belongs to a process that has ended.
    /// </summary>
    public static ConsoleSocket Listen(string stateFolder, IUnitConsole unit, ILogger log)
    {
        var path = Path.Combine(stateFolder, Name);
        var pathFile = Path.Combine(stateFolder, PathFile);
        if (Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            path = Path.Combine(Directory.CreateTempSubdirectory("appliance-").FullName, Name); // Mode 0700.
            AtomicFile.Write(pathFile, Encoding.UTF8.GetBytes(path));
        }
        else
        {
            File.Delete(pathFile);
        }
        File.Delete(path);
        var listener = New();
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            listener.Listen();
        }
        catch
        {
            listener.Dispose();
            throw;
        }
        return new ConsoleSocket(listener, path, unit, log);
    }

    /// <summary>Connects a script to the console of the appliance that uses a state folder; null if none is running.</summary>
    public static Task<NetworkStream?> ConnectAsync(
        string stateFolder,
        bool echo,
        CancellationToken cancellationToken,
        bool login = false
    ) => ConnectAsync(stateFolder, (login ? LoginWord : "") + (echo ? "echo" : "plain"), cancellationToken);

    /// <summary>Connects a terminal of this size.</summary>
    public static Task<NetworkStream?> ConnectAsync(
        string stateFolder,
        TerminalSize size,
        CancellationToken cancellationToken,
        bool login = false
    ) =>
        ConnectAsync(
            stateFolder,
            (login ? LoginWord : "") + string.Create(CultureInfo.InvariantCulture, $"terminal {size.Rows} {size.Columns}"),
            cancellationToken
        );

    private static async Task<NetworkStream?> ConnectAsync(string stateFolder, string greeting, CancellationToken cancellationToken)
    {
        var pathFile = Path.Combine(stateFolder, PathFile);
        var path = File.Exists(pathFile) ? await File.ReadAllTextAsync(pathFile, cancellationToken) : Path.Combine(stateFolder, Name);
        if (!File.Exists(path) || Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            return null;
        }
        var socket = New();
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(greeting + "\n"), cancellationToken);
            return stream;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        File.Delete(_path);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptAsync(_stopping.Token));
            }
            catch (Exception e)
                when (e is OperationCanceledException or ObjectDisposedException or SocketException && _stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException failure)
            {
                _log.LogDebug(failure, "console: a caller was gone before it was served");
            }
        }
    }

    private async Task ServeAsync(Socket caller)
    {
        await using var stream = new NetworkStream(caller, ownsSocket: true);
        try
        {
            var greeting = await GreetingAsync(stream);
            var login = greeting.StartsWith(LoginWord, StringComparison.Ordinal);
            greeting = login ? greeting[LoginWord.Length..] : greeting;
            await (
                TerminalOf(greeting) is { } size
                    ? _unit.RunTerminalAsync(stream, stream, () => size, login, _stopping.Token)
                    : _unit.RunConsoleAsync(stream, stream, echo: greeting == "echo", login, _stopping.Token)
            );
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            _log.LogDebug(e, "console: a caller hung up");
        }
        catch (Exception ours)
        {
            _log.LogError(ours, "console: a session ended");
        }
    }

    /// <summary>Returns the size in a terminal's greeting; null for a script's greeting and for an invalid size.</summary>
    private static TerminalSize? TerminalOf(string greeting) =>
        greeting.Split(' ') is ["terminal", var rows, var columns]
        && int.TryParse(rows, NumberStyles.None, CultureInfo.InvariantCulture, out var height)
        && int.TryParse(columns, NumberStyles.None, CultureInfo.InvariantCulture, out var width)
            ? new TerminalSize(Math.Clamp(height, 2, SizeMax), Math.Clamp(width, 2, SizeMax))
            : null;

    private async Task<string> GreetingAsync(NetworkStream stream)
    {
        // One byte at a time, because the following bytes belong to the console.
        var line = new StringBuilder();
        var next = new byte[1];
        while (line.Length < GreetingMax && await stream.ReadAsync(next, _stopping.Token) == 1 && next[0] != '\n')
        {
            line.Append((char)next[0]);
        }
        return line.ToString();
    }

#pragma warning disable RS0030 // A Unix socket between processes of one owner is not a network interface.
    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
#pragma warning restore RS0030
}
