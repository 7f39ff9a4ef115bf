using Penstock.Limits;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Says what is wrong with <c>Penstock:Limits</c>, and with the limits of a key.</summary>
internal static class LimitsOptionsValidator
{
    public static void Validate(List<string> errors, LimitsOptions limits)
    {
        if (limits.MaxBodyBytes < 1024) errors.Add("Penstock:Limits:MaxBodyBytes is under 1024; give the largest request body in bytes.");
        if (limits.ReservedTokens < 1) errors.Add("Penstock:Limits:ReservedTokens is under 1; give how many tokens are reserved for an answer whose request does not say.");
        Validate(errors, "Limits:PerKey", limits.PerKey);
        Validate(errors, "Limits:PerOwner", limits.PerOwner);
        foreach (var (owner, settings) in limits.Owners) Validate(errors, $"Limits:Owners:{owner}", settings);
        foreach (var (place, price) in limits.Prices.Index()) Validate(errors, place, price);
    }

    public static void Validate(List<string> errors, string key, LimitSettings limits)
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, decimal?)>)
        [
            (nameof(limits.RequestsPerMinute), limits.RequestsPerMinute), (nameof(limits.TokensPerMinute), limits.TokensPerMinute), (nameof(limits.Streams), limits.Streams),
            (nameof(limits.TokensPerStream), limits.TokensPerStream), (nameof(limits.SecondsPerStream), limits.SecondsPerStream),
            (nameof(limits.BudgetPerDay), limits.BudgetPerDay), (nameof(limits.BudgetPerMonth), limits.BudgetPerMonth),
        ])
        {
            if (value < 0) errors.Add($"Penstock:{key}:{name} is {value}; give how much is allowed, or 0 for no limit.");
        }
    }

    private static void Validate(List<string> errors, int place, ModelPrice price)
    {
        if (price.Model.Length == 0) errors.Add($"Penstock:Limits:Prices:{place}:Model is missing; name an alias or provider/model, with * for anything.");
        foreach (var (name, value) in (ReadOnlySpan<(string, decimal?)>)
            [(nameof(price.Input), price.Input), (nameof(price.Output), price.Output), (nameof(price.CachedInput), price.CachedInput), (nameof(price.Reasoning), price.Reasoning)])
        {
            if (value < 0) errors.Add($"Penstock:Limits:Prices:{place}:{name} is {value}; give what a million tokens cost.");
        }
    }
}
