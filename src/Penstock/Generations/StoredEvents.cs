using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Goes through what a stream holds by now.</summary>
internal static class StoredEvents
{
    public delegate void Handler(StreamEvent record);

    /// <summary>Hands over the events before <paramref name="end"/>, and waits for no more.</summary>
    public static async ValueTask ReadAsync(IStreamReader reader, long end, Handler take)
    {
        while (reader.NextOffset < end)
        {
            while (reader.NextOffset < end && reader.TryRead(out var record)) take(record);
            if (reader.NextOffset < end && await reader.WaitAsync() is not StreamWait.Ready) return;
        }
    }
}
