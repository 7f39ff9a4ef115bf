namespace Penstock.Providers;

/// <summary>An alias: a model's name for which several may answer.</summary>
public sealed class AliasOptions
{
    /// <summary>Who answers, the first first, and the next where it fails before it has said anything: each <c>provider/model</c>.</summary>
    public IList<TargetOptions> Targets { get; set; } = [];

    /// <summary>What becomes of an answer that its provider leaves unfinished: <c>fail</c> or <c>continue</c>; null for <see cref="RetryOptions.AfterOutput"/>.</summary>
    public string? AfterOutput { get; set; }

    /// <summary>
    /// The next target is asked as well where the first has said nothing for as long as it needs in 95 of 100 cases, and for this long
    /// at least; null for never.
    /// </summary>
    public TimeSpan? HedgeAfter { get; set; }

    /// <summary>What becomes of conversations that are longer than its targets can read.</summary>
    public AliasHistoryOptions History { get; set; } = new();
}

/// <summary>What becomes of an alias' conversations; null for what holds for all.</summary>
public sealed class AliasHistoryOptions
{
    /// <summary><c>window</c>, <c>summary</c> or <c>off</c>.</summary>
    public string? Policy { get; set; }

    /// <summary>Who sums up: <c>provider/model</c> or an alias.</summary>
    public string? SummaryModel { get; set; }
}
