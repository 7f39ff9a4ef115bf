using System.Diagnostics;
using Penstock.Streams;
using Penstock.Streams.Disk;

namespace Penstock.Tests.Streams.Disk;

public sealed class DiskFailureTests
{
    [Theory]
    [InlineData(false, 10)]
    [InlineData(true, 10)]
    [InlineData(false, 5000)]
    [InlineData(true, 5000)]
    public async Task A_failed_write_is_told_and_leaves_nothing(bool power, int size)
    {
        var isFailing = false;
        await using var store = new DiskStore(options: DiskStore.Small with
        {
            Commit = power ? CommitPolicy.Power : CommitPolicy.Process,
            AfterWrite = () =>
            {
                if (isFailing) throw new IOException("The device is gone.");
            },
        });
        var a = await store.Log.CreateAsync("a");
        await a.AppendAsync("a0");
        using var reader = await store.Log.ReaderAsync("a", 1);
        var wait = reader.WaitAsync().AsTask();
        isFailing = true;
        (await Should.ThrowAsync<StreamStorageException>(() => a.AppendAsync("lost", new string('x', size)))).Message.ShouldContain("The device is gone.");
        await Should.ThrowAsync<StreamStorageException>(() => a.CloseAsync("lost"));
        await Should.ThrowAsync<StreamStorageException>(async () => await store.Log.CreateAsync("b"));
        await Should.ThrowAsync<StreamStorageException>(async () => await store.Log.TakeOverAsync("a"));
        await Should.ThrowAsync<StreamStorageException>(async () => await store.Log.DeleteAsync("a"));
        wait.IsCompleted.ShouldBeFalse();
        isFailing = false;
        a.NextOffset.ShouldBe(1);
        await a.AppendAsync("a1");
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Ready);
        await a.AppendAsync(new string('y', size));
        var b = await store.Log.CreateAsync("b");
        await b.CloseAsync("b0");
        for (var round = 0; round < 2; round++)
        {
            (await store.Log.ReadAllAsync("a")).ShouldBe(["a0", "a1", new string('y', size)]);
            (await store.Log.ReadAllAsync("b")).ShouldBe(["b0"]);
            (await store.Log.GetAsync("a"))!.Epoch.ShouldBe(1);
            await store.ReopenAsync();
        }
    }

    [Fact]
    public async Task Writes_that_fail_at_random_never_lose_what_was_acknowledged_nor_show_what_was_refused()
    {
        var random = new Random(5);
        var writes = 0;
        await using var store = new DiskStore(options: DiskStore.Small with
        {
            AfterWrite = () =>
            {
                if (Interlocked.Increment(ref writes) % 7 == 0) throw new IOException("Once in a while.");
            },
        });
        var expected = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(async () =>
        {
            IStreamWriter? writer = null;
            while (writer is null)
            {
                try
                {
                    writer = await store.Log.CreateAsync($"{number}");
                }
                catch (StreamStorageException)
                {
                    // Again.
                }
            }

            var kept = new List<string>();
            for (var i = 0; i < 100; i++)
            {
                var data = $"{number}:{i} {new string('x', i * (i % 10 == 0 ? 30 : 1))}";
                try
                {
                    await writer.AppendAsync(data);
                    kept.Add(data);
                }
                catch (StreamStorageException)
                {
                    // Not kept.
                }

                writer.NextOffset.ShouldBe(kept.Count);
                if (i % 5 == 0) await Task.Yield();
            }

            return kept;
        })));
        await using var crashed = store.Crash();
        expected.Sum(kept => kept.Count).ShouldBeLessThan(800);
        for (var number = 0; number < 8; number++)
        {
            (await store.Log.ReadAllAsync($"{number}")).ShouldBe(expected[number]);
            (await crashed.Log.ReadAllAsync($"{number}")).ShouldBe(expected[number]);
        }

        crashed.Folder.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task What_a_failed_write_left_behind_its_segment_is_not_part_of_the_log(int before)
    {
        TemporaryFolder? left = null;
        DiskStore? store = null;
        var isFailing = false;
        store = new DiskStore(options: DiskStore.Small with
        {
            AfterWrite = () =>
            {
                if (!isFailing) return;
                left = store!.Folder.Copy(); // the whole record is there, and nobody had the time to cut it off
                throw new IOException("The device is gone.");
            },
        });
        await (await store.Log.CreateAsync("a")).AppendAsync("a0");
        await store.ReopenAsync();
        var a = (await store.Log.TakeOverAsync("a")).ShouldNotBeNull();
        var expected = new List<string> { "a0" };
        isFailing = before == 0;
        if (isFailing) await store.ReopenAsync(); // so that the failed record is the first of its segment
        for (var i = 0; i < before; i++)
        {
            await a.AppendAsync("kept");
            expected.Add("kept");
        }

        isFailing = true;
        if (before == 0) await Should.ThrowAsync<StreamStorageException>(async () => await store.Log.TakeOverAsync("a"));
        else await Should.ThrowAsync<StreamStorageException>(() => a.AppendAsync("lost"));
        isFailing = false;
        await (await store.Log.TakeOverAsync("a"))!.CloseAsync("after");
        expected.Add("after");
        var epoch = (await store.Log.GetAsync("a"))!.Epoch;
        var newest = store.Folder.Logs[^1];
        File.Copy(newest, Path.Combine(left.ShouldNotBeNull().Path, Path.GetFileName(newest)));
        await using (var crashed = new DiskStore(left, DiskStore.Small))
        {
            (await crashed.Log.ReadAllAsync("a")).ShouldBe(expected);
            (await crashed.Log.GetAsync("a"))!.Epoch.ShouldBe(epoch);
        }

        left.Dispose();
        await store.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_slow_disk_makes_appends_wait_and_loses_none(bool isShutDown)
    {
        using var entered = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim(initialState: true);
        await using var store = new DiskStore(options: DiskStore.Small with
        {
            AfterWrite = () =>
            {
                if (!mayGoOn.IsSet) entered.Set();
                mayGoOn.Wait(StreamTesting.Patience).ShouldBeTrue();
            },
        });
        var writers = new List<IStreamWriter>();
        for (var i = 0; i < 40; i++) writers.Add(await store.Log.CreateAsync($"{i}"));
        mayGoOn.Reset();
        var first = Task.Run(() => writers[0].AppendAsync(new string('x', 1500)));
        entered.Wait(StreamTesting.Patience).ShouldBeTrue();
        var appending = writers.Skip(1).Select(writer => writer.AppendAsync(new string('x', 1500))).Prepend(first).ToList(); // many times the ring
        appending.ShouldAllBe(task => !task.IsCompleted);
        var disposing = isShutDown ? store.Log.DisposeAsync().AsTask() : Task.CompletedTask;
        mayGoOn.Set();
        var isRefused = new bool[writers.Count];
        for (var i = 0; i < writers.Count; i++)
        {
            try
            {
                await appending[i].WaitAsync(StreamTesting.Patience);
            }
            catch (ObjectDisposedException) when (isShutDown)
            {
                isRefused[i] = true; // it waited for room in the ring
            }
        }

        await disposing.WaitAsync(StreamTesting.Patience);
        isRefused.Contains(true).ShouldBe(isShutDown);
        if (isShutDown) await store.ReopenAsync();
        for (var i = 0; i < writers.Count; i++) (await store.Log.ReadAllAsync($"{i}")).Count.ShouldBe(isRefused[i] ? 0 : 1);
    }

    [Fact]
    public async Task A_full_disk_refuses_appends_in_words_lets_streams_close_and_works_again_when_there_is_room()
    {
        using var disk = SmallDisk.TryMount(kilobytes: 3584);
        Assert.SkipWhen(disk is null, "Mounting a small disk takes the right to mount.");
        var options = new DiskStoreOptions { Folder = "", SegmentBytes = 1 << 20, RingBytes = 256 << 10 };
        await using var store = new DiskStore(disk.Folder, options);
        var quiet = await store.Log.CreateAsync("quiet");
        var filler = await store.Log.CreateAsync("filler");
        var block = new string('x', 50_000);
        var error = await Should.ThrowAsync<StreamStorageException>(async () =>
        {
            while (true) await filler.AppendAsync(block);
        });
        error.Message.ShouldContain("disk is full");
        await Should.ThrowAsync<StreamStorageException>(async () =>
        {
            while (true) await filler.AppendAsync("crumbs");
        });
        var filled = filler.NextOffset;
        filled.ShouldBeGreaterThan(50);

        await Should.ThrowAsync<StreamStorageException>(() => quiet.AppendAsync(new string('q', 40_000)));
        await Should.ThrowAsync<StreamStorageException>(() => quiet.CloseAsync(new string('q', 40_000)));
        await Should.ThrowAsync<StreamStorageException>(async () => await store.Log.CreateAsync("new"));
        (await store.Log.ReadAllAsync("filler")).Count.ShouldBe((int)filled);

        quiet = (await store.Log.TakeOverAsync("quiet")).ShouldNotBeNull();
        await quiet.CloseAsync("the disk was full");
        await using (var crashed = store.Crash())
        {
            (await crashed.Log.ReadAllAsync("quiet")).ShouldBe(["the disk was full"]);
            crashed.Folder.Dispose();
        }

        await store.ReopenAsync(); // with no more room than before
        filler = (await store.Log.TakeOverAsync("filler")).ShouldNotBeNull();
        filler.NextOffset.ShouldBe(filled);
        await filler.CloseAsync("this one, too");

        (await store.Log.DeleteAsync("filler")).ShouldBeTrue();
        var late = await store.Log.CreateAsync("late");
        for (var i = 0; i < 10; i++) await late.AppendAsync(block);
        await late.CloseAsync();
        await store.ReopenAsync();
        (await store.Log.ReadAllAsync("quiet")).ShouldBe(["the disk was full"]);
        (await store.Log.ReadAllAsync("late")).Count.ShouldBe(10);
    }

    /// <summary>A small disk, in memory.</summary>
    private sealed class SmallDisk : IDisposable
    {
        public TemporaryFolder Folder { get; } = new();

        public static SmallDisk? TryMount(int kilobytes)
        {
            var disk = new SmallDisk();
            if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", disk.Folder.Path)) return disk;
            disk.Folder.Dispose();
            return null;
        }

        public void Dispose()
        {
            Run("umount", Folder.Path);
            Folder.Dispose();
        }

        private static bool Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
