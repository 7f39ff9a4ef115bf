using Penstock.Generations;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

public sealed class WatchersTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Who_watches_here_is_listed_the_newest_first_whatever_their_leaving_means()
    {
        using var watchers = new Watchers(_time);
        foreach (var policy in new[] { DisconnectPolicy.Detach, DisconnectPolicy.Cancel })
        {
            using (var first = Enter(watchers, policy, offset: 7))
            {
                using (Enter(watchers, policy, offset: 3)) watchers.Positions("gen", most: 9).ShouldBe([2, 6]);
                watchers.Positions("gen", most: 9).ShouldBe([6]);
                watchers.Positions("other", most: 9).ShouldBeEmpty();
                watchers.IsWatched("gen").ShouldBeTrue();
            }

            watchers.Positions("gen", most: 9).ShouldBeEmpty();
            watchers.IsWatched("gen").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Those_who_come_as_a_grace_ends_hold_nothing_up()
    {
        const int Rounds = 100_000;
        var watchers = new Watchers(_time);
        var abandoned = 0;
        watchers.Abandoned = _ => abandoned++;
        var coming = Task.Run(() =>
        {
            for (var i = 0; i < Rounds; i++) Enter(watchers, new DisconnectPolicy(TimeSpan.FromTicks(1)), offset: 0).Dispose();
        });
        var passing = Task.Run(() =>
        {
            while (!coming.IsCompleted) _time.Advance(TimeSpan.FromTicks(1));
        });
        await Eventually.Completes(Task.WhenAll(coming, passing), "all have come and left");
        _time.Advance(TimeSpan.FromTicks(2));
        abandoned.ShouldBeGreaterThan(0);
        watchers.Dispose(); // which would hang if they do
    }

    private static Subscription Enter(Watchers watchers, DisconnectPolicy policy, long offset) => new("gen", new At(offset), generation: null, watchers, policy);

    /// <summary>A cursor that stands still.</summary>
    private sealed class At(long offset) : IStreamReader
    {
        public DateTimeOffset CreatedAt => default;

        public long NextOffset => offset;

        public bool TryRead(out StreamEvent streamEvent) => throw new NotSupportedException();

        public void SkipTo(long offset) => throw new NotSupportedException();

        public ValueTask<StreamWait> WaitAsync() => throw new NotSupportedException();

        public void Wake() => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
