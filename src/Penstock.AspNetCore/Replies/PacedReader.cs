using Penstock.Generations;
using Penstock.Streams;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// A cursor that gives the events as they were stored first: each as long after the first one as it was then. What has no time comes
/// with the one before it, and so at once where a stream was written before times were kept.
/// </summary>
/// <param name="inner">The cursor.</param>
/// <param name="time">The clock.</param>
internal sealed class PacedReader(IStreamReader inner, TimeProvider time) : IStreamReader
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (long Begun, TimeSpan First)? _start; // when the first was given, and its own time
    private byte[]? _held; // the event whose time has not come
    private long _offset;
    private TimeSpan _due;

    public DateTimeOffset CreatedAt => inner.CreatedAt;

    public long NextOffset => _held is null ? inner.NextOffset : _offset;

    private TimeSpan Left => _due - time.GetElapsedTime(_start!.Value.Begun);

    public bool TryRead(out StreamEvent streamEvent)
    {
        streamEvent = default;
        if (_held is { } held)
        {
            if (Left > TimeSpan.Zero) return false;
            _held = null;
            streamEvent = new StreamEvent(_offset, held);
            return true;
        }

        if (!inner.TryRead(out streamEvent)) return false;
        if (EventRecord.TimeOf(streamEvent.Data) is not { } at) return true;
        _start ??= (time.GetTimestamp(), at);
        _due = at - _start.Value.First;
        if (Left <= TimeSpan.Zero) return true;
        (_held, _offset) = (streamEvent.Data.ToArray(), streamEvent.Offset);
        return false;
    }

    public void SkipTo(long offset)
    {
        _held = null;
        inner.SkipTo(offset);
    }

    public ValueTask<StreamWait> WaitAsync() => _held is null ? inner.WaitAsync() : new(HoldAsync());

    public void Wake()
    {
        lock (_lock) _woken.TrySetResult();
        inner.Wake();
    }

    public void Dispose() => inner.Dispose();

    private async Task<StreamWait> HoldAsync()
    {
        if (Left is not { Ticks: > 0 } left) return StreamWait.Ready;
        using var end = new CancellationTokenSource();
        var woken = _woken.Task;
        var wait = Task.Delay(left, time, end.Token);
        if (await Task.WhenAny(wait, woken) == wait) return StreamWait.Ready;
        await end.CancelAsync();
        lock (_lock) _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return StreamWait.Woken;
    }
}
