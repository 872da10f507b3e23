using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Appliance.Hal.Linux;

/// <summary>
/// Reports the program's state to systemd (sd_notify(3)). Without systemd, nothing is sent. All members may be called from any thread.
/// </summary>
public sealed class ServiceManager : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _to;

    private ServiceManager(Socket? socket, UnixDomainSocketEndPoint? to, TimeSpan? watchdog)
    {
        _socket = socket;
        _to = to;
        WatchdogInterval = watchdog;
    }

    /// <summary>The maximum interval between heartbeats (<c>WatchdogSec=</c>); null if none are required.</summary>
    public TimeSpan? WatchdogInterval { get; }

    /// <summary>Reads the environment (<c>NOTIFY_SOCKET</c>, <c>WATCHDOG_USEC</c>, <c>WATCHDOG_PID</c>).</summary>
    /// <exception cref="IOException">There is a service manager, and it cannot be reached.</exception>
    public static ServiceManager FromEnvironment(Func<string, string?> environment)
    {
        if (environment("NOTIFY_SOCKET") is not { Length: > 1 } path)
        {
            return new ServiceManager(null, null, null);
        }
        var microseconds =
            long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : 0;
        var mine =
            environment("WATCHDOG_PID") is not { Length: > 0 } pid || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        try
        {
            // An @ represents the NUL of an abstract address.
            var address = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
            var socket = Sockets.New(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            return new ServiceManager(socket, address, microseconds > 0 && mine ? TimeSpan.FromMicroseconds(microseconds) : null);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            throw new IOException($"NOTIFY_SOCKET: {error.Message}", error);
        }
    }

    /// <summary>Reports that every listener listens.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    /// <summary>Reports that the program is stopping as requested.</summary>
    public void Stopping() => Send("STOPPING=1\nSTATUS=Stopping");

    /// <summary>Sends a heartbeat.</summary>
    public void Alive() => Send("WATCHDOG=1");

    /// <summary>Reports the status line for <c>systemctl status</c>.</summary>
    public void Status(string status) => Send($"STATUS={status}");

    /// <inheritdoc/>
    public void Dispose() => _socket?.Dispose();

    private void Send(string message)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(message), _to!);
        }
        catch (SocketException)
        {
            // The manager is restarting. It asks again, or acts on the missed heartbeat.
        }
    }
}
