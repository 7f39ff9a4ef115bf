using Penstock.Limits;
using Penstock.Protocols;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>Counts in Redis, for all nodes together. Each step is one script; what a node that died had reserved lapses.</summary>
/// <param name="redis">Redis.</param>
/// <param name="clock">Says the time; null for Redis itself, since no two nodes' clocks are the same.</param>
internal sealed class RedisLimiter(RedisConnection redis, TimeProvider? clock = null) : ILimiter
{
    private static readonly TimeSpan _lease = TimeSpan.FromMinutes(1);

    public TimeSpan? Lease => _lease;

    public async ValueTask<Admission> ReserveAsync(Payer payer, Reservation reservation)
    {
        var said = await RunAsync(
            RedisScript.LimitReserve, payer, _lease, reservation.Id ?? "",
            [reservation.Id is not null, reservation.Tokens, reservation.Money, reservation.More, reservation.TokenMoney]);
        var (by, account, after, now) = ((LimitKind)said[0], (int)said[1], TimeSpan.FromMilliseconds(said[2]), DateTimeOffset.FromUnixTimeMilliseconds(said[4]));
        if (by == LimitKind.DayBudget) after = Spending.UntilTomorrow(now);
        if (by == LimitKind.MonthBudget) after = Spending.UntilNextMonth(now);
        return new Admission(by, account, after, Left(payer, said), said[3]);
    }

    public async ValueTask<Grant> UseAsync(Payer payer, TokenUse use)
    {
        var said = await RunAsync(RedisScript.LimitUse, payer, _lease, use.Id, [use.Counted, use.Used, use.More, use.TokenMoney]);
        return new Grant(said[0], (LimitKind)said[1]);
    }

    public async ValueTask KeepAsync(Payer payer, string id, TimeSpan lease) => await RunAsync(RedisScript.LimitKeep, payer, lease, id, []);

    public async ValueTask SettleAsync(Payer payer, Settlement settlement) => await RunAsync(
        RedisScript.LimitSettle, payer, _lease, settlement.Id,
        [settlement.Counted, settlement.Used, settlement.Money, settlement.WasRefused, settlement.TakesBack, false], retryFlag: 8);

    private async Task<long[]> RunAsync(RedisScript script, Payer payer, TimeSpan lease, string id, RedisValue[] own, int retryFlag = -1)
    {
        RedisValue[] arguments =
        [
            clock is null ? "" : clock.GetUtcNow().ToUnixTimeMilliseconds(), (long)lease.TotalMilliseconds, id, .. own, .. payer.Accounts.SelectMany(a => LimitsOf(a.Limits)),
        ];
        return (long[])(await redis.RunAsync(script, [.. payer.Accounts.SelectMany(a => KeysOf(payer, a))], arguments, RedisConnection.Briefly, retryFlag))!;
    }

    // An owner's name may be anything; a brace in it would end the hash tag early, which is as good as long as it is the same for all.
    private static IEnumerable<RedisKey> KeysOf(Payer payer, Account account)
    {
        var name = $"penstock:limits:{{.{payer.Owner}}}:{account.Name}";
        return ((string[])[name, name + ":requests", name + ":tokens", name + ":open", name + ":held"]).Select(key => (RedisKey)key);
    }

    private static IEnumerable<RedisValue> LimitsOf(LimitSettings limits) =>
        [limits.RequestsPerMinute ?? 0, limits.TokensPerMinute ?? 0, limits.Streams ?? 0, Money.Of(limits.BudgetPerDay ?? 0), Money.Of(limits.BudgetPerMonth ?? 0)];

    private static RateLimits Left(Payer payer, long[] said)
    {
        var left = new RateLimits(null, null);
        for (var i = 0; i < payer.Accounts.Count; i++)
        {
            var (limits, at) = (payer.Accounts[i].Limits, 5 + (4 * i));
            left = Admissions.Tightest(left, new RateLimits(LeftOf(limits.RequestsPerMinute, said[at], said[at + 1]), LeftOf(limits.TokensPerMinute, said[at + 2], said[at + 3])));
        }

        return left;
    }

    private static RateLimit? LeftOf(long? limit, long used, long reset) =>
        limit is > 0 ? new RateLimit(limit.Value, Math.Max(0, limit.Value - used), TimeSpan.FromMilliseconds(reset)) : null;
}
