using System.Text;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>Short forms of what every stream test does.</summary>
internal static class StreamTesting
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static StreamBatch Batch(params ReadOnlySpan<string> events)
    {
        var batch = new StreamBatch();
        foreach (var data in events) batch.Add(Encoding.UTF8.GetBytes(data));
        return batch;
    }

    public static async Task AppendAsync(this IStreamWriter writer, params string[] events)
    {
        using var batch = Batch(events);
        await writer.AppendAsync(batch);
    }

    public static async Task CloseAsync(this IStreamWriter writer, params string[] events)
    {
        using var batch = Batch(events);
        await writer.AppendAsync(batch, close: true);
    }

    public static ValueTask<IStreamWriter> CreateAsync(this IStreamLog log, string path) => log.CreateAsync(path, new StreamOptions());

    public static async Task<IStreamReader> ReaderAsync(this IStreamLog log, string path, long offset = 0) =>
        (await log.OpenReaderAsync(path, offset)).ShouldNotBeNull();

    /// <summary>Reads to where the stream ends or has nothing more to give by now, checking that offsets are dense.</summary>
    public static async Task<List<string>> ReadAllAsync(this IStreamLog log, string path, long offset = 0)
    {
        using var reader = await log.ReaderAsync(path, offset);
        var end = (await log.GetAsync(path)).ShouldNotBeNull().NextOffset;
        var events = new List<string>();
        while (reader.NextOffset < end)
        {
            if (reader.Next() is { } data) events.Add(data);
            else (await reader.WaitAsync().AsTask().WaitAsync(Patience)).ShouldBe(StreamWait.Ready);
        }

        return events;
    }

    /// <summary>Reads until the wait says that there will be no more.</summary>
    public static async Task<(List<string> Events, StreamWait End)> FollowAsync(this IStreamReader reader)
    {
        var events = new List<string>();
        while (true)
        {
            while (reader.Next() is { } data) events.Add(data);
            var wait = await reader.WaitAsync().AsTask().WaitAsync(Patience);
            if (wait is StreamWait.Closed or StreamWait.Gone) return (events, wait);
        }
    }

    /// <summary>The next event if it is at hand.</summary>
    public static string? Next(this IStreamReader reader)
    {
        var expected = reader.NextOffset;
        if (!reader.TryRead(out var streamEvent)) return null;
        streamEvent.Offset.ShouldBe(expected);
        reader.NextOffset.ShouldBe(expected + 1);
        return Encoding.UTF8.GetString(streamEvent.Data);
    }

    /// <summary>The next event, waiting for it.</summary>
    public static async Task<string> NextAsync(this IStreamReader reader)
    {
        while (true)
        {
            if (reader.Next() is { } data) return data;
            (await reader.WaitAsync().AsTask().WaitAsync(Patience)).ShouldBe(StreamWait.Ready);
        }
    }
}
