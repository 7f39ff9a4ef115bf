using System.Text;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

/// <summary>How events come into a stream.</summary>
public abstract partial class StreamLogCompliance
{
    [Fact]
    public async Task How_many_bytes_a_stream_holds_is_known()
    {
        var writer = await Log.CreateAsync("a");
        (await Log.GetAsync("a"))!.Bytes.ShouldBe(0);
        await writer.AppendAsync("one", "three");
        (await Log.GetAsync("a"))!.Bytes.ShouldBe(8);
        await Log.CreateSharedAsync("s", new SharedStreamOptions(), StreamTesting.Batch("12", "345"));
        await Log.AppendAsync("s", StreamTesting.Batch("6789"));
        await Log.CreateSharedAsync("f", new SharedStreamOptions { Fork = new StreamFork("s", 3) }, StreamTesting.Batch("!"));
        (await Log.ListAsync().Select(i => (i.Path, i.Bytes)).OrderBy(i => i.Path).ToListAsync()).ShouldBe([("a", 8), ("f", 1), ("s", 9)]);
    }

    [Fact]
    public async Task Events_get_dense_offsets_from_zero()
    {
        var writer = await Log.CreateAsync("a");
        await writer.AppendAsync("zero");
        writer.NextOffset.ShouldBe(1);
        await writer.AppendAsync("one", "two", "");
        writer.NextOffset.ShouldBe(4);
        (await Log.GetAsync("a"))!.NextOffset.ShouldBe(4);
        (await Log.ReadAllAsync("a")).ShouldBe(["zero", "one", "two", ""]);
    }

