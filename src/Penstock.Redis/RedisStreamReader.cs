using Penstock.Streams;

namespace Penstock.Redis;

/// <summary>A cursor that shares what its process holds of the stream. While it waits for Redis it can be woken all the same.</summary>
internal sealed class RedisStreamReader(RedisStreams streams, RedisStream stream, long offset) : WaitingReader(stream, offset)
{
    private bool _isDisposed;

    /// <summary>The run that it reads. The stream sets it under its gate while the reader waits.</summary>
    internal EventRun? Run { get; set; }

    public override StreamTail? Tail => null; // only Redis knows

    public override bool TryRead(out StreamEvent streamEvent)
    {
        streamEvent = default;
        if (NextOffset >= stream.NextOffset || NextOffset < stream.FirstOffset || stream.IsGone) return false;
        if (Run is not { } run || !run.Holds(NextOffset)) Run = run = stream.Find(NextOffset)!;
        if (run is null) return false;
        streamEvent = new StreamEvent(NextOffset, run[NextOffset]);
        NextOffset++;
        return true;
    }

    public override ValueTask<StreamWait> WaitAsync()
    {
        if (Run is { } run && !run.Holds(NextOffset)) Run = null;
        var wait = base.WaitAsync();
        // Begun once the reader is among those that wait, so that it is not passed over.
        if (!wait.IsCompleted) stream.Want(NextOffset);
        return wait;
    }

    public override void Dispose()
    {
        base.Dispose();
        if (_isDisposed) return;
        _isDisposed = true;
        streams.Detach(stream);
    }
}
