using Penstock.Streams;

namespace Penstock.Tests.Streams.Disk;

public sealed class DiskCrashTests
{
    [Fact]
    public async Task A_crash_at_any_moment_loses_no_acknowledged_event_and_tears_no_batch()
    {
        await using var store = new DiskStore(options: DiskStore.Small with { SegmentBytes = 256 << 10 });
        var acknowledged = new long[8];
        var writers = new IStreamWriter[acknowledged.Length];
        for (var i = 0; i < writers.Length; i++) writers[i] = await store.Log.CreateAsync($"{i}");
        var random = new Random(3);
        for (var crash = 0; crash < 20; crash++)
        {
            var total = acknowledged.Sum() + random.Next(2000);
            var appending = Enumerable.Range(0, writers.Length).Select(number => Task.Run(async () =>
            {
                for (var i = 0; i < 200; i++)
                {
                    var next = writers[number].NextOffset;
                    await writers[number].AppendAsync(Event(number, next), Event(number, next + 1), Event(number, next + 2));
                    Volatile.Write(ref acknowledged[number], next + 3);
                    await Task.Yield();
                }
            })).ToList();
            SpinWait.SpinUntil(() => acknowledged.Sum() >= total, StreamTesting.Patience).ShouldBeTrue();
            var seen = acknowledged.ToList();
            await using var crashed = store.Crash();
            await Task.WhenAll(appending);
            for (var number = 0; number < seen.Count; number++)
            {
                var events = await crashed.Log.ReadAllAsync($"{number}");
                events.Count.ShouldBeGreaterThanOrEqualTo((int)seen[number]);
                (events.Count % 3).ShouldBe(0);
                events.SequenceEqual(Enumerable.Range(0, events.Count).Select(i => Event(number, i))).ShouldBeTrue();
            }

            crashed.Folder.Dispose();
        }

        static string Event(int number, long offset) => $"{number}:{offset} {new string('x', (int)(offset % 50))}";
    }

    [Fact]
    public async Task A_last_record_cut_at_any_byte_is_dropped_and_all_before_it_stays()
    {
        await using var store = new DiskStore();
        var writer = await store.Log.CreateAsync("a");
        await (await store.Log.CreateAsync("b")).CloseAsync("whole");
        await writer.AppendAsync("first", "second");
        using var before = store.Folder.Copy();
        var start = new FileInfo(before.Logs.Single()).Length;
        await writer.AppendAsync("third", "fourth", "fifth");
        using var after = store.Folder.Copy();
        var end = new FileInfo(after.Logs.Single()).Length;
        end.ShouldBeGreaterThan(start);
        for (var cut = start; cut <= end; cut++)
        {
            using var folder = after.Copy();
            using (var file = File.OpenWrite(folder.Logs.Single())) file.SetLength(cut);
            await using var crashed = new DiskStore(folder, DiskStore.Small);
            var isWhole = cut >= end - RecordPadding;
            (await crashed.Log.ReadAllAsync("a")).ShouldBe(isWhole ? ["first", "second", "third", "fourth", "fifth"] : ["first", "second"], $"cut at {cut} of {start}..{end}");
            (await crashed.Log.ReadAllAsync("b")).ShouldBe(["whole"]);
            crashed.Messages.Any(message => message.Contains("unfinished write", StringComparison.Ordinal)).ShouldBe(cut > start && !isWhole);
            var next = (await crashed.Log.TakeOverAsync("a")).ShouldNotBeNull();
            await next.AppendAsync("after");
            await crashed.ReopenAsync();
            (await crashed.Log.ReadAllAsync("a")).Last().ShouldBe("after");
        }
    }

    [Fact]
    public async Task A_flipped_bit_anywhere_is_never_served_and_harms_no_other_stream()
    {
        await using var store = new DiskStore();
        var a = await store.Log.CreateAsync("a");
        var b = await store.Log.CreateAsync("b");
        await a.AppendAsync("a0", "a1");
        await b.AppendAsync("b0");
        using var before = store.Folder.Copy();
        await a.AppendAsync("a2", "a3");
        using var after = store.Folder.Copy();
        await b.AppendAsync("b1");
        await a.AppendAsync("a4");
        await a.CloseAsync();
        using var folder = store.Folder.Copy();
        var (start, end) = (new FileInfo(before.Logs.Single()).Length, new FileInfo(after.Logs.Single()).Length);
        for (var at = start; at < end - RecordPadding; at++)
        {
            using var damaged = folder.Copy();
            Flip(damaged.Logs.Single(), at, bit: (int)(at % 8));
            await using var crashed = new DiskStore(damaged, DiskStore.Small);
            crashed.Messages.ShouldContain(message => message.Contains("damaged", StringComparison.Ordinal));
            (await crashed.Log.ReadAllAsync("b")).ShouldBe(["b0", "b1"]);
            await ShouldBeDamagedAsync(crashed.Log, "a", 2, 3);
            (await crashed.Log.ReadAllAsync("a", 4)).ShouldBe(["a4"]);

            await crashed.ReopenAsync(); // now from the index
            (await crashed.Log.ReadAllAsync("b")).ShouldBe(["b0", "b1"]);
            await ShouldBeDamagedAsync(crashed.Log, "a", 2, 3);
        }
    }

    [Fact]
    public async Task The_offsets_of_a_damaged_last_record_of_a_stream_are_not_given_away_again()
    {
        await using var store = new DiskStore();
        var a = await store.Log.CreateAsync("a");
        await a.AppendAsync("a0", "a1");
        using var before = store.Folder.Copy();
        await a.AppendAsync("a2", "a3");
        await (await store.Log.CreateAsync("b")).AppendAsync("b0");
        using var folder = store.Folder.Copy();
        Flip(folder.Logs.Single(), new FileInfo(before.Logs.Single()).Length + 55, bit: 3);
        await using var crashed = new DiskStore(folder, DiskStore.Small);
        var next = (await crashed.Log.TakeOverAsync("a")).ShouldNotBeNull();
        next.NextOffset.ShouldBe(4);
        await ShouldBeDamagedAsync(crashed.Log, "a", 2, 3);
    }

