using System.Diagnostics;

namespace Appliance.Tests.Fuzz;

/// <summary>A reader broke its promise.</summary>
internal sealed class PromiseBroken(string what, Exception? inner = null) : Exception(what, inner);

/// <summary>One reader with its promise: no exception beyond the refusal that it declares, no input that takes 100 ms, no allocation beyond 64 times the input and a constant.</summary>
internal sealed class FuzzCheck(FuzzTarget target)
{
    private const int AllocationFactor = 64;

    /// <summary>A machine that is busy, or a method that is compiled, costs one run and not the next.</summary>
    private const int Runs = 4;

    private static readonly TimeSpan TimeMax = TimeSpan.FromMilliseconds(100);
    private readonly Action<byte[]> _read = target.Read();

    /// <summary>Gives it one input.</summary>
    /// <exception cref="PromiseBroken">It broke its promise; the message says which.</exception>
    public void Run(byte[] input)
    {
        if (input.Length > target.LengthMax)
        {
            input = input[..target.LengthMax];
        }
        var allocationMax = (AllocationFactor * (long)input.Length) + target.AllocationBase;
        var (took, allocated) = (TimeSpan.MaxValue, long.MaxValue);
        for (var run = 0; run < Runs && (took > TimeMax || allocated > allocationMax); run++)
        {
            var (before, began) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            try
            {
                _read(input);
            }
            catch (Exception thrown)
            {
                throw new PromiseBroken($"{target.Name}: {thrown.GetType().Name}: {thrown.Message}", thrown);
            }
            var elapsed = Stopwatch.GetElapsedTime(began);
            (took, allocated) = (elapsed < took ? elapsed : took, Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before));
        }
        if (took > TimeMax)
        {
            throw new PromiseBroken($"{target.Name}: {took.TotalMilliseconds:0} ms for {input.Length} bytes");
        }
        if (allocated > allocationMax)
        {
            throw new PromiseBroken($"{target.Name}: {allocated} bytes allocated for {input.Length} bytes, {allocationMax} are allowed");
        }
    }
}
