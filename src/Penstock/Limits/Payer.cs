namespace Penstock.Limits;

/// <summary>Somebody whose use is counted by itself: a key, or an owner.</summary>
/// <param name="Name"><c>key:…</c> or <c>owner:…</c></param>
/// <param name="Limits">How much it may use.</param>
internal sealed record Account(string Name, LimitSettings Limits)
{
    /// <summary>What kind of account it is, for measurements, which name nobody.</summary>
    public string Kind => Name[..Name.IndexOf(':', StringComparison.Ordinal)];
}

/// <summary>For whom a generation runs: all the accounts that it is counted on, which are of one owner.</summary>
/// <param name="Owner">The owner's name; null for nobody in particular.</param>
/// <param name="Accounts">The accounts, at least one.</param>
internal sealed record Payer(string? Owner, IReadOnlyList<Account> Accounts)
{
    /// <summary>The most tokens that an answer may have; null for no limit.</summary>
    public long? TokensPerStream => Least(static l => l.TokensPerStream);

    public long? SecondsPerStream => Least(static l => l.SecondsPerStream);

    public long? TokensPerMinute => Least(static l => l.TokensPerMinute);

    public bool HasBudget => Accounts.Any(a => a.Limits.HasBudget);

    private long? Least(Func<LimitSettings, long?> limit) => Accounts.Select(a => limit(a.Limits)).Where(l => l > 0).Min();
}
