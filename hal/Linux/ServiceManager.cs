using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Appliance.Hal.Linux;

/// <summary>Tells systemd how the program does (sd_notify(3)). Without systemd nothing is sent. All members may be called from any thread.</summary>
public sealed class ServiceManager : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _to;

    private ServiceManager(Socket? socket, UnixDomainSocketEndPoint? to, TimeSpan? watchdog) => (_socket, _to, WatchdogInterval) = (socket, to, watchdog);

    /// <summary>A sign of life is wanted at least so often (<c>WatchdogSec=</c>); null when none is.</summary>
    public TimeSpan? WatchdogInterval { get; }

    /// <summary>What the environment says (<c>NOTIFY_SOCKET</c>, <c>WATCHDOG_USEC</c>, <c>WATCHDOG_PID</c>).</summary>
    /// <exception cref="IOException">There is a manager, and it cannot be told anything.</exception>
    public static ServiceManager FromEnvironment(Func<string, string?> environment)
    {
        if (environment("NOTIFY_SOCKET") is not { Length: > 1 } path)
        {
            return new ServiceManager(null, null, null);
        }
        var microseconds = long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : 0;
        var mine = environment("WATCHDOG_PID") is not { Length: > 0 } pid || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        try
        {
            // An @ stands for the NUL of an abstract address.
            var address = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
            var socket = Sockets.New(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            return new ServiceManager(socket, address, microseconds > 0 && mine ? TimeSpan.FromMicroseconds(microseconds) : null);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            throw new IOException($"NOTIFY_SOCKET: {error.Message}", error);
        }
    }

    /// <summary>Every listener listens.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    /// <summary>It stops, because it was told to.</summary>
    public void Stopping() => Send("STOPPING=1\nSTATUS=Stopping");

    /// <summary>A sign of life.</summary>
    public void Alive() => Send("WATCHDOG=1");

    /// <summary>How it does, for <c>systemctl status</c>.</summary>
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
            // A manager that restarts just now: it asks again, or misses a sign of life and acts on that.
        }
    }
}
