namespace Penstock.Limits;

/// <summary>What limits are counted by.</summary>
public sealed class LimitOptions
{
    /// <summary>What models cost; the first that fits counts.</summary>
    public IReadOnlyList<ModelPrice> Prices { get; init; } = [];

    /// <summary>How many tokens are reserved for an answer whose request does not say how long it may get.</summary>
    public long ReservedTokens { get; init; } = 1024;

    /// <summary>The price of a model, asked for by one name and answered for by another; null where there is none.</summary>
    internal ModelPrice? PriceOf(string asked, string answers) => Prices.FirstOrDefault(p => p.IsFor(asked)) ?? Prices.FirstOrDefault(p => p.IsFor(answers));
}