    [Fact]
    public async Task A_bit_that_flips_in_a_sealed_segment_is_found_when_it_is_read()
    {
        await using var store = new DiskStore();
        var a = await store.Log.CreateAsync("a");
        await a.AppendAsync("a0");
        using var before = store.Folder.Copy();
        await a.AppendAsync("a1");
        await a.CloseAsync("a2");
        await store.ReopenAsync(() => Flip(store.Folder.Logs.Single(), new FileInfo(before.Logs.Single()).Length + 53, bit: 0));
        (await (await store.Log.ReaderAsync("a")).NextAsync()).ShouldBe("a0");
        await ShouldBeDamagedAsync(store.Log, "a", 1, 1);
        (await store.Log.ReadAllAsync("a", 2)).ShouldBe(["a2"]);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("unfinished")]
    public async Task An_index_that_is_missing_or_damaged_is_built_again(string damage)
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        var writer = await store.Log.CreateAsync("a");
        for (var i = 0; i < 500; i++) await writer.AppendAsync($"{i}", $"{i}'");
        await store.ReopenAsync(() =>
        {
            store.Folder.Indexes.Length.ShouldBeGreaterThan(2);
            foreach (var index in store.Folder.Indexes)
            {
                switch (damage)
                {
                    case "missing": File.Delete(index); break;
                    case "empty": File.WriteAllBytes(index, []); break;
                    case "cut": File.WriteAllBytes(index, File.ReadAllBytes(index)[..^5]); break;
                    case "flipped": Flip(index, new FileInfo(index).Length / 2, bit: 5); break;
                    case "unfinished": File.Move(index, index + ".new"); break;
                }
            }
        });
        (await store.Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, 500).SelectMany(i => new[] { $"{i}", $"{i}'" }));
        store.Messages.ShouldContain(message => message.Contains("index", StringComparison.Ordinal));
        store.Messages.Clear();
        await store.ReopenAsync();
        store.Messages.ShouldBeEmpty();
        (await store.Log.GetAsync("a"))!.NextOffset.ShouldBe(1000);
    }

    [Fact]
    public async Task Random_damage_is_never_served()
    {
        await using var store = new DiskStore(options: DiskStore.Small);
        var writers = new List<IStreamWriter>();
        for (var i = 0; i < 5; i++) writers.Add(await store.Log.CreateAsync($"{i}"));
        for (var i = 0; i < 200; i++) await writers[i % 5].AppendAsync($"{i % 5}:{i / 5 * 2}", $"{i % 5}:{(i / 5 * 2) + 1}");
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            using var folder = store.Folder.Copy();
            var file = random.GetItems([.. folder.Logs, .. folder.Indexes], 1)[0];
            for (var flips = random.Next(1, 30); flips > 0; flips--) Flip(file, random.NextInt64(new FileInfo(file).Length), random.Next(8));
            await using var crashed = new DiskStore(folder, DiskStore.Small);
            await foreach (var info in crashed.Log.ListAsync())
            {
                for (var offset = 0; offset < info.NextOffset; offset++)
                {
                    using var reader = await crashed.Log.ReaderAsync(info.Path, offset);
                    try
                    {
                        (await reader.WaitAsync().AsTask().WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Ready);
                        reader.Next().ShouldBe($"{info.Path}:{offset}");
                    }
                    catch (StreamCorruptException)
                    {
                        // Told, not served.
                    }
                }
            }
        }
    }

    [Fact]
    public async Task A_record_inside_an_event_is_not_taken_for_one_when_the_scan_looks_for_the_next()
    {
        await using var store = new DiskStore();
        var a = await store.Log.CreateAsync("a");
        await a.AppendAsync("victim");
        using var stolen = store.Folder.Copy();
        var bytes = await File.ReadAllBytesAsync(stolen.Logs.Single());
        using var batch = new StreamBatch();
        for (var shift = 0; shift < 8; shift++)
        {
            batch.Add(new byte[shift]);
            batch.Add(bytes);
        }

        await a.AppendAsync(batch);
        await a.AppendAsync("end");
        using var folder = store.Folder.Copy();
        Flip(folder.Logs.Single(), bytes.Length + 50, bit: 1);
        await using var crashed = new DiskStore(folder, DiskStore.Small);
        crashed.Messages.Count(message => message.Contains("damaged", StringComparison.Ordinal)).ShouldBe(1);
        (await crashed.Log.ListAsync().ToListAsync()).Count.ShouldBe(1);
        (await crashed.Log.GetAsync("a"))!.NextOffset.ShouldBe(18);
        (await crashed.Log.ReadAllAsync("a", 17)).ShouldBe(["end"]);
    }

    /// <summary>The records of these tests end this many bytes before their place does.</summary>
    private const int RecordPadding = 4;

    private static async Task ShouldBeDamagedAsync(IStreamLog log, string path, long from, long to)
    {
        for (var offset = from; offset <= to; offset++)
        {
            using var reader = await log.ReaderAsync(path, offset);
            reader.Next().ShouldBeNull();
            await Should.ThrowAsync<StreamCorruptException>(async () => await reader.WaitAsync().AsTask().WaitAsync(StreamTesting.Patience));
            reader.Next().ShouldBeNull();
        }
    }

    private static void Flip(string path, long at, int bit)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ (1 << bit)));
    }
}
