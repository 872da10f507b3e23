using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// Descriptors that are reserved for the moment when this process has no other left. They are released then, so that the code that reports
/// it can open files and start threads, and taken back when enough are free again. Thread-safe.
/// </summary>
internal sealed class SpareDescriptors
{
    /// <summary>
    /// The number of spare descriptors. A new thread of the runtime takes three for a moment, a file or a library up to two.
    /// </summary>
    internal const int Count = 16;

    private readonly Lock _lock = new();
    private readonly List<SafeFileHandle> _held = [];

    /// <summary>
    /// Takes all spare descriptors, unless they are held already. Returns false, and holds none, if that would leave fewer than
    /// <see cref="Count"/> free.
    /// </summary>
    internal bool TryTake()
    {
        lock (_lock)
        {
            try
            {
                if (_held.Count == 0)
                {
                    while (_held.Count < Count * 2)
                    {
                        _held.Add(File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
                    }
                    _held[Count..].ForEach(handle => handle.Dispose());
                    _held.RemoveRange(Count, Count);
                }
                return true;
            }
            catch (IOException)
            {
                ReleaseLocked();
                return false;
            }
        }
    }

    /// <summary>Releases all spare descriptors.</summary>
    internal void Release()
    {
        lock (_lock)
        {
            ReleaseLocked();
        }
    }

    private void ReleaseLocked()
    {
        _held.ForEach(handle => handle.Dispose());
        _held.Clear();
    }
}
