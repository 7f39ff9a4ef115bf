using System.Text;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>How streams come, are found, and go.</summary>
public abstract partial class StreamLogCompliance
{
    [Fact]
    public async Task A_new_stream_is_empty_and_open()
    {
        var writer = await Log.CreateAsync("a/b");
        writer.Path.ShouldBe("a/b");
        writer.Epoch.ShouldBe(1);
        writer.NextOffset.ShouldBe(0);
        var info = (await Log.GetAsync("a/b")).ShouldNotBeNull();
        info.Path.ShouldBe("a/b");
        info.CreatedAt.ShouldBe(Time.GetUtcNow());
        info.Epoch.ShouldBe(1);
        info.NextOffset.ShouldBe(0);
        info.Closed.ShouldBeFalse();
        info.ExpiresAt.ShouldBeNull();
        info.Metadata.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_taken_path_is_refused()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("one");
        await Should.ThrowAsync<StreamExistsException>(async () => await Log.CreateAsync("a"));
        (await Log.ReadAllAsync("a")).ShouldBe(["one"]);
    }

    [Fact]
    public async Task Of_many_that_create_one_path_one_succeeds()
    {
        var attempts = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            try
            {
                return await Log.CreateAsync("a");
            }
            catch (StreamExistsException)
            {
                return null;
            }
        })));
        var writer = attempts.OfType<IStreamWriter>().ShouldHaveSingleItem();
        await writer.AppendAsync("one");
        (await Log.ReadAllAsync("a")).ShouldBe(["one"]);
    }

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        (await Log.GetAsync("no")).ShouldBeNull();
        (await Log.OpenReaderAsync("no")).ShouldBeNull();
        (await Log.TakeOverAsync("no")).ShouldBeNull();
        (await Log.DeleteAsync("no")).ShouldBeFalse();
    }

    [Fact]
    public async Task Deleting_ends_readers_and_the_writer()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("one", "two");
        using var reading = await Log.ReaderAsync("a");
        (await reading.NextAsync()).ShouldBe("one");
        using var waiting = await Log.ReaderAsync("a", 2);
        var wait = waiting.WaitAsync().AsTask();
        (await Log.DeleteAsync("a")).ShouldBeTrue();
        (await wait.WaitAsync(StreamTesting.Patience)).ShouldBe(StreamWait.Gone);
        (await reading.FollowAsync()).End.ShouldBe(StreamWait.Gone);
        await Should.ThrowAsync<StreamGoneException>(() => writer.AppendAsync("three"));
        (await Log.GetAsync("a")).ShouldBeNull();
        (await Log.OpenReaderAsync("a")).ShouldBeNull();
        (await Log.TakeOverAsync("a")).ShouldBeNull();
        (await Log.DeleteAsync("a")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_path_may_be_created_anew()
    {
        var old = await Log.CreateAsync("a");
        await old.AppendAsync("old", "old");
        await Log.DeleteAsync("a");
        var fresh = await Log.CreateAsync("a");
        await fresh.AppendAsync("new");
        await Should.ThrowAsync<StreamGoneException>(() => old.AppendAsync("old"));
        (await Log.ReadAllAsync("a")).ShouldBe(["new"]);
    }

    [Fact]
    public async Task A_closed_stream_goes_when_its_retention_ends_and_an_open_one_stays()
    {
        var closed = await Log.CreateAsync("closed");
        var brief = await Log.CreateAsync("brief", new StreamOptions { Retention = TimeSpan.FromMinutes(1) });
        var open = await Log.CreateAsync("open");
        await open.AppendAsync("one");
        await closed.CloseAsync("one");
        await brief.CloseAsync("one");
        using var reader = await Log.ReaderAsync("brief");
        (await Log.GetAsync("brief"))!.ExpiresAt.ShouldBe(Time.GetUtcNow() + TimeSpan.FromMinutes(1));
        Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(1));
        (await Log.GetAsync("brief")).ShouldNotBeNull();
        Time.Advance(TimeSpan.FromSeconds(1));
        (await Log.GetAsync("brief")).ShouldBeNull();
        (await Log.OpenReaderAsync("brief")).ShouldBeNull();
        (await reader.FollowAsync()).End.ShouldBe(StreamWait.Gone);
        (await Log.ReadAllAsync("closed")).ShouldBe(["one"]);
        Time.Advance(Options.Retention);
        (await Log.GetAsync("closed")).ShouldBeNull();
        (await Log.ReadAllAsync("open")).ShouldBe(["one"]);
        Time.Advance(TimeSpan.FromDays(30));
        await open.AppendAsync("two");
        (await Log.ReadAllAsync("open")).ShouldBe(["one", "two"]);
        await Log.CreateAsync("brief");
    }

    [Fact]
    public async Task Streams_are_listed_newest_first()
    {
        foreach (var path in (string[])["a/1", "b/1", "a/2", "a/3"])
        {
            var writer = await Log.CreateAsync(path, new StreamOptions { Metadata = Encoding.UTF8.GetBytes(path) });
            if (path == "a/2") await writer.CloseAsync("x");
            Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Log.DeleteAsync("a/3");
        await Log.CreateAsync("a/0");
        (await Log.ListAsync().Select(info => info.Path).ToListAsync()).ShouldBe(["a/0", "a/2", "b/1", "a/1"]);
        var listed = await Log.ListAsync("a/").ToListAsync();
        listed.Select(info => info.Path).ShouldBe(["a/0", "a/2", "a/1"]);
        listed.Select(info => info.Closed).ShouldBe([false, true, false]);
        Encoding.UTF8.GetString(listed[1].Metadata.Span).ShouldBe("a/2");
        (await Log.ListAsync("c").ToListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_list_of_many_streams_is_whole_and_in_order()
    {
        const int Many = 2100; // more than a store puts in order at a time
        for (var i = 0; i < Many; i++) await Log.CreateAsync(i % 2 == 0 ? $"a/{i}" : $"b/{i}");
        await Log.DeleteAsync("a/1000");
        var paths = await Log.ListAsync("a/").Select(info => info.Path).ToListAsync();
        paths.ShouldBe(Enumerable.Range(0, Many).Where(i => i % 2 == 0 && i != 1000).Reverse().Select(i => $"a/{i}"));
        (await Log.ListAsync().CountAsync()).ShouldBe(Many - 1);
    }

    [Fact]
    public async Task Metadata_is_kept()
    {
        var metadata = new byte[3000];
        Random.Shared.NextBytes(metadata);
        await Log.CreateAsync("päth/好", new StreamOptions { Metadata = metadata });
        metadata.AsSpan().ToArray().ShouldBe((await Log.GetAsync("päth/好"))!.Metadata.ToArray());
    }

    [Fact]
    public async Task A_store_that_was_shut_down_takes_no_more_and_lets_nobody_wait()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var wait = reader.WaitAsync().AsTask();
        await Log.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(() => wait.WaitAsync(StreamTesting.Patience));
        await Should.ThrowAsync<ObjectDisposedException>(() => writer.AppendAsync("one"));
        await Should.ThrowAsync<ObjectDisposedException>(async () => await Log.CreateAsync("b"));
    }

    private protected static byte[] Letters(int length, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[length];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)('a' + (bytes[i] % 26));
        return bytes;
    }
}
