using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Appliance.Hal;

/// <summary>A connection's pipe with a tap in it. It passes all data on unchanged.</summary>
internal sealed class TappedPipe(IDuplexPipe inner, TappedStream stream) : IDuplexPipe
{
    private readonly Reader _reader = new(inner.Input, stream);
    private readonly Writer _writer = new(inner.Output, stream);

    /// <inheritdoc/>
    public PipeReader Input => _reader;

    /// <inheritdoc/>
    public PipeWriter Output => _writer;

    /// <summary>Captures that the unit aborts the connection.</summary>
    internal void Aborted() => stream.Ended(isInbound: false, SegmentKind.Reset);

    private sealed class Reader(PipeReader inner, TappedStream stream) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;

        /// <summary>The number of bytes that were captured and not consumed, which the next read returns again.</summary>
        private long _ahead;
        private bool _ended;

        public override void AdvanceTo(SequencePosition consumed)
        {
            Consume(consumed);
            inner.AdvanceTo(consumed);
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            Consume(consumed);
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var reading = inner.ReadAsync(cancellationToken);
            return reading.IsCompletedSuccessfully ? new(See(reading.Result)) : SeeAsync(reading);
        }

        public override bool TryRead(out ReadResult result)
        {
            if (!inner.TryRead(out result))
            {
                return false;
            }
            See(result);
            return true;
        }

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        private async ValueTask<ReadResult> SeeAsync(ValueTask<ReadResult> reading) => See(await reading.ConfigureAwait(false));

        private ReadResult See(ReadResult result)
        {
            _buffer = result.Buffer;
            if (_buffer.Length is var length && length > _ahead)
            {
                stream.Moved(isInbound: true, _ahead == 0 ? _buffer : _buffer.Slice(_ahead));
                _ahead = length;
            }
            if (result.IsCompleted && !_ended)
            {
                _ended = true;
                stream.Ended(isInbound: true, SegmentKind.Fin);
            }
            return result;
        }

        private void Consume(SequencePosition consumed)
        {
            if (_ahead > 0)
            {
                _ahead -= _buffer.Slice(0, consumed).Length;
            }
            _buffer = default;
        }
    }

    private sealed class Writer(PipeWriter inner, TappedStream stream) : PipeWriter
    {
        private Memory<byte> _memory;
        private bool _ended;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes)
        {
            stream.Moved(isInbound: false, _memory.Span[..bytes]);
            _memory = _memory[bytes..];
            inner.Advance(bytes);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            End();
            inner.Complete(exception);
        }

        public override ValueTask CompleteAsync(Exception? exception = null)
        {
            End();
            return inner.CompleteAsync(exception);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            inner.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _memory = inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            stream.Moved(isInbound: false, source.Span);
            return inner.WriteAsync(source, cancellationToken);
        }

        private void End()
        {
            if (!_ended)
            {
                _ended = true;
                stream.Ended(isInbound: false, SegmentKind.Fin);
            }
        }
    }
}
