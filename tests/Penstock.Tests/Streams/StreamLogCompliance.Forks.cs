using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>Streams that begin with the events of another one.</summary>
public abstract partial class StreamLogCompliance
{
    [Fact]
    public async Task A_fork_begins_with_its_sources_events_and_goes_its_own_way()
    {
        await Log.CreateSharedAsync("source", new SharedStreamOptions(), StreamTesting.Batch("0", "1", "2"));
        var fork = await ForkAsync("fork", "source", 2, "own 2");
        fork.NextOffset.ShouldBe(3);
        await AppendAsync("source", default, "3");
        await AppendAsync("fork", default, "own 3");
        (await Log.ReadAllAsync("fork")).ShouldBe(["0", "1", "own 2", "own 3"]);
        (await Log.ReadAllAsync("fork", 1)).ShouldBe(["1", "own 2", "own 3"]);
        (await Log.ReadAllAsync("fork", 3)).ShouldBe(["own 3"]);
        (await Log.ReadAllAsync("source")).ShouldBe(["0", "1", "2", "3"]);
    }

    [Fact]
    public async Task A_fork_of_a_fork_reads_through_all_of_them()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions(), StreamTesting.Batch("a0", "a1", "a2"));
        await ForkAsync("b", "a", 2, "b2", "b3");
        await ForkAsync("c", "b", 3, "c3");
        await ForkAsync("d", "c", 1, "d1");
        (await Log.ReadAllAsync("c")).ShouldBe(["a0", "a1", "b2", "c3"]);
        (await Log.ReadAllAsync("d")).ShouldBe(["a0", "d1"]);
    }

    [Fact]
    public async Task A_fork_knows_nothing_of_its_sources_producers_or_end()
    {
        await Log.CreateSharedAsync("source", new SharedStreamOptions());
        await AppendAsync("source", By("p", 3, 0) with { Sequence = "9", Close = true }, "0");
        await ForkAsync("fork", "source", 1);
        (await AppendAsync("fork", By("p", 0, 0) with { Sequence = "1" }, "1")).Status.ShouldBe(AppendStatus.Appended);
        (await Log.ReadAllAsync("fork")).ShouldBe(["0", "1"]);
    }

    [Fact]
    public async Task A_follower_of_a_fork_hears_of_its_own_appends_alone()
    {
        await Log.CreateSharedAsync("source", new SharedStreamOptions(), StreamTesting.Batch("0"));
        await ForkAsync("fork", "source", 1);
        using var reader = await Log.ReaderAsync("fork");
        (await reader.NextAsync()).ShouldBe("0");
        var wait = reader.WaitAsync().AsTask();
        await AppendAsync("source", default, "1");
        wait.IsCompleted.ShouldBeFalse();
        await AppendAsync("fork", default, "own");
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Ready);
        reader.Next().ShouldBe("own");
    }

    [Fact]
    public async Task A_deleted_source_stays_for_its_forks_and_goes_with_the_last()
    {
        await Log.CreateSharedAsync("a", new SharedStreamOptions(), StreamTesting.Batch("a0"));
        await ForkAsync("b", "a", 1, "b1");
        await ForkAsync("c", "b", 2, "c2");
        (await Log.DeleteAsync("a")).ShouldBeTrue();
        (await Log.DeleteAsync("b")).ShouldBeTrue();
        foreach (var path in new[] { "a", "b" })
        {
            (await Log.GetAsync(path)).ShouldNotBeNull().KeptForForks.ShouldBeTrue();
            (await Log.OpenReaderAsync(path)).ShouldBeNull();
            (await Log.DeleteAsync(path)).ShouldBeFalse();
            (await AppendAsync(path, default, "x")).Status.ShouldBe(AppendStatus.NotFound);
            await Should.ThrowAsync<StreamExistsException>(async () => await Log.CreateSharedAsync(path, new SharedStreamOptions()));
            await Should.ThrowAsync<StreamExistsException>(async () => await Log.CreateAsync(path));
            await Should.ThrowAsync<StreamGoneException>(() => ForkAsync("late", path, 0));
        }

        (await Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["c"]);
        (await Log.ReadAllAsync("c")).ShouldBe(["a0", "b1", "c2"]);
        (await Log.DeleteAsync("c")).ShouldBeTrue();
        (await Log.GetAsync("b")).ShouldBeNull();
        (await Log.GetAsync("a")).ShouldBeNull();
        await Log.CreateSharedAsync("a", new SharedStreamOptions(), StreamTesting.Batch("new"));
        (await Log.ReadAllAsync("a")).ShouldBe(["new"]);
    }

    [Fact]
    public async Task What_is_not_there_or_not_shared_cannot_be_forked()
    {
        await Log.CreateAsync("written");
        await Should.ThrowAsync<StreamGoneException>(() => ForkAsync("fork", "written", 0));
        await Should.ThrowAsync<StreamGoneException>(() => ForkAsync("fork", "none", 0));
        (await Log.GetAsync("fork")).ShouldBeNull();
    }

    private async Task<StreamInfo> ForkAsync(string path, string source, long offset, params string[] events)
    {
        using var batch = events.Length == 0 ? null : StreamTesting.Batch(events);
        return await Log.CreateSharedAsync(path, new SharedStreamOptions { Fork = new StreamFork(source, offset) }, batch);
    }
}
