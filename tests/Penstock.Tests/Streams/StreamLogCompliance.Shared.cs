using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>Streams that anybody appends to, and how each append is stored once.</summary>
public abstract partial class StreamLogCompliance
{
    [Fact]
    public async Task A_shared_stream_takes_appends_from_anybody()
    {
        var created = await Log.CreateSharedAsync("a", new SharedStreamOptions { Metadata = "meta"u8.ToArray() });
        (created.Shared, created.NextOffset, created.Closed).ShouldBe((true, 0, false));
        (await AppendAsync("a", default, "one", "two")).ShouldBe(new AppendResult(AppendStatus.Appended, 2));
        (await AppendAsync("a", default, "three")).ShouldBe(new AppendResult(AppendStatus.Appended, 3));
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two", "three"]);
        var info = (await Log.GetAsync("a")).ShouldNotBeNull();
        (info.Shared, info.NextOffset, System.Text.Encoding.UTF8.GetString(info.Metadata.Span)).ShouldBe((true, 3, "meta"));
        (await Log.TakeOverAsync("a")).ShouldBeNull();
        await Should.ThrowAsync<StreamExistsException>(async () => await Log.CreateSharedAsync("a", new SharedStreamOptions()));
    }

    [Fact]
    public async Task A_reader_tells_how_far_its_stream_has_come_as_the_log_does()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        using var reader = await Log.ReaderAsync("a");
        await CheckAsync();
        await AppendAsync("a", default, "one", "two");
        await CheckAsync();
        await AppendAsync("a", new StreamAppend { Close = true }, "three");
        await CheckAsync();
        await Log.DeleteAsync("a");
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        reader.Tail.ShouldBeNull("it is another stream");

