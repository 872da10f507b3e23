using System.Runtime.InteropServices;

namespace Appliance.Tests.Fuzz;

/// <summary>A reader broke its promise.</summary>
internal sealed class PromiseBroken(string what, Exception? inner = null) : Exception(what, inner);

/// <summary>
/// One reader with its contract: no exception beyond the refusal that it declares, no input that takes 100 ms, and no allocation beyond 64
/// times the input and a constant.
/// </summary>
internal sealed class FuzzCheck(FuzzTarget target)
{
    private const int AllocationFactor = 64;

    /// <summary>A method that is compiled costs one run and not the next.</summary>
    private const int Runs = 4;

    private static readonly TimeSpan TimeMax = TimeSpan.FromMilliseconds(100);
    private readonly Action<byte[]> _read = target.Read();

    /// <summary>The processor time of the calling thread, without that of other work on the machine.</summary>
    public static TimeSpan ThreadTime()
    {
        const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID of Linux
        return clock_gettime(ThreadCpuTime, out var time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
            : throw new PlatformNotSupportedException("clock_gettime: the processor time of a thread is not to be had");
    }

    /// <summary>Gives it one input.</summary>
    /// <exception cref="PromiseBroken">The target broke its promise; the message names it.</exception>
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
            var (before, began) = (GC.GetAllocatedBytesForCurrentThread(), ThreadTime());
            try
            {
                _read(input);
            }
            catch (Exception thrown)
            {
                throw new PromiseBroken($"{target.Name}: {thrown.GetType().Name}: {thrown.Message}", thrown);
            }
            var elapsed = ThreadTime() - began;
            (took, allocated) = (elapsed < took ? elapsed : took, Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before));
        }
        if (took > TimeMax)
        {
            throw new PromiseBroken($"{target.Name}: {took.TotalMilliseconds:0} ms of processor for {input.Length} bytes");
        }
        if (allocated > allocationMax)
        {
            throw new PromiseBroken($"{target.Name}: {allocated} bytes allocated for {input.Length} bytes, {allocationMax} are allowed");
        }
    }

#pragma warning disable SYSLIB1054, IDE1006, CA5392 // One call of the C library, by its name.
    [DllImport("libc", SetLastError = true)]
    private static extern int clock_gettime(int clock, out Timespec time);
#pragma warning restore SYSLIB1054, IDE1006, CA5392

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Timespec
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}
