using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Tests.Streams;

namespace Penstock.Redis.Tests;

/// <summary>Several processes on one Redis.</summary>
public sealed class RedisNodesTests(RedisFixture redis) : IClassFixture<RedisFixture>, IAsyncLifetime
{
    private RedisStreamLog _here = null!;
    private RedisStreamLog _there = null!;
    private string _database = "";

    public ValueTask InitializeAsync()
    {
        _database = redis.Server.NewDatabase();
        (_here, _there) = (Stores.Open(_database), Stores.Open(_database));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
    }

    [Fact]
    public async Task What_one_appends_another_follows_lists_and_takes_over()
    {
        var writer = await _here.CreateAsync("a/1");
        var following = (await _there.ReaderAsync("a/1")).FollowAsync();
        await writer.AppendAsync("one", "two");
        (await _there.ListAsync("a/").Select(info => (info.Path, info.NextOffset)).ToListAsync()).ShouldBe([("a/1", 2)]);
        var second = (await _there.TakeOverAsync("a/1")).ShouldNotBeNull();
        await Should.ThrowAsync<StreamFencedException>(() => writer.AppendAsync("stale"));
        await second.CloseAsync("three");
        (await following).ShouldSatisfyAllConditions(f => f.Events.ShouldBe(["one", "two", "three"]), f => f.End.ShouldBe(StreamWait.Closed));
    }

    [Fact]
    public async Task Whoever_waits_elsewhere_is_known()
    {
        await _here.CreateAsync("a");
        (await _here.IsWatchedElsewhereAsync("a")).ShouldBeFalse();
        using var ours = await _here.ReaderAsync("a");
        var wait = ours.WaitAsync().AsTask();
        await Eventually.Is(async () => await _there.IsWatchedElsewhereAsync("a"), "ours is watched, as they see it");
        (await _here.IsWatchedElsewhereAsync("a")).ShouldBeFalse();
        var theirs = await _there.ReaderAsync("a");
        var waitThere = theirs.WaitAsync().AsTask();
        await Eventually.Is(async () => await _here.IsWatchedElsewhereAsync("a"), "theirs is watched, as we see it");
        theirs.Dispose();
        await Eventually.Is(async () => !await _here.IsWatchedElsewhereAsync("a"), "theirs has left");
        ours.Wake();
        (await wait).ShouldBe(StreamWait.Woken);
        await Should.ThrowAsync<ObjectDisposedException>(() => waitThere);
    }