        async Task CheckAsync()
        {
            if (Log.SpansNodes) return; // it may not know
            var info = (await Log.GetAsync("a")).ShouldNotBeNull();
            reader.Tail.ShouldBe(new StreamTail(info.FirstOffset, info.NextOffset, info.Closed));
        }
    }

    [Fact]
    public async Task Nobody_but_its_writer_appends_to_a_stream_that_has_one()
    {
        var writer = await Log.CreateAsync("a");
        (await AppendAsync("a", default, "not mine")).Status.ShouldBe(AppendStatus.NotFound);
        (await AppendAsync("none", default, "nowhere")).Status.ShouldBe(AppendStatus.NotFound);
        await writer.AppendAsync("mine");
        (await Log.ReadAllAsync("a")).ShouldBe(["mine"]);
    }

    [Fact]
    public async Task A_shared_stream_is_created_with_its_first_events_and_closed()
    {
        var created = await Log.CreateSharedAsync("a", new SharedStreamOptions { Closed = true }, StreamTesting.Batch("all", "there is"));
        (created.NextOffset, created.Closed).ShouldBe((2, true));
        using var reader = await Log.ReaderAsync("a");
        (await reader.FollowAsync()).Events.ShouldBe(["all", "there is"]);
        (await Log.CreateSharedAsync("empty", new SharedStreamOptions { Closed = true })).Closed.ShouldBeTrue();
        (await AppendAsync("empty", default, "late")).ShouldBe(new AppendResult(AppendStatus.Closed, 0, Closed: true));
    }

    [Fact]
    public async Task A_producers_append_is_stored_once_however_often_it_comes()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        (await AppendAsync("a", By("p", 0, 0), "one")).ShouldBe(new AppendResult(AppendStatus.Appended, 1, ProducerEpoch: 0, ProducerSeq: 0));
        (await AppendAsync("a", By("p", 0, 1), "two")).ShouldBe(new AppendResult(AppendStatus.Appended, 2, ProducerEpoch: 0, ProducerSeq: 1));
        (await AppendAsync("a", By("p", 0, 0), "one")).ShouldBe(new AppendResult(AppendStatus.Duplicate, 2, ProducerEpoch: 0, ProducerSeq: 1));
        (await AppendAsync("a", By("p", 0, 3), "four")).ShouldBe(new AppendResult(AppendStatus.Gap, 2, ProducerEpoch: 0, ProducerSeq: 1));
        (await AppendAsync("a", By("q", 0, 2), "other")).ShouldBe(new AppendResult(AppendStatus.Gap, 2, ProducerEpoch: 0, ProducerSeq: -1));
        (await AppendAsync("a", By("q", 7, 0), "other")).Status.ShouldBe(AppendStatus.Appended);
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two", "other"]);
    }

    [Fact]
    public async Task A_later_epoch_of_a_producer_fences_the_earlier_ones()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        await AppendAsync("a", By("p", 1, 0), "one");
        (await AppendAsync("a", By("p", 2, 1), "late")).Status.ShouldBe(AppendStatus.EpochStartsLate);
        (await AppendAsync("a", By("p", 3, 0), "two")).Status.ShouldBe(AppendStatus.Appended);
        (await AppendAsync("a", By("p", 1, 1), "zombie")).ShouldBe(new AppendResult(AppendStatus.StaleEpoch, 2, ProducerEpoch: 3, ProducerSeq: 0));
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two"]);
    }

    [Fact]
    public async Task A_sequence_only_goes_up()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        (await AppendAsync("a", new StreamAppend { Sequence = "2" }, "2")).Status.ShouldBe(AppendStatus.Appended);
        (await AppendAsync("a", new StreamAppend { Sequence = "10" }, "10")).Status.ShouldBe(AppendStatus.OutOfOrder);
        (await AppendAsync("a", new StreamAppend { Sequence = "2" }, "2")).Status.ShouldBe(AppendStatus.OutOfOrder);
        (await AppendAsync("a", default, "none")).Status.ShouldBe(AppendStatus.Appended);
        (await AppendAsync("a", new StreamAppend { Sequence = "3" }, "3")).Status.ShouldBe(AppendStatus.Appended);
        (await Log.ReadAllAsync("a")).ShouldBe(["2", "none", "3"]);
    }

    [Fact]
    public async Task Closing_a_shared_stream_is_stored_once_too()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        await AppendAsync("a", By("p", 0, 0), "one");
        (await AppendAsync("a", By("p", 0, 1) with { Close = true }, "two")).ShouldBe(new AppendResult(AppendStatus.Appended, 2, Closed: true, ProducerSeq: 1));
        (await AppendAsync("a", By("p", 0, 1) with { Close = true }, "two")).ShouldBe(new AppendResult(AppendStatus.Duplicate, 2, Closed: true, ProducerSeq: 1));
        (await AppendAsync("a", By("p", 0, 0), "one")).Status.ShouldBe(AppendStatus.Duplicate); // it is there, and the producer may know
        (await AppendAsync("a", By("p", 0, 2), "three")).Status.ShouldBe(AppendStatus.Closed);
        (await AppendAsync("a", By("q", 0, 0), "other")).Status.ShouldBe(AppendStatus.Closed);
        (await AppendAsync("a", new StreamAppend { Close = true })).ShouldBe(new AppendResult(AppendStatus.Duplicate, 2, Closed: true));
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two"]);
    }

    [Fact]
    public async Task Many_producers_at_once_that_send_all_twice_are_each_stored_once_and_in_order()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        await Task.WhenAll(Enumerable.Range(0, 16).Select(p => Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++)
            {
                var results = await Task.WhenAll(AppendAsync("a", By($"p{p}", 0, i), $"{p} {i}"), Task.Run(() => AppendAsync("a", By($"p{p}", 0, i), $"{p} {i}")));
                results.Select(r => r.Status).Order().ShouldBe([AppendStatus.Appended, AppendStatus.Duplicate]);
            }
        })));
        var events = await Log.ReadAllAsync("a");
        for (var p = 0; p < 16; p++)
            events.Where(e => e.StartsWith($"{p} ", StringComparison.Ordinal)).ShouldBe(Enumerable.Range(0, 60).Select(i => $"{p} {i}"));
    }

    [Fact]
    public async Task A_producer_that_does_not_wait_keeps_its_order()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        var appends = Enumerable.Range(0, 500).Select(i => AppendAsync("a", By("p", 0, i), $"{i}")).ToList();
        (await Task.WhenAll(appends)).ShouldAllBe(result => result.Status == AppendStatus.Appended);
        (await Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, 500).Select(i => $"{i}"));
    }

    [Fact]
    public async Task A_stream_remembers_so_many_producers_and_no_more()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions());
        for (var p = 0; p <= AppendLedger.MaxProducers; p++) await AppendAsync("a", By($"p{p}", 0, 0), "x");
        (await AppendAsync("a", By("p1", 0, 0), "again")).Status.ShouldBe(AppendStatus.Duplicate);
        (await AppendAsync("a", By("p0", 0, 0), "forgotten")).Status.ShouldBe(AppendStatus.Appended);
    }

    [Fact]
    public async Task An_unused_stream_goes_when_its_time_to_live_is_over_and_using_it_counts_anew()
    {
        await Log.CreateSharedAsync("idle", new SharedStreamOptions { TimeToLive = TimeSpan.FromMinutes(1) });
        await Log.CreateSharedAsync("read", new SharedStreamOptions { TimeToLive = TimeSpan.FromMinutes(1) });
        await Log.CreateSharedAsync("appended", new SharedStreamOptions { TimeToLive = TimeSpan.FromMinutes(1) });
        await Log.CreateSharedAsync("watched", new SharedStreamOptions { TimeToLive = TimeSpan.FromMinutes(1) });
        await Log.CreateSharedAsync("fixed", new SharedStreamOptions { ExpiresAt = Time.GetUtcNow().AddSeconds(90) });
        using var watcher = await Log.ReaderAsync("watched");
        var wait = watcher.WaitAsync().AsTask();
        for (var i = 0; i < 3; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(40));
            (await Log.ReaderAsync("read")).Dispose();
            (await AppendAsync("appended", default, "x")).Status.ShouldBe(AppendStatus.Appended);
            (await Log.GetAsync("idle") is null).ShouldBe(i > 0); // looking at it is no use
            (await Log.GetAsync("fixed") is null).ShouldBe(i > 1);
        }

        (await Log.GetAsync("watched")).ShouldNotBeNull();
        wait.IsCompleted.ShouldBeFalse();
        (await AppendAsync("idle", default, "late")).Status.ShouldBe(AppendStatus.NotFound);
        watcher.Dispose();
        await Should.ThrowAsync<ObjectDisposedException>(() => wait);
    }

    private protected async Task<AppendResult> AppendAsync(string path, StreamAppend append, params string[] events)
    {
        using var batch = StreamTesting.Batch(events);
        return await Log.AppendAsync(path, batch, append);
    }

    private protected static StreamAppend By(string producer, long epoch, long seq) => new() { ProducerId = producer, ProducerEpoch = epoch, ProducerSeq = seq };
}
