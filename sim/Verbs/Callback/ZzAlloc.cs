using System.Diagnostics.Tracing;
namespace Appliance.Sim.Verbs.Callback;
internal sealed class ZzAlloc : EventListener
{
    internal static readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> Counts = new();
    internal static volatile bool On;
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(eventSource, EventLevel.Verbose, (EventKeywords)0x80000000000);
    }
    protected override void OnEventWritten(EventWrittenEventArgs e)
    {
        if (!On || e.EventName is not { } n || !n.StartsWith("AllocationSampled")) return;
        Counts.AddOrUpdate((string)e.Payload![3]!, 1, (_, c) => c + 1);
    }
    internal static void Dump() { foreach (var (k, v) in Counts.OrderByDescending(p => p.Value).Take(40)) Console.Error.WriteLine($"{v * 100} KB {k}"); Counts.Clear(); }
}
