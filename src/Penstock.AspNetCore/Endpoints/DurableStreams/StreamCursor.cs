namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>
/// The cursor that keeps caches between us and many clients from serving one live reply for ever: it counts intervals of 20
/// seconds, and always moves on from the one that a client brings.
/// </summary>
internal static class StreamCursor
{
    private const int Interval = 20; // seconds
    private const int MostJitter = 3600; // seconds

    private static readonly DateTimeOffset _epoch = new(2024, 10, 9, 0, 0, 0, TimeSpan.Zero);

    public static long Next(DateTimeOffset now, string? brought)
    {
        var current = (long)(now - _epoch).TotalSeconds / Interval;
        return long.TryParse(brought, System.Globalization.CultureInfo.InvariantCulture, out var last) && last >= current && last < long.MaxValue - MostJitter
            ? last + Random.Shared.Next(1, MostJitter / Interval)
            : current;
    }
}
