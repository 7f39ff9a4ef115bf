using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Limits;
using Penstock.Testing;
using Penstock.Tests.Limits;

namespace Penstock.Redis.Tests;

/// <summary>The law of limits, kept by a real Redis, and what several nodes add to it.</summary>
public sealed class RedisLimiterCompliance(RedisFixture redis) : LimiterCompliance, IClassFixture<RedisFixture>
{
    private readonly List<RedisStreamLog> _logs = [];
    private readonly string _database = redis.Server.NewDatabase();

    public override async ValueTask DisposeAsync()
    {
        foreach (var log in _logs) await log.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_count_together()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { RequestsPerMinute = 50, TokensPerMinute = 330 }), new Account("owner:alice", new() { Streams = 1000 })]);
        ILimiter[] nodes = [Open(), Open()];
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i => await nodes[i % 2].ReserveAsync(payer, new() { Id = $"g{i}", Tokens = 10 })));
        all.Count(a => a.IsAllowed).ShouldBe(33);
        await nodes[0].SettleAsync(payer, new("g0", 0, 0, 0)); // whichever node has it
        (await nodes[1].ReserveAsync(payer, new() { Id = "h", Tokens = 10 })).IsAllowed.ShouldBe(all[0].IsAllowed);
    }

    [Fact]
    public async Task What_a_node_that_died_had_reserved_lapses_and_one_that_lives_keeps_its_own()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { TokensPerMinute = 100, Streams = 2, BudgetPerDay = 1 })]);
        var limiter = Open();
        await limiter.ReserveAsync(payer, new() { Id = "dead", Tokens = 50, Money = Money.Of(0.5m) });
        await limiter.ReserveAsync(payer, new() { Id = "alive", Tokens = 50, Money = Money.Of(0.5m) });
        for (var i = 0; i < 5; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(20));
            await limiter.UseAsync(payer, new("alive", 0, 0, 0, 0));
        }

        var more = await limiter.ReserveAsync(payer, new() { Id = "next", Tokens = 51 });
        more.Refused.ShouldBe(LimitKind.Tokens);
        (await limiter.ReserveAsync(payer, new() { Id = "next", Tokens = 50, Money = Money.Of(0.5m) })).IsAllowed.ShouldBeTrue();
    }

    [Theory]
    [InlineData("counted")]
    [InlineData("refused")]
    [InlineData("kept")]
    [InlineData("asked again")]
    public async Task What_lapses_is_free_whoever_comes_upon_it_first(string first)
    {
        var payer = new Payer("alice", [new Account("key:a", new() { TokensPerMinute = 100, BudgetPerDay = 1 })]);
        var limiter = Open();
        await limiter.ReserveAsync(payer, new() { Id = "dead", Tokens = 50, Money = Money.Of(0.5m) });
        await limiter.ReserveAsync(payer, new() { Id = "alive", Tokens = 10, Money = Money.Of(0.1m) });
        Time.Advance(TimeSpan.FromSeconds(40));
        await limiter.UseAsync(payer, new("alive", 0, 0, 0, 0));
        Time.Advance(TimeSpan.FromSeconds(21));
        if (first == "counted") await limiter.ReserveAsync(payer, new());
        else if (first == "refused") (await limiter.ReserveAsync(payer, new() { Id = "large", Tokens = 91 })).Refused.ShouldBe(LimitKind.Tokens);
        else if (first == "kept") await limiter.KeepAsync(payer, "alive", TimeSpan.FromHours(1));
        else await limiter.ReserveAsync(payer, new() { Id = "alive", Tokens = 10, Money = Money.Of(0.1m) });
        (await limiter.ReserveAsync(payer, new() { Id = "next", Tokens = 90, Money = Money.Of(0.9m) })).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task What_waits_is_kept_and_what_was_not_put_there_lapses_soon()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { Streams = 3 })]);
        var limiter = Open();
        foreach (var id in (string[])["waits", "dead", "done"]) await limiter.ReserveAsync(payer, new() { Id = id });
        await limiter.KeepAsync(payer, "waits", TimeSpan.FromHours(1));
        await limiter.SettleAsync(payer, new("done", 0, 0, 0));
        await limiter.KeepAsync(payer, "done", TimeSpan.FromHours(1)); // it was told late, and is not to come back
        Time.Advance(TimeSpan.FromMinutes(2));
        for (var i = 0; i < 2; i++) (await limiter.ReserveAsync(payer, new() { Id = $"next-{i}" })).IsAllowed.ShouldBeTrue();
        (await limiter.ReserveAsync(payer, new() { Id = "more" })).Refused.ShouldBe(LimitKind.Streams);
    }

    [Fact]
    public async Task A_day_is_one_for_nodes_whose_clocks_differ()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { BudgetPerDay = 1, RequestsPerMinute = 3 })]);
        ILimiter[] nodes = [OpenAt(TimeSpan.FromDays(-1)), OpenAt(TimeSpan.Zero), OpenAt(TimeSpan.FromDays(1))];
        foreach (var node in nodes)
        {
            (await node.ReserveAsync(payer, new() { Id = "a", Money = Money.Of(0.3m) })).IsAllowed.ShouldBeTrue();
            await node.SettleAsync(payer, new("a", 0, 0, Money.Of(0.3m)));
        }

        payer = new Payer("alice", [new Account("key:a", new() { BudgetPerDay = 1 })]);
        foreach (var node in nodes)
        {
            var refused = await node.ReserveAsync(payer, new() { Id = "b", Money = Money.Of(0.2m) });
            refused.Refused.ShouldBe(LimitKind.DayBudget);
            refused.RetryAfter.ShouldBeLessThanOrEqualTo(TimeSpan.FromDays(1));
        }

        ILimiter OpenAt(TimeSpan ahead)
        {
            var time = new ManualTimeProvider();
            time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow() + ahead);
            var log = new RedisStreamLog(new RedisStoreOptions { Connection = _database }, time, NullLogger.Instance);
            _logs.Add(log);
            return log.NewLimiter();
        }
    }

    [Fact]
    public async Task A_reservation_that_comes_twice_is_one()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { RequestsPerMinute = 10, TokensPerMinute = 100 })]);
        var limiter = Open();
        var reservation = new Reservation { Id = "a", Tokens = 10, More = 20 };
        (await limiter.ReserveAsync(payer, reservation)).More.ShouldBe(20);
        var again = await limiter.ReserveAsync(payer, reservation);
        (again.More, again.Left.Requests!.Value.Remaining, again.Left.Tokens!.Value.Remaining).ShouldBe((20, 9, 70));
    }

    private protected override ILimiter Open()
    {
        var log = new RedisStreamLog(new RedisStoreOptions { Connection = _database }, Time, NullLogger.Instance);
        _logs.Add(log);
        return log.NewLimiter(Time);
    }
}
