using Appliance.Hal;

namespace Appliance.Tool;

/// <summary>Standard input that reports whether it has ended, as opposed to a session on it.</summary>
internal sealed class TerminalInput(Stream inner) : AsyncStream
{
    public bool Ended { get; private set; }

    public override bool CanWrite => false;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var length = await inner.ReadAsync(buffer, cancellationToken);
        Ended |= length == 0;
        return length;
    }
}
