using Penstock.Providers;
using Penstock.Testing;

namespace Penstock.Tests.Providers;

public sealed class TargetHealthTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void It_opens_after_many_failures_and_lets_one_call_through_after_a_while()
    {
        var health = new TargetHealth(_time);
        for (var i = 0; i < 5; i++) health.Succeeded(TimeSpan.Zero);
        for (var i = 0; i < 5; i++)
        {
            health.TryEnter().ShouldBeTrue();
            health.Failed();
        }

        health.TryEnter().ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(16));
        health.TryEnter().ShouldBeTrue();
        health.TryEnter().ShouldBeFalse(); // one at a time
        health.Failed();
        health.TryEnter().ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(16));
        health.TryEnter().ShouldBeTrue();
        health.Succeeded(TimeSpan.Zero);
        health.TryEnter().ShouldBeTrue();
        health.TryEnter().ShouldBeTrue();
    }

    [Fact]
    public void A_probe_that_its_client_gave_up_lets_another_through()
    {
        var health = new TargetHealth(_time);
        for (var i = 0; i < 10; i++) health.Failed();
        _time.Advance(TimeSpan.FromSeconds(16));
        health.TryEnter().ShouldBeTrue();
        health.Abandoned();
        health.TryEnter().ShouldBeTrue();
    }

    [Fact]
    public void Old_failures_do_not_count()
    {
        var health = new TargetHealth(_time);
        for (var i = 0; i < 9; i++) health.Failed();
        health.Failures.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(31));
        health.Failures.ShouldBe(0);
        health.Failed();
        health.TryEnter().ShouldBeTrue();
    }

    [Fact]
    public void Its_usual_delay_is_what_95_of_its_latest_100_keep_to()
    {
        var health = new TargetHealth(_time);
        for (var i = 0; i < 9; i++) health.Succeeded(TimeSpan.FromSeconds(1));
        health.UsualDelay.ShouldBeNull();
        health.Succeeded(TimeSpan.FromSeconds(1));
        health.UsualDelay.ShouldBe(TimeSpan.FromSeconds(1));
        for (var i = 1; i <= 250; i++) health.Succeeded(TimeSpan.FromSeconds(i));
        health.UsualDelay.ShouldBe(TimeSpan.FromSeconds(246)); // of 151 to 250
        for (var i = 0; i < 10; i++) health.Outrun(TimeSpan.FromSeconds(1000));
        health.UsualDelay.ShouldBe(TimeSpan.FromSeconds(2000));
    }
}
