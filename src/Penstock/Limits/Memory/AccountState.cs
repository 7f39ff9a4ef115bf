using System.Runtime.InteropServices;
using Penstock.Protocols;

namespace Penstock.Limits.Memory;

/// <summary>What one account uses and has reserved.</summary>
internal sealed class AccountState
{
    private readonly Dictionary<string, Held> _open = new(StringComparer.Ordinal);
    private readonly MinuteWindow _requests = new();
    private readonly MinuteWindow _tokens = new();
    private long _heldTokens;
    private long _heldMoney;
    private long _now;
    private LimitSettings _limits = LimitSettings.None;

    public Spending Spending { get; private set; }

    /// <summary>Whether <see cref="Spending"/> has what was spent before this process began.</summary>
    public bool KnowsSpending { get; private set; }

    public bool IsIdle => _open.Count == 0 && _requests.Sum == 0 && _tokens.Sum == 0 && Spending.ThisMonth == 0;

    /// <summary>Takes note of what was spent before this process began.</summary>
    public void TakeSpending(Spending before, DateTimeOffset now)
    {
        if (KnowsSpending) return;
        KnowsSpending = true;
        var mine = Spending.At(now);
        before = before.At(now);
        Spending = before with { Today = before.Today + mine.Today, ThisMonth = before.ThisMonth + mine.ThisMonth };
    }

    /// <summary>What follows happens now, under these limits.</summary>
    public void At(DateTimeOffset now, LimitSettings limits)
    {
        (_now, _limits) = (now.ToUnixTimeMilliseconds(), limits);
        _requests.MoveTo(_now);
        _tokens.MoveTo(_now);
        Spending = Spending.At(now);
    }

    public bool Has(string id) => _open.ContainsKey(id);

    /// <summary>The limit that does not allow a reservation, and when it may.</summary>
    public (LimitKind By, TimeSpan After) Check(Reservation reservation)
    {
        if (_limits.RequestsPerMinute is > 0 and var requests && _requests.Sum + 1 > requests)
            return (LimitKind.Requests, _requests.UntilOver(_requests.Sum + 1 - requests, _now) ?? Admissions.SomeTime);
        if (reservation.Id is null) return default;
        if (_limits.Streams is > 0 and var streams && _open.Count + 1 > streams) return (LimitKind.Streams, Admissions.SomeTime);
        if (_limits.TokensPerMinute is > 0 and var tokens && _tokens.Sum + _heldTokens + reservation.Tokens > tokens)
            return (LimitKind.Tokens, _tokens.UntilOver(_tokens.Sum + _heldTokens + reservation.Tokens - tokens, _now) ?? Admissions.SomeTime);
        if (_limits.BudgetPerDay is > 0 and var day && Spending.Today + _heldMoney + reservation.Money > Money.Of(day)) return (LimitKind.DayBudget, Spending.UntilTomorrow(Now));
        if (_limits.BudgetPerMonth is > 0 and var month && Spending.ThisMonth + _heldMoney + reservation.Money > Money.Of(month))
            return (LimitKind.MonthBudget, Spending.UntilNextMonth(Now));
        return default;
    }

    public void Take(Reservation reservation, long more)
    {
        _requests.Add(1);
        if (reservation.Id is not null) Hold(reservation.Id, new Held(reservation.Tokens + more, reservation.Money + (more * reservation.TokenMoney), 0));
    }

    /// <summary>How many more tokens may be reserved, and by which limit no more.</summary>
    /// <param name="tokens">How many are wanted.</param>
    /// <param name="tokenMoney">What one costs.</param>
    /// <param name="beside">What else is about to be taken.</param>
    public Grant Room(long tokens, long tokenMoney, Reservation? beside = null)
    {
        var (heldTokens, heldMoney) = (_heldTokens + (beside?.Tokens ?? 0), _heldMoney + (beside?.Money ?? 0));
        var grant = new Grant(tokens, LimitKind.None);
        if (_limits.TokensPerMinute is > 0 and var limit) grant = Admissions.Least(grant, limit - _tokens.Sum - heldTokens, LimitKind.Tokens);
        if (tokenMoney == 0) return grant;
        if (_limits.BudgetPerDay is > 0 and var day) grant = Admissions.Least(grant, (Money.Of(day) - Spending.Today - heldMoney) / tokenMoney, LimitKind.DayBudget);
        if (_limits.BudgetPerMonth is > 0 and var month) grant = Admissions.Least(grant, (Money.Of(month) - Spending.ThisMonth - heldMoney) / tokenMoney, LimitKind.MonthBudget);
        return grant;
    }

    /// <summary>Counts tokens, which are no longer reserved then.</summary>
    public void Use(TokenUse use)
    {
        var held = _open.TryGetValue(use.Id, out var known) ? known : new Held(0, 0, use.Counted);
        var more = Math.Max(0, use.Used - held.Counted);
        _tokens.Add(more);
        Hold(use.Id, held with { Tokens = Math.Max(0, held.Tokens - more), Counted = held.Counted + more });
    }

    public void Add(string id, long tokens, long money)
    {
        var held = _open[id];
        Hold(id, held with { Tokens = held.Tokens + tokens, Money = held.Money + money });
    }

    /// <summary>Closes a reservation.</summary>
    public void Settle(Settlement settlement)
    {
        if (settlement.TakesBack)
        {
            _tokens.TakeBack(Math.Max(0, settlement.Used - settlement.Counted));
            Spending = Spending.Add(-settlement.Money);
            return;
        }

        var isOpen = _open.TryGetValue(settlement.Id, out var held);
        var counted = isOpen ? held.Counted : settlement.Counted;
        Release(settlement.Id);
        if (settlement.Used >= counted) _tokens.Add(settlement.Used - counted);
        else _tokens.TakeBack(counted - settlement.Used);
        if (settlement.WasRefused && isOpen) _requests.TakeBack(1);
        Spending = Spending.Add(settlement.Money);
    }

    public RateLimits Left() => new(
        _limits.RequestsPerMinute is > 0 and var requests ? new RateLimit(requests, Math.Max(0, requests - _requests.Sum), _requests.UntilEmpty(_now)) : null,
        _limits.TokensPerMinute is > 0 and var tokens ? new RateLimit(tokens, Math.Max(0, tokens - _tokens.Sum - _heldTokens), _tokens.UntilEmpty(_now)) : null);

    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(_now);

    private void Hold(string id, Held held)
    {
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_open, id, out _);
        _heldTokens += held.Tokens - place.Tokens;
        _heldMoney += held.Money - place.Money;
        place = held;
    }

    private void Release(string id)
    {
        if (!_open.Remove(id, out var held)) return;
        _heldTokens -= held.Tokens;
        _heldMoney -= held.Money;
    }

    private readonly record struct Held(long Tokens, long Money, long Counted);
}
