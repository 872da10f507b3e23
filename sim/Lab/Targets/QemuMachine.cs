using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Lab.Targets;

/// <summary>The image and disk that a machine boots.</summary>
/// <param name="Folder">Where scripts/board-image put the image.</param>
/// <param name="Archive"><c>initrd.img</c>, <c>lab.img</c> with the lab's agent, or <see cref="Slots"/>.</param>
/// <param name="Disk">The disk of the state, created if it does not exist. With slots it is the whole disk, which must exist.</param>
internal sealed record QemuImage(string Folder, string Archive, string Disk)
{
    /// <summary>
    /// True if U-Boot boots a disk with two slots. The machine waits for <see cref="QemuMachine.GoAsync"/>, and a guest's restart restarts
    /// it.
    /// </summary>
    public const string Slots = "u-boot.bin";

    /// <summary>The kernel's first program; null for the image's own.</summary>
    public string? FirstProgram { get; init; }

    /// <summary>
    /// The file of a machine that <see cref="QemuMachine.KeepAsync"/> stored, to be resumed; null to power on. It does not contain the
    /// disk.
    /// </summary>
    public string? GoesOnFrom { get; init; }

    /// <summary>The read-only disk in the USB port; null for none.</summary>
    public string? Stick { get; init; }

    /// <summary>The disk snapshot to resume; null to power on.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Returns the image in the usual folder, or in that of APPLIANCE_IMAGE.</summary>
    /// <exception cref="LabFailure">There is no image.</exception>
    public static string UsualFolder(string archive)
    {
        var folder = Environment.GetEnvironmentVariable("APPLIANCE_IMAGE") is { Length: > 0 } named
            ? named
            : Path.Combine(Directory.GetCurrentDirectory(), ".build", "images", "qemu-arm64");
        return File.Exists(Path.Combine(folder, archive))
            ? folder
            : throw new LabFailure(
                FailureKind.Missing,
                $"there is no image {Path.Combine(folder, archive)}: scripts/board-image qemu-arm64 --lab makes it"
            );
    }
}

/// <summary>
/// The emulated board <c>qemu-arm64</c>: QEMU's virt machine with four network cards on the controller's cables. The emulator always ends
/// with this object.
/// </summary>
internal sealed partial class QemuMachine : IAsyncDisposable
{
    private const int LinkPort = 7001;
    private const int QtestPort = 7002;
    private const int ConsolePort = 7003;
    private const string DiskSize = "64M";

    /// <summary>
    /// One processor. The emulator runs each in a separate thread, and two machines run in parallel on two cores. With two processors a
    /// boot takes half as long again.
    /// </summary>
    private const string Processors = "1";

    /// <summary>The time limit of a boot, on any machine.</summary>
    public static readonly TimeSpan BootPatience = TimeSpan.FromSeconds(90);

    /// <summary>The cables, by interface name.</summary>
    public static readonly string[] Cables = ["port1", "port2", "port3", "port4"];

    /// <summary>The time limit for the emulator to listen.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);

    private const int Looks = 2;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(300);

    /// <summary>The registers that can be read without side effects; the virt board has the UART at 0x09000000.</summary>
    private static readonly (string Name, string Address)[] UartRegisters =
    [
        ("FR", "0x09000018"),
        ("CR", "0x09000030"),
        ("IMSC", "0x09000038"),
        ("RIS", "0x0900003c"),
    ];

    private readonly Process _process;

    private QemuMachine(Process process) => (_process, Control) = (process, new Qmp(process.StandardOutput, process.StandardInput));

    public Qmp Control { get; }

    /// <summary>The time of power-on.</summary>
    public long PoweredOn { get; private init; }

    /// <summary>The emulator's resident memory in MiB.</summary>
    public double ResidentMiB => ProcessMemory.ResidentMiB(_process.Id);

    /// <summary>Powers the machine on.</summary>
    /// <exception cref="LabFailure">QEMU is not installed or does not start.</exception>
    public static async Task<QemuMachine> StartAsync(QemuImage image)
    {
        if (image.Archive != QemuImage.Slots && !File.Exists(image.Disk))
        {
            await MakeDiskAsync(image.Disk);
        }
        var start = new ProcessStartInfo("qemu-system-aarch64", ArgumentsOf(image))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        try
        {
            var powered = LabClock.Wall.GetTimestamp();
            var machine = new QemuMachine(Process.Start(start)!) { PoweredOn = powered };
            await machine.Control.BeginAsync();
            if (image.GoesOnFrom is not null)
            {
                await machine.Control.UntilAsync("query-status", "status", "paused", BootPatience);
                await machine.Control.ExecuteAsync("cont");
            }
            return machine;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(
                FailureKind.Missing,
                $"qemu-system-aarch64: {missing.Message} (scripts/image-tools installs what an image needs)",
                missing
            );
        }
    }

    /// <summary>
    /// Describes a silent machine: whether it runs, the program counter at two moments, and the console's UART (PL011: flags, masks, raw
    /// interrupts).
    /// </summary>
    public async Task<string> StateAsync()
    {
        var counters = new List<string>();
        for (var look = 0; look < Looks; look++)
        {
            counters.Add(ProgramCounter().Match(await Control.AskMonitorAsync("info registers")).Value);
            await Task.Delay(BetweenLooks, LabClock.Wall);
        }
        var told = new List<string>
        {
            $"status {(await Control.ExecuteAsync("query-status")).GetProperty("status")}",
            string.Join(", then ", counters),
        };
        foreach (var (name, address) in UartRegisters)
        {
            told.Add($"{name} {(await Control.AskMonitorAsync($"xp /1xw {address}")).Split(':')[^1].Trim()}");
        }
        return string.Join("; ", told);
    }

