using System.Buffers;

namespace Appliance.Hal;

/// <summary>
/// Buffers of connections in memory. The platform's shared pool keeps a few dozen for each processor, while each of hundreds of connections
/// whose answer waits for the disk holds one: what it cannot keep is garbage.
/// </summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    /// <summary>What connections share.</summary>
    internal static readonly BlockPool Instance = new();

    private const int BlockSize = 4096;

    /// <summary>Blocks that are kept when nobody needs them: 16 MiB.</summary>
    private const int SpareMax = 4096;

    /// <summary>Last in, first out: the newest is still in the processor's cache.</summary>
    private readonly Stack<Block> _spare = new();
    private readonly Lock _lock = new();

    /// <summary>The one that this thread gave back last.</summary>
    [ThreadStatic]
    private static Block? _mine;

    private BlockPool() { }

    /// <inheritdoc/>
    public override int MaxBufferSize => BlockSize;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (_mine is { } mine)
        {
            _mine = null;
            return mine;
        }
        lock (_lock)
        {
            return _spare.TryPop(out var block) ? block : new Block(this);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Everybody's, for as long as the process lives.
    }

    private void Return(Block block)
    {
        if (_mine is null)
        {
            _mine = block;
            return;
        }
        lock (_lock)
        {
            if (_spare.Count < SpareMax)
            {
                _spare.Push(block);
            }
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockSize);

        public Memory<byte> Memory => _bytes;

        public void Dispose() => pool.Return(this);
    }
}
