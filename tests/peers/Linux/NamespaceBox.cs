using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Linux;

/// <summary>
/// The box's program in a separate network namespace, with two cables (veth pairs) to namespaces that represent hosts on its two sides:
/// port1 is
/// the device p1, whose other end is w0 in "wan"; port2 is p2, with l0 in "lan". Its console is on its standard input, its service manager
/// is the
/// test.
/// </summary>
internal sealed class NamespaceBox : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int _next;
    private readonly string _name = $"apl{Environment.ProcessId}-{Interlocked.Increment(ref _next)}";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-ns-");
    private readonly StringBuilder _shown = new();
    private readonly StringBuilder _told = new();
    private readonly StringBuilder _complained = new();
    private readonly List<Process> _processes = [];
    private Process? _box;
    private Socket? _manager;
    private int _marks;

    public string Box => _name + "b";

    public string Wan => _name + "w";

    public string Lan => _name + "l";

    /// <summary>The messages to the service manager.</summary>
    public string Told
    {
        get
        {
            lock (_told)
            {
                return _told.ToString();
            }
        }
    }

    /// <summary>The faults that the box reported.</summary>
    public string Complained
    {
        get
        {
            lock (_complained)
            {
                return _complained.ToString();
            }
        }
    }

    /// <summary>Makes the namespaces and boots the box; skips the test by name where that may not be.</summary>
    public static async Task<NamespaceBox> StartAsync(string configuration)
    {
        var box = new NamespaceBox();
        try
        {
            await box.BootAsync(configuration);
            return box;
        }
        catch
        {
            await box.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs ip(8); it must succeed.</summary>
    public static async Task<string> IpAsync(string arguments)
    {
        var run = await Peer.RunAsync("ip", arguments.Split(' '));
        return run.ExitCode == 0 ? run.Output : throw new InvalidOperationException($"ip {arguments}: {run}");
    }

    /// <summary>Creates a cable between a host's end (with its address) and the box's, and removes an earlier one.</summary>
    public async Task PlugAsync(string device, string host, string hostDevice, string address)
    {
        await IpAsync($"link add {hostDevice} netns {host} type veth peer name {device} netns {Box}");
        await IpAsync($"-n {host} addr add {address} dev {hostDevice}");
        await IpAsync($"-n {host} link set {hostDevice} up");
    }

    /// <summary>The status of an HTTPS request from a host; 0 when there was no answer.</summary>
    public static async Task<int> StatusAsync(string host, string address)
    {
        var run = await Peer.RunAsync(
            "ip",
            ["netns", "exec", host, "curl", "-k", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "3", $"https://{address}/"]
        );
        return int.Parse(run.Output.Trim());
    }

    /// <summary>Waits until a host gets a reply.</summary>
    public static Task AnswersAsync(string host, string address) =>
        Until.TrueAsync(async () => await StatusAsync(host, address) > 0, $"an answer from {address}");

    /// <summary>True when a connection is refused, as opposed to lost.</summary>
    public static async Task<bool> RefusesAsync(string host, string address) =>
        (await Peer.RunAsync("ip", ["netns", "exec", host, "curl", "-k", "-s", "--max-time", "3", $"https://{address}/"])).ExitCode == 7;

    /// <summary>A program in the box's namespace, until the box is disposed.</summary>
    public void Launch(params string[] command) =>
        _processes.Add(
            Process.Start(
                new ProcessStartInfo("ip", ["netns", "exec", Box, .. command])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!
        );

    /// <summary>Types lines at the console. Returns the output until the last one was done.</summary>
    public async Task<string> TypeAsync(params string[] lines)
    {
        int from;
        lock (_shown)
        {
            from = _shown.Length;
        }
        var mark = $"mark{++_marks}";
        await _box!.StandardInput.WriteAsync(string.Join('\n', lines) + $"\nconfig {mark}\n");
        await _box.StandardInput.FlushAsync();
        string Shown()
        {
            lock (_shown)
            {
                return _shown.ToString(from, _shown.Length - from);
            }
        }
        await Until.TrueAsync(() => Shown().Contains($"'{mark}'", StringComparison.Ordinal), $"the console after {lines[0]}");
        return Shown();
    }

    /// <summary>The IPv4 addresses of the box's device.</summary>
    public async Task<string[]> AddressesAsync(string device) =>
        [
            .. (await IpAsync($"-n {Box} -4 -o addr show dev {device}"))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]),
        ];

    /// <summary>SIGTERM; the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        await Peer.RunAsync("kill", ["-TERM", $"{_box!.Id}"]);
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        await _box.WaitForExitAsync(patience.Token);
        return _box.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Append(_box).OfType<Process>())
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync();
            }
            process.Dispose();
        }
        _manager?.Dispose();
        foreach (var name in new[] { Box, Wan, Lan })
        {
            await Peer.RunAsync("ip", ["netns", "del", name]);
        }
        _folder.Delete(recursive: true);
    }

    private async Task BootAsync(string configuration)
    {
        if ((await Peer.RunAsync("ip", ["netns", "add", Box])) is { ExitCode: not 0 } refused)
        {
            Assert.Skip($"network namespaces cannot be made here (root is needed): {refused.Output.Trim()}");
        }
        await IpAsync($"netns add {Wan}");
        await IpAsync($"netns add {Lan}");
        await IpAsync($"-n {Box} link set lo up");
        await PlugAsync("p1", Wan, "w0", "10.9.0.2/24");
        await PlugAsync("p2", Lan, "l0", "10.9.0.2/24");
        await IpAsync($"-n {Lan} addr add 10.9.1.2/24 dev l0");
        string InFolder(string name) => Path.Combine(_folder.FullName, name);
        var board = Directory.CreateDirectory(InFolder("namespaces")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(board, "board.json"),
            """{"name":"namespaces","nics":[{"name":"port1","match":{"device":"p1"}},{"name":"port2","match":{"device":"p2"}}]}"""
        );
        await File.WriteAllTextAsync(InFolder("first.conf"), configuration);
#pragma warning disable RS0030 // The service manager's end of a socket.
        _manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
#pragma warning restore RS0030
        _manager.Bind(new UnixDomainSocketEndPoint(InFolder("notify")));
        _ = ListenAsync(_manager);
        var start = new ProcessStartInfo(
            "ip",
            [
                "netns",
                "exec",
                Box,
                "dotnet",
                Path.Combine(AppContext.BaseDirectory, "Appliance.Boot.dll"),
                "--console",
                "--board",
                Path.Combine(board, "board.json"),
                "--state",
                InFolder("state"),
                "--config",
                InFolder("first.conf"),
            ]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["NOTIFY_SOCKET"] = InFolder("notify"), ["WATCHDOG_USEC"] = "9000000" },
        };
        _box = Process.Start(start)!;
        _ = ReadAsync(_box.StandardOutput, _shown);
        _ = ReadAsync(_box.StandardError, _complained);
        await Until.TrueAsync(() => _box.HasExited || Told.Contains("READY=1", StringComparison.Ordinal), "the box");
        Assert.False(_box.HasExited, Complained);
    }

    private async Task ListenAsync(Socket manager)
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var length = await manager.ReceiveAsync(buffer);
                lock (_told)
                {
                    _told.Append(Encoding.UTF8.GetString(buffer, 0, length)).Append('\n');
                }
            }
        }
        catch (Exception gone) when (gone is ObjectDisposedException or SocketException)
        {
            // The test has ended.
        }
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder into)
    {
        var buffer = new char[4096];
        int length;
        while ((length = await reader.ReadAsync(buffer)) > 0)
        {
            lock (into)
            {
                into.Append(buffer, 0, length);
            }
        }
    }
}
