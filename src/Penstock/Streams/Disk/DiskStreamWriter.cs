namespace Penstock.Streams.Disk;

internal sealed class DiskStreamWriter(DiskStreamLog log, DiskStream stream, int epoch) : PendingRecord(stream), IStreamWriter
{
    public string Path => Stream.Path;

    public long Epoch => epoch;

    public long NextOffset { get; private set; } = stream.NextOffset;

    public ValueTask AppendAsync(StreamBatch batch, bool close = false)
    {
        try
        {
            StreamLimit.CheckNotIdle(batch, close);
            Prepare(RecordKind.Append, batch, NextOffset, epoch, close, close ? log.Now.UtcTicks : 0);
        }
        catch (ArgumentException e)
        {
            return ValueTask.FromException(e);
        }

        return log.Commit.CommitAsync(this, batch);
    }

    public override void Apply(Segment segment)
    {
        base.Apply(segment);
        NextOffset += Header.Count;
    }
}
