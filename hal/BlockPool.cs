using System.Buffers;
using System.Collections.Concurrent;

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

    private readonly ConcurrentQueue<Block> _spare = new();
    private int _spares;

    private BlockPool() { }

    /// <inheritdoc/>
    public override int MaxBufferSize => BlockSize;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (!_spare.TryDequeue(out var block))
        {
            return new Block(this);
        }
        Interlocked.Decrement(ref _spares);
        return block;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Everybody's, for as long as the process lives.
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _spares) <= SpareMax)
        {
            _spare.Enqueue(block);
        }
        else
        {
            Interlocked.Decrement(ref _spares);
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockSize);

        public Memory<byte> Memory => _bytes;

        public void Dispose() => pool.Return(this);
    }
}
