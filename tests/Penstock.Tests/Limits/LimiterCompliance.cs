using Penstock.Limits;
using Penstock.Testing;

namespace Penstock.Tests.Limits;

/// <summary>The law of <see cref="ILimiter"/>, case by case, for every implementation.</summary>
public abstract class LimiterCompliance : IAsyncLifetime
{
    private static int _names;

    private readonly string _owner = $"owner-{Interlocked.Increment(ref _names)}";
    private ILimiter _limiter = null!;

    /// <summary>It is noon, two days before a month ends.</summary>
    protected ManualTimeProvider Time { get; } = NewTime();

    private protected abstract ILimiter Open();

    public ValueTask InitializeAsync()
    {
        _limiter = Open();
        return default;
    }

    public virtual ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Requests_are_let_in_up_to_the_limit_and_again_once_a_minute_is_over()
    {
        var payer = Payer(new() { RequestsPerMinute = 3 });
        for (var i = 0; i < 3; i++) (await CountAsync(payer)).Left.Requests!.Value.Remaining.ShouldBe(2 - i);
        var refused = await CountAsync(payer);
        refused.Refused.ShouldBe(LimitKind.Requests);
        refused.RetryAfter.ShouldBeInRange(TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(61));
        refused.Left.Requests!.Value.ShouldBe(new(3, 0, refused.RetryAfter));
        Time.Advance(refused.RetryAfter - TimeSpan.FromMilliseconds(1));
        (await CountAsync(payer)).IsAllowed.ShouldBeFalse();
        Time.Advance(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 3; i++) (await CountAsync(payer)).IsAllowed.ShouldBeTrue();
        (await CountAsync(payer)).IsAllowed.ShouldBeFalse();
    }

    [Fact]
    public async Task A_minute_slides()
    {
        var payer = Payer(new() { RequestsPerMinute = 2 });
        await CountAsync(payer);
        Time.Advance(TimeSpan.FromSeconds(30));
        await CountAsync(payer);
        (await CountAsync(payer)).RetryAfter.ShouldBeInRange(TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(31));
        Time.Advance(TimeSpan.FromSeconds(31));
        (await CountAsync(payer)).IsAllowed.ShouldBeTrue();
        (await CountAsync(payer)).IsAllowed.ShouldBeFalse(); // that of half a minute ago still counts
    }

