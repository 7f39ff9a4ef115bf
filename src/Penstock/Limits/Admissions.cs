using Penstock.Protocols;

namespace Penstock.Limits;

/// <summary>What limiters have in common.</summary>
internal static class Admissions
{
    /// <summary>When to ask again where nobody knows: what is in the way ends when somebody else's answer does.</summary>
    public static readonly TimeSpan SomeTime = TimeSpan.FromSeconds(1);

    public static Grant Least(Grant grant, long room, LimitKind by) => room >= grant.Tokens ? grant : new Grant(Math.Max(0, room), by);

    /// <summary>What is left of several accounts together: what the tightest has.</summary>
    public static RateLimits Tightest(RateLimits one, RateLimits other) => new(Tightest(one.Requests, other.Requests), Tightest(one.Tokens, other.Tokens));

    private static RateLimit? Tightest(RateLimit? one, RateLimit? other) => one is null || other?.Remaining < one.Value.Remaining ? other : one;
}
