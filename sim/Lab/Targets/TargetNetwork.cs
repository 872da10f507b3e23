using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Lab.Targets;

/// <summary>
/// The other ends of a booted box's cables: a network of the controller's own (<c>./run</c> makes it with unshare), with a tap device for each interface. The box finds
/// every address of the controller on any cable.
/// </summary>
internal static class TargetNetwork
{
    /// <summary>The first three numbers of the box's addresses: portN is the Nth.</summary>
    public const string Network = "10.77.0";

    private const int Cables = 4;

    /// <summary>Where clients and phones are (RFC 5737): all of it is the controller.</summary>
    private static readonly string[] Elsewhere = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];

    /// <summary>The controller's end of a cable, from 1.</summary>
    public static string Tap(int cable) => $"lab{cable}";

    /// <summary>Makes the cables.</summary>
    /// <exception cref="LabFailure">This is no network of its own, or it may not be changed.</exception>
    public static async Task MakeAsync()
    {
        // Its own one has nothing but the loopback device; the machine's must not be touched.
        if (NetworkInterface.GetAllNetworkInterfaces().Any(device => device.NetworkInterfaceType != NetworkInterfaceType.Loopback))
        {
            throw new LabFailure(
                FailureKind.Missing,
                "an image runs in a network of its own: start it by ./run (unshare --net; root, or user namespaces)"
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
        // The box answers by whichever cable its own routes say; an answer by another one than the question is no forgery here.
        foreach (var device in Enumerable.Range(1, Cables).Select(Tap).Append("all"))
        {
            await File.WriteAllTextAsync($"/proc/sys/net/ipv4/conf/{device}/rp_filter", "0");
        }
    }

    /// <summary>From now on an address is the controller's.</summary>
    public static async Task<INic> HereAsync(string name, IPAddress address)
    {
        await IpAsync($"route replace local {address}/32 dev lo");
        return new SocketNic(name, address);
    }

    /// <summary>Runs lines of ip(8).</summary>
    /// <exception cref="LabFailure">One is refused.</exception>
    public static async Task IpAsync(params string[] lines)
    {
        var told = await RunAsync("ip", ["-batch", "-"], string.Join('\n', lines) + "\n");
        if (told.Length > 0)
        {
            throw new LabFailure(FailureKind.Missing, $"ip: {told}");
        }
    }

    /// <summary>Runs a program to its end; what it complained of, "" when all went well.</summary>
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