    [Fact]
    public async Task What_one_asks_all_others_answer()
    {
        await using var third = Stores.Open(_database);
        await using var elsewhere = Stores.Open(redis.Server.NewDatabase()); // what is published reaches all databases
        foreach (var (log, name) in new[] { (_here, "here"), (_there, "there"), (third, "third"), (elsewhere, "elsewhere") }) log.AnswerOthers(question => $"{name}: {question}\n");
        async Task<IEnumerable<string>> AskAsync() => (await _here.AskOthersAsync("who is there?")).Order();
        await Eventually.Is(async () => (await AskAsync()).SequenceEqual(["there: who is there?\n", "third: who is there?\n"]), "both answer");
        (await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _here.AskOthersAsync($"{i}").AsTask()))).ShouldAllBe(answers => answers.Count == 2);
        await third.DisposeAsync();
        await Eventually.Is(async () => (await AskAsync()).SequenceEqual(["there: who is there?\n"]), "the one that has gone does not");
    }

    [Fact]
    public async Task Whoever_takes_long_to_say_whom_to_tell_of_a_connection_is_told()
    {
        RedisConnection New() => new(new RedisStoreOptions { Connection = _database }, TimeProvider.System, NullLogger.Instance);
        await using var slow = New();
        await using var other = New();
        var (told, otherTold) = (new TaskCompletionSource(), new TaskCompletionSource());
        other.Start(() => otherTold.TrySetResult());
        await Eventually.Completes(otherTold.Task, "the other is told"); // by when the slow one would be there, too, had it connected
        await other.ExecuteAsync(RedisConnection.Briefly, "PING");
        slow.Start(() => told.TrySetResult());
        await Eventually.Completes(told.Task, "it is told");
        await slow.ExecuteAsync(RedisConnection.Briefly, "PING");
    }

    [Fact]
    public async Task Who_asks_when_nobody_else_is_there_waits_for_nobody()
    {
        await _there.DisposeAsync();
        await using var alone = Stores.Open(redis.Server.NewDatabase());
        alone.AnswerOthers(_ => throw new InvalidOperationException());
        await alone.GetAsync("a");
        var fastest = TimeSpan.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            var begun = System.Diagnostics.Stopwatch.GetTimestamp();
            (await alone.AskOthersAsync("who is there?")).ShouldBeEmpty();
            var took = System.Diagnostics.Stopwatch.GetElapsedTime(begun);
            if (took < fastest) fastest = took;
        }

        fastest.ShouldBeLessThan(TimeSpan.FromMilliseconds(100)); // it would wait for 200
    }

    [Fact]
    public async Task Deleting_here_ends_readers_there()
    {
        await (await _here.CreateAsync("a")).AppendAsync("one");
        var following = (await _there.ReaderAsync("a")).FollowAsync();
        await Eventually.Is(async () => await _here.IsWatchedElsewhereAsync("a"), "it is watched");
        await _here.DeleteAsync("a");
        (await following).End.ShouldBe(StreamWait.Gone);
    }

    [Fact]
    public async Task A_stream_that_is_created_anew_is_another_one_to_whoever_read_the_old()
    {
        await (await _here.CreateAsync("a")).AppendAsync("old");
        using var old = await _there.ReaderAsync("a");
        (await old.NextAsync()).ShouldBe("old");
        await _here.DeleteAsync("a");
        await (await _here.CreateAsync("a")).AppendAsync("new", "newer");
        (await old.FollowAsync()).ShouldSatisfyAllConditions(f => f.Events.ShouldBeEmpty(), f => f.End.ShouldBe(StreamWait.Gone));
        (await _there.ReadAllAsync("a")).ShouldBe(["new", "newer"]);
    }

    [Fact]
    public async Task Readers_that_lag_read_pages_and_hold_no_more()
    {
        await using var small = Stores.Open(_database, options => options with { MaxCacheBytes = 0 });
        var kilobyte = new string('k', 1000);
        var writer = await _here.CreateAsync("a");
        var live = (await small.ReaderAsync("a")).FollowAsync();
        for (var i = 0; i < 500; i++) await writer.AppendAsync($"{i}{kilobyte}", kilobyte);
        await writer.CloseAsync();
        var late = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => await (await small.ReaderAsync("a")).FollowAsync()));
        foreach (var (events, _) in late.Append(await live))
            events.ShouldBe(Enumerable.Range(0, 500).SelectMany(i => new[] { $"{i}{kilobyte}", kilobyte }));
    }

    [Fact]
    public async Task A_shared_streams_oldest_events_are_forgotten_by_size()
    {
        await using var log = Stores.Open(_database, options => options with { KeepBytes = 100_000 });
        await log.CreateSharedAsync("a", new SharedStreamOptions());
        using var batch = StreamTesting.Batch(new string('k', 10_000));
        using var waiting = await log.ReaderAsync("a", 500);
        for (var i = 0; i < 200; i++) await log.AppendAsync("a", batch);
        var info = (await log.GetAsync("a")).ShouldNotBeNull();
        info.FirstOffset.ShouldBe(190);
        (await log.ReadAllAsync("a", 190)).Count.ShouldBe(10);
        using var behind = await log.ReaderAsync("a", 3);
        behind.Next().ShouldBeNull();
        (await behind.WaitAsync()).ShouldBe(StreamWait.Behind);
    }

    [Fact]
    public async Task A_shared_streams_oldest_events_are_forgotten_by_age()
    {
        var time = new ManualTimeProvider();
        await using var log = new RedisStreamLog(
            new RedisStoreOptions { Connection = _database, KeepFor = TimeSpan.FromHours(1) }, time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await log.CreateSharedAsync("a", new SharedStreamOptions());
        await log.CreateSharedAsync("whole", new SharedStreamOptions { KeepWhole = true });
        using var batch = StreamTesting.Batch("x");
        foreach (var path in new[] { "a", "whole" })
        {
            for (var i = 0; i < 50; i++) await log.AppendAsync(path, batch);
        }

        time.Advance(TimeSpan.FromHours(2));
        await log.AppendAsync("a", batch);
        await log.AppendAsync("whole", batch);
        (await log.GetAsync("a"))!.FirstOffset.ShouldBe(50);
        (await log.GetAsync("whole"))!.FirstOffset.ShouldBe(0);
    }

    [Fact]
    public async Task Entries_of_streams_that_have_gone_leave_the_index_by_themselves()
    {
        var time = new ManualTimeProvider();
        await using var log = new RedisStreamLog(new RedisStoreOptions { Connection = _database }, time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        for (var i = 0; i < 300; i++) await (await log.CreateAsync($"g/{i}")).CloseAsync();
        await log.CreateAsync("g/open");
        await log.CreateSharedAsync("s", new SharedStreamOptions { TimeToLive = TimeSpan.FromHours(1) });
        time.Advance(TimeSpan.FromDays(2));
        await Eventually.Is(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(30));
                return await CountKeysAsync() == 4; // the open stream, the counter, and it in the index and in that of g/
            },
            "all but the open stream has gone");
        (await log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["g/open"]);
    }

    [Fact]
    public async Task The_password_is_in_no_message()
    {
        await using var secret = await RedisServer.StartAsync("p4ss-7f3a9c-word");
        var lines = new LogLines();
        await using var log = Stores.Open(secret.NewDatabase(), options => options with { Outage = TimeSpan.FromSeconds(1) }, lines);
        var writer = await log.CreateAsync("a");
        await writer.AppendAsync("one");
        await secret.Kill9();
        var error = await Should.ThrowAsync<StreamUnreachableException>(() => writer.AppendAsync("two"));
        string.Join('\n', lines.All.Append(error.ToString())).ShouldNotContain("p4ss");
        lines.All.ShouldContain(line => line.Contains("has gone", StringComparison.Ordinal));
    }

    // A database of its own holds nothing else.
    private async Task<int> CountKeysAsync()
    {
        var database = _database.Split("defaultDatabase=")[1];
        var reply = await redis.Server.AskAsync($"SELECT {database}\r\nDBSIZE");
        return int.Parse(reply.Split(':')[1].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
