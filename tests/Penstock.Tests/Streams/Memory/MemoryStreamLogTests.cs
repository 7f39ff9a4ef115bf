using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Streams.Memory;

public sealed class MemoryStreamLogCompliance : StreamLogCompliance
{
    private protected override IStreamLog Open() => new MemoryStreamLog(Options, Time);
}

public sealed class MemoryStreamLogTests
{
    [Fact]
    public async Task The_streams_closed_longest_ago_make_room()
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions { MaxTotalBytes = 100_000 }, new ManualTimeProvider());
        var kilobytes = new string('k', 10_000);
        for (var i = 0; i < 30; i++) await (await log.CreateAsync($"{i}")).CloseAsync(kilobytes);
        (await log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["29", "28", "27", "26", "25", "24", "23", "22", "21"]);
    }

    [Fact]
    public async Task With_open_streams_alone_a_full_store_says_so_and_deleting_helps()
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions { MaxTotalBytes = 50_000 }, new ManualTimeProvider());
        var kilobytes = new string('k', 10_000);
        for (var i = 0; i < 4; i++) await (await log.CreateAsync($"{i}")).AppendAsync(kilobytes);
        var writer = await log.CreateAsync("late");
        (await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync(kilobytes))).Message.ShouldContain("MaxTotalBytes");
        (await log.ReadAllAsync("3")).ShouldBe([kilobytes]);
        await log.DeleteAsync("0");
        await writer.AppendAsync(kilobytes);
        await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync(kilobytes));
        await writer.CloseAsync("no room");
        (await log.ReadAllAsync("late")).ShouldBe([kilobytes, "no room"]);
    }

    [Fact]
    public async Task Expired_and_deleted_streams_give_their_room_back()
    {
        var time = new ManualTimeProvider();
        await using var log = new MemoryStreamLog(new StreamStoreOptions { MaxTotalBytes = 50_000 }, time);
        var kilobytes = new string('k', 30_000);
        for (var round = 0; round < 5; round++)
        {
            await (await log.CreateAsync("expires")).CloseAsync(kilobytes);
            time.Advance(TimeSpan.FromDays(2));
            await (await log.CreateAsync("deleted")).AppendAsync(kilobytes);
            await log.DeleteAsync("deleted");
        }

        await (await log.CreateAsync("last")).AppendAsync(kilobytes);
    }

    [Fact]
    public async Task A_shared_streams_oldest_events_are_forgotten_by_size_and_age()
    {
        var time = new ManualTimeProvider();
        await using var log = new MemoryStreamLog(new StreamStoreOptions { KeepBytes = 100_000, KeepFor = TimeSpan.FromHours(1), MaxTotalBytes = 300_000 }, time);
        await log.CreateSharedAsync("a", new SharedStreamOptions());
        using var batch = StreamTesting.Batch(new string('k', 10_000));
        for (var i = 0; i < 200; i++) await log.AppendAsync("a", batch); // more than the store may hold
        var info = (await log.GetAsync("a")).ShouldNotBeNull();
        info.FirstOffset.ShouldBeInRange(180, 190);
        (await log.ReadAllAsync("a", info.FirstOffset)).Count.ShouldBe(200 - (int)info.FirstOffset);
        using var behind = await log.ReaderAsync("a", 3);
        behind.Next().ShouldBeNull();
        (await behind.WaitAsync()).ShouldBe(StreamWait.Behind);

        time.Advance(TimeSpan.FromHours(2));
        for (var i = 0; i < 4; i++) await log.AppendAsync("a", batch);
        (await log.GetAsync("a")).ShouldNotBeNull().FirstOffset.ShouldBeGreaterThan(195);
    }
}
