using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Penstock.Transport;

/// <summary>
/// A connection as a stream. What can be done at once is; what must wait completes on the loop. A read of nothing waits for
/// data and holds no buffer. One read and one write may be under way at a time.
/// </summary>
internal sealed class EpollStream : Stream
{
    private readonly EpollSocket _socket;
    private readonly Reading _reading;
    private Writing? _writing; // once one had to wait, which is seldom

    public EpollStream(EpollSocket socket)
    {
        _socket = socket;
        _reading = new Reading(socket);
    }

    /// <summary>Whether the peer has sent nothing that was not read, and has not left.</summary>
    public bool IsQuiet => _socket.IsQuiet;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _reading.Start(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count).GetAwaiter().GetResult();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_writing is not null) return _writing.Start(buffer, cancellationToken);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (!Writing.TryWrite(_socket, ref buffer, out var failure)) return (_writing = new Writing(_socket)).Start(buffer, cancellationToken);
        return failure is null ? default : ValueTask.FromException(failure);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count).GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _socket.Close();
        base.Dispose(disposing);
    }

    private static Exception Failure(int result) => -result == Libc.EBADF
        ? new ObjectDisposedException(nameof(EpollStream))
        : new IOException("The connection failed.", EpollError.From(result));

    private sealed class Reading(EpollSocket socket) : EpollOperation<int>(socket.Readable)
    {
        private Memory<byte> _buffer;

        public ValueTask<int> Start(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            RefuseSecond();
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
            if (TryRead(buffer.Span, out var read)) return read < 0 ? ValueTask.FromException<int>(Failure(read)) : new(read);
            _buffer = buffer;
            return Wait(cancellationToken);
        }

        protected override bool TryComplete(out int result, out Exception? failure)
        {
            var done = TryRead(_buffer.Span, out result);
            failure = done && result < 0 ? Failure(result) : null;
            return done;
        }

        protected override void Completed() => _buffer = default;

        private bool TryRead(Span<byte> buffer, out int read)
        {
            read = 0;
            if (!socket.Readable.IsReady) return false;
            if (buffer.IsEmpty) return true;
            read = socket.Receive(buffer);
            return read != -Libc.EAGAIN;
        }
    }

    private sealed class Writing(EpollSocket socket) : EpollOperation<int>(socket.Writable)
    {
        private ReadOnlyMemory<byte> _rest;

        public ValueTask Start(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
        {
            RefuseSecond();
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
            _rest = buffer;
            if (!TryComplete(out _, out var failure)) return WaitUntyped(cancellationToken);
            _rest = default;
            return failure is null ? default : ValueTask.FromException(failure);
        }

        /// <summary>Writes what can be written now; true when that is all, or when it has failed.</summary>
        public static bool TryWrite(EpollSocket socket, ref ReadOnlyMemory<byte> rest, out Exception? failure)
        {
            failure = null;
            while (!rest.IsEmpty)
            {
                if (!socket.Writable.IsReady) return false;
                var sent = socket.Send(rest.Span);
                if (sent == -Libc.EAGAIN) return false;
                if (sent < 0)
                {
                    failure = Failure(sent);
                    return true;
                }

                rest = rest[sent..];
            }

            return true;
        }

        protected override bool TryComplete(out int result, out Exception? failure)
        {
            result = 0;
            return TryWrite(socket, ref _rest, out failure);
        }

        protected override void Completed() => _rest = default;
    }
}
