namespace Penstock.Streams;

/// <summary>What a store holds of one stream in memory: all that is needed to use it, or just enough to find it again.</summary>
internal abstract class StreamEntry
{
    /// <summary>Counts the streams of a store in the order of their creation.</summary>
    public abstract long Number { get; }

    /// <summary>When the stream goes, as far as that is known.</summary>
    public abstract DateTimeOffset? ExpiresAt { get; }

    /// <summary>When a stream goes that was closed and is kept for a while.</summary>
    /// <param name="closedAt">UTC ticks; 0 while it is open.</param>
    /// <param name="retention">For how long.</param>
    protected static DateTimeOffset? EndOf(long closedAt, TimeSpan retention) => closedAt switch
    {
        0 => null,
        _ when retention >= DateTimeOffset.MaxValue - new DateTimeOffset(closedAt, TimeSpan.Zero) => DateTimeOffset.MaxValue,
        _ => new DateTimeOffset(closedAt, TimeSpan.Zero) + retention,
    };
}

/// <summary>A stream that has ended and that nobody uses at the moment.</summary>
internal abstract class RestingEntry<TStream> : StreamEntry
{
    /// <summary>The stream as it was.</summary>
    public abstract TStream Wake(string path);
}
