using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Commands;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Storage;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Boot;

/// <summary>The firmware on real interfaces: the program that runs on the box.</summary>
internal static class BoardBoot
{
    /// <summary>
    /// The file descriptors reserved for anything but accepted connections: files, database, outgoing connections, devices, threads.
    /// </summary>
    private const int DescriptorReserve = 160;

    /// <summary>
    /// The exit code that requests a restart of the machine from the parent process, which has installed the firmware that boots next.
    /// </summary>
    internal const int ExitRestart = 75;

    /// <summary>Runs the box until it is stopped. Returns an exit code from the simulator's list.</summary>
    internal static async Task<int> RunAsync(string boardFile, string state, string? configuration, bool console, CancellationToken stop)
    {
        PublicAuthorities.LeaveUnread();
        try
        {
            var board = Board.Load(boardFile);
            var connections = Descriptors.Connections(DescriptorReserve, UnitOptions.ConnectionsMost);
            var first = configuration is null
                ? FactoryConfiguration(board)
                : ConfigStore.TextOf(await File.ReadAllBytesAsync(configuration, stop));
            using var manager = ServiceManager.FromEnvironment(Environment.GetEnvironmentVariable);
            using var hardware = BoardHardware.Open(board, TimeProvider.System, Complain);
            using var nics = new LinuxNics(board);
            nics.Faults.ToList().ForEach(Complain);
            using var slots = await SlotProgram.OpenAsync(
                await File.ReadAllTextAsync("/proc/cmdline", stop),
                SlotProgram.Usual,
                TimeProvider.System
            );
            var options = new UnitOptions(
                state,
                nics.Nics,
                TimeProvider.System,
                null,
                first,
                NullLoggerFactory.Instance,
                PushProxy: ProxyOf(board, boardFile)
            )
            {
                Board = board,
                Connections = connections,
                Panel = hardware.Panel,
                Cooling = hardware.Cooling,
                Slots = slots,
            };
            using var heartbeat = new Heartbeat(manager, board.Watchdog, TimeProvider.System, Complain);
            using var telling = stop.Register(manager.Stopping);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var serving = RunUnitsAsync(
                options,
                unit => Ready(unit, manager, heartbeat, console && Console.IsInputRedirected == false, ended.Token),
                ended.Token,
                () => heartbeat.Follow(null)
            );
            var talking = console ? ConsolePort.ServeAsync(() => heartbeat.Unit, ended.Token) : Task.CompletedTask;
            var trial = slots is null
                ? Task.CompletedTask
                : SlotTrial.RunAsync(SlotTrial.Of(() => heartbeat.Unit), slots.PassAsync, TimeProvider.System, Complain, ended.Token);
            // The first of these to end stops the box: the units were shut down, the kernel reports no more device changes, or a
            // programming error.
            await await Task.WhenAny(serving, nics.Watching, heartbeat.Beating);
            manager.Stopping();
            await ended.CancelAsync();
            var restart = await serving;
            await talking;
            await trial;
            return restart ? ExitRestart : 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception error) when (CodeOf(error) is { } code)
        {
            Complain(error.Message);
            return code;
        }
    }

    /// <summary>Prints the systemd drop-in for a board's service.</summary>
    internal static Task<int> PrintService(string boardFile)
    {
        try
        {
            Console.Write(ServiceDropIn.For(Board.Load(boardFile)));
            return Task.FromResult(0);
        }
        catch (Exception error) when (CodeOf(error) is { } code)
        {
            Complain(error.Message);
            return Task.FromResult(code);
        }
    }

    private static void Complain(string what) => Console.Error.WriteLine(what);

    private static void Ready(Unit unit, ServiceManager manager, Heartbeat heartbeat, bool quiet, CancellationToken stop)
    {
        if (heartbeat.Follow(unit) && !quiet)
        {
            Tell(unit);
        }
        manager.Ready($"{unit.SerialNumber} serves {unit.Services.Count} listeners");
        heartbeat.Begin(stop);
    }

