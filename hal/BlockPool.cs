using System.Buffers;

namespace Appliance.Hal;

/// <summary>
/// The buffers of in-memory connections. The platform's shared pool keeps a few dozen per core, but each of hundreds of connections that
/// are pending on a commit holds one. The rest would become garbage.
/// </summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    /// <summary>The pool that all connections share.</summary>
    internal static readonly BlockPool Instance = new();

    private const int BlockSize = 4096;

    /// <summary>The number of unused blocks that are kept: 16 MiB.</summary>
    private const int SpareMax = 4096;

    /// <summary>The block that this thread returned last.</summary>
    [ThreadStatic]
    private static Block? _mine;

    /// <summary>Last in, first out: the newest block is still in the processor's cache.</summary>
    private readonly Stack<Block> _spare = new();
    private readonly Lock _lock = new();

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
        // Shared by all connections for the life of the process.
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
