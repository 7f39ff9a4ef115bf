namespace Penstock.Streams;

/// <summary>What every store of streams is told.</summary>
public record StreamStoreOptions
{
    /// <summary>How long a stream is kept after it was closed, unless it was created with a retention of its own.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The most bytes that one stream may hold. One last closing batch of up to <see cref="LastWords"/> is taken beyond it.</summary>
    public long MaxStreamBytes { get; init; } = 64 << 20;

    /// <summary>
    /// The most bytes that the store may hold. In memory, the streams closed longest ago make room first. On disk, what was
    /// written longest ago does, but for streams that a writer has open.
    /// </summary>
    public long MaxTotalBytes { get; init; } = long.MaxValue;

    /// <summary>Events of shared streams that are older may be forgotten.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.MaxValue;

    /// <summary>The oldest events of a shared stream that holds more bytes may be forgotten.</summary>
    public long KeepBytes { get; init; } = long.MaxValue;

    /// <summary>A closing batch of at most this many bytes is taken where others are refused, so that a stream can always say why it ended.</summary>
    public const int LastWords = 4096;

    /// <summary>Events from before this time may be forgotten.</summary>
    public DateTimeOffset KeepFrom(DateTimeOffset now) => KeepFor >= now - DateTimeOffset.MinValue ? DateTimeOffset.MinValue : now - KeepFor;
}
