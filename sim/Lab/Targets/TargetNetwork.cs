using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Lab.Targets;

/// <summary>
/// The other ends of a booted box's cables: a separate network namespace (<c>./run</c> creates it with unshare) with a tap device for each
/// interface. The box reaches every address of the controller on any cable.
/// </summary>
internal static class TargetNetwork
{
    /// <summary>The first three octets of the box's addresses, of which portN has the Nth.</summary>
    public const string Network = "10.77.0";

    private const int Cables = 4;

    /// <summary>The networks of clients and phones (RFC 5737); the controller has all their addresses.</summary>
    private static readonly string[] Elsewhere = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];

    /// <summary>The controller's end of a cable, from 1.</summary>
    public static string Tap(int cable) => $"lab{cable}";

    /// <summary>Creates the cables.</summary>
    /// <exception cref="LabFailure">This is not a separate network, or it cannot be changed.</exception>
    public static async Task MakeAsync()
    {
        // A separate network has only the loopback device; the machine's network must not be changed.
        if (NetworkInterface.GetAllNetworkInterfaces().Any(device => device.NetworkInterfaceType != NetworkInterfaceType.Loopback))
        {
            throw new LabFailure(
                FailureKind.Missing,
                "an image runs in a separate network: start it with ./run (unshare --net; root, or user namespaces)"
            );
        }
        var lines = new List<string> { "link set lo up" };
        lines.AddRange(Elsewhere.Select(network => $"route add local {network} dev lo"));
        for (var cable = 1; cable <= Cables; cable++)
        {
            lines.AddRange([
                $"tuntap add {Tap(cable)} mode tap",
                $"link set {Tap(cable)} up",
                $"addr add 192.0.2.{cable}/32 dev {Tap(cable)}",
                $"route add {Network}.{cable}/32 dev {Tap(cable)}",
            ]);
        }
        await IpAsync([.. lines]);
        // The box replies on the cable that its routes select, so a reply on another cable than the request is not a forgery here.
        foreach (var device in Enumerable.Range(1, Cables).Select(Tap).Append("all"))
        {
            await File.WriteAllTextAsync($"/proc/sys/net/ipv4/conf/{device}/rp_filter", "0");
        }
    }

    /// <summary>Adds an address to the controller.</summary>
    public static async Task<INic> HereAsync(string name, IPAddress address)
    {
        await IpAsync($"route replace local {address}/32 dev lo");
        return new SocketNic(name, address);
    }

    /// <summary>Runs commands of ip(8).</summary>
    /// <exception cref="LabFailure">A command failed.</exception>
    public static async Task IpAsync(params string[] lines)
    {
        var told = await RunAsync("ip", ["-batch", "-"], string.Join('\n', lines) + "\n");
        if (told.Length > 0)
        {
            throw new LabFailure(FailureKind.Missing, $"ip: {told}");
        }
    }

    /// <summary>Runs a program to its end. Returns its error output; "" if it succeeded.</summary>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, string input = "")
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments)
                {
                    RedirectStandardInput = true,
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                }
            )!;
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            await output;
            return process.ExitCode == 0 ? "" : $"{(errors.Length > 0 ? errors.Trim() : $"exit {process.ExitCode}")}";
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(
                FailureKind.Missing,
                $"{program}: {missing.Message} (scripts/image-tools installs what an image needs)",
                missing
            );
        }
    }
}
