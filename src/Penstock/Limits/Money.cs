namespace Penstock.Limits;

/// <summary>Money is counted in billionths of whatever the prices are in, so that a cheap model's token is a whole number of them.</summary>
internal static class Money
{
    public const long Unit = 1_000_000_000;

    // More than anybody has, and little enough to add up.
    private const decimal Most = 1_000_000_000;

    public static long Of(decimal amount) => (long)Math.Ceiling(Math.Min(amount, Most) * Unit);

    /// <summary>A sum of <see cref="Of(long, decimal)"/>, rounded up; what is more than anybody has is that.</summary>
    public static long Sum(decimal money) => (long)Math.Ceiling(Math.Min(money, Most * Unit));

    /// <param name="tokens">How many.</param>
    /// <param name="price">Of a million of them.</param>
    public static decimal Of(long tokens, decimal price) => tokens * price * (Unit / 1_000_000);
}
