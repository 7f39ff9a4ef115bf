using System.Globalization;
using Penstock.Limits;

namespace Penstock.Server.Commands;

/// <summary>The limits of a key on the command line.</summary>
internal static class KeyLimits
{
    private static readonly (string Option, string Setting, Action<LimitSettings, decimal> Set, Func<LimitSettings, decimal?> Get)[] _all =
    [
        ("--rpm", nameof(LimitSettings.RequestsPerMinute), (l, v) => l.RequestsPerMinute = (long)v, l => l.RequestsPerMinute),
        ("--tpm", nameof(LimitSettings.TokensPerMinute), (l, v) => l.TokensPerMinute = (long)v, l => l.TokensPerMinute),
        ("--streams", nameof(LimitSettings.Streams), (l, v) => l.Streams = (long)v, l => l.Streams),
        ("--stream-tokens", nameof(LimitSettings.TokensPerStream), (l, v) => l.TokensPerStream = (long)v, l => l.TokensPerStream),
        ("--stream-seconds", nameof(LimitSettings.SecondsPerStream), (l, v) => l.SecondsPerStream = (long)v, l => l.SecondsPerStream),
        ("--budget-day", nameof(LimitSettings.BudgetPerDay), (l, v) => l.BudgetPerDay = v, l => l.BudgetPerDay),
        ("--budget-month", nameof(LimitSettings.BudgetPerMonth), (l, v) => l.BudgetPerMonth = v, l => l.BudgetPerMonth),
    ];

    /// <summary>What the options say; null for nothing.</summary>
    public static LimitSettings? Take(Arguments args)
    {
        var limits = new LimitSettings();
        foreach (var (option, _, set, _) in _all)
        {
            if (args.Take(option) is not { } text) continue;
            var isMoney = option.StartsWith("--budget", StringComparison.Ordinal);
            if (!decimal.TryParse(text, isMoney ? NumberStyles.AllowDecimalPoint : NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > 1_000_000_000_000)
                throw new UsageException($"{option} is '{text}'; give a number, or 0 for no limit.");
            set(limits, value);
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
        : string.Join(", ", from limit in _all where limit.Get(limits) is not null select $"{limit.Option[2..]} {limit.Get(limits)!.Value.ToString(CultureInfo.InvariantCulture)}");
}
