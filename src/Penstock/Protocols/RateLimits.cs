namespace Penstock.Protocols;

/// <summary>How much a caller may still ask for; each protocol has headers of its own for it (<see cref="ClientProtocol.WriteRateLimits"/>).</summary>
/// <param name="Requests">Requests a minute; null for no limit.</param>
/// <param name="Tokens">Tokens a minute; null for no limit.</param>
public sealed record RateLimits(RateLimit? Requests, RateLimit? Tokens);

/// <summary>How much is left of a limit.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Remaining">What is left of it.</param>
/// <param name="Reset">After what time all of it is there again, if nothing more is used.</param>
public readonly record struct RateLimit(long Limit, long Remaining, TimeSpan Reset);
