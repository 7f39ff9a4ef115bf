using Penstock.Streams;

namespace Penstock.Redis;

/// <summary>What a <see cref="RedisStreamLog"/> is to know.</summary>
public sealed record RedisStoreOptions : StreamStoreOptions
{
    /// <summary>Where Redis is, as StackExchange.Redis reads it: <c>host:port,password=…</c>.</summary>
    public required string Connection { get; init; }

    /// <summary>How long appends wait for a Redis that has gone, before they fail.</summary>
    public TimeSpan Outage { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many bytes of the newest events this process may hold for its readers; who is behind reads from Redis.</summary>
    public long MaxCacheBytes { get; init; } = 1L << 30;

    /// <summary>Whether a text can be read as <see cref="Connection"/>.</summary>
    public static bool IsConnection(string text)
    {
        try
        {
            RedisConnection.Configure(text);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            return false;
        }
    }
}
