using Penstock.Streams;
using Penstock.Streams.Disk;
using Penstock.Testing;

namespace Penstock.Tests.Streams.Disk;

/// <summary>What the disk store forgets, and what it still knows then.</summary>
public sealed class DiskRetentionTests
{
    private const string Metadata = "meta";

    private static readonly string _filler = new('x', 500);

    [Fact]
    public async Task A_long_stream_keeps_its_newest_bytes_and_gives_the_disk_back()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepBytes = 20_000, MaxStreamBytes = 100_000 });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions { Metadata = System.Text.Encoding.UTF8.GetBytes(Metadata) });
        for (var i = 0; i < 1000; i++) // five times what a stream may hold at once
        {
            (await AppendAsync(store, "a", i)).ShouldBe(AppendStatus.Appended);
            if (i % 50 == 49) await store.Log.Retention.TendAsync();
            if (i % 300 == 299) await store.ReopenAsync();
        }

        await store.Log.Retention.TendAsync();
        for (var round = 0; round < 3; round++)
        {
            var info = (await store.Log.GetAsync("a")).ShouldNotBeNull();
            info.NextOffset.ShouldBe(1000);
            info.FirstOffset.ShouldBeInRange(900, 965); // 20,000 bytes are 40 events, a segment holds about 30
            System.Text.Encoding.UTF8.GetString(info.Metadata.Span).ShouldBe(Metadata);
            (await store.Log.ReadAllAsync("a", info.FirstOffset)).ShouldBe(Enumerable.Range((int)info.FirstOffset, 1000 - (int)info.FirstOffset).Select(Event));
            (await AppendAsync(store, "a", 999)).ShouldBe(AppendStatus.Duplicate);
            store.Folder.Logs.Length.ShouldBeLessThan(9);
            using (var behind = await store.Log.ReaderAsync("a", 5))
            {
                behind.Next().ShouldBeNull();
                (await behind.WaitAsync()).ShouldBe(StreamWait.Behind);
            }

            using (var copy = store.Folder.Copy())
            {
                File.WriteAllText(Path.Combine(copy.Path, "lock"), SegmentFolder.Format);
                FolderCheck.Run(copy.Path).Findings.ShouldAllBe(f => f.IsHarmless);
            }

            await using (var crashed = store.Crash()) (await crashed.Log.GetAsync("a")).ShouldNotBeNull().FirstOffset.ShouldBe(info.FirstOffset);
            await store.ReopenAsync(() =>
            {
                if (round == 1) Array.ForEach(store.Folder.Indexes, File.Delete);
            });
        }

        await store.Log.DeleteAsync("a");
        await store.ReopenAsync();
        (await store.Log.GetAsync("a")).ShouldBeNull();
        store.Folder.Logs.ShouldBeEmpty();
    }

    [Fact]
    public async Task Old_events_are_forgotten_and_the_stream_goes_on()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepFor = TimeSpan.FromHours(1) });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var i = 0; i < 60; i++) await AppendAsync(store, "a", i);
        await store.ReopenAsync(); // which ends the segment
        store.Time.Advance(TimeSpan.FromHours(2));
        await AppendAsync(store, "a", 60);
        await store.Log.Retention.TendAsync();
        var info = (await store.Log.GetAsync("a")).ShouldNotBeNull();
        (info.FirstOffset, info.NextOffset).ShouldBe((60, 61));
        (await store.Log.ReadAllAsync("a", 60)).ShouldBe([Event(60)]);
        store.Folder.Logs.Length.ShouldBe(1);
        (await AppendAsync(store, "a", 60)).ShouldBe(AppendStatus.Duplicate);
        (await AppendAsync(store, "a", 61)).ShouldBe(AppendStatus.Appended);
    }

    [Fact]
    public async Task A_folder_that_is_too_large_forgets_what_was_written_longest_ago_but_what_is_being_written()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { MaxTotalBytes = 100_000 });
        await (await store.Log.CreateAsync("ended")).CloseAsync("long ago");
        var open = await store.Log.CreateAsync("open");
        await open.AppendAsync("still being written");
        await store.Log.CreateSharedAsync("idle", new SharedStreamOptions(), StreamTesting.Batch("idle 0"));
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var i = 0; i < 600; i++)
        {
            await AppendAsync(store, "a", i);
            if (i % 50 == 49) await store.Log.Retention.TendAsync();
        }

        for (var round = 0; round < 2; round++)
        {
            await store.ReopenAsync(); // what is sealed in the background is so now
            store.Folder.Logs.Sum(file => new FileInfo(file).Length).ShouldBeLessThan(120_000); // one segment may be kept for the open stream
            (await store.Log.GetAsync("ended")).ShouldBeNull();
            (await store.Log.ReadAllAsync("open")).ShouldBe(["still being written"]);
            var idle = (await store.Log.GetAsync("idle")).ShouldNotBeNull();
            (idle.FirstOffset, idle.NextOffset).ShouldBe((1, 1));
            var info = (await store.Log.GetAsync("a")).ShouldNotBeNull();
            info.FirstOffset.ShouldBeInRange(300, 550);
            (await store.Log.ReadAllAsync("a", info.FirstOffset)).Count.ShouldBe(600 - (int)info.FirstOffset);
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(0)]
    public async Task A_stream_whose_time_to_live_is_over_does_not_come_back_with_a_restart(int seconds)
    {
        await using var store = new DiskStore();
        await store.Log.CreateSharedAsync("stays", new SharedStreamOptions(), StreamTesting.Batch("one")); // and the segment with it
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions { TimeToLive = TimeSpan.FromSeconds(seconds) }, StreamTesting.Batch("two"));
        await store.ReopenAsync();
        if (seconds > 0) (await store.Log.GetAsync("a")).ShouldNotBeNull(); // a restart counts anew
        store.Time.Advance(TimeSpan.FromSeconds(seconds + 31));
        (await store.Log.GetAsync("a")).ShouldBeNull();
        await Eventually.Is(
            async () =>
            {
                await using var crashed = store.Crash();
                return await crashed.Log.GetAsync("a") is null;
            },
            "that its time is over is on the disk");
        for (var round = 0; round < 2; round++)
        {
            await store.ReopenAsync(() =>
            {
                if (round == 1) Array.ForEach(store.Folder.Indexes, File.Delete);
            });
            (await store.Log.GetAsync("a")).ShouldBeNull();
            (await store.Log.ReadAllAsync("stays")).ShouldBe(["one"]);
        }

        await store.Log.CreateSharedAsync("a", new SharedStreamOptions(), StreamTesting.Batch("three")); // its path is free
        await store.ReopenAsync();
        (await store.Log.ReadAllAsync("a")).ShouldBe(["three"]);
    }

    [Fact]
    public async Task What_a_fork_begins_with_is_kept()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepBytes = 1000 });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var i = 0; i < 100; i++) await AppendAsync(store, "a", i);
        await store.Log.CreateSharedAsync("fork", new SharedStreamOptions { Fork = new StreamFork("a", 50) });
        await store.Log.Retention.TendAsync();
        (await store.Log.ReadAllAsync("fork")).Count.ShouldBe(50);
        await store.Log.DeleteAsync("fork");
        await store.Log.Retention.TendAsync();
        (await store.Log.GetAsync("a")).ShouldNotBeNull().FirstOffset.ShouldBeGreaterThan(50);
    }

    [Fact]
    public async Task A_producer_is_remembered_when_all_its_segments_are_gone_and_the_next_start_reads_the_index()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepFor = TimeSpan.FromHours(1) });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        await AppendAsync(store, "a", 0, producer: "early");
        await AppendAsync(store, "a", 0);
        await store.ReopenAsync();
        store.Time.Advance(TimeSpan.FromHours(2));
        await AppendAsync(store, "a", 0, producer: "late");
        await store.Log.Retention.TendAsync();
        for (var start = 0; start < 3; start++) // the first reads what the trim says, the next what the index says of it
        {
            await store.ReopenAsync();
            (await AppendAsync(store, "a", 0, producer: "early")).ShouldBe(AppendStatus.Duplicate);
            (await AppendAsync(store, "a", 0, producer: "late")).ShouldBe(AppendStatus.Duplicate);
        }
    }

    [Fact]
    public async Task An_idle_stream_that_was_forgotten_whole_goes_on_where_it_was_after_a_crash()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepFor = TimeSpan.FromHours(1) });
        await ForgetWholeAsync(store, close: false);
        await using var crashed = store.Crash();
        var info = (await crashed.Log.GetAsync("a")).ShouldNotBeNull();
        (info.FirstOffset, info.NextOffset).ShouldBe((10, 10));
        using var batch = StreamTesting.Batch("next");
        (await crashed.Log.AppendAsync("a", batch)).NextOffset.ShouldBe(11);
        (await crashed.Log.ReadAllAsync("a", 10)).ShouldBe(["next"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_closed_stream_that_was_forgotten_whole_is_closed_after_a_restart(bool isCrash)
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepFor = TimeSpan.FromHours(1) });
        await ForgetWholeAsync(store, close: true);
        await using var crashed = isCrash ? store.Crash() : null;
        if (!isCrash) await store.ReopenAsync();
        if (!isCrash) await store.ReopenAsync();
        var log = (crashed ?? store).Log;
        (await log.GetAsync("a")).ShouldNotBeNull().Closed.ShouldBeTrue();
        using var batch = StreamTesting.Batch("more");
        (await log.AppendAsync("a", batch)).Status.ShouldBe(AppendStatus.Closed);
    }

    [Fact]
    public async Task A_fork_begins_where_its_source_does()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepBytes = 1000 });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var i = 0; i < 100; i++) await AppendAsync(store, "a", i);
        await store.Log.Retention.TendAsync();
        var first = (await store.Log.GetAsync("a")).ShouldNotBeNull().FirstOffset;
        first.ShouldBeGreaterThan(10);
        await store.Log.CreateSharedAsync("fork", new SharedStreamOptions { Fork = new StreamFork("a", 100) });
        for (var start = 0; start < 2; start++)
        {
            (await store.Log.GetAsync("fork")).ShouldNotBeNull().FirstOffset.ShouldBe(first);
            (await store.Log.ReadAllAsync("fork", first)).Count.ShouldBe(100 - (int)first);
            using (var behind = await store.Log.ReaderAsync("fork", 5)) (await behind.WaitAsync()).ShouldBe(StreamWait.Behind);
            await store.ReopenAsync();
        }
    }

    [Fact]
    public async Task What_is_to_be_kept_whole_is()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { KeepFor = TimeSpan.FromHours(1), KeepBytes = 1, MaxTotalBytes = 1 });
        await store.Log.CreateSharedAsync("key", new SharedStreamOptions { KeepWhole = true }, StreamTesting.Batch("secret"));
        for (var start = 0; start < 3; start++)
        {
            await store.ReopenAsync();
            store.Time.Advance(TimeSpan.FromHours(2));
            await store.Log.CreateSharedAsync($"other {start}", new SharedStreamOptions(), StreamTesting.Batch("other"));
            await store.Log.Retention.TendAsync();
            (await store.Log.ReadAllAsync("key")).ShouldBe(["secret"]);
        }
    }

    private static string Event(int i) => $"{i} {_filler}";

    /// <summary>A stream "a" of ten events, none of which is kept; another one is being written.</summary>
    private static async Task ForgetWholeAsync(DiskStore store, bool close)
    {
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var i = 0; i < 10; i++) await AppendAsync(store, "a", i);
        using var nothing = new StreamBatch();
        if (close) (await store.Log.AppendAsync("a", nothing, new StreamAppend { Close = true })).Status.ShouldBe(AppendStatus.Appended);
        await store.ReopenAsync(); // which ends the segment
        store.Time.Advance(TimeSpan.FromHours(2));
        await store.Log.CreateSharedAsync("other", new SharedStreamOptions(), StreamTesting.Batch("x"));
        await store.Log.Retention.TendAsync();
        (await store.Log.GetAsync("a")).ShouldNotBeNull().FirstOffset.ShouldBe(10);
        store.Folder.Logs.Length.ShouldBe(1);
    }

    private static async Task<AppendStatus> AppendAsync(DiskStore store, string path, int i, string producer = "p")
    {
        using var batch = StreamTesting.Batch(Event(i));
        return (await store.Log.AppendAsync(path, batch, new StreamAppend { ProducerId = producer, ProducerSeq = i })).Status;
    }
}
