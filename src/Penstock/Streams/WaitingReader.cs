using System.Threading.Tasks.Sources;

namespace Penstock.Streams;

/// <summary>A cursor that can wait for its stream without allocating: it is the source of its own ValueTask.</summary>
internal abstract class WaitingReader(StreamState stream, long offset) : IStreamReader, IValueTaskSource<StreamWait>
{
    private ManualResetValueTaskSourceCore<StreamWait> _completion;
    private StreamWait _result;
    private bool _isWaiting;
    private bool _isWakePending;

    // Neighbours in the stream's list of waiting readers, guarded by the stream's gate.
    internal WaitingReader? Next;
    internal WaitingReader? Previous;

    public DateTimeOffset CreatedAt => stream.CreatedAt;

    public long NextOffset { get; protected set; } = offset;

    public virtual StreamTail? Tail => stream.Tail;

    public abstract bool TryRead(out StreamEvent streamEvent);

    public virtual void SkipTo(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, NextOffset);
        NextOffset = offset;
    }

    public virtual ValueTask<StreamWait> WaitAsync()
    {
        lock (stream.Gate)
        {
            // A wake-up goes first, so that a heartbeat or an abort is not starved by a stream that always has more.
            if (_isWakePending)
            {
                _isWakePending = false;
                return new(StreamWait.Woken);
            }

            switch (stream.Look(this))
            {
                case StreamWait.Ready:
                    break;
                case { } result:
                    return new(result);
                case null when stream.IsAbandoned:
                    return ValueTask.FromException<StreamWait>(StreamState.Abandoned());
                case null:
                    _completion.Reset();
                    _isWaiting = true;
                    stream.Enlist(this);
                    return new(this, _completion.Version);
            }
        }

        _completion.Reset();
        return BringToHand() ? new(StreamWait.Ready) : new(this, _completion.Version);
    }

    public void Wake()
    {
        lock (stream.Gate)
        {
            if (!_isWaiting)
            {
                _isWakePending = true;
                return;
            }

            stream.Delist(this);
            Take(StreamWait.Woken);
        }

        _completion.SetResult(_result);
    }

    public virtual void Dispose()
    {
        lock (stream.Gate)
        {
            if (!_isWaiting) return;
            stream.Delist(this);
            Take(StreamWait.Gone);
        }

        _completion.SetException(new ObjectDisposedException(nameof(IStreamReader)));
    }

    /// <summary>
    /// Brings the next event, which the stream holds, to hand. False when that takes I/O: it was begun, and ends in
    /// <see cref="Complete"/> or <see cref="Fail"/>.
    /// </summary>
    protected virtual bool BringToHand() => true;

    protected void Complete(StreamWait result) => _completion.SetResult(result);

    protected internal void Fail(Exception reason) => _completion.SetException(reason);

    /// <summary>Under the stream's gate: from here on the caller alone completes this wait.</summary>
    internal void Take(StreamWait result)
    {
        _isWaiting = false;
        _result = result;
    }

    /// <summary>Completes this reader's wait. Its continuation may wait again at once, so the chain is read first.</summary>
    internal WaitingReader? WakeAndNext()
    {
        var next = Next;
        Next = null;
        if (_result != StreamWait.Ready || BringToHand()) _completion.SetResult(_result);
        return next;
    }

    internal static void WakeAll(WaitingReader? reader)
    {
        while (reader is not null) reader = reader.WakeAndNext();
    }

    StreamWait IValueTaskSource<StreamWait>.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<StreamWait>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<StreamWait>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);
}
