namespace Penstock.Client.Http;

/// <summary>How long to wait before another try: twice as long each time, and not all clients at once.</summary>
internal static class Backoff
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    /// <param name="failures">How many tries have failed, from 1.</param>
    /// <param name="asked">What the server asked for, which is the least.</param>
    public static TimeSpan After(int failures, TimeSpan? asked)
    {
        var most = asked > _longest ? asked.Value : _longest;
        var delay = (asked ?? _first) * Math.Pow(2, Math.Min(failures - 1, 16));
        if (delay > most) delay = most;
        return delay * (asked is null ? 0.5 + (Random.Shared.NextDouble() / 2) : 1 + (Random.Shared.NextDouble() / 4));
    }
}
