using Penstock.Streams;
using Penstock.Streams.Disk;

namespace Penstock.Tests.Streams.Disk;

/// <summary>A data folder that was damaged tells so.</summary>
public sealed class FolderCheckTests
{
    [Fact]
    public async Task A_sound_folder_has_nothing_to_tell()
    {
        using var folder = await FillAsync();
        var check = FolderCheck.Run(folder.Path);
        check.Findings.ShouldBeEmpty();
        check.Segments.ShouldBeGreaterThan(3);
        check.Records.ShouldBeGreaterThan(100);
        check.Streams.ShouldBe(3);
    }

    [Fact]
    public async Task Every_flipped_bit_is_found()
    {
        using var folder = await FillAsync();
        var random = new Random(4);
        foreach (var file in folder.Logs.Concat(folder.Indexes))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            for (var i = 0; i < 40; i++)
            {
                var (at, bit) = (random.Next(bytes.Length), random.Next(8));
                bytes[at] ^= (byte)(1 << bit);
                await File.WriteAllBytesAsync(file, bytes);
                FolderCheck.Run(folder.Path).Findings.ShouldContain(f => f.File == Path.GetFileName(file), $"bit {bit} at {at} of {file}");
                bytes[at] ^= (byte)(1 << bit);
            }

            await File.WriteAllBytesAsync(file, bytes);
        }

        FolderCheck.Run(folder.Path).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_segment_that_was_cut_or_is_missing_is_found()
    {
        using var folder = await FillAsync();
        foreach (var file in folder.Logs)
        {
            using var cut = folder.Copy();
            using (var stream = File.OpenWrite(Path.Combine(cut.Path, Path.GetFileName(file)))) stream.SetLength(stream.Length - 100);
            FolderCheck.Run(cut.Path).Findings.ShouldContain(f => !f.IsHarmless);

            using var missing = folder.Copy();
            File.Delete(Path.Combine(missing.Path, Path.GetFileName(file)));
            FolderCheck.Run(missing.Path).Findings.ShouldContain(f => !f.IsHarmless);
        }
    }

    [Fact]
    public async Task A_damaged_record_is_told_with_its_stream_and_events()
    {
        using var folder = await FillAsync();
        var file = folder.Logs[1];
        var bytes = await File.ReadAllBytesAsync(file);
        var at = bytes.AsSpan().IndexOf("shared 40 "u8);
        var target = at < 0 ? bytes.AsSpan().IndexOf("shared "u8) : at;
        bytes[target] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        FolderCheck.Run(folder.Path).Findings.ShouldContain(f => !f.IsHarmless && f.What.Contains("'shared' with events", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_crashs_torn_end_is_told_as_harmless()
    {
        await using var store = new DiskStore();
        await (await store.Log.CreateAsync("a")).AppendAsync("one", "two");
        using var folder = store.Folder.Copy();
        var file = folder.Logs.Single();
        var end = new FileInfo(file).Length;
        using (var stream = File.OpenWrite(file)) stream.SetLength(end - 10);
        File.WriteAllText(Path.Combine(folder.Path, "lock"), SegmentFolder.Format);
        FolderCheck.Run(folder.Path).Findings.ShouldHaveSingleItem().IsHarmless.ShouldBeTrue();
    }

    [Fact]
    public async Task A_folder_in_use_and_one_that_is_none_are_refused_in_words()
    {
        await using var store = new DiskStore();
        Should.Throw<StreamStorageException>(() => FolderCheck.Run(store.Folder.Path)).Message.ShouldContain("Stop it first");
        using var empty = new TemporaryFolder();
        Should.Throw<StreamStorageException>(() => FolderCheck.Run(empty.Path)).Message.ShouldContain("no data folder");
    }

    private static async Task<TemporaryFolder> FillAsync()
    {
        var folder = new TemporaryFolder();
        await using var store = new DiskStore(folder, DiskStore.Small);
        var writer = await store.Log.CreateAsync("written");
        await store.Log.CreateSharedAsync("shared", new SharedStreamOptions());
        await store.Log.CreateSharedAsync("fork", new SharedStreamOptions { Fork = new StreamFork("shared", 0) });
        for (var i = 0; i < 60; i++)
        {
            await writer.AppendAsync($"written {i} {new string('w', 300)}");
            using var batch = StreamTesting.Batch($"shared {i} {new string('s', 300 + i)}");
            await store.Log.AppendAsync("shared", batch, new StreamAppend { ProducerId = "p", ProducerSeq = i });
            await store.Log.AppendAsync("fork", batch);
        }

        return folder;
    }
}
