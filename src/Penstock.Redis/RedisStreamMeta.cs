using System.Globalization;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>What read.lua says of a stream, and the run of events that it read.</summary>
internal sealed record RedisStreamMeta
{
    /// <summary>Deleted, or its time is over, and kept for what was forked from it.</summary>
    public required bool KeptForForks { get; init; }

    public required long Number { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required bool Shared { get; init; }

    public required long Epoch { get; init; }

    public required long First { get; init; }

    public required long Next { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Unix milliseconds; 0 while it is open.</summary>
    public required long ClosedAt { get; init; }

    /// <summary>How long it is kept once it is closed; for ever if it is shared.</summary>
    public required TimeSpan Retention { get; init; }

    public required DateTimeOffset? ExpiresAt { get; init; }

    public required TimeSpan? TimeToLive { get; init; }

    /// <summary>The stream whose events it begins with, up to <see cref="ForkOffset"/>.</summary>
    public required string? Source { get; init; }

    public required long ForkOffset { get; init; }

    public required byte[]? Metadata { get; init; }

    public required EventRun? Run { get; init; }

    /// <summary>What read.lua is asked.</summary>
    public static RedisValue[] Arguments(long now, long from, long end, int maxBytes, bool isUse = false, bool withMetadata = false) =>
        [now, from, end, maxBytes, isUse, withMetadata];

    public static RedisStreamMeta? Read(RedisResult result)
    {
        var fields = (RedisResult[])result!;
        var state = (int)fields[0];
        if (state == 0) return null;
        var closedAt = ToLong(fields[7]) ?? 0;
        var ttl = ToLong(fields[9]);
        var expiresAt = fields[3].IsNull
            ? closedAt == 0 ? null : closedAt + ToLong(fields[8])
            : ttl is null ? ToLong(fields[11]) : ToLong(fields[10]) + ttl;
        return new RedisStreamMeta
        {
            KeptForForks = state == 2,
            Number = ToLong(fields[1]) ?? 0,
            CreatedAt = Time(ToLong(fields[2]) ?? 0),
            Shared = !fields[3].IsNull,
            Epoch = ToLong(fields[4]) ?? 0,
            First = ToLong(fields[5]) ?? 0,
            Next = ToLong(fields[6]) ?? 0,
            ClosedAt = closedAt,
            Retention = ToLong(fields[8]) is { } retention and < Longest ? TimeSpan.FromMilliseconds(retention) : TimeSpan.MaxValue,
            ExpiresAt = expiresAt is { } at ? Time(at) : null,
            TimeToLive = ttl is { } life ? TimeSpan.FromMilliseconds(life) : null,
            Source = (string?)fields[12],
            ForkOffset = ToLong(fields[13]) ?? 0,
            Metadata = (byte[]?)fields[14],
            Run = EventRun.Read((byte[]?)fields[15]),
            Bytes = ToLong(fields[16]) ?? 0,
        };
    }

    public StreamInfo Describe(string path) => new()
    {
        Path = path,
        CreatedAt = CreatedAt,
        Number = Number,
        Shared = Shared,
        KeptForForks = KeptForForks,
        Epoch = Epoch,
        FirstOffset = First,
        NextOffset = Next,
        Bytes = Bytes,
        Closed = ClosedAt != 0,
        ClosedAt = ClosedAt == 0 ? null : Time(ClosedAt),
        ExpiresAt = ExpiresAt,
        Metadata = Metadata ?? [],
    };

    public static long Milliseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMillisecond;

    private const long Longest = long.MaxValue / TimeSpan.TicksPerMillisecond;

    private static readonly long _latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    private static DateTimeOffset Time(long milliseconds) =>
        milliseconds >= _latest ? DateTimeOffset.MaxValue : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private static long? ToLong(RedisResult field) => field.IsNull ? null : long.Parse((string)field!, CultureInfo.InvariantCulture);
}
