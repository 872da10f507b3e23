using System.Globalization;

namespace Appliance.Firmware.Commands;

/// <summary>The memory of the machine.</summary>
/// <param name="Total">The total memory, in KiB.</param>
/// <param name="Free">The unused memory, in KiB.</param>
internal sealed record MachineMemory(long Total, long Free)
{
    private const string File = "/proc/meminfo";

    /// <summary>The kernel's figures that <c>diagnose hardware sysinfo memory</c> displays.</summary>
    private static readonly string[] Shown =
    [
        "MemTotal",
        "MemFree",
        "Buffers",
        "Cached",
        "SwapCached",
        "Active",
        "Inactive",
        "Active(anon)",
        "Inactive(anon)",
        "Active(file)",
        "Inactive(file)",
        "SwapTotal",
        "SwapFree",
        "Dirty",
        "Writeback",
        "AnonPages",
        "Mapped",
        "Shmem",
        "Slab",
        "SReclaimable",
        "SUnreclaim",
        "KernelStack",
        "PageTables",
        "CommitLimit",
        "Committed_AS",
    ];

    /// <summary>Reads the current figures.</summary>
    internal static MachineMemory Read()
    {
        var figures = Figures();
        return figures.TryGetValue("MemTotal", out var total) && figures.TryGetValue("MemFree", out var free)
            ? new(total, free)
            : new(
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024,
                Math.Max(0, (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024) - (Environment.WorkingSet / 1024))
            );
    }

    /// <summary>Returns the kernel's figures in KiB, one a line; if it has none, total and free alone.</summary>
    internal static string Describe()
    {
        var figures = Figures();
        if (figures.Count == 0)
        {
            var now = Read();
            figures = new Dictionary<string, long>(StringComparer.Ordinal) { ["MemTotal"] = now.Total, ["MemFree"] = now.Free };
        }
        return string.Concat(
            Shown
                .Where(figures.ContainsKey)
                .Select(name => string.Create(CultureInfo.InvariantCulture, $"{name + ":",-16}{figures[name],8} kB\n"))
        );
    }

    private static Dictionary<string, long> Figures()
    {
        var figures = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in System.IO.File.Exists(File) ? System.IO.File.ReadLines(File) : [])
        {
            if (
                line.Split((char[])[':', ' '], StringSplitOptions.RemoveEmptyEntries) is [var name, var figure, "kB"]
                && long.TryParse(figure, NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)
            )
            {
                figures[name] = kilobytes;
            }
        }
        return figures;
    }
}
