using Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>What nodes that are at the same subscription at the same moment make of it.</summary>
public sealed class SubscriptionLogTests : IAsyncDisposable
{
    private const string Id = "sub";

    private readonly SharedStore _store = new();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task One_that_is_deleted_is_not_brought_back_by_a_node_that_was_moving_it_on()
    {
        var (other, (slow, log)) = (NewNode().Log, NewNode());
        await LeftHalfMovedAsync();
        Once(slow, nameof(IStreamLog.CreateSharedAsync), async () =>
        {
            var (record, place) = (await other.FindAsync(null, Id)).ShouldNotBeNull();
            (await other.TryAppendAsync(place, record with { IsDeleted = true })).ShouldNotBeNull();
        });
        (await log.FindAsync(null, Id)).ShouldBeNull();
        (await other.FindAsync(null, Id)).ShouldBeNull();
        (await other.LoadAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_is_made_anew_is_not_taken_for_the_one_that_was_deleted()
    {
        var (other, (slow, log)) = (NewNode().Log, NewNode());
        var (crashing, first) = NewNode();
        var place = (await first.CreateAsync(Record(0))).ShouldNotBeNull();
        crashing.Before = (operation, _) => operation is nameof(IStreamLog.DeleteAsync) or nameof(IStreamLog.CreateSharedAsync) ? throw new StreamUnreachableException("it dies") : Task.CompletedTask;
        await Should.ThrowAsync<StreamUnreachableException>(() => first.TryAppendAsync(place, Record(0) with { IsDeleted = true }));
        Once(slow, nameof(IStreamLog.DeleteAsync), async () =>
        {
            (await other.FindAsync(null, Id)).ShouldBeNull();
            (await other.CreateAsync(Record(7))).ShouldNotBeNull();
        });
        await log.LoadAsync();
        (await log.FindAsync(null, Id)).ShouldNotBeNull().Record.Generation.ShouldBe(7);
        (await other.FindAsync(null, Id)).ShouldNotBeNull().Record.Generation.ShouldBe(7);
    }

    [Fact]
    public async Task One_that_is_moved_on_while_it_is_looked_for_is_not_forgotten()
    {
        var (other, (slow, log)) = (NewNode().Log, NewNode());
        var known = await LeftHalfMovedAsync();
        Once(slow, nameof(IStreamLog.OpenReaderAsync), async () => (await other.FindAsync(null, Id)).ShouldNotBeNull());
        var (record, place) = (await log.ReadAsync(known, (null, Id))).ShouldNotBeNull();
        record.ShouldNotBeNull();
        place.Next.ShouldBe(1);
    }

    [Fact]
    public async Task Of_two_that_make_one_at_the_same_moment_one_does_and_it_can_be_made_again_after_its_end()
    {
        var (a, b) = (NewNode().Log, NewNode().Log);
        for (var life = 0; life < 3; life++)
        {
            var place = (await a.CreateAsync(Record(life))).ShouldNotBeNull();
            (await b.CreateAsync(Record(100))).ShouldBeNull();
            (await b.FindAsync(null, Id)).ShouldNotBeNull().Record.Generation.ShouldBe(life);
            (await a.TryAppendAsync(place, Record(life) with { IsDeleted = true })).ShouldNotBeNull();
            (await b.FindAsync(null, Id)).ShouldBeNull();
        }

        var left = 0;
        await foreach (var info in _store.Log.ListAsync())
        {
            info.ExpiresAt.ShouldNotBeNull();
            left++;
        }

        left.ShouldBe(1);
    }

    private static SubscriptionRecord Record(long generation) =>
        new(Id, null, new SubscriptionConfig { Type = Subscription.PullWake, WakeStream = "wakes", LeaseTtlMs = 1000 }, "http://localhost/", DateTimeOffset.UnixEpoch, generation, [], 0, null);

    private (InterposedStore Store, SubscriptionLog Log) NewNode()
    {
        var store = new InterposedStore(_store.NewNode());
        return (store, new SubscriptionLog(store, 1 << 26, TimeProvider.System));
    }

    private static void Once(InterposedStore store, string operation, Func<Task> first)
    {
        var done = 0;
        store.Before = (name, _) => name == operation && Interlocked.Exchange(ref done, 1) == 0 ? first() : Task.CompletedTask;
    }

    // A node has closed a long stream, and died before it had begun the next.
    private async Task<SubscriptionPlace> LeftHalfMovedAsync()
    {
        var (store, log) = NewNode();
        var place = (await log.CreateAsync(Record(0))).ShouldNotBeNull();
        store.Before = (operation, _) => operation == nameof(IStreamLog.CreateSharedAsync) ? throw new StreamUnreachableException("it dies") : Task.CompletedTask;
        while (true)
        {
            try
            {
                place = (await log.TryAppendAsync(place, Record(place.Next))).ShouldNotBeNull();
            }
            catch (StreamUnreachableException)
            {
                return place;
            }
        }
    }
}
