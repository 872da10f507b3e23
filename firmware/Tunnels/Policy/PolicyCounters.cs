using System.Collections.Concurrent;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>Packets and bytes that each policy decided about since the unit started. Thread-safe.</summary>
public sealed class PolicyCounters
{
    private readonly ConcurrentDictionary<uint, Counter> _counters = new();

    /// <summary>The counters of a policy: flows, packets, bytes; zeros for a policy that decided about no packet.</summary>
    /// <param name="policyId">The policy; 0 for the implicit deny policy.</param>
    public (long Flows, long Packets, long Bytes) Of(uint policyId) =>
        _counters.GetValueOrDefault(policyId) is { } counter
            ? (Interlocked.Read(ref counter.Flows), Interlocked.Read(ref counter.Packets), Interlocked.Read(ref counter.Bytes))
            : default;

    /// <summary>The policies that decided about a packet, in ascending order.</summary>
    public IReadOnlyList<uint> Policies => [.. _counters.Keys.Order()];

    /// <summary>Sets the counters of one policy, or of all policies, to zero.</summary>
    public void Clear(uint? policyId = null)
    {
        if (policyId is { } one)
        {
            _counters.TryRemove(one, out _);
        }
        else
        {
            _counters.Clear();
        }
    }

    /// <summary>Counts a packet.</summary>
    internal void Count(uint policyId, int bytes, bool opensFlow)
    {
        var counter = _counters.GetOrAdd(policyId, _ => new Counter());
        Interlocked.Increment(ref counter.Packets);
        Interlocked.Add(ref counter.Bytes, bytes);
        if (opensFlow)
        {
            Interlocked.Increment(ref counter.Flows);
        }
    }

    private sealed class Counter
    {
        public long Packets;
        public long Bytes;
        public long Flows;
    }
}
