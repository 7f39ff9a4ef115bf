namespace Penstock.Streams;

/// <summary>What every store of streams is told.</summary>
internal record StreamStoreOptions
{
    /// <summary>How long a stream is kept after it was closed, unless it was created with a retention of its own.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The most bytes that one stream may hold. One last closing batch of up to <see cref="LastWords"/> is taken beyond it.</summary>
    public long MaxStreamBytes { get; init; } = 64 << 20;

    /// <summary>The most bytes that a store in memory may hold; the streams closed longest ago make room first.</summary>
    public long MaxTotalBytes { get; init; } = 1 << 30;

    /// <summary>A closing batch of at most this many bytes is taken where others are refused, so that a stream can always say why it ended.</summary>
    public const int LastWords = 4096;
}
