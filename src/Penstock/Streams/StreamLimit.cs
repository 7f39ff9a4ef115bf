namespace Penstock.Streams;

/// <summary>What one stream may take, the same for every store.</summary>
internal static class StreamLimit
{
    /// <summary>The refusal of a batch that would take the stream beyond its limit, or null when there is room.</summary>
    public static StreamStorageException? Check(string path, long held, long added, long limit, bool closing) =>
        held + added <= limit || (closing && added <= StreamStoreOptions.LastWords)
            ? null
            : new($"The stream '{path}' holds {held} bytes and cannot take {added} more: its limit is {limit} bytes (MaxStreamBytes).");

    /// <exception cref="ArgumentException">The batch neither holds an event nor closes the stream.</exception>
    public static void CheckNotIdle(StreamBatch batch, bool close)
    {
        if (batch.Count == 0 && !close) throw new ArgumentException("The batch is empty; only a closing one may be.", nameof(batch));
    }
}
