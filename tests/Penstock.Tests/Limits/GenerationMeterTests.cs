using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Generations;
using Penstock.Limits;
using Penstock.Limits.Memory;
using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Limits;

/// <summary>What is left of an answer's limits to whoever takes it over.</summary>
public sealed class GenerationMeterTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly MemoryStreamLog _log;
    private readonly GenerationLimits _limits;

    public GenerationMeterTests()
    {
        _log = new MemoryStreamLog(new StreamStoreOptions(), _time);
        _limits = new GenerationLimits(new MemoryLimiter(_log, _time, NullLogger<MemoryLimiter>.Instance), new LimitOptions(), _time, NullLogger<GenerationLimits>.Instance);
    }

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Fact]
    public void Its_time_goes_on_from_when_it_was_begun()
    {
        string? stopped = null;
        using var meter = MeterOn(new() { SecondsPerStream = 60 }, since: _time.GetUtcNow() - TimeSpan.FromSeconds(50));
        meter.Begin(outputBytes: 0, reason => stopped = reason);
        _time.Advance(TimeSpan.FromSeconds(9));
        stopped.ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(1));
        stopped.ShouldBe(StopReasons.TimeLimit);
    }

    [Fact]
    public void One_whose_time_is_over_ends_at_once()
    {
        string? stopped = null;
        using var meter = MeterOn(new() { SecondsPerStream = 60 }, since: _time.GetUtcNow() - TimeSpan.FromHours(1));
        meter.Begin(outputBytes: 0, reason => stopped = reason);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        stopped.ShouldBe(StopReasons.TimeLimit);
    }

    [Theory]
    [InlineData(false, 40)] // the rest of a hundred tokens
    [InlineData(true, 100)] // what was said is void
    public void Its_length_goes_on_from_what_was_said_of_it(bool anew, int left)
    {
        const int Said = 240; // bytes, 60 tokens
        using var meter = MeterOn(new() { TokensPerStream = 100 }, _time.GetUtcNow(), anew);
        meter.Begin(Said, static _ => { });
        for (var token = 1; token < left; token++) Say(meter, Said + (4 * token));
        Should.Throw<LimitReachedException>(() => Say(meter, Said + (4 * left))).Reason.ShouldBe(StopReasons.TokenLimit);
    }

    [Fact]
    public void One_that_is_as_long_as_it_may_be_ends_before_anybody_is_asked()
    {
        string? stopped = null;
        using var meter = MeterOn(new() { TokensPerStream = 100 }, _time.GetUtcNow());
        meter.Begin(outputBytes: 400, reason => stopped = reason);
        stopped.ShouldBe(StopReasons.TokenLimit);
    }

    [Fact]
    public void One_that_had_more_than_was_reserved_at_first_goes_on_as_far_as_there_is_room()
    {
        using var meter = MeterOn(new() { TokensPerMinute = 10_000 }, _time.GetUtcNow());
        meter.Begin(outputBytes: 20_000, static _ => { });
        for (var bytes = 20_004; bytes < 28_000; bytes += 4) Say(meter, bytes);
    }

    private static void Say(GenerationMeter meter, long bytes)
    {
        if (bytes >= meter.CheckAt) meter.Check(bytes);
    }

    private GenerationMeter MeterOn(LimitSettings settings, DateTimeOffset since, bool anew = false) =>
        _limits.MeterOn("gen_1", new LimitTerms(new Payer("alice", [new Account("owner:alice", settings)]), "m", 4, 1000, 0), since, anew)!;
}
