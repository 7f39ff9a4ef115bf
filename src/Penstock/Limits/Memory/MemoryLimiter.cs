using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Limits.Memory;

/// <summary>Counts in this process, for a server that is alone. What was spent is in the log; a minute's counts and reservations go with the process.</summary>
internal sealed class MemoryLimiter(IStreamLog log, TimeProvider time, ILogger<MemoryLimiter> logger) : ILimiter
{
    private static readonly TimeSpan _tidyEvery = TimeSpan.FromMinutes(1);

    private readonly SpendingBook _book = new(log, time, logger);
    private readonly Lock _lock = new(); // nothing waits under it
    private readonly Dictionary<string, AccountState> _accounts = new(StringComparer.Ordinal);
    private DateTimeOffset _tidiedAt;

    public ValueTask<Admission> ReserveAsync(Payer payer, Reservation reservation) => WithAsync(payer, states => Reserve(states, reservation));

    public ValueTask<Grant> UseAsync(Payer payer, TokenUse use) => WithAsync(payer, states => Use(states, use));

    public async ValueTask SettleAsync(Payer payer, Settlement settlement) => await WithAsync(payer, states => Settle(payer, states, settlement));

    private static Admission Reserve(AccountState[] states, Reservation reservation)
    {
        if (reservation.Id is { } id && states[0].Has(id)) return new Admission(LimitKind.None, 0, TimeSpan.Zero, Left(states)); // it came twice
        for (var i = 0; i < states.Length; i++)
        {
            if (states[i].Check(reservation) is { By: not LimitKind.None } refused) return new Admission(refused.By, i, refused.After, Left(states));
        }

        var more = reservation.More;
        foreach (var state in states) more = Math.Min(more, state.Room(more, reservation.TokenMoney, reservation).Tokens);
        foreach (var state in states) state.Take(reservation, more);
        return new Admission(LimitKind.None, 0, TimeSpan.Zero, Left(states), more);
    }

    private static Grant Use(AccountState[] states, TokenUse use)
    {
        var grant = new Grant(use.More, LimitKind.None);
        foreach (var state in states)
        {
            state.Use(use);
            var room = state.Room(grant.Tokens, use.TokenMoney);
            if (room.Tokens < grant.Tokens) grant = room;
        }

        foreach (var state in states) state.Add(use.Id, grant.Tokens, grant.Tokens * use.TokenMoney);
        return grant;
    }

    private bool Settle(Payer payer, AccountState[] states, Settlement settlement)
    {
        for (var i = 0; i < states.Length; i++)
        {
            states[i].Settle(settlement);
            if (settlement.Money > 0 && payer.Accounts[i].Limits.HasBudget) _book.Save(payer.Accounts[i].Name, states[i].Spending);
        }

        return true;
    }

    private static RateLimits Left(AccountState[] states)
    {
        var left = states[0].Left();
        foreach (var state in states.AsSpan(1)) left = Admissions.Tightest(left, state.Left());
        return left;
    }

    private ValueTask<T> WithAsync<T>(Payer payer, Func<AccountState[], T> act)
    {
        lock (_lock)
        {
            if (Find(payer) is { } states) return new(act(states));
        }

        return LoadFirstAsync(payer, act);
    }

    private async ValueTask<T> LoadFirstAsync<T>(Payer payer, Func<AccountState[], T> act)
    {
        foreach (var account in payer.Accounts.Where(a => a.Limits.HasBudget))
        {
            var spent = await _book.LoadAsync(account.Name);
            lock (_lock) StateOf(account.Name).TakeSpending(spent, time.GetUtcNow());
        }

        return await WithAsync(payer, act);
    }

    /// <summary>The states of a payer's accounts as of now; null where what one has spent must be read first.</summary>
    private AccountState[]? Find(Payer payer)
    {
        var now = time.GetUtcNow();
        Tidy(now);
        var states = new AccountState[payer.Accounts.Count];
        for (var i = 0; i < states.Length; i++)
        {
            var account = payer.Accounts[i];
            states[i] = StateOf(account.Name);
            if (account.Limits.HasBudget && !states[i].KnowsSpending) return null;
            states[i].At(now, account.Limits);
        }

        return states;
    }

    private AccountState StateOf(string account)
    {
        if (!_accounts.TryGetValue(account, out var state)) _accounts[account] = state = new AccountState();
        return state;
    }

    // Tokens of others' making name ever new owners.
    private void Tidy(DateTimeOffset now)
    {
        if (now - _tidiedAt < _tidyEvery) return;
        _tidiedAt = now;
        foreach (var (name, state) in _accounts)
        {
            state.At(now, LimitSettings.None);
            if (state.IsIdle) _accounts.Remove(name);
        }
    }
}
