namespace Penstock.Generations;

/// <summary>Tells when a record of a stream is written: since the stream was created, on whatever node.</summary>
/// <param name="time">The clock.</param>
/// <param name="since">When that was.</param>
internal sealed class RecordClock(TimeProvider time, DateTimeOffset since)
{
    /// <summary>Times are not told apart that are closer than so many milliseconds.</summary>
    public const long Step = 10;

    /// <summary>In milliseconds.</summary>
    public long Now => Math.Max(0, (long)(time.GetUtcNow() - since).TotalMilliseconds);
}
