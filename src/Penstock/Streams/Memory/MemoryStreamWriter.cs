namespace Penstock.Streams.Memory;

internal sealed class MemoryStreamWriter(MemoryStreamLog log, MemoryLogStream stream, int epoch) : IStreamWriter
{
    public string Path => stream.Path;

    public long Epoch => epoch;

    public long NextOffset { get; private set; } = stream.NextOffset;

    public ValueTask AppendAsync(StreamBatch batch, bool close = false)
    {
        try
        {
            log.Append(stream, epoch, batch, close);
            NextOffset += batch.Count;
            return default;
        }
        catch (Exception e) when (e is StreamException or ObjectDisposedException or ArgumentException)
        {
            return ValueTask.FromException(e);
        }
    }
}
