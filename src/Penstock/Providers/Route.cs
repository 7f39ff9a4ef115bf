namespace Penstock.Providers;

/// <summary>Who answers for a name, the first to ask first.</summary>
internal sealed class Route(IReadOnlyList<IReadOnlyList<(Target Target, double Weight)>> tiers)
{
    public Route(Target only)
        : this([[(only, 1)]])
    {
    }

    public IReadOnlyList<Target> Targets { get; } = tiers is [[var (only, _)]] ? [only] : [.. tiers.SelectMany(tier => tier.Select(t => t.Target))];

    /// <summary>Whether an answer that breaks off is gone on with; null for what <see cref="RetryOptions.AfterOutput"/> says.</summary>
    public bool? GoesOn { get; init; }

    /// <summary>The least time until a second target is asked beside the first; null for never.</summary>
    public TimeSpan? HedgeAfter { get; init; }

    /// <summary>What becomes of conversations that are too long; null for what holds for all.</summary>
    public AliasHistoryOptions? History { get; init; }

    /// <summary>The targets in the order in which this request asks them: by priority, and within one by lot, where those that fail much draw short.</summary>
    public IReadOnlyList<Target> Draw()
    {
        if (Targets.Count == 1) return Targets;
        var order = new List<Target>();
        foreach (var tier in tiers) order.AddRange(tier.OrderBy(t => Lot(t.Target, t.Weight)).Select(t => t.Target));
        return order;
    }

    // The smallest of exponential variates is that of a target as often as its weight says.
    private static double Lot(Target target, double weight)
    {
        var healthy = 1 - (target.Health?.Failures ?? 0);
        return -Math.Log(1 - Random.Shared.NextDouble()) / (weight * Math.Max(0.01, healthy * healthy));
    }
}
