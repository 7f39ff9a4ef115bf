using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>A generation that was started or joined.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Dropped">What of the request its provider was not told, or null.</param>
internal readonly record struct Started(string Id, IReadOnlyList<string>? Dropped)
{
    /// <summary>What whoever asked has left of their limits; null where nothing was counted.</summary>
    public RateLimits? Left { get; init; }

    /// <summary>How many messages of the conversation its model was not sent.</summary>
    public int Trimmed { get; init; }

    /// <summary>Whether the cache had it.</summary>
    public CacheUse Cache { get; init; }
}

internal enum CacheUse : byte
{
    /// <summary>It was not asked.</summary>
    None,
    Hit,
    Miss,
}
