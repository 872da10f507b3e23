using System.Diagnostics;

namespace Appliance.Lab.Messages;

/// <summary>The resources of the lab's process, as <c>GET /lab/process</c> reports them.</summary>
/// <param name="RssBytes">Resident memory.</param>
/// <param name="HeapBytes">The managed heap after a full collection, which the request triggers.</param>
/// <param name="Handles">Open files and sockets.</param>
/// <param name="Threads">Threads of the process.</param>
/// <param name="CpuSeconds">Processor time since the start.</param>
internal sealed record ProcessJson(long RssBytes, long HeapBytes, int Handles, int Threads, double CpuSeconds)
{
    public static ProcessJson Now()
    {
        GC.Collect();
        var heap = GC.GetTotalMemory(forceFullCollection: false);
        using var process = Process.GetCurrentProcess();
        return new ProcessJson(
            process.WorkingSet64,
            heap,
            process.HandleCount,
            process.Threads.Count,
            Math.Round(process.TotalProcessorTime.TotalSeconds, 2)
        );
    }
}
