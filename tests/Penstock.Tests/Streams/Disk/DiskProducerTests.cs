using Penstock.Streams;
using Penstock.Streams.Disk;

namespace Penstock.Tests.Streams.Disk;

/// <summary>What the disk store knows of producers and forks through restarts, crashes and a failing disk.</summary>
public sealed class DiskProducerTests
{
    [Fact]
    public async Task A_reopened_store_knows_what_every_producer_has_appended()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions { Metadata = "meta"u8.ToArray(), TimeToLive = TimeSpan.FromHours(1) });
        for (var i = 0; i < 315; i++) // over several segments, in three epochs of 15 appends for each of 7 producers
        {
            var result = await AppendAsync(store.Log, By($"p{i % 7}", i / 105, i % 105 / 7) with { Sequence = $"{i:D4}" }, $"{i} {new string('x', 200)}");
            result.Status.ShouldBe(AppendStatus.Appended);
        }

        var before = (await store.Log.GetAsync("a")).ShouldNotBeNull();
        var answers = await AskAsync(store.Log);
        for (var round = 0; round < 3; round++) // from the segments themselves, then from their indexes
        {
            await using (var crashed = store.Crash()) await CheckAsync(crashed.Log);
            await store.ReopenAsync();
            await CheckAsync(store.Log);
            foreach (var index in round == 1 ? store.Folder.Indexes : [])
            {
                await store.ReopenAsync(() => File.Delete(index));
                await CheckAsync(store.Log);
            }
        }

        async Task CheckAsync(IStreamLog log)
        {
            var info = (await log.GetAsync("a")).ShouldNotBeNull();
            (info.NextOffset, info.Shared, info.Number).ShouldBe((before.NextOffset, true, before.Number));
            info.Metadata.ToArray().ShouldBe("meta"u8.ToArray());
            (await AskAsync(log)).ShouldBe(answers);
        }

        // Retries, gaps and zombies alone, which change nothing.
        static async Task<List<AppendResult>> AskAsync(IStreamLog log)
        {
            var results = new List<AppendResult>();
            for (var p = 0; p < 7; p++)
            {
                results.Add(await AppendAsync(log, By($"p{p}", 2, 0), "again"));
                results.Add(await AppendAsync(log, By($"p{p}", 2, 99), "too far"));
                results.Add(await AppendAsync(log, By($"p{p}", 1, 50), "zombie"));
            }

            results.Add(await AppendAsync(log, new StreamAppend { Sequence = "0314" }, "no further"));
            results.Take(3).Select(r => r.Status).ShouldBe([AppendStatus.Duplicate, AppendStatus.Gap, AppendStatus.StaleEpoch]);
            results[^1].Status.ShouldBe(AppendStatus.OutOfOrder);
            return results;
        }
    }

    [Fact]
    public async Task A_failed_write_forgets_the_producers_append_so_that_the_retry_is_stored()
    {
        var isFailing = false;
        await using var store = new DiskStore(options: DiskStore.Small with
        {
            AfterWrite = () =>
            {
                if (isFailing) throw new IOException("The device is gone.");
            },
        });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        await AppendAsync(store.Log, By("p", 0, 0), "0");
        isFailing = true;
        await Should.ThrowAsync<StreamStorageException>(() => AppendAsync(store.Log, By("p", 0, 1) with { Sequence = "5", Close = true }, "1"));
        isFailing = false;
        (await AppendAsync(store.Log, By("p", 0, 2), "2")).ShouldBe(new AppendResult(AppendStatus.Gap, 1, ProducerSeq: 0));
        (await AppendAsync(store.Log, By("p", 0, 1) with { Sequence = "5" }, "1")).Status.ShouldBe(AppendStatus.Appended);
        (await AppendAsync(store.Log, By("p", 0, 1), "1")).Status.ShouldBe(AppendStatus.Duplicate);
        (await store.Log.ReadAllAsync("a")).ShouldBe(["0", "1"]);
        await store.ReopenAsync();
        (await AppendAsync(store.Log, By("p", 0, 1), "1")).Status.ShouldBe(AppendStatus.Duplicate);
    }

    [Fact]
    public async Task A_retry_is_not_answered_before_what_it_repeats_is_stored()
    {
        using var disk = new ManualResetEventSlim(initialState: true);
        var isFailing = false;
        await using var store = new DiskStore(options: DiskStore.Small with
        {
            Commit = CommitPolicy.Power, // a thread of its own writes
            AfterWrite = () =>
            {
                disk.Wait();
                if (isFailing) throw new IOException("The device is gone.");
            },
        });
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions());
        disk.Reset();
        isFailing = true;
        var append = AppendAsync(store.Log, By("p", 0, 0), "0");
        var retry = AppendAsync(store.Log, By("p", 0, 0), "0");
        var isAnswered = retry.IsCompleted;
        disk.Set(); // before anything can fail here, or the store would never shut down
        isAnswered.ShouldBeFalse();
        await Should.ThrowAsync<StreamStorageException>(() => append);
        // The first one failed, so the retry counts; its own write meets the same disk.
        await Should.ThrowAsync<StreamStorageException>(() => retry.WaitAsync(StreamTesting.Patience));
        isFailing = false;
        (await AppendAsync(store.Log, By("p", 0, 0), "0")).Status.ShouldBe(AppendStatus.Appended);
        (await store.Log.ReadAllAsync("a")).ShouldBe(["0"]);
    }

    [Fact]
    public async Task A_stream_whose_creation_was_cut_off_is_not_there()
    {
        await using var store = new DiskStore();
        await store.Log.CreateSharedAsync("before", new SharedStreamOptions());
        await store.Log.CreateSharedAsync("cut", new SharedStreamOptions(), StreamTesting.Batch("first"));
        using var whole = store.Folder.Copy();
        var file = whole.Logs.Single();
        var bytes = await File.ReadAllBytesAsync(file);
        var first = bytes.AsSpan().LastIndexOf("first"u8);
        await File.WriteAllBytesAsync(file, bytes[..first]); // within the record of the first event
        await using var crashed = new DiskStore(whole);
        for (var round = 0; round < 2; round++)
        {
            (await crashed.Log.GetAsync("cut")).ShouldBeNull();
            (await crashed.Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["before"]);
            await crashed.ReopenAsync();
        }

        await crashed.Log.CreateSharedAsync("cut", new SharedStreamOptions(), StreamTesting.Batch("again"));
        await crashed.ReopenAsync();
        (await crashed.Log.ReadAllAsync("cut")).ShouldBe(["again"]);
    }

    [Fact]
    public async Task Forks_and_deleted_sources_come_back_as_they_were()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        var filler = new string('f', 1000);
        await store.Log.CreateSharedAsync("a", new SharedStreamOptions(), StreamTesting.Batch("a0", "a1"));
        for (var i = 0; i < 30; i++) await AppendAsync(store.Log, default, filler);
        await store.Log.CreateSharedAsync("b", new SharedStreamOptions { Fork = new StreamFork("a", 2) }, StreamTesting.Batch("b2"));
        await store.Log.CreateSharedAsync("c", new SharedStreamOptions { Fork = new StreamFork("b", 3) });
        await store.Log.DeleteAsync("a");
        await store.Log.DeleteAsync("b");
        for (var round = 0; round < 3; round++)
        {
            await store.ReopenAsync();
            (await store.Log.ReadAllAsync("c")).ShouldBe(["a0", "a1", "b2"]);
            (await store.Log.GetAsync("a")).ShouldNotBeNull().KeptForForks.ShouldBeTrue();
            (await store.Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["c"]);
        }

        await store.Log.DeleteAsync("c");
        await store.ReopenAsync();
        (await store.Log.GetAsync("a")).ShouldBeNull();
        store.Folder.Logs.ShouldBeEmpty();
    }

    private static async Task<AppendResult> AppendAsync(IStreamLog log, StreamAppend append, params string[] events)
    {
        using var batch = StreamTesting.Batch(events);
        return await log.AppendAsync("a", batch, append);
    }

    private static StreamAppend By(string producer, long epoch, long seq) => new() { ProducerId = producer, ProducerEpoch = epoch, ProducerSeq = seq };
}
