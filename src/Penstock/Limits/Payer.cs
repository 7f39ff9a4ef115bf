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
/// <param name="owner">The owner's name; null for nobody in particular.</param>
/// <param name="accounts">The accounts, at least one.</param>
internal sealed class Payer(string? owner, IReadOnlyList<Account> accounts)
{
    private byte[]? _json;

    public string? Owner => owner;

    public IReadOnlyList<Account> Accounts => accounts;

    /// <summary>The most tokens that an answer may have; null for no limit.</summary>
    public long? TokensPerStream { get; } = Least(accounts, static l => l.TokensPerStream);

    public long? SecondsPerStream { get; } = Least(accounts, static l => l.SecondsPerStream);

    public long? TokensPerMinute { get; } = Least(accounts, static l => l.TokensPerMinute);

    public bool HasBudget { get; } = accounts.Any(static a => a.Limits.HasBudget);

    /// <summary>As it stands in the labels of all its generations.</summary>
    public ReadOnlySpan<byte> Json => _json ??= PayerJson.Write(this);

    private static long? Least(IReadOnlyList<Account> accounts, Func<LimitSettings, long?> limit)
    {
        long? least = null;
        foreach (var account in accounts)
        {
            if (limit(account.Limits) is > 0 and var its && !(its >= least)) least = its;
        }

        return least;
    }
}
