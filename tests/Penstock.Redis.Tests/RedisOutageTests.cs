using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Tests.Streams;
using StackExchange.Redis;

namespace Penstock.Redis.Tests;

/// <summary>Redis goes and comes back: what is appended is stored once and in order, and readers see it so.</summary>
public sealed class RedisOutageTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private RedisStreamLog _here = null!;
    private RedisStreamLog _there = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        var database = _redis.NewDatabase();
        (_here, _there) = (Stores.Open(database), Stores.Open(database));
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_redis_that_is_killed_and_comes_back_costs_nothing()
    {
        var (writer, reading) = await BeginAsync();
        await writer.CountAsync(300, async i =>
        {
            if (i is not (100 or 200)) return;
            await _redis.Kill9();
            _ = Task.Run(_redis.StartAsync); // while the next append waits for it
        });
        await SeesAllAsync(reading, 300);
    }

    [Fact]
    public async Task A_redis_that_stands_still_is_waited_for()
    {
        var (writer, reading) = await BeginAsync();
        await writer.CountAsync(30, async i =>
        {
            if (i != 10) return;
            _redis.Freeze();
            _ = Task.Delay(TimeSpan.FromSeconds(2)).ContinueWith(_ => _redis.Thaw(), TaskScheduler.Default);
            await Task.CompletedTask;
        });
        await SeesAllAsync(reading, 30);
    }

    [Fact]
    public async Task A_redis_that_is_silent_for_long_is_not_reachable_and_what_waits_for_it_goes_on_when_it_wakes()
    {
        var (writer, reading) = await BeginAsync();
        await writer.CountAsync(30, async i =>
        {
            if (i != 10) return;
            _redis.Freeze();
            _ = Task.Run(async () =>
            {
                await Eventually.Is(() => !_here.IsReachable, "the store is not reachable");
                await Task.Delay(TimeSpan.FromSeconds(8)); // the connection is given up meanwhile
                _redis.Thaw();
            });
            await Task.CompletedTask;
        });
        await SeesAllAsync(reading, 30);
        await Eventually.Is(() => _here.IsReachable, "the store is reachable");
    }

    [Fact]
    public async Task Whoever_is_told_of_connections_is_told_of_one_that_takes_a_silent_ones_place()
    {
        var time = new ManualTimeProvider();
        await using var connection = new RedisConnection(new RedisStoreOptions { Connection = _redis.NewDatabase() }, time, NullLogger.Instance);
        var told = 0;
        connection.Start(() => Interlocked.Increment(ref told));
        await connection.ExecuteAsync(RedisConnection.Briefly, "PING");
        await Eventually.Is(() => Volatile.Read(ref told) > 0, "the first is told of");
        _redis.Freeze();
        time.Advance(TimeSpan.FromSeconds(1)); // it asks
        time.Advance(TimeSpan.FromSeconds(8)); // and gives it up, of which nothing is told from now on
        var before = Volatile.Read(ref told);
        _redis.Thaw();
        await Eventually.Is(() => Volatile.Read(ref told) > before, "the second is told of");
    }

    [Fact]
    public async Task A_reader_whose_subscription_is_cut_again_and_again_misses_nothing()
    {
        var (writer, reading) = await BeginAsync();
        await writer.CountAsync(400, async i =>
        {
            if (i % 20 == 19) await _redis.AskAsync("CLIENT KILL TYPE pubsub");
        });
        await SeesAllAsync(reading, 400);
    }

    [Fact]
    public async Task A_writer_that_is_taken_over_during_a_break_is_told_and_nobody_listens_for_it_once_it_has_ended()
    {
        await using var relay = new CuttingProxy(new Uri($"http://127.0.0.1:{_redis.Port}"));
        var database = _redis.NewDatabase();
        await using var cut = Stores.Open(database.Replace($":{_redis.Port}", $":{relay.Url.Port}", StringComparison.Ordinal));
        await using var other = Stores.Open(database);
        var writer = await cut.CreateAsync("a");
        var lost = 0;
        var watch = cut.WhenLost(writer, () => Interlocked.Increment(ref lost));
        await Eventually.Is(async () => await CountAsync() == 1, "it listens");
        relay.IsDown = true;
        relay.CutAll();
        await Eventually.Is(async () => await CountAsync() == 0, "it does not hear");
        await other.TakeOverAsync("a");
        relay.IsDown = false;
        await Eventually.Is(() => Volatile.Read(ref lost) == 1, "it is told, having listened anew");
        watch.Dispose();
        await Eventually.Is(async () => await CountAsync() == 0, "nobody listens");
        lost.ShouldBe(1);

        async Task<int> CountAsync()
        {
            var channel = new StreamKeys("a", int.Parse(database.Split("defaultDatabase=")[1], CultureInfo.InvariantCulture)).WriterChannel;
            return int.Parse((await _redis.AskAsync($"PUBSUB NUMSUB {channel}")).Split("\r\n:")[1].Split('\r')[0], CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task Redis_may_forget_the_scripts()
    {
        var (writer, reading) = await BeginAsync();
        await writer.CountAsync(20, async i =>
        {
            if (i % 5 == 4) await _redis.AskAsync("SCRIPT FLUSH");
        });
        await SeesAllAsync(reading, 20);
    }

    [Fact]
    public async Task Answers_that_are_lost_with_their_connection_double_nothing()
    {
        // Cut in the middle of replies: most of the appends under way are stored, and nobody was told.
        await using var relay = new CuttingProxy(new Uri($"http://127.0.0.1:{_redis.Port}"), [.. Enumerable.Range(0, 40).Select(i => 8_000 + (i * 37))]);
        await using var cut = Stores.Open(_redis.NewDatabase(relay.Url.Port));
        var writers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i => await cut.CreateAsync($"{i}")));
        await cut.CreateSharedAsync("shared", new SharedStreamOptions());
        var counting = writers.Select(writer => writer.CountAsync(300)).ToList();
        var shared = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
            {
                using var batch = StreamTesting.Batch($"{i}");
                (await cut.AppendAsync("shared", batch)).ShouldBe(new AppendResult(AppendStatus.Appended, i + 1));
            }
        });
        await Task.WhenAll([.. counting, shared]);
        relay.Cuts.ShouldBeGreaterThan(3);
        for (var i = 0; i < writers.Length; i++) (await cut.ReadAllAsync($"{i}")).ShouldBe(Stores.Numbers(300));
        (await cut.ReadAllAsync("shared")).ShouldBe(Stores.Numbers(300));
    }

    [Fact]
    public async Task A_redis_that_does_not_come_back_fails_the_append_and_readers_wait_on()
    {
        await using var log = Stores.Open(_redis.NewDatabase(), options => options with { Outage = TimeSpan.FromSeconds(1) });
        var writer = await log.CreateAsync("a");
        using var reader = await log.ReaderAsync("a");
        await writer.AppendAsync("one");
        (await reader.NextAsync()).ShouldBe("one");
        var wait = reader.WaitAsync().AsTask();
        await _redis.Kill9();
        (await Should.ThrowAsync<StreamUnreachableException>(() => writer.AppendAsync("two"))).Message.ShouldContain($"Redis at 127.0.0.1:{_redis.Port} does not answer");
        await Should.ThrowAsync<StreamUnreachableException>(async () => await log.CreateAsync("b"));
        wait.IsCompleted.ShouldBeFalse();
        reader.Wake(); // as a heartbeat does
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Woken);
        await _redis.StartAsync();
        await Eventually.Is(() => log.IsReachable, "the store is reachable");
        await writer.AppendAsync("three");
        (await reader.NextAsync()).ShouldBe("three");
    }

    [Fact]
    public async Task An_append_that_was_given_up_and_is_stored_after_all_is_told()
    {
        await using var log = Stores.Open(_redis.NewDatabase(), options => options with { Outage = TimeSpan.FromSeconds(1) });
        var writer = await log.CreateAsync("a");
        await writer.AppendAsync("one");
        _redis.Freeze();
        await Should.ThrowAsync<StreamUnreachableException>(() => writer.AppendAsync("two")); // it lies in the frozen server's buffer
        _redis.Thaw();
        await Eventually.Is(async () => log.IsReachable && (await log.GetAsync("a"))!.NextOffset == 2, "it is stored");
        (await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync("three"))).Message.ShouldContain("after all");
        await writer.CloseAsync("end");
        (await log.ReadAllAsync("a")).ShouldBe(["one", "two", "end"]);
    }

    [Fact]
    public async Task What_is_subscribed_to_again_is_heard_once()
    {
        await using var connection = new RedisConnection(new RedisStoreOptions { Connection = _redis.NewDatabase() }, TimeProvider.System, NullLogger.Instance);
        connection.Start(() => { });
        var heard = new ConcurrentQueue<string?>();
        var end = new TaskCompletionSource();
        void Hear(RedisChannel channel, RedisValue news)
        {
            heard.Enqueue(news);
            if (news == "two") end.TrySetResult();
        }

        async Task<bool> IsSubscribedAsync() => (await _redis.AskAsync("PUBSUB NUMSUB news")).Contains("\r\n:1\r\n", StringComparison.Ordinal);
        await Eventually.Is(
            async () =>
            {
                await connection.SubscribeAsync("news", Hear); // of no effect before both of the link's connections are there
                return await IsSubscribedAsync();
            },
            "it listens");
        // Two and more at once, as when both are there again.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => connection.SubscribeAsync("news", Hear))))));
        foreach (var news in new[] { "one", "two" }) (await _redis.AskAsync($"PUBLISH news {news}")).ShouldStartWith(":1");
        await Eventually.Completes(end.Task, "the last is heard");
        await connection.UnsubscribeAsync("news", Hear);
        (await IsSubscribedAsync()).ShouldBeFalse();
        heard.ShouldBe(["one", "two"]);
    }

    private async Task<(IStreamWriter Writer, Task<(List<string> Events, StreamWait End)>[] Reading)> BeginAsync()
    {
        var writer = await _here.CreateAsync("a");
        return (writer, [(await _here.ReaderAsync("a")).FollowAsync(), (await _there.ReaderAsync("a")).FollowAsync()]);
    }

    private static async Task SeesAllAsync(Task<(List<string> Events, StreamWait End)>[] reading, int count)
    {
        foreach (var (events, end) in await Task.WhenAll(reading))
        {
            events.ShouldBe(Stores.Numbers(count));
            end.ShouldBe(StreamWait.Closed);
        }
    }
}