    [Fact]
    public async Task Streams_do_not_mix()
    {
        var a = await Log.CreateAsync("a");
        var b = await Log.CreateAsync("b");
        for (var i = 0; i < 20; i++)
        {
            await a.AppendAsync($"a{i}");
            await b.AppendAsync($"b{i}", $"b{i}'");
        }

        (await Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, 20).Select(i => $"a{i}"));
        (await Log.ReadAllAsync("b")).ShouldBe(Enumerable.Range(0, 20).SelectMany(i => new[] { $"b{i}", $"b{i}'" }));
    }

    [Fact]
    public async Task A_negative_offset_is_refused()
    {
        await Log.CreateAsync("a");
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await Log.OpenReaderAsync("a", -1));
    }

    [Fact]
    public async Task The_batch_may_be_changed_once_its_append_has_completed()
    {
        var writer = await Log.CreateAsync("a");
        using var batch = StreamTesting.Batch("first");
        await writer.AppendAsync(batch);
        batch.Clear();
        batch.Add("other"u8);
        (await Log.ReadAllAsync("a")).ShouldBe(["first"]);
    }

    [Fact]
    public async Task An_empty_batch_is_refused_unless_it_closes()
    {
        var writer = await Log.CreateAsync("a");
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync());
        await writer.CloseAsync();
        (await Log.GetAsync("a"))!.Closed.ShouldBeTrue();
    }

    [Fact]
    public async Task Closing_with_events_shows_the_events_and_then_the_end()
    {
        var writer = await Log.CreateAsync("a");
        using var reader = await Log.ReaderAsync("a");
        var following = reader.FollowAsync();
        await writer.AppendAsync("one");
        await writer.CloseAsync("two", "three");
        var (events, end) = await following;
        events.ShouldBe(["one", "two", "three"]);
        end.ShouldBe(StreamWait.Closed);
        (await Log.GetAsync("a"))!.ExpiresAt.ShouldBe(Time.GetUtcNow() + Options.Retention);
    }

    [Fact]
    public async Task A_closed_stream_never_grows()
    {
        var writer = await Log.CreateAsync("a");
        await writer.CloseAsync("last");
        await Should.ThrowAsync<StreamClosedException>(() => writer.AppendAsync("more"));
        await Should.ThrowAsync<StreamClosedException>(() => writer.CloseAsync());
        (await Log.TakeOverAsync("a")).ShouldBeNull();
        (await Log.ReadAllAsync("a")).ShouldBe(["last"]);
    }

    [Fact]
    public async Task Of_several_that_take_over_from_one_epoch_one_succeeds()
    {
        await Log.CreateAsync("a");
        var writers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Log.TakeOverAsync("a", after: 1).AsTask()));
        var writer = writers.Single(w => w is not null).ShouldNotBeNull();
        writer.Epoch.ShouldBe(2);
        await writer.AppendAsync("one");
        (await Log.TakeOverAsync("a", after: 1)).ShouldBeNull();
        (await Log.TakeOverAsync("a", after: 2)).ShouldNotBeNull().Epoch.ShouldBe(3);
    }

    [Fact]
    public async Task A_take_over_fences_the_earlier_writer()
    {
        var first = await Log.CreateAsync("a");
        await first.AppendAsync("one");
        var second = (await Log.TakeOverAsync("a")).ShouldNotBeNull();
        second.Epoch.ShouldBe(2);
        second.NextOffset.ShouldBe(1);
        await Should.ThrowAsync<StreamFencedException>(() => first.AppendAsync("stale"));
        await Should.ThrowAsync<StreamFencedException>(() => first.CloseAsync("stale"));
        await second.AppendAsync("two");
        await second.CloseAsync("three");
        await Should.ThrowAsync<StreamFencedException>(() => first.AppendAsync("stale"));
        (await Log.ReadAllAsync("a")).ShouldBe(["one", "two", "three"]);
        (await Log.GetAsync("a"))!.Epoch.ShouldBe(2);
    }

    [Fact]
    public async Task Writers_that_take_over_from_one_another_leave_a_dense_stream()
    {
        var appended = 0;
        await Log.CreateAsync("a");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(producer => Task.Run(async () =>
        {
            for (var round = 0; round < 20; round++)
            {
                var writer = (await Log.TakeOverAsync("a")).ShouldNotBeNull();
                try
                {
                    for (var i = 0; i < 5; i++)
                    {
                        var offset = writer.NextOffset;
                        await writer.AppendAsync($"{offset}", $"{offset + 1}");
                        Interlocked.Add(ref appended, 2);
                    }
                }
                catch (StreamFencedException)
                {
                    // Another has taken over.
                }
            }
        })));
        (await Log.ReadAllAsync("a")).ShouldBe(Enumerable.Range(0, appended).Select(i => $"{i}"));
        (await Log.GetAsync("a"))!.Epoch.ShouldBe(161);
    }

    [Fact]
    public async Task A_full_stream_says_so_and_can_still_be_closed()
    {
        var writer = await Log.CreateAsync("a");
        var megabyte = new string('m', 1 << 20);
        for (var i = 0; i < 40; i++) await writer.AppendAsync(megabyte);
        (await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync("one more"))).Message.ShouldContain("MaxStreamBytes");
        await Should.ThrowAsync<StreamStorageException>(() => writer.CloseAsync(megabyte));
        writer.NextOffset.ShouldBe(40);
        await writer.CloseAsync("full");
        (await Log.ReadAllAsync("a", 40)).ShouldBe(["full"]);
        await (await Log.CreateAsync("b")).AppendAsync("unharmed");
    }

    [Fact]
    public async Task Many_writers_at_once_each_keep_their_bytes_and_order()
    {
        const int Streams = 64, Batches = 40;
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(number => Task.Run(async () =>
        {
            var path = $"many/{number}";
            var writer = await Log.CreateAsync(path);
            var live = Task.Run(async () => await (await Log.ReaderAsync(path)).FollowAsync());
            var expected = new List<string>();
            var random = new Random(number);
            using var batch = new StreamBatch();
            for (var i = 0; i < Batches; i++)
            {
                batch.Clear();
                for (var e = random.Next(1, 4); e > 0; e--)
                {
                    var data = Letters(random.Next(random.Next(20) == 0 ? 50_000 : 400), random.Next());
                    batch.Add(data);
                    expected.Add(Encoding.UTF8.GetString(data));
                }

                await writer.AppendAsync(batch, close: i == Batches - 1);
                writer.NextOffset.ShouldBe(expected.Count);
            }

            (await live).Events.SequenceEqual(expected).ShouldBeTrue();
            (await Log.ReadAllAsync(path)).SequenceEqual(expected).ShouldBeTrue();
        })));
    }
}
