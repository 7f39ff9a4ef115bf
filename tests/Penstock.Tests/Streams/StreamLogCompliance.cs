using System.Text;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Tests.Streams;

/// <summary>The law of <see cref="IStreamLog"/>, case by case. Every store passes it.</summary>
public abstract class StreamLogCompliance : IAsyncLifetime
{
    private protected ManualTimeProvider Time { get; } = new();

    private protected IStreamLog Log { get; private set; } = null!;

    private protected StreamStoreOptions Options { get; } = new() { MaxStreamBytes = 40 << 20 };

    private protected abstract IStreamLog Open();

    public async ValueTask InitializeAsync()
    {
        Log = Open();
        await ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_new_stream_is_empty_and_open()
    {
        var writer = await Log.CreateAsync("a/b");
        writer.Path.ShouldBe("a/b");
        writer.Epoch.ShouldBe(1);
        writer.NextOffset.ShouldBe(0);
        var info = (await Log.GetAsync("a/b")).ShouldNotBeNull();
        info.Path.ShouldBe("a/b");
        info.CreatedAt.ShouldBe(Time.GetUtcNow());
        info.Epoch.ShouldBe(1);
        info.NextOffset.ShouldBe(0);
        info.Closed.ShouldBeFalse();
        info.ExpiresAt.ShouldBeNull();
        info.Metadata.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_taken_path_is_refused()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("one");
        await Should.ThrowAsync<StreamExistsException>(async () => await Log.CreateAsync("a"));
        (await Log.ReadAllAsync("a")).ShouldBe(["one"]);
    }

    [Fact]
    public async Task Of_many_that_create_one_path_one_succeeds()
    {
        var attempts = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            try
            {
                return await Log.CreateAsync("a");
            }
            catch (StreamExistsException)
            {
                return null;
            }
        })));
        var writer = attempts.OfType<IStreamWriter>().ShouldHaveSingleItem();
        await writer.AppendAsync("one");
        (await Log.ReadAllAsync("a")).ShouldBe(["one"]);
    }

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        (await Log.GetAsync("no")).ShouldBeNull();
        (await Log.OpenReaderAsync("no")).ShouldBeNull();
        (await Log.TakeOverAsync("no")).ShouldBeNull();
        (await Log.DeleteAsync("no")).ShouldBeFalse();
    }

    [Fact]
    public async Task Events_get_dense_offsets_from_zero()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("zero");
        writer.NextOffset.ShouldBe(1);
        await writer.AppendAsync("one", "two", "");
        writer.NextOffset.ShouldBe(4);
        (await Log.GetAsync("a"))!.NextOffset.ShouldBe(4);
        (await Log.ReadAllAsync("a")).ShouldBe(["zero", "one", "two", ""]);
    }

    [Fact]
    public async Task Streams_do_not_mix()
    {
        var a = await Log.CreateAsync("a");
        var b = await Log.CreateAsync("b");
        for (var i = 0; i < 20; i++)
        {
            await a.AppendAsync($"a{i}");
            await b.AppendAsync($"b{i}", $"b{i}'");
        }

        (await Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, 20).Select(i => $"a{i}"));
        (await Log.ReadAllAsync("b")).ShouldBe(Enumerable.Range(0, 20).SelectMany(i => new[] { $"b{i}", $"b{i}'" }));
    }

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
    public async Task A_negative_offset_is_refused()
    {
        await Log.CreateAsync("a");
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await Log.OpenReaderAsync("a", -1));
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
    public async Task The_batch_may_be_changed_once_its_append_has_completed()
    {
        var writer = await Log.CreateAsync("a");
        using var batch = StreamTesting.Batch("first");
        await writer.AppendAsync(batch);
        batch.Clear();
        batch.Add("other"u8);
        (await Log.ReadAllAsync("a")).ShouldBe(["first"]);
    }

    [Fact]
    public async Task An_empty_batch_is_refused_unless_it_closes()
    {
        var writer = await Log.CreateAsync("a");
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync());
        await writer.CloseAsync();
        (await Log.GetAsync("a"))!.Closed.ShouldBeTrue();
    }

    [Fact]
    public async Task Closing_with_events_shows_the_events_and_then_the_end()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var following = reader.FollowAsync();
        await writer.AppendAsync("one");
        await writer.CloseAsync("two", "three");
        var (events, end) = await following;
        events.ShouldBe(["one", "two", "three"]);
        end.ShouldBe(StreamWait.Closed);
        (await Log.GetAsync("a"))!.ExpiresAt.ShouldBe(Time.GetUtcNow() + Options.Retention);
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
    public async Task A_closed_stream_never_grows()
    {
        var writer = await Log.CreateAsync("a");
        await writer.CloseAsync("last");
        await Should.ThrowAsync<StreamClosedException>(() => writer.AppendAsync("more"));
        await Should.ThrowAsync<StreamClosedException>(() => writer.CloseAsync());
        (await Log.TakeOverAsync("a")).ShouldBeNull();
        (await Log.ReadAllAsync("a")).ShouldBe(["last"]);
    }

    [Fact]
    public async Task A_take_over_fences_the_earlier_writer()
    {
        var first = await Log.CreateAsync("a");
        await first.AppendAsync("one");
        var second = (await Log.TakeOverAsync("a")).ShouldNotBeNull();
        second.Epoch.ShouldBe(2);
        second.NextOffset.ShouldBe(1);
        await Should.ThrowAsync<StreamFencedException>(() => first.AppendAsync("stale"));
        await Should.ThrowAsync<StreamFencedException>(() => first.CloseAsync("stale"));
        await second.AppendAsync("two");
        await second.CloseAsync("three");
        await Should.ThrowAsync<StreamFencedException>(() => first.AppendAsync("stale"));
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two", "three"]);
        (await Log.GetAsync("a"))!.Epoch.ShouldBe(2);
    }

    [Fact]
    public async Task Writers_that_take_over_from_one_another_leave_a_dense_stream()
    {
        var appended = 0;
        await Log.CreateAsync("a");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(producer => Task.Run(async () =>
        {
            for (var round = 0; round < 20; round++)
            {
                var writer = (await Log.TakeOverAsync("a")).ShouldNotBeNull();
                try
                {
                    for (var i = 0; i < 5; i++)
                    {
                        var offset = writer.NextOffset;
                        await writer.AppendAsync($"{offset}", $"{offset + 1}");
                        Interlocked.Add(ref appended, 2);
                    }
                }
                catch (StreamFencedException)
                {
                    // Another has taken over.
                }
            }
        })));
        (await Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, appended).Select(i => $"{i}"));
        (await Log.GetAsync("a"))!.Epoch.ShouldBe(161);
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
    public async Task Deleting_ends_readers_and_the_writer()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("one", "two");
        using var reading = await Log.ReaderAsync("a");
        (await reading.NextAsync()).ShouldBe("one");
        using var waiting = await Log.ReaderAsync("a", 2);
        var wait = waiting.WaitAsync().AsTask();
        (await Log.DeleteAsync("a")).ShouldBeTrue();
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Gone);
        (await reading.FollowAsync()).End.ShouldBe(StreamWait.Gone);
        await Should.ThrowAsync<StreamGoneException>(() => writer.AppendAsync("three"));
        (await Log.GetAsync("a")).ShouldBeNull();
        (await Log.OpenReaderAsync("a")).ShouldBeNull();
        (await Log.TakeOverAsync("a")).ShouldBeNull();
        (await Log.DeleteAsync("a")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_path_may_be_created_anew()
    {
        var old = await Log.CreateAsync("a");
        await old.AppendAsync("old", "old");
        await Log.DeleteAsync("a");
        var fresh = await Log.CreateAsync("a");
        await fresh.AppendAsync("new");
        await Should.ThrowAsync<StreamGoneException>(() => old.AppendAsync("old"));
        (await Log.ReadAllAsync("a")).ShouldBe(["new"]);
    }

    [Fact]
    public async Task A_closed_stream_goes_when_its_retention_ends_and_an_open_one_stays()
    {
        var closed = await Log.CreateAsync("closed");
        var brief = await Log.CreateAsync("brief", new StreamOptions { Retention = TimeSpan.FromMinutes(1) });
        var open = await Log.CreateAsync("open");
        await open.AppendAsync("one");
        await closed.CloseAsync("one");
        await brief.CloseAsync("one");
        using var reader = await Log.ReaderAsync("brief");
        (await Log.GetAsync("brief"))!.ExpiresAt.ShouldBe(Time.GetUtcNow() + TimeSpan.FromMinutes(1));
        Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(1));
        (await Log.GetAsync("brief")).ShouldNotBeNull();
        Time.Advance(TimeSpan.FromSeconds(1));
        (await Log.GetAsync("brief")).ShouldBeNull();
        (await Log.OpenReaderAsync("brief")).ShouldBeNull();
        (await reader.FollowAsync()).End.ShouldBe(StreamWait.Gone);
        (await Log.ReadAllAsync("closed")).ShouldBe(["one"]);
        Time.Advance(Options.Retention);
        (await Log.GetAsync("closed")).ShouldBeNull();
        (await Log.ReadAllAsync("open")).ShouldBe(["one"]);
        Time.Advance(TimeSpan.FromDays(30));
        await open.AppendAsync("two");
        (await Log.ReadAllAsync("open")).ShouldBe(["one", "two"]);
        await Log.CreateAsync("brief");
    }

    [Fact]
    public async Task Streams_are_listed_newest_first()
    {
        foreach (var path in (string[])["a/1", "b/1", "a/2", "a/3"])
        {
            var writer = await Log.CreateAsync(path, new StreamOptions { Metadata = Encoding.UTF8.GetBytes(path) });
            if (path == "a/2") await writer.CloseAsync("x");
            Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Log.DeleteAsync("a/3");
        await Log.CreateAsync("a/0");
        (await Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["a/0", "a/2", "b/1", "a/1"]);
        var listed = await Log.ListAsync("a/").ToListAsync();
        listed.Select(info => info.Path).ShouldBe(["a/0", "a/2", "a/1"]);
        listed.Select(info => info.Closed).ShouldBe([false, true, false]);
        Encoding.UTF8.GetString(listed[1].Metadata.Span).ShouldBe("a/2");
        (await Log.ListAsync("c").ToListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Metadata_is_kept()
    {
        var metadata = new byte[3000];
        Random.Shared.NextBytes(metadata);
        await Log.CreateAsync("päth/好", new StreamOptions { Metadata = metadata });
        metadata.AsSpan().ToArray().ShouldBe((await Log.GetAsync("päth/好"))!.Metadata.ToArray());
    }

    [Fact]
    public async Task A_full_stream_says_so_and_can_still_be_closed()
    {
        var writer = await Log.CreateAsync("a");
        var megabyte = new string('m', 1 << 20);
        for (var i = 0; i < 40; i++) await writer.AppendAsync(megabyte);
        (await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync("one more"))).Message.ShouldContain("MaxStreamBytes");
        await Should.ThrowAsync<StreamStorageException>(() => writer.CloseAsync(megabyte));
        writer.NextOffset.ShouldBe(40);
        await writer.CloseAsync("full");
        (await Log.ReadAllAsync("a", 40)).ShouldBe(["full"]);
        await (await Log.CreateAsync("b")).AppendAsync("unharmed");
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
            while (!appending.IsCompleted) await other.AppendAsync("x");
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

    [Fact]
    public async Task Many_writers_at_once_each_keep_their_bytes_and_order()
    {
        const int Streams = 64, Batches = 40;
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(number => Task.Run(async () =>
        {
            var path = $"many/{number}";
            var writer = await Log.CreateAsync(path);
            var live = Task.Run(async () => await (await Log.ReaderAsync(path)).FollowAsync());
            var expected = new List<string>();
            var random = new Random(number);
            using var batch = new StreamBatch();
            for (var i = 0; i < Batches; i++)
            {
                batch.Clear();
                for (var e = random.Next(1, 4); e > 0; e--)
                {
                    var data = Letters(random.Next(random.Next(20) == 0 ? 50_000 : 400), random.Next());
                    batch.Add(data);
                    expected.Add(Encoding.UTF8.GetString(data));
                }

                await writer.AppendAsync(batch, close: i == Batches - 1);
                writer.NextOffset.ShouldBe(expected.Count);
            }

            (await live).Events.SequenceEqual(expected).ShouldBeTrue();
            (await Log.ReadAllAsync(path)).SequenceEqual(expected).ShouldBeTrue();
        })));
    }

    [Fact]
    public async Task A_store_that_was_shut_down_takes_no_more_and_lets_nobody_wait()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var wait = reader.WaitAsync().AsTask();
        await Log.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(() => wait.WaitAsync(StreamTesting.Patience));
        await Should.ThrowAsync<ObjectDisposedException>(() => writer.AppendAsync("one"));
        await Should.ThrowAsync<ObjectDisposedException>(async () => await Log.CreateAsync("b"));
    }

    private protected static byte[] Letters(int length, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[length];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)('a' + (bytes[i] % 26));
        return bytes;
    }
}
