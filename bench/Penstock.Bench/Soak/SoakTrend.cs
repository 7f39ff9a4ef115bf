using System.Globalization;

namespace Penstock.Bench.Soak;

/// <summary>
/// Whether a figure grows in the second half of a run, when all that fills up is full: its median in the last quarter against
/// that in the quarter before. Medians, since what the machine does beside makes peaks, which are no growth.
/// </summary>
/// <param name="Name">The figure.</param>
/// <param name="Value">Its value.</param>
/// <param name="Share">By how much of its mean it may grow from quarter to quarter.</param>
/// <param name="Slack">Or by how much in all.</param>
sealed record SoakTrend(string Name, Func<SoakSample, double> Value, double Share, double Slack)
{
    public static readonly SoakTrend[] All =
    [
        new("resident memory, MiB", s => s.Resident / 1048576.0, 0.05, 8),
        new("file handles", s => s.Handles, 0.05, 8),
        new("threads", s => s.Threads, 0.05, 4),
        new("data folder, MiB", s => s.Folder / 1048576.0, 0.1, 128), // segments of 64 MiB come and go
    ];

    /// <summary>Prints the verdict; true where it is flat.</summary>
    public bool Judge(IReadOnlyList<SoakSample> samples, TextWriter output)
    {
        var (third, last) = (Quarter(samples, 0.5, 0.75), Quarter(samples, 0.75, double.MaxValue));
        var growth = last - third;
        var isFlat = growth <= Math.Max(third * Share, Slack);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {Name,-22} third quarter {third,9:F1}  last quarter {last,9:F1}  growth {growth,7:+0.0;-0.0;0.0}: {(isFlat ? "flat" : "GROWS")}"));
        return isFlat;
    }

    double Quarter(IReadOnlyList<SoakSample> samples, double from, double to)
    {
        var end = samples[^1].Seconds;
        var values = samples.Where(s => s.Seconds >= end * from && s.Seconds < end * to).Select(Value).Order().ToList();
        return values.Count == 0 ? Value(samples[^1]) : values[values.Count / 2];
    }
}
