using System.Globalization;

namespace Penstock.Bench.Runner;

/// <summary>Prints a scenario's figures: the median of the rounds, and the ratios with their limits beneath.</summary>
static class ResultTable
{
    static readonly (string Head, string Format, Func<Measurement, double> Value)[] _columns =
    [
        ("tok/s", "F0", m => m.TokensPerSecond),
        ("CPU us/tok", "F1", m => m.CpuPerToken),
        ("TTFT p50", "F0", m => m.Load.TtftP50),
        ("p99", "F0", m => m.Load.TtftP99),
        ("latency p50", "F0", m => m.Load.LatencyP50),
        ("p99", "F0", m => m.Load.LatencyP99),
        ("RSS MiB", "F0", m => m.ResidentMib),
        ("KiB/stream", "F1", m => m.KibPerStream),
        ("gateway %", "F0", m => m.GatewayBusy),
        ("bench %", "F0", m => m.BenchBusy),
        ("other %", "F0", m => m.OtherBusy),
    ];

    public static void Print(Scenario scenario, IReadOnlyDictionary<Contender, List<Measurement>> results, TextWriter output)
    {
        output.WriteLine($"\n{scenario.Name}: {scenario.About} (times in us)");
        string[] heads = ["", .. _columns.Select(c => c.Head), "whole", "faulty"];
        List<string[]> rows = [heads];
        foreach (var (contender, runs) in results.Where(r => r.Value.Count > 0))
        {
            rows.Add(
            [
                contender.Name,
                .. _columns.Select(c => Median(runs, c.Value).ToString(c.Format, CultureInfo.InvariantCulture)),
                $"{runs.Sum(r => r.Load.Completed)}",
                $"{runs.Sum(r => r.Faulty)}",
            ]);
        }

        var widths = heads.Select((_, i) => rows.Max(row => row[i].Length)).ToArray();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));

        PrintFaults(results, output);
        PrintLimits(scenario, results, output);
        output.Flush();
    }

    static void PrintFaults(IReadOnlyDictionary<Contender, List<Measurement>> results, TextWriter output)
    {
        foreach (var (contender, runs) in results)
        {
            foreach (var load in runs.Select(r => r.Load).Where(load => load.Faults.Count > 0))
                output.WriteLine($"  ! {contender.Name}: {string.Join(", ", load.Faults.Select(f => $"{f.Value} {f.Key}"))} {load.FirstFailure}");
        }
    }

    // The usual scenarios hold Penstock against the relay; where it translates, against itself when it passes the same upstream on.
    static void PrintLimits(Scenario scenario, IReadOnlyDictionary<Contender, List<Measurement>> results, TextWriter output)
    {
        foreach (var contender in scenario.Contenders)
        {
            foreach (var limit in scenario.Limits.Where(l => l.IsAbsolute && results.GetValueOrDefault(contender) is [_, ..])) PrintLimit(limit, contender, results[contender], output);
            var measure = contender.Against is { } name ? Array.Find(scenario.Contenders, c => c.Name == name.Name)! : contender.Upstream is null ? Contender.Relay : contender.Relaying;
            if (contender == measure || contender == Contender.Direct) continue;
            var runs = results.GetValueOrDefault(contender) ?? [];
            var against = results.GetValueOrDefault(measure) ?? [];
            if (runs.Count == 0 || against.Count == 0) continue;
            foreach (var limit in scenario.Limits.Where(l => !l.IsAbsolute)) PrintLimit(limit, contender, runs, measure, against, scenario.IsFine, output);
        }
    }

    static void PrintLimit(Limit limit, Contender contender, List<Measurement> runs, TextWriter output)
    {
        var value = Median(runs, limit.Value);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {contender.Name}: {limit.What} {value:F0} ({runs.Min(limit.Value):F0} to {runs.Max(limit.Value):F0}), limit {(limit.AtLeast ? ">=" : "<=")} {limit.Ratio:F0}: {(limit.Holds(value) ? "holds" : "MISSED")}"));
    }

    static void PrintLimit(Limit limit, Contender contender, List<Measurement> runs, Contender measure, List<Measurement> against, bool byRound, TextWriter output)
    {
        var each = runs.Zip(against, (p, r) => limit.Value(p) / limit.Value(r)).ToList();
        var ratio = byRound ? Median(each, r => r) : Median(runs, limit.Value) / Median(against, limit.Value);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {contender.Name}: {limit.What} {ratio:F2} of the {measure.Name}'s ({each.Min():F2} to {each.Max():F2}), limit {(limit.AtLeast ? ">=" : "<=")} {limit.Ratio:F2}: {(limit.Holds(ratio) ? "holds" : "MISSED")}"));
    }

    static double Median<T>(List<T> runs, Func<T, double> value)
    {
        var sorted = runs.Select(value).Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
