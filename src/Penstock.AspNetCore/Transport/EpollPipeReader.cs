using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Penstock.Transport;

namespace Penstock.AspNetCore.Transport;

/// <summary>
/// Reads a connection when somebody asks, and no further: what is not asked for stays in the kernel, where it holds back the
/// peer. It holds a buffer only while there are bytes in it.
/// </summary>
internal sealed class EpollPipeReader : PipeReader
{
    private const int BlockSize = 4096;
    private const int MinRead = 1024;

    private readonly EpollSocket _socket;
    private readonly Reading _reading;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _examined; // all that is there: more is wanted
    private bool _ended;
    private bool _completed;
    private int _cancelled;
    private Exception? _failure;
    private volatile Exception? _abortReason;

    public EpollPipeReader(EpollSocket socket)
    {
        _socket = socket;
        _reading = new Reading(this);
    }

    internal bool HoldsBuffer => _buffer.Length > 0;

    /// <summary>From now on reads fail with this; set before the socket is closed.</summary>
    public void Abort(Exception reason) => _abortReason = reason;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return TryRead(out var result) ? new(result) : _reading.StartAsync(cancellationToken);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!TryTake(out result, out var failure)) return false;
        return failure is null ? true : throw failure;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_end == 0) return; // what was read was empty
        _start = consumed.GetInteger();
        _examined = examined.GetInteger() == _end;
        if (_start == _end) Release();
    }

    public override void CancelPendingRead()
    {
        Volatile.Write(ref _cancelled, 1);
        _reading.Cancel();
    }

    public override void Complete(Exception? exception = null)
    {
        if (_completed) return;
        _completed = true;
        Release();
    }

    private bool TryTake(out ReadResult result, out Exception? failure)
    {
        failure = null;
        if (_completed) throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        if (Interlocked.Exchange(ref _cancelled, 0) != 0)
        {
            result = Result(isCanceled: true);
            return true;
        }

        if ((_start == _end || _examined) && !_ended && _failure is null && !TryFill())
        {
            result = default;
            return false;
        }

        failure = _failure;
        result = Result(isCanceled: false);
        return true;
    }

    private ReadResult Result(bool isCanceled) => new(new ReadOnlySequence<byte>(_buffer, _start, _end - _start), isCanceled, _ended);

    private bool TryFill()
    {
        if (!_socket.Readable.IsReady) return false;
        MakeRoom();
        var read = _socket.Receive(_buffer.AsSpan(_end));
        if (read == -Libc.EAGAIN)
        {
            if (_end == 0) Release();
            return false;
        }

        _examined = false;
        if (read > 0) _end += read;
        else if (read == 0) _ended = true;
        else _failure = _abortReason ?? Failure(read);
        if (_end == 0) Release();
        return true;
    }

    private static Exception Failure(int error) => -error == Libc.EBADF
        ? new ConnectionAbortedException()
        : new ConnectionResetException("The client reset the connection.", EpollError.From(error));

    private void MakeRoom()
    {
        if (_buffer.Length - _end >= MinRead) return;
        var length = _end - _start;
        if (_buffer.Length - length >= _buffer.Length / 2 && _buffer.Length > 0)
        {
            _buffer.AsSpan(_start, length).CopyTo(_buffer);
        }
        else
        {
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(BlockSize, length * 2));
            _buffer.AsSpan(_start, length).CopyTo(grown);
            if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = grown;
        }

        _start = 0;
        _end = length;
    }

    private void Release()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
        _examined = false;
    }

    private sealed class Reading(EpollPipeReader reader) : EpollOperation<ReadResult>(reader._socket.Readable)
    {
        public ValueTask<ReadResult> StartAsync(CancellationToken cancellationToken)
        {
            var read = Wait(cancellationToken);
            if (Volatile.Read(ref reader._cancelled) != 0) Cancel(); // it may have come before the wait began
            return read;
        }

        public void Cancel() => Retry();

        protected override bool TryComplete(out ReadResult result, out Exception? failure) => reader.TryTake(out result, out failure);
    }
}
