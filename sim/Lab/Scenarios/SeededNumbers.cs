using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Lab.Scenarios;

/// <summary>
/// The random values of a scenario: the same seed gives the same ones. They appear in the log (serial numbers, tunnels) and decide faults.
/// No secret depends on them, and only scenario targets pass them to a unit (a test verifies that).
/// </summary>
internal sealed class SeededNumbers(int seed, string purpose) : RandomNumberGenerator
{
    private readonly Lock _lock = new();
    private long _block;

    /// <summary>Returns the value for a purpose.</summary>
    public static int Of(int seed, string purpose)
    {
        using var numbers = new SeededNumbers(seed, purpose);
        var bytes = new byte[sizeof(int)];
        numbers.GetBytes(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    public override void GetBytes(byte[] data)
    {
        ArgumentNullException.ThrowIfNull(data);
        lock (_lock)
        {
            for (var at = 0; at < data.Length; at += SHA256.HashSizeInBytes)
            {
                var block = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed} {purpose} {_block++}"));
                block.AsSpan(0, Math.Min(block.Length, data.Length - at)).CopyTo(data.AsSpan(at));
            }
        }
    }
}
