using System.Buffers;
using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Penstock.Limits;

/// <summary>What an account has spent, in the units of <see cref="Money"/>.</summary>
/// <param name="Day">The day that <paramref name="Today"/> is of, in UTC.</param>
/// <param name="Today">In that day.</param>
/// <param name="ThisMonth">In the month that the day is in.</param>
internal readonly record struct Spending(DateOnly Day, long Today, long ThisMonth)
{
    /// <summary>The same at another time: a new day and a new month begin with nothing.</summary>
    public Spending At(DateTimeOffset now)
    {
        var day = DateOnly.FromDateTime(now.UtcDateTime);
        if (day <= Day) return this;
        return new Spending(day, 0, (day.Year, day.Month) == (Day.Year, Day.Month) ? ThisMonth : 0);
    }

    /// <summary>With more spent, or less: what is taken back may have been spent the day before.</summary>
    public Spending Add(long money) => this with { Today = Math.Max(0, Today + money), ThisMonth = Math.Max(0, ThisMonth + money) };

    /// <summary>Writes it as JSON, by hand, since it is written for each answer.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        const int Longest = 100;
        Utf8.TryWrite(output.GetSpan(Longest), CultureInfo.InvariantCulture, $$"""{"day":"{{Day:yyyy-MM-dd}}","today":{{Today}},"thisMonth":{{ThisMonth}}}""", out var length);
        output.Advance(length);
    }

    public static TimeSpan UntilTomorrow(DateTimeOffset now) => now.UtcDateTime.Date.AddDays(1) - now.UtcDateTime;

    public static TimeSpan UntilNextMonth(DateTimeOffset now) => FirstOf(now).AddMonths(1) - now.UtcDateTime;

    private static DateTime FirstOf(DateTimeOffset now) => new(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, DateTimeKind.Utc);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Spending))]
internal sealed partial class SpendingJson : JsonSerializerContext;
