using Penstock.Limits;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Says what is wrong with <c>Penstock:Limits</c>, and with the limits of a key.</summary>
internal static class LimitsOptionsValidator
{
    // What a script of Redis counts exactly, and little enough to add up.
    private const long Most = 1_000_000_000_000_000;

    private const long MostAtOnce = 1_000_000_000;

    // What is read into one piece of memory.
    private const long LargestBody = 1L << 30;

    public static void Validate(List<string> errors, LimitsOptions limits)
    {
        if (limits.MaxBodyBytes < 1024) errors.Add("Penstock:Limits:MaxBodyBytes is under 1024; give the largest request body in bytes.");
        if (limits.MaxBodyBytes > LargestBody) errors.Add($"Penstock:Limits:MaxBodyBytes is {limits.MaxBodyBytes}; give {LargestBody} bytes (1 GiB) at most.");
        if (limits.ReservedTokens > MostAtOnce) errors.Add($"Penstock:Limits:ReservedTokens is {limits.ReservedTokens}; give {MostAtOnce} at most.");
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
            if (value is < 0 or > Most) errors.Add($"Penstock:{key}:{name} is {value}; give how much is allowed, {Most} at most, or 0 for no limit.");
        }
    }

    private static void Validate(List<string> errors, int place, ModelPrice price)
    {
        if (price.Model.Length == 0) errors.Add($"Penstock:Limits:Prices:{place}:Model is missing; name an alias or provider/model, with * for anything.");
        foreach (var (name, value) in (ReadOnlySpan<(string, decimal?)>)
            [(nameof(price.Input), price.Input), (nameof(price.Output), price.Output), (nameof(price.CachedInput), price.CachedInput), (nameof(price.Reasoning), price.Reasoning)])
        {
            if (value is < 0 or > MostAtOnce) errors.Add($"Penstock:Limits:Prices:{place}:{name} is {value}; give what a million tokens cost, {MostAtOnce} at most.");
        }
    }
}