    /// <summary>The push proxy that the board names; null if it names none. The CA file is located in the board file's folder.</summary>
    private static PushProxyOptions? ProxyOf(Board board, string boardFile)
    {
        if (board.PushProxy is not { } proxy)
        {
            return null;
        }
        try
        {
            var authority = X509CertificateLoader.LoadCertificateFromFile(
                Path.Combine(Path.GetDirectoryName(Path.GetFullPath(boardFile))!, proxy.AuthorityFile)
            );
            return new PushProxyOptions(proxy.Addresses, authority, proxy.Name ?? PushProxyOptions.DeviceName);
        }
        catch (CryptographicException error)
        {
            throw new FormatException($"{proxy.AuthorityFile} contains no certificate", error);
        }
    }

    /// <summary>
    /// Runs a unit, and another from the same state after each <c>execute reboot</c>. Returns after <c>execute shutdown</c> or when
    /// stopped. True
    /// if the machine must restart, because the next start boots another slot.
    /// </summary>
    /// <param name="options">The options of each unit.</param>
    /// <param name="ready">Receives each unit once every listener listens.</param>
    /// <param name="stop">Stops the unit and ends the loop.</param>
    /// <param name="going">Called before each unit stops.</param>
    internal static async Task<bool> RunUnitsAsync(UnitOptions options, Action<Unit> ready, CancellationToken stop, Action? going = null)
    {
        PowerRequest? wanted;
        do
        {
            await using var unit = await Unit.StartAsync(options, stop);
            var asked = new TaskCompletionSource<PowerRequest?>(TaskCreationOptions.RunContinuationsAsynchronously);
            unit.PowerRequested += request => asked.TrySetResult(request);
            using var stopped = stop.Register(() => asked.TrySetResult(null));
            ready(unit);
            wanted = await asked.Task;
            going?.Invoke();
        } while (wanted == PowerRequest.Reboot && options.Slots?.Slot.Next is null);
        return wanted == PowerRequest.Reboot;
    }

    private static void Tell(Unit unit)
    {
        var ready = new Ready(
            true,
            unit.SerialNumber,
            [
                .. unit.Services.Select(bound => new ReadyService(
                    bound.Service,
                    bound.Nic,
                    bound.EndPoint.Address.ToString(),
                    bound.EndPoint.Port
                )),
            ]
        );
        Console.WriteLine(JsonSerializer.Serialize(ready, BootJson.Default.Ready));
    }

    private static int? CodeOf(Exception error) =>
        error switch
        {
            TooFewDescriptorsException => ServiceExit.Missing,
            FormatException => ServiceExit.ConfigurationInvalid,
            AddressInUseException or PlacementException => ServiceExit.Busy,
            StateDamagedException or InvalidDataException or UnauthorizedAccessException or IOException => ServiceExit.StateDamaged,
            _ => null,
        };

    /// <summary>The factory configuration: the interfaces with the board's addresses, and management over HTTPS on the first one.</summary>
    internal static string FactoryConfiguration(Board board) =>
        "config system interface\n"
        + string.Concat(
            board.Nics.Select(
                (nic, index) =>
                    $"edit \"{nic.Name}\"\nset ip {nic.Address} {MaskOf(nic.PrefixLength)}\nset type physical\n"
                    + (index == 0 ? "set allowaccess ping https\n" : "")
                    + "next\n"
            )
        )
        + "end\nconfig system admin\nedit \"admin\"\nset accprofile \"super_admin\"\nset vdom \"root\"\nnext\nend\n";

    private static IPAddress MaskOf(int prefixLength) =>
        new(BitConverter.GetBytes(IPAddress.HostToNetworkOrder(prefixLength == 0 ? 0 : -1 << (32 - prefixLength))));
}

internal sealed record Ready(bool IsReady, string Serial, IReadOnlyList<ReadyService> Services)
{
    [JsonPropertyName("ready")]
    public bool IsReady { get; init; } = IsReady;
}

internal sealed record ReadyService(string Service, string Nic, string Address, int Port);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Ready))]
internal sealed partial class BootJson : JsonSerializerContext;
