using System.Buffers;
using System.IO.Pipelines;
using Penstock.Transport;

namespace Penstock.AspNetCore.Transport;

/// <summary>
/// Writes to a connection: a flush sends on the thread that flushes, and waits until the kernel has taken all, so that a
/// client that does not read holds back who writes to it. It holds a buffer only while there are bytes in it.
/// </summary>
internal sealed class EpollPipeWriter : PipeWriter
{
    private const int BlockSize = 4096;

    private readonly EpollSocket _socket;
    private readonly Flushing _flushing;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _cancelled;
    private bool _failed;
    private bool _completed; // this and what follows it are guarded by _flushing
    private bool _isFlushing;
    private bool _isSent;
    private TaskCompletionSource? _sent;

    public EpollPipeWriter(EpollSocket socket)
    {
        _socket = socket;
        _flushing = new Flushing(this);
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _end - _start;

    internal bool HoldsBuffer => _buffer.Length > 0;

    /// <summary>Completes once the writer was completed and nothing is left to send.</summary>
    public Task Sent
    {
        get
        {
            lock (_flushing) return _isSent ? Task.CompletedTask : (_sent ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _buffer.AsMemory(_end);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _buffer.AsSpan(_end);
    }

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_buffer.Length - _end), nameof(bytes));
        _end += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return TrySend(out var result) ? new(result) : _flushing.StartAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        Volatile.Write(ref _cancelled, 1);
        _flushing.Cancel();
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_flushing)
        {
            if (_completed) return;
            _completed = true;
            if (_isFlushing) return; // its end is the end
        }

        if (exception is not null) Drop();
        Finish();
    }

    // What was written and not flushed is sent all the same, as a Pipe does.
    private void Finish()
    {
        var flush = _end == 0 ? default : FlushAsync();
        if (!flush.IsCompleted) return; // it comes here again
        Drop();
        lock (_flushing)
        {
            _isSent = true;
            _sent?.TrySetResult();
        }
    }

    private void EnterFlush()
    {
        lock (_flushing) _isFlushing = true;
    }

    private void LeaveFlush()
    {
        bool completed;
        lock (_flushing)
        {
            _isFlushing = false;
            completed = _completed;
        }

        if (completed) Finish();
    }

    private bool TrySend(out FlushResult result)
    {
        while (_start < _end && !_failed)
        {
            if (Interlocked.Exchange(ref _cancelled, 0) != 0)
            {
                result = new FlushResult(isCanceled: true, isCompleted: false);
                return true;
            }

            var sent = _socket.Writable.IsReady ? _socket.Send(_buffer.AsSpan(_start, _end - _start)) : -Libc.EAGAIN;
            if (sent == -Libc.EAGAIN)
            {
                result = default;
                return false;
            }

            if (sent < 0) _failed = true; // who reads learns of it as a reset
            else _start += sent;
        }

        Drop();
        result = new FlushResult(isCanceled: Interlocked.Exchange(ref _cancelled, 0) != 0, isCompleted: _failed);
        return true;
    }

    private void MakeRoom(int sizeHint)
    {
        var room = _buffer.Length - _end;
        if (room >= Math.Max(sizeHint, 1)) return;
        var length = _end - _start;
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(BlockSize, Math.Max(length * 2, length + sizeHint)));
        _buffer.AsSpan(_start, length).CopyTo(grown);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
        _start = 0;
        _end = length;
    }

    private void Drop()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    private sealed class Flushing(EpollPipeWriter writer) : EpollOperation<FlushResult>(writer._socket.Writable)
    {
        public ValueTask<FlushResult> StartAsync(CancellationToken cancellationToken)
        {
            writer.EnterFlush();
            var flush = Wait(cancellationToken);
            if (Volatile.Read(ref writer._cancelled) != 0) Cancel(); // it may have come before the wait began
            return flush;
        }

        public void Cancel() => Retry();

        protected override bool TryComplete(out FlushResult result, out Exception? failure)
        {
            failure = null;
            return writer.TrySend(out result);
        }

        protected override void Completed() => writer.LeaveFlush();
    }
}
