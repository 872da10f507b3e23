using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>A connection as a stream, for TLS and HTTP clients. Asynchronous only; disposing it closes the connection.</summary>
public sealed class ConnectionStream(ConnectionContext connection) : AsyncStream
{
    private readonly Stream _input = connection.Transport.Input.AsStream(leaveOpen: true);
    private readonly Stream _output = connection.Transport.Output.AsStream(leaveOpen: true);

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _input.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _output.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Abort(new ConnectionAbortedException("given up"));
            // Closing is asynchronous; no caller needs its result.
            _ = connection.DisposeAsync().AsTask();
        }
        base.Dispose(disposing);
    }
}
