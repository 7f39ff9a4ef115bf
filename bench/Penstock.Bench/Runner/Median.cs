namespace Penstock.Bench.Runner;

static class Median
{
    /// <summary>The middle one; of an even number the greater of the two.</summary>
    public static double Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