    [Fact]
    public async Task What_is_reserved_counts_as_used_until_it_is_given_back()
    {
        var payer = Payer(new() { TokensPerMinute = 100 });
        (await ReserveAsync(payer, "a", 60)).Left.Tokens!.Value.Remaining.ShouldBe(40);
        var refused = await ReserveAsync(payer, "b", 41);
        refused.Refused.ShouldBe(LimitKind.Tokens);
        refused.RetryAfter.ShouldBeGreaterThan(TimeSpan.Zero);
        (await ReserveAsync(payer, "b", 40)).IsAllowed.ShouldBeTrue(); // nothing of the refused one is left
        await SettleAsync(payer, "a", used: 10);
        (await ReserveAsync(payer, "c", 51)).IsAllowed.ShouldBeFalse();
        (await ReserveAsync(payer, "c", 50)).IsAllowed.ShouldBeTrue();
        await SettleAsync(payer, "b", used: 40);
        await SettleAsync(payer, "c", used: 50);
        (await ReserveAsync(payer, "d", 1)).IsAllowed.ShouldBeFalse();
        Time.Advance(TimeSpan.FromSeconds(61));
        (await ReserveAsync(payer, "d", 100)).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task What_an_answer_uses_is_counted_as_it_streams_and_what_was_counted_too_much_comes_back()
    {
        var payer = Payer(new() { TokensPerMinute = 100 });
        await ReserveAsync(payer, "a", 60);
        (await _limiter.UseAsync(payer, new("a", 0, 30, 0, 0))).ShouldBe(new Grant(0, LimitKind.None));
        (await LeftAsync(payer)).ShouldBe(40);
        Time.Advance(TimeSpan.FromSeconds(40));
        await _limiter.UseAsync(payer, new("a", 30, 30, 0, 0)); // it lives
        Time.Advance(TimeSpan.FromSeconds(21)); // those 30 are over, the other 30 are still reserved
        (await LeftAsync(payer)).ShouldBe(70);
        await _limiter.UseAsync(payer, new("a", 30, 50, 0, 0));
        (await LeftAsync(payer)).ShouldBe(70);
        await SettleAsync(payer, "a", used: 45, counted: 50);
        (await LeftAsync(payer)).ShouldBe(85);
    }

    [Fact]
    public async Task What_was_counted_can_be_taken_back_and_counts_once_by_who_has_the_answer_then()
    {
        var payer = Payer(new() { TokensPerMinute = 1000, BudgetPerDay = 1 });
        await ReserveAsync(payer, "a", 100, Money.Of(0.5m));
        await _limiter.UseAsync(payer, new("a", 0, 60, 0, 0));
        var settlement = new Settlement("a", 60, 80, Money.Of(0.4m));
        await _limiter.SettleAsync(payer, settlement);
        await _limiter.UseAsync(payer, new("a", 60, 70, 30, 0)); // somebody else goes on with it
        await _limiter.SettleAsync(payer, settlement with { TakesBack = true });
        (await LeftAsync(payer)).ShouldBe(1000 - 70 - 30);
        await SettleAsync(payer, "a", used: 90, money: Money.Of(0.45m));
        (await LeftAsync(payer)).ShouldBe(1000 - 90);
        (await ReserveAsync(payer, "b", 1, Money.Of(0.56m))).Refused.ShouldBe(LimitKind.DayBudget);
        (await ReserveAsync(payer, "b", 1, Money.Of(0.55m))).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_reservation_grows_as_far_as_there_is_room()
    {
        var payer = Payer(new() { TokensPerMinute = 100 });
        await ReserveAsync(payer, "a", 40);
        await ReserveAsync(payer, "b", 30);
        (await _limiter.UseAsync(payer, new("a", 0, 40, 20, 0))).ShouldBe(new Grant(20, LimitKind.None));
        (await _limiter.UseAsync(payer, new("a", 40, 60, 20, 0))).ShouldBe(new Grant(10, LimitKind.Tokens));
        (await _limiter.UseAsync(payer, new("a", 60, 70, 20, 0))).ShouldBe(new Grant(0, LimitKind.Tokens));
        await SettleAsync(payer, "b", used: 0);
        (await _limiter.UseAsync(payer, new("a", 70, 70, 20, 0))).Tokens.ShouldBe(20);
    }

    [Fact]
    public async Task What_is_not_needed_to_begin_is_reserved_where_there_is_room()
    {
        var payer = Payer(new() { TokensPerMinute = 100, BudgetPerDay = 0.05m });
        var token = Money.Of(0.001m);
        Reservation Of(string id) => new() { Id = id, Tokens = 10, Money = 5 * token, More = 30, TokenMoney = token };
        (await _limiter.ReserveAsync(payer, Of("a"))).More.ShouldBe(30); // 40 tokens, 35 thousandths
        (await _limiter.ReserveAsync(payer, Of("b"))).More.ShouldBe(10); // as far as the budget
        (await _limiter.ReserveAsync(payer, Of("c"))).Refused.ShouldBe(LimitKind.DayBudget);
        await SettleAsync(payer, "a", used: 40, money: 0);
        await SettleAsync(payer, "b", used: 40, money: 0);
        (await _limiter.ReserveAsync(payer, Of("c"))).More.ShouldBe(10); // as far as the minute
    }

    [Fact]
    public async Task So_many_answers_run_at_once_as_are_allowed()
    {
        var payer = Payer(new() { Streams = 2 });
        await ReserveAsync(payer, "a", 1);
        await ReserveAsync(payer, "b", 1);
        (await ReserveAsync(payer, "c", 1)).Refused.ShouldBe(LimitKind.Streams);
        (await CountAsync(payer)).IsAllowed.ShouldBeTrue(); // it opens none
        await SettleAsync(payer, "a", used: 1);
        (await ReserveAsync(payer, "c", 1)).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_budget_counts_what_was_spent_and_what_may_be_until_its_day_and_its_month_are_over()
    {
        var payer = Payer(new() { BudgetPerDay = 1, BudgetPerMonth = 1.5m });
        (await ReserveAsync(payer, "a", 1, Money.Of(0.6m))).IsAllowed.ShouldBeTrue();
        (await ReserveAsync(payer, "b", 1, Money.Of(0.5m))).Refused.ShouldBe(LimitKind.DayBudget);
        (await ReserveAsync(payer, "b", 1, Money.Of(0.4m))).IsAllowed.ShouldBeTrue();
        await SettleAsync(payer, "a", used: 1, money: Money.Of(0.5m));
        await SettleAsync(payer, "b", used: 1, money: Money.Of(0.4m));
        var refused = await ReserveAsync(payer, "c", 1, Money.Of(0.2m));
        refused.Refused.ShouldBe(LimitKind.DayBudget);
        refused.RetryAfter.ShouldBe(TimeSpan.FromHours(12), TimeSpan.FromSeconds(1));
        Time.Advance(refused.RetryAfter);
        (await ReserveAsync(payer, "c", 1, Money.Of(0.7m))).Refused.ShouldBe(LimitKind.MonthBudget); // the 31st, which has spent nothing yet
        (await ReserveAsync(payer, "c", 1, Money.Of(0.6m))).IsAllowed.ShouldBeTrue();
        await SettleAsync(payer, "c", used: 1, money: Money.Of(0.6m));
        refused = await ReserveAsync(payer, "d", 1, 1);
        refused.Refused.ShouldBe(LimitKind.MonthBudget);
        Time.Advance(refused.RetryAfter);
        (await ReserveAsync(payer, "d", 1, Money.Of(1m))).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_reservation_grows_no_further_than_the_budget()
    {
        var payer = Payer(new() { BudgetPerDay = 0.01m });
        await ReserveAsync(payer, "a", 10, Money.Of(0.004m));
        var token = Money.Of(0.001m);
        (await _limiter.UseAsync(payer, new("a", 0, 4, 4, token))).ShouldBe(new Grant(4, LimitKind.None));
        (await _limiter.UseAsync(payer, new("a", 4, 8, 4, token))).ShouldBe(new Grant(2, LimitKind.DayBudget));
        (await _limiter.UseAsync(payer, new("a", 8, 10, 4, token))).ShouldBe(new Grant(0, LimitKind.DayBudget));
    }

    [Fact]
    public async Task All_accounts_of_a_payer_allow_it_or_none_is_charged()
    {
        var key = new Account($"key:{_owner}", new() { RequestsPerMinute = 10 });
        var owner = new Account($"owner:{_owner}", new() { RequestsPerMinute = 2, TokensPerMinute = 100 });
        var (both, alone) = (new Payer(_owner, [key, owner]), new Payer(_owner, [key]));
        await ReserveAsync(both, "a", 50);
        (await ReserveAsync(both, "b", 51)).ShouldSatisfyAllConditions(a => a.Refused.ShouldBe(LimitKind.Tokens), a => a.Account.ShouldBe(1));
        (await ReserveAsync(both, "b", 50)).Left.ShouldSatisfyAllConditions(l => l.Requests!.Value.Limit.ShouldBe(2), l => l.Requests!.Value.Remaining.ShouldBe(0));
        (await ReserveAsync(both, "c", 0)).Refused.ShouldBe(LimitKind.Requests);
        (await CountAsync(alone)).Left.Requests!.Value.Remaining.ShouldBe(7);
    }

    [Fact]
    public async Task What_came_to_nothing_costs_not_even_a_request()
    {
        var payer = Payer(new() { RequestsPerMinute = 1, TokensPerMinute = 10, Streams = 1 });
        await ReserveAsync(payer, "a", 10);
        await _limiter.SettleAsync(payer, new("a", 0, 0, 0, WasRefused: true));
        (await ReserveAsync(payer, "b", 10)).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task Many_at_once_get_as_much_as_there_is_and_no_more()
    {
        var payer = Payer(new() { RequestsPerMinute = 50, TokensPerMinute = 330, Streams = 40 });
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(async () => await ReserveAsync(payer, $"g{i}", 10))));
        all.Count(a => a.IsAllowed).ShouldBe(33);
    }

    private static ManualTimeProvider NewTime()
    {
        var time = new ManualTimeProvider();
        time.Advance(new DateTimeOffset(2026, 1, 30, 12, 0, 0, 250, TimeSpan.Zero) - time.GetUtcNow());
        return time;
    }

    private Payer Payer(LimitSettings limits) => new(_owner, [new Account($"key:{_owner}", limits)]);

    private async Task<Admission> CountAsync(Payer payer) => await _limiter.ReserveAsync(payer, new Reservation());

    private async Task<Admission> ReserveAsync(Payer payer, string id, long tokens, long money = 0) =>
        await _limiter.ReserveAsync(payer, new Reservation { Id = id, Tokens = tokens, Money = money });

    private async Task SettleAsync(Payer payer, string id, long used, long money = 0, long counted = 0) => await _limiter.SettleAsync(payer, new(id, counted, used, money));

    private async Task<long> LeftAsync(Payer payer) => (await CountAsync(payer)).Left.Tokens!.Value.Remaining;
}
