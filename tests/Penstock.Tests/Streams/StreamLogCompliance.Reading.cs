using System.Text;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>How events come out of a stream.</summary>
public abstract partial class StreamLogCompliance
{
    [Fact]
    public async Task A_reader_starts_at_any_offset_inside_a_batch_too()
    {
        var writer = await Log.CreateAsync("a");
        for (var i = 0; i < 30; i += 3) await writer.AppendAsync($"{i}", $"{i + 1}", $"{i + 2}");
        for (var from = 0; from <= 30; from++)
        {
            (await Log.ReadAllAsync("a", from)).ShouldBe(Enumerable.Range(from, 30 - from).Select(i => $"{i}"));
        }
    }

    [Fact]
    public async Task A_reader_beyond_the_end_waits_for_its_offset()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a", 2);
        var wait = reader.WaitAsync().AsTask();
        await writer.AppendAsync("0");
        await writer.AppendAsync("1");
        wait.IsCompleted.ShouldBeFalse();
        await writer.AppendAsync("2");
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Ready);
        reader.Next().ShouldBe("2");
    }

    [Fact]
    public async Task A_waiting_reader_is_woken_by_an_append()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        for (var i = 0; i < 100; i++)
        {
            reader.Next().ShouldBeNull();
            var wait = reader.WaitAsync();
            wait.IsCompleted.ShouldBeFalse();
            await writer.AppendAsync($"{i}");
            (await wait.AsTask().WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Ready);
            reader.Next().ShouldBe($"{i}");
        }
    }

    [Fact]
    public async Task A_batch_becomes_visible_as_a_whole()
    {
        var writer = await Log.CreateAsync("a");
        var following = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            using var reader = await Log.ReaderAsync("a");
            while (true)
            {
                for (var read = 0; reader.Next() is not null; read++)
                {
                    var atHand = (await Log.GetAsync("a"))!.NextOffset;
                    (atHand % 7).ShouldBe(0);
                }

                if (await reader.WaitAsync().AsTask().WaitAsync(StreamTesting.Patience) == StreamWait.Closed) return reader.NextOffset;
            }
        })).ToList();
        for (var i = 0; i < 300; i++) await writer.AppendAsync("1", "2", "3", "4", "5", "6", "7");
        await writer.CloseAsync();
        foreach (var offset in await Task.WhenAll(following)) offset.ShouldBe(2100);
    }

    [Fact]
    public async Task Closing_without_events_wakes_the_waiting_reader()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var wait = reader.WaitAsync().AsTask();
        await writer.CloseAsync();
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Closed);
        (await reader.WaitAsync()).ShouldBe(StreamWait.Closed);
        reader.Next().ShouldBeNull();
    }

    [Fact]
    public async Task A_wake_up_is_kept_until_a_wait_takes_it()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        reader.Wake();
        reader.Wake();
        (await reader.WaitAsync()).ShouldBe(StreamWait.Woken);
        var wait = reader.WaitAsync().AsTask();
        wait.IsCompleted.ShouldBeFalse();
        reader.Wake();
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Woken);
        await writer.AppendAsync("one");
        reader.Wake();
        (await reader.WaitAsync()).ShouldBe(StreamWait.Woken); // before the data, so that no heartbeat starves
        (await reader.WaitAsync()).ShouldBe(StreamWait.Ready);
        reader.Next().ShouldBe("one");
    }

    [Fact]
    public async Task A_wake_up_after_disposal_is_harmless()
    {
        var writer = await Log.CreateAsync("a");
        var reader = await Log.ReaderAsync("a");
        reader.Dispose();
        reader.Wake();
        reader.Dispose();
        await writer.AppendAsync("one");
    }

    [Fact]
    public async Task Wakes_and_appends_at_once_lose_nothing()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var following = Task.Run(reader.FollowAsync);
        var waking = Task.Run(() =>
        {
            while (!following.IsCompleted)
            {
                reader.Wake();
                Thread.Yield();
            }
        });
        for (var i = 0; i < 2000; i++) await writer.AppendAsync($"{i}");
        await writer.CloseAsync();
        (await following).Events.ShouldBe(Enumerable.Range(0, 2000).Select(i => $"{i}"));
        await waking;
    }

    [Fact]
    public async Task A_thousand_readers_see_every_event()
    {
        var writer = await Log.CreateAsync("a");
        var following = new List<Task<(List<string> Events, StreamWait End)>>();
        for (var i = 0; i < 1000; i++) following.Add((await Log.ReaderAsync("a", i % 3)).FollowAsync());
        using var idle = await Log.ReaderAsync("a");
        for (var i = 0; i < 30; i++) await writer.AppendAsync($"{i}");
        await writer.CloseAsync("end");
        var expected = Enumerable.Range(0, 30).Select(i => $"{i}").Append("end").ToList();
        for (var i = 0; i < 1000; i++)
        {
            var (events, end) = await following[i];
            events.ShouldBe(expected[(i % 3)..]);
            end.ShouldBe(StreamWait.Closed);
        }

        (await idle.FollowAsync()).Events.ShouldBe(expected);
    }

    [Fact]
    public async Task Events_of_many_megabytes_come_back_whole()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var following = reader.FollowAsync();
        int[] sizes = [0, 1, 1 << 20, 3 << 20, 0, (8 << 20) + 1, 16 << 20, 5];
        using var batch = new StreamBatch();
        for (var i = 0; i < sizes.Length; i++)
        {
            batch.Clear();
            batch.Add("small"u8);
            batch.Add(Letters(sizes[i], i));
            await writer.AppendAsync(batch);
        }

        await writer.CloseAsync();
        var events = (await following).Events;
        events.Count.ShouldBe(sizes.Length * 2);
        for (var i = 0; i < sizes.Length; i++)
        {
            events[(i * 2) + 1].Length.ShouldBe(sizes[i]);
            (events[(i * 2) + 1] == Encoding.UTF8.GetString(Letters(sizes[i], i))).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_reader_that_asks_without_waiting_never_gets_less_than_a_whole_event()
    {
        const int Rounds = 2_000;
        var writer = await Log.CreateAsync("large");
        var other = await Log.CreateAsync("other");
        using var reader = await Log.ReaderAsync("large");
        var sizes = new[] { 6_000, 20_000 };
        string Expected(int i) => new((char)('a' + (i % 26)), sizes[i % sizes.Length]);

        var appending = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++) await writer.AppendAsync(Expected(i));
            await writer.CloseAsync();
        });
        var contending = Task.Run(async () =>
        {
            while (!appending.IsCompleted)
            {
                await other.AppendAsync("x");
                await Task.Yield(); // an append that meets no other never leaves its thread, and those that announce the large ones need one
            }
        });

        for (var i = 0; i < Rounds;)
        {
            string? data = null;
            for (var tries = 0; data is null && tries < 10_000; tries++) data = reader.Next(); // may meet an append just being made known
            if (data is null) await reader.WaitAsync().AsTask().WaitAsync(StreamTesting.Patience);
            else (data == Expected(i++)).ShouldBeTrue();
        }

        await Task.WhenAll(appending, contending);
    }
}
