using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// One end of an in-memory connection. Each end owns its pipes and only its own pump uses their far sides, so either end may abort or close
/// at any time, like a socket.
/// </summary>
internal sealed class PipeConnection : DefaultConnectionContext
{
    private const int BufferMax = 64 * 1024;
    private static readonly PipeOptions Buffer = new(
        BlockPool.Instance,
        pauseWriterThreshold: BufferMax,
        resumeWriterThreshold: BufferMax / 2,
        useSynchronizationContext: false
    );

    private readonly CancellationTokenSource _closed = new();
    private readonly Cut _cut;
    private int _ended;

    private PipeConnection(Cut cut, IDuplexPipe transport, EndPoint local, EndPoint remote)
        : base(NewId(), transport, transport)
    {
        _cut = cut;
        (LocalEndPoint, RemoteEndPoint) = (local, remote);
        ConnectionClosed = _closed.Token;
    }

    /// <summary>Creates both ends of a new connection.</summary>
    internal static (PipeConnection Client, PipeConnection Server) CreatePair(IPEndPoint client, IPEndPoint server)
    {
        var cut = new Cut();
        var (clientOut, clientIn, serverOut, serverIn) = (new Pipe(Buffer), new Pipe(Buffer), new Pipe(Buffer), new Pipe(Buffer));
        var ends = (
            Client: new PipeConnection(cut, new Ends(clientIn.Reader, clientOut.Writer), client, server),
            Server: new PipeConnection(cut, new Ends(serverIn.Reader, serverOut.Writer), server, client)
        );
        var there = PumpAsync(clientOut.Reader, serverIn.Writer, cut);
        var back = PumpAsync(serverOut.Reader, clientIn.Writer, cut);
        _ = EndAsync(there, back, ends.Client, ends.Server);
        return ends;
    }

    /// <summary>Aborts the connection on both sides. Data that is sent after the call does not arrive.</summary>
    public override void Abort(ConnectionAbortedException abortReason) => _cut.Make();

    /// <summary>Closes this end. Data already written still arrives before the other end sees the end.</summary>
#pragma warning disable CA2215 // The base class disposes a source that an abort may still use; this class exists to avoid that crash.
    public override ValueTask DisposeAsync()
#pragma warning restore CA2215
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            Transport.Output.Complete();
            Transport.Input.Complete();
        }
        return default;
    }

    private static string NewId() => Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));

    private static async Task PumpAsync(PipeReader from, PipeWriter to, Cut cut)
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                var read = await from.ReadAsync(cut.Token).ConfigureAwait(false);
                cut.ThrowIfMade();
                foreach (var segment in read.Buffer)
                {
                    to.Write(segment.Span);
                }
                from.AdvanceTo(read.Buffer.End);
                var flushed = await to.FlushAsync(cut.Token).ConfigureAwait(false);
                if (read.IsCompleted || flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            failure = new ConnectionResetException("the connection was reset");
        }
        catch (Exception thrown)
        {
            // The writer failed; the other end sees a reset.
            failure = new ConnectionResetException(thrown.Message, thrown);
        }
        await from.CompleteAsync(failure).ConfigureAwait(false);
        await to.CompleteAsync(failure).ConfigureAwait(false);
    }

    private static async Task EndAsync(Task there, Task back, PipeConnection client, PipeConnection server)
    {
        await Task.WhenAll(there, back).ConfigureAwait(false);
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), client._closed, preferLocal: false);
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), server._closed, preferLocal: false);
    }

    /// <summary>The abort of a connection, which its two ends share.</summary>
#pragma warning disable CA1001 // Never disposed: an abort may follow the end, and the source has no timer.
    private sealed class Cut
#pragma warning restore CA1001
    {
        private readonly CancellationTokenSource _source = new();
        private volatile bool _made;

        /// <summary>Cancelled soon after <see cref="Make"/>.</summary>
        internal CancellationToken Token => _source.Token;

        /// <summary>Aborts. The callbacks of the token run on another thread, because the caller may hold a lock.</summary>
        internal void Make()
        {
            _made = true;
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _source, preferLocal: false);
        }

        /// <summary>Throws from the return of <see cref="Make"/> on, even if the token is not cancelled yet.</summary>
        /// <exception cref="OperationCanceledException">The connection was aborted.</exception>
        internal void ThrowIfMade()
        {
            if (_made)
            {
                throw new OperationCanceledException();
            }
        }
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
