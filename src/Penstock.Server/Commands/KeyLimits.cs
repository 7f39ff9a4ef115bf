using System.CommandLine;
using System.Globalization;
using Penstock.Limits;

namespace Penstock.Server.Commands;

/// <summary>The limits of a key on the command line.</summary>
internal sealed class KeyLimits
{
    private static readonly Limit[] _all =
    [
        new("--rpm", "requests a minute", nameof(LimitSettings.RequestsPerMinute), (l, v) => l.RequestsPerMinute = (long)v, l => l.RequestsPerMinute),
        new("--tpm", "tokens a minute, of requests and answers together", nameof(LimitSettings.TokensPerMinute), (l, v) => l.TokensPerMinute = (long)v, l => l.TokensPerMinute),
        new("--streams", "answers that may run at once", nameof(LimitSettings.Streams), (l, v) => l.Streams = (long)v, l => l.Streams),
        new("--stream-tokens", "the longest answer, in tokens", nameof(LimitSettings.TokensPerStream), (l, v) => l.TokensPerStream = (long)v, l => l.TokensPerStream),
        new("--stream-seconds", "the longest answer, in seconds", nameof(LimitSettings.SecondsPerStream), (l, v) => l.SecondsPerStream = (long)v, l => l.SecondsPerStream),
        new("--budget-day", "what it may spend a day, by the prices of Penstock:Limits:Prices", nameof(LimitSettings.BudgetPerDay), (l, v) => l.BudgetPerDay = v, l => l.BudgetPerDay),
        new("--budget-month", "what it may spend a month", nameof(LimitSettings.BudgetPerMonth), (l, v) => l.BudgetPerMonth = v, l => l.BudgetPerMonth),
    ];

    private readonly List<(Limit Limit, Option<string?> Option)> _options;

    /// <summary>Adds the options to a command.</summary>
    public KeyLimits(Command command)
    {
        _options = [.. _all.Select(limit => (limit, new Option<string?>(limit.Name) { Description = $"Limit: {limit.Description} (as Penstock:Limits:PerKey has it; 0 for none).", HelpName = "N" }))];
        foreach (var (_, option) in _options) command.Options.Add(option);
    }

    /// <summary>What the options say; null for nothing.</summary>
    public LimitSettings? Read(ParseResult result)
    {
        var limits = new LimitSettings();
        foreach (var (limit, option) in _options)
        {
            if (result.GetValue(option) is not { } text) continue;
            var isMoney = limit.Name.StartsWith("--budget", StringComparison.Ordinal);
            if (!decimal.TryParse(text, isMoney ? NumberStyles.AllowDecimalPoint : NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > 1_000_000_000_000)
                throw new UsageException($"{limit.Name} is '{text}'; give a number, or 0 for no limit.");
            limit.Set(limits, value);
        }

        return limits == LimitSettings.None ? null : limits;
    }

    /// <summary>What is set, by its names in the configuration.</summary>
    public static IEnumerable<(string Name, string Value)> Settings(LimitSettings? limits) =>
        from limit in _all
        where limits is not null && limit.Get(limits) is not null
        select (limit.Setting, limit.Get(limits!)!.Value.ToString(CultureInfo.InvariantCulture));

    /// <summary><c>rpm 60, tpm 10000</c>; empty for none of its own.</summary>
    public static string Describe(LimitSettings? limits) => limits is null
        ? ""
        : string.Join(", ", from limit in _all where limit.Get(limits) is not null select $"{limit.Name[2..]} {limit.Get(limits)!.Value.ToString(CultureInfo.InvariantCulture)}");

    private sealed record Limit(string Name, string Description, string Setting, Action<LimitSettings, decimal> Set, Func<LimitSettings, decimal?> Get);
}
