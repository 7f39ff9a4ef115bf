namespace Penstock.Limits;

/// <summary>How much somebody may use. Null is not said, and 0 is no limit.</summary>
public sealed record LimitSettings
{
    public static readonly LimitSettings None = new();

    public long? RequestsPerMinute { get; set; }

    /// <summary>Tokens of requests and answers together.</summary>
    public long? TokensPerMinute { get; set; }

    /// <summary>How many generations may run or wait at once.</summary>
    public long? Streams { get; set; }

    /// <summary>The longest answer.</summary>
    public long? TokensPerStream { get; set; }

    public long? SecondsPerStream { get; set; }

    /// <summary>In the currency of the prices, from midnight to midnight UTC.</summary>
    public decimal? BudgetPerDay { get; set; }

    public decimal? BudgetPerMonth { get; set; }

    /// <summary>Whether it limits anything.</summary>
    internal bool Limits =>
        RequestsPerMinute > 0 || TokensPerMinute > 0 || Streams > 0 || TokensPerStream > 0 || SecondsPerStream > 0 || HasBudget;

    internal bool HasBudget => BudgetPerDay > 0 || BudgetPerMonth > 0;

    /// <summary>These, and where they say nothing what others say.</summary>
    internal LimitSettings Over(LimitSettings others) => new()
    {
        RequestsPerMinute = RequestsPerMinute ?? others.RequestsPerMinute,
        TokensPerMinute = TokensPerMinute ?? others.TokensPerMinute,
        Streams = Streams ?? others.Streams,
        TokensPerStream = TokensPerStream ?? others.TokensPerStream,
        SecondsPerStream = SecondsPerStream ?? others.SecondsPerStream,
        BudgetPerDay = BudgetPerDay ?? others.BudgetPerDay,
        BudgetPerMonth = BudgetPerMonth ?? others.BudgetPerMonth,
    };
}