    /// <summary>Starts a machine with slots, which waits for this.</summary>
    public Task GoAsync() => Control.ExecuteAsync("cont");

    /// <summary>The controller's end of the lab link. An earlier one must be closed.</summary>
    public static Task<Stream> LinkAsync() => ConnectAsync(LinkPort);

    /// <summary>Opens the lines of the GPIO chip.</summary>
    public static Task<Stream> QtestAsync() => ConnectAsync(QtestPort);

    /// <summary>The console's cable.</summary>
    public static Task<Stream> ConsoleAsync() => ConnectAsync(ConsolePort);

    /// <summary>Stops the machine and stores its memory and devices in a file, without the disk.</summary>
    public async Task KeepAsync(string file)
    {
        await Control.ExecuteAsync("stop");
        await Control.MonitorAsync("migrate_set_parameter max-bandwidth 8g");
        await Control.ExecuteAsync("migrate", "uri", $"exec:cat > {file}");
        await Control.UntilAsync("query-migrate", "status", "completed", BootPatience);
    }

    /// <summary>Cuts the power without notice.</summary>
    public async Task CutAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await CutAsync();
        }
        Control.Dispose();
        _process.Dispose();
    }

    [GeneratedRegex("PC=[0-9a-f]+")]
    private static partial Regex ProgramCounter();

    private static string[] BootOf(QemuImage image) =>
        image.Archive != QemuImage.Slots
            ?
            [
                "-no-reboot",
                "-kernel",
                Path.Combine(image.Folder, "vmlinuz"),
                "-initrd",
                Path.Combine(image.Folder, image.Archive),
                "-append",
                "console=ttyAMA0 quiet panic=-1" + (image.FirstProgram is { } first ? $" rdinit={first}" : ""),
            ]
            :
            [
                "-S",
                "-bios",
                Path.Combine(image.Folder, image.Archive),
                .. image.Stick is { } stick
                    ? ["-drive", $"if=none,id=stick,file={stick},format=raw,readonly=on", "-device", "virtio-blk-pci,drive=stick,addr=9"]
                    : Array.Empty<string>(),
                .. image.Snapshot is { } snapshot ? ["-loadvm", snapshot] : Array.Empty<string>(),
            ];

    private static async Task MakeDiskAsync(string disk)
    {
        // mke2fs(8) is not in every user's path.
        var made = await TargetNetwork.RunAsync(
            "sh",
            [
                "-ec",
                "PATH=$PATH:/sbin:/usr/sbin; truncate -s $2 \"$1.raw\"; mke2fs -q -t ext4 -F \"$1.raw\"; qemu-img convert -O qcow2 \"$1.raw\" \"$1\"; rm \"$1.raw\"",
                "sh",
                disk,
                DiskSize,
            ]
        );
        if (made.Length > 0)
        {
            throw new LabFailure(FailureKind.Missing, $"the state's disk: {made}");
        }
    }

    private static async Task<Stream> ConnectAsync(int port)
    {
        var began = LabClock.Wall.GetTimestamp();
        while (true)
        {
            try
            {
                return new ConnectionStream(
                    await new SocketNic("controller", IPAddress.Loopback).ConnectAsync(new IPEndPoint(IPAddress.Loopback, port))
                );
            }
            catch (IOException) when (LabClock.Wall.GetElapsedTime(began) < ConnectPatience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), LabClock.Wall);
            }
        }
    }

    private static List<string> ArgumentsOf(QemuImage image)
    {
        List<string> arguments =
        [
            "-M",
            "virt",
            "-cpu",
            "cortex-a72",
            "-smp",
            Processors,
            "-m",
            "512",
            "-accel",
            "tcg",
            "-display",
            "none",
            "-qmp",
            "stdio",
            .. BootOf(image),
            "-drive",
            $"if=none,id=state,file={image.Disk},format=qcow2",
            "-device",
            "virtio-blk-pci,drive=state,addr=5",
            "-device",
            "virtio-rng-pci,addr=6",
            "-device",
            "virtio-serial-pci,addr=8",
            "-chardev",
            $"socket,id=lab,host=127.0.0.1,port={LinkPort},server=on,wait=off",
            "-device",
            "virtserialport,chardev=lab,name=lab,id=lab",
            "-qtest",
            $"tcp:127.0.0.1:{QtestPort},server=on,wait=off",
            "-qtest-log",
            "/dev/null",
            "-serial",
            $"tcp:127.0.0.1:{ConsolePort},server=on,wait=off",
        ];
        for (var card = 1; card <= Cables.Length; card++)
        {
            arguments.AddRange([
                "-netdev",
                $"tap,id={Cables[card - 1]},ifname={TargetNetwork.Tap(card)},script=no,downscript=no",
                "-device",
                $"virtio-net-pci,netdev={Cables[card - 1]},addr={card},romfile=",
            ]);
        }
        if (image.Archive is "initrd.img" or QemuImage.Slots)
        {
            arguments.AddRange(["-device", "i6300esb,addr=7"]);
        }
        if (image.GoesOnFrom is { } kept)
        {
            arguments.AddRange(["-incoming", $"exec:cat {kept}"]);
        }
        return arguments;
    }
}
