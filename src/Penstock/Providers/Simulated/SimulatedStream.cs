using System.Buffers;

namespace Penstock.Providers.Simulated;

/// <summary>The body of a simulated reply: bytes that come when they are due. It reads as the body of a real connection does.</summary>
/// <remarks>The schedule is absolute, so a reader that was slow finds what has come meanwhile and does not slow the model down.</remarks>
internal sealed class SimulatedStream(IEnumerable<TimeSpan> script, ArrayBufferWriter<byte> bytes, TimeProvider time, bool split) : Stream
{
    private static readonly TimeSpan _longest = TimeSpan.FromDays(40); // timers take no more than 49

    private readonly IEnumerator<TimeSpan> _script = script.GetEnumerator();
    private readonly long _start = time.GetTimestamp();
    private readonly CancellationTokenSource _disposed = new();
    private int _taken;
    private bool _awaited; // the script's current step is not due yet

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        while (_awaited || _taken == bytes.WrittenCount)
        {
            if (!_awaited && !MoveNext()) return 0;
            await WaitAsync(_script.Current, cancellationToken);
            _awaited = false;
        }

        var length = Math.Min(buffer.Length, split ? 1 : bytes.WrittenCount - _taken);
        bytes.WrittenSpan.Slice(_taken, length).CopyTo(buffer.Span);
        _taken += length;
        return length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _disposed.Cancel(); // ends a read that waits
        base.Dispose(disposing);
    }

    private bool MoveNext()
    {
        bytes.ResetWrittenCount();
        _taken = 0;
        return _awaited = _script.MoveNext();
    }

    private async ValueTask WaitAsync(TimeSpan due, CancellationToken cancellationToken)
    {
        var left = due;
        if (due != SimulatedScript.Never)
        {
            left = due - time.GetElapsedTime(_start);
            if (left <= TimeSpan.Zero) return;
            if (left > _longest) left = _longest;
        }

        try
        {
            await Task.Delay(left, time, _disposed.Token).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException e) when (_disposed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException("The reply was disposed while it was read.", e);
        }
    }
}
