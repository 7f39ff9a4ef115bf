using Penstock.Generations;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

public sealed class SubscribersTests
{
    private readonly ManualTimeProvider _time = new();
    private int _abandoned;

    [Fact]
    public void Under_grace_the_last_to_leave_starts_the_clock_and_one_who_comes_stops_it()
    {
        using var subscribers = New(new DisconnectPolicy(TimeSpan.FromSeconds(5)));
        subscribers.Add();
        subscribers.Add();
        subscribers.Remove();
        _time.Advance(TimeSpan.FromSeconds(60));
        _abandoned.ShouldBe(0);

        subscribers.Remove();
        _time.Advance(TimeSpan.FromSeconds(4.9));
        subscribers.Add();
        _time.Advance(TimeSpan.FromSeconds(60));
        _abandoned.ShouldBe(0);

        subscribers.Remove();
        _time.Advance(TimeSpan.FromSeconds(5));
        _abandoned.ShouldBe(1);
    }

    [Fact]
    public void Cancel_is_at_once_and_detach_is_never()
    {
        using var cancel = New(DisconnectPolicy.Cancel);
        cancel.Add();
        cancel.Remove();
        _abandoned.ShouldBe(1);

        using var detach = New(DisconnectPolicy.Detach);
        detach.Add();
        detach.Remove();
        _time.Advance(TimeSpan.FromDays(1));
        _abandoned.ShouldBe(1);
    }

    [Fact]
    public void A_generation_that_nobody_has_watched_yet_goes_on()
    {
        using var subscribers = New(DisconnectPolicy.Cancel);
        _time.Advance(TimeSpan.FromDays(1));
        _abandoned.ShouldBe(0);
    }

    [Fact]
    public void After_the_generation_has_ended_nobody_is_missed()
    {
        var subscribers = New(new DisconnectPolicy(TimeSpan.FromSeconds(5)));
        subscribers.Add();
        subscribers.Remove();
        subscribers.Dispose();
        _time.Advance(TimeSpan.FromSeconds(60));
        _abandoned.ShouldBe(0);
    }

    [Fact]
    public void A_clock_that_ran_out_just_before_somebody_came_back_does_nothing()
    {
        var late = new LateTimers();
        using var subscribers = new Subscribers(new DisconnectPolicy(TimeSpan.FromSeconds(5)), late, () => _abandoned++);
        subscribers.Add();
        subscribers.Remove();
        subscribers.Add();
        late.Due[0](null);
        _abandoned.ShouldBe(0);

        subscribers.Remove();
        late.Due[0](null); // the first clock is not the second's
        _abandoned.ShouldBe(0);
        late.Due[1](null);
        _abandoned.ShouldBe(1);
    }

    [Fact]
    public void After_they_were_sent_away_nobody_is_missed()
    {
        var subscribers = New(DisconnectPolicy.Cancel);
        subscribers.Add();
        subscribers.Dispose();
        subscribers.Remove();
        _abandoned.ShouldBe(0);
    }

    private Subscribers New(DisconnectPolicy policy) => new(policy, _time, () => _abandoned++);

    /// <summary>Timers whose callbacks are on their way already: disposing them comes too late.</summary>
    private sealed class LateTimers : TimeProvider
    {
        public List<TimerCallback> Due { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Due.Add(callback);
            return base.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
