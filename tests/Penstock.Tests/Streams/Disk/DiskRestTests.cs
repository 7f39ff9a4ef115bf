using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Tests.Streams.Disk;

/// <summary>What becomes of streams that have ended and that nobody reads, which are kept smaller, and that nobody sees it.</summary>
public sealed class DiskRestTests
{
    private static readonly string _kilobyte = new('k', 1000);

    [Fact]
    public async Task What_rests_is_found_listed_and_read_as_it_was()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        await FillAsync(store, "short", events: 2);
        var (first, second) = (await store.Log.CreateAsync("long/0123456789abcdef0123456789abcdef", new StreamOptions { Metadata = "meta"u8.ToArray() }), await store.Log.CreateAsync("taken"));
        for (var i = 0; i < 50; i++)
        {
            await first.AppendAsync($"{i}{_kilobyte}");
            if (i == 25) second = (await store.Log.TakeOverAsync("taken")).ShouldNotBeNull();
            await second.AppendAsync($"{i}");
        }

        await first.CloseAsync();
        await second.CloseAsync();
        await FillAsync(store, "behind", events: 40); // so that all of them lie in segments that take no more
        await (await store.Log.CreateAsync("open")).AppendAsync("open");
        var (before, texts) = await LookAsync(store);
        for (var round = 0; round < 3; round++)
        {
            await RestAsync(store, atLeast: 3);
            var (after, read) = await LookAsync(store);
            after.ShouldBe(before);
            read.ShouldBe(texts);
            store.Log.Resting.ShouldBeLessThan(3); // having been read
            await RestAsync(store, atLeast: 3);
            (await store.Log.ListAsync("long/01").Select(info => info.Path).ToListAsync()).ShouldBe(["long/0123456789abcdef0123456789abcdef"]);
            store.Log.Resting.ShouldBeGreaterThanOrEqualTo(3); // having only been listed
            if (round == 1) await store.ReopenAsync();
        }
    }

    [Fact]
    public async Task Its_path_is_taken_it_can_be_deleted_and_goes_in_its_time_with_its_segments()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        for (var i = 0; i < 10; i++) await FillAsync(store, $"{i}", events: 20);
        await RestAsync(store, atLeast: 8);
        var logs = store.Folder.Logs.Length;
        await Should.ThrowAsync<StreamExistsException>(async () => await store.Log.CreateAsync("3"));
        (await store.Log.TakeOverAsync("3")).ShouldBeNull();
        await RestAsync(store, atLeast: 8);
        for (var i = 0; i < 5; i++) (await store.Log.DeleteAsync($"{i}")).ShouldBeTrue();
        (await store.Log.DeleteAsync("3")).ShouldBeFalse();
        (await store.Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["9", "8", "7", "6", "5"]);
        await Eventually.Is(() => store.Folder.Logs.Length < logs - 3, "their segments are deleted");
        await FillAsync(store, "3", events: 1);
        await store.ReopenAsync();
        (await store.Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["3", "9", "8", "7", "6", "5"]);
        store.Time.Advance(TimeSpan.FromDays(2));
        (await store.Log.ListAsync().CountAsync()).ShouldBe(0);
        await store.ReopenAsync();
        store.Folder.Logs.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_read_does_not_rest_and_its_reader_learns_that_it_was_deleted()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        await FillAsync(store, "read", events: 20);
        await FillAsync(store, "other", events: 20);
        await FillAsync(store, "behind", events: 20);
        using (var reader = await store.Log.ReaderAsync("read"))
        {
            (await reader.NextAsync()).ShouldNotBeNull();
            await RestAsync(store, atLeast: 1);
            await store.Log.DeleteAsync("read");
            reader.Next().ShouldBeNull();
            (await reader.WaitAsync()).ShouldBe(StreamWait.Gone);
        }

        (await store.Log.GetAsync("read")).ShouldBeNull();
    }

    [Fact]
    public async Task A_folder_that_is_too_large_forgets_those_that_rest_too()
    {
        using var folder = new TemporaryFolder();
        await using (var filled = new DiskStore(folder, DiskStore.Small))
        {
            for (var i = 0; i < 20; i++) await FillAsync(filled, $"{i}", events: 20);
        }

        await using var store = new DiskStore(folder, DiskStore.Small with { MaxTotalBytes = 100_000 });
        store.Log.Resting.ShouldBe(20);
        await store.Log.Retention.TendAsync();
        var left = await store.Log.ListAsync().Select(info => info.Path).ToListAsync();
        left.Count.ShouldBeInRange(2, 6);
        left[0].ShouldBe("19");
        store.Folder.Logs.Sum(path => new FileInfo(path).Length).ShouldBeLessThan(140_000);
    }

    [Fact]
    public async Task Reading_and_deleting_while_streams_come_to_rest_misses_nothing()
    {
        const int Streams = 40;
        await using var store = new DiskStore(options: DiskStore.Small with { Retention = TimeSpan.FromDays(100_000) });
        for (var i = 0; i < Streams; i++) await FillAsync(store, $"{i}", events: 4);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var deleted = 0;
        var working = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var path = $"{(worker * 7 + i) % (Streams / 2)}";
                (await store.Log.ReadAllAsync(path)).Count.ShouldBe(4);
                (await store.Log.GetAsync(path)).ShouldNotBeNull().NextOffset.ShouldBe(4);
                if (i % 8 == 0 && Interlocked.Increment(ref deleted) is <= Streams / 2 and var n) (await store.Log.DeleteAsync($"{(Streams / 2) + n - 1}")).ShouldBeTrue();
            }
        })).ToList();
        while (!stop.IsCancellationRequested) store.Time.Advance(TimeSpan.FromSeconds(30));
        await Task.WhenAll(working);
        (await store.Log.ListAsync().CountAsync()).ShouldBe(Streams - Math.Min(deleted, Streams / 2));
    }

    private static async Task FillAsync(DiskStore store, string path, int events)
    {
        var writer = await store.Log.CreateAsync(path);
        for (var i = 0; i < events; i++) await writer.AppendAsync($"{i}{_kilobyte}");
        await writer.CloseAsync();
    }

    private static Task RestAsync(DiskStore store, int atLeast) => Eventually.Is(
        () =>
        {
            store.Time.Advance(TimeSpan.FromSeconds(30));
            return store.Log.Resting >= atLeast;
        },
        "those that have ended rest");

    private static async Task<(List<string> Infos, List<string> Texts)> LookAsync(DiskStore store)
    {
        var (infos, texts) = (new List<string>(), new List<string>());
        await foreach (var listed in store.Log.ListAsync())
        {
            var info = (await store.Log.GetAsync(listed.Path)).ShouldNotBeNull();
            infos.Add($"{info with { Metadata = default }} {System.Text.Encoding.UTF8.GetString(info.Metadata.Span)}");
            $"{listed with { Metadata = default }}".ShouldBe($"{info with { Metadata = default }}");
            if (info.Closed) texts.AddRange(await store.Log.ReadAllAsync(listed.Path));
        }

        return (infos, texts);
    }
}
