using Penstock.Providers;
using Penstock.Testing;

namespace Penstock.Tests.Providers;

public sealed class CallWatchTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Silence_for_as_long_as_the_limit_cancels()
    {
        using var watch = new CallWatch(_time, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), CancellationToken.None);
        watch.Start();
        _time.Advance(TimeSpan.FromSeconds(9.9));
        watch.Token.IsCancellationRequested.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        watch.Token.IsCancellationRequested.ShouldBeTrue();
        watch.Expired.ShouldBeTrue();
    }

    [Fact]
    public void Each_sign_of_life_starts_the_wait_again()
    {
        using var watch = new CallWatch(_time, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), CancellationToken.None);
        watch.Start();
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(7));
            watch.Touch();
        }

        watch.Expired.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(10));
        watch.Expired.ShouldBeTrue();
    }

    [Fact]
    public void The_limit_can_change_on_the_way()
    {
        using var watch = new CallWatch(_time, TimeSpan.FromMinutes(5), TimeSpan.FromHours(1), CancellationToken.None);
        watch.Start();
        watch.Touch(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        watch.Expired.ShouldBeTrue();
    }

    [Fact]
    public void Stopping_cancels_and_is_not_expiry()
    {
        using var stop = new CancellationTokenSource();
        using var watch = new CallWatch(_time, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), stop.Token);
        watch.Start();
        stop.Cancel();
        watch.Token.IsCancellationRequested.ShouldBeTrue();
        watch.Expired.ShouldBeFalse();
    }

    [Fact]
    public void However_lively_it_is_all_of_it_has_a_limit_too()
    {
        using var watch = new CallWatch(_time, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(25), CancellationToken.None);
        watch.Start();
        for (var i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(6));
            watch.Touch();
        }

        watch.Expired.ShouldBeFalse();
        watch.Touch(TimeSpan.FromSeconds(20));
        _time.Advance(TimeSpan.FromSeconds(1));
        (watch.Expired, watch.TotalExpired, watch.Token.IsCancellationRequested).ShouldBe((true, true, true));
    }
}
