using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Limits;
using Penstock.Limits.Memory;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Limits;

public sealed class MemoryLimiterTests : LimiterCompliance
{
    private readonly MemoryStreamLog _log;

    public MemoryLimiterTests() => _log = new MemoryStreamLog(new StreamStoreOptions(), Time);

    private protected override ILimiter Open() => new MemoryLimiter(_log, Time, NullLogger<MemoryLimiter>.Instance);

    [Fact]
    public async Task What_was_spent_outlives_a_restart()
    {
        var payer = new Payer("alice", [new Account("key:a", new() { BudgetPerMonth = 1 })]);
        var before = Open();
        for (var i = 0; i < 50; i++)
        {
            (await before.ReserveAsync(payer, new() { Id = $"g{i}", Money = Money.Of(0.01m) })).IsAllowed.ShouldBeTrue();
            await before.SettleAsync(payer, new($"g{i}", 0, 0, Money.Of(0.01m)));
        }

        await Eventually.Is(async () => (await Open().ReserveAsync(payer, new() { Id = "g", Money = Money.Of(0.51m) })).Refused == LimitKind.MonthBudget, "all of it is written down");
        (await Open().ReserveAsync(payer, new() { Id = "g", Money = Money.Of(0.5m) })).IsAllowed.ShouldBeTrue();
        Time.Advance(TimeSpan.FromDays(2)); // another month
        (await Open().ReserveAsync(payer, new() { Id = "g", Money = Money.Of(1) })).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_budget_that_is_given_later_counts_what_was_spent_before_it()
    {
        var limiter = Open();
        var free = new Payer("alice", [new Account("key:a", new() { Streams = 5 })]);
        await limiter.ReserveAsync(free, new() { Id = "a" });
        await limiter.SettleAsync(free, new("a", 0, 0, Money.Of(0.6m)));
        var bound = new Payer("alice", [new Account("key:a", new() { BudgetPerDay = 1 })]);
        (await limiter.ReserveAsync(bound, new() { Id = "b", Money = Money.Of(0.5m) })).Refused.ShouldBe(LimitKind.DayBudget);
    }

    [Fact]
    public void Spending_is_written_as_it_is_read()
    {
        foreach (var spending in new[] { new Spending(new DateOnly(987, 6, 5), 0, 4), new Spending(DateOnly.MaxValue, long.MaxValue, long.MaxValue) })
        {
            using var batch = new StreamBatch();
            spending.Write(batch);
            batch.EndEvent();
            JsonSerializer.Deserialize(batch[0], SpendingJson.Default.Spending).ShouldBe(spending);
        }
    }
}
