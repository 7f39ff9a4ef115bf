namespace Penstock.AspNetCore.Configuration;

/// <summary>Says by its key what is no time that can be waited, or kept.</summary>
internal static class Durations
{
    // What a timer takes.
    private static readonly TimeSpan _longestWait = TimeSpan.FromDays(24);

    // A hundred years, which is a date still.
    private static readonly TimeSpan _longestKept = TimeSpan.FromDays(36_500);

    /// <summary>A time after which something happens.</summary>
    public static void Wait(List<string> errors, string key, TimeSpan? value, TimeSpan? least = null) =>
        Check(errors, key, value, least, _longestWait, "24 days at most, e.g. 00:00:15");

    /// <summary>A time for which something is kept.</summary>
    public static void Keep(List<string> errors, string key, TimeSpan? value, string? zero = null) =>
        Check(errors, key, value, zero is null ? null : TimeSpan.Zero, _longestKept, "36500 days at most, e.g. 1.00:00:00" + (zero is null ? "" : $", or 00:00:00 {zero}"));

    private static void Check(List<string> errors, string key, TimeSpan? value, TimeSpan? least, TimeSpan most, string give)
    {
        if (value is not { } time || (time <= most && (least is { } from ? time >= from : time > TimeSpan.Zero))) return;
        errors.Add($"Penstock:{key} is {time}; give a time {(least is null ? "above zero" : "from zero on")}, {give}.");
    }
}
