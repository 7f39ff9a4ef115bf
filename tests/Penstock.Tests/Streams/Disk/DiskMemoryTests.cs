using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Tests.Streams.Disk;

/// <summary>Measures the heap, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(DiskMemoryTests), DisableParallelization = true)]
[Collection(nameof(DiskMemoryTests))]
public sealed class DiskMemoryTests
{
    [Fact]
    public async Task An_idle_open_stream_and_its_writer_cost_less_than_850_bytes_beside_the_path()
    {
        const int Streams = 8000; // beside which what else the process has come by does not count
        await using var store = new DiskStore();
        var paths = Enumerable.Range(0, Streams).Select(i => $"generations/gen_{i:x32}").ToList();
        var before = await HeapAsync();
        var writers = await FillAsync(store, paths, events: 20);
        var after = await HeapAsync();
        GC.KeepAlive(paths);
        GC.KeepAlive(writers);
        ((after - before) / Streams).ShouldBeLessThan(850);
    }

    [Fact]
    public async Task A_sealed_segment_leaves_only_small_entries_in_memory()
    {
        const int Streams = 200, Events = 50, BytesOfExtent = 12;
        await using var store = new DiskStore(options: new() { Folder = "", RingBytes = 4 << 10 });
        await FillAsync(store, Enumerable.Range(0, Streams).Select(i => $"{i}"), Events);
        var before = await HeapAsync();
        await store.ReopenAsync(); // seals the segment
        var after = await HeapAsync();
        (before - after).ShouldBeGreaterThan(Streams * Events * BytesOfExtent / 2);
        (await store.Log.ReadAllAsync("77")).ShouldBe(Enumerable.Range(0, Events).Select(i => $"event {i}"));
    }

    [Fact]
    public async Task A_stream_that_has_ended_and_that_nobody_reads_costs_less_than_200_bytes_with_its_path()
    {
        const int Streams = 20_000;
        await using var store = new DiskStore(options: new() { Folder = "", SegmentBytes = 256 << 10, RingBytes = 4 << 10 });
        var before = await HeapAsync();
        for (var i = 1; i <= Streams; i++)
        {
            var writer = await store.Log.CreateAsync($"generations/gen_{i:x32}");
            await writer.AppendAsync("an answer");
            await writer.CloseAsync();
        }

        await Eventually.Is(
            () =>
            {
                store.Time.Advance(TimeSpan.FromSeconds(30));
                return store.Log.Resting > Streams * 0.9;
            },
            "all rest but those of the segment that is being written");
        ((await HeapAsync() - before) / Streams).ShouldBeLessThan(200);
    }

    private static async Task<long> HeapAsync()
    {
        await Task.Yield(); // the test before this one may stand on this stack, and hold what it measured
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static async Task<List<IStreamWriter>> FillAsync(DiskStore store, IEnumerable<string> paths, int events)
    {
        var writers = new List<IStreamWriter>();
        foreach (var path in paths) writers.Add(await store.Log.CreateAsync(path));
        for (var i = 0; i < events; i++)
        {
            foreach (var writer in writers) await writer.AppendAsync($"event {i}");
        }

        return writers;
    }
}
