using Penstock.Bench.Load;

namespace Penstock.Bench.Runner;

/// <summary>A figure of Penstock's that may be at most, or must be at least, so many times the relay's.</summary>
sealed record Limit(string What, Func<Measurement, double> Value, double Ratio, bool AtLeast = false)
{
    /// <summary>The figure itself is limited, whatever the relay's is.</summary>
    public bool IsAbsolute { get; init; }

    public bool Holds(double ratio) => AtLeast ? ratio >= Ratio : ratio <= Ratio;
}

/// <summary>One kind of load, and the limits that it is judged by.</summary>
sealed record Scenario(string Name, string About, BenchModel Model, int Streams)
{
    /// <summary>How many replies are read in all; 0 goes on for <see cref="Seconds"/>.</summary>
    public int Requests { get; init; }

    public double Seconds { get; init; }

    /// <summary>Seconds over which the streams start: spread, so that their tokens do not come in step.</summary>
    public double Ramp { get; init; }

    /// <summary>All streams are subscribers of one generation.</summary>
    public bool IsFanout { get; init; }

    /// <summary>
    /// What is compared differs by little, and much of it runs seldom: all contenders are there all the time, are warmed until even
    /// that is compiled, and are then measured at the same time, each with <see cref="Streams"/> of its own. A round is one comparison.
    /// </summary>
    public bool IsFine { get; init; }

    /// <summary>Who is measured.</summary>
    public Contender[] Contenders { get; init; } = Contender.Usual;

    public Limit[] Limits { get; init; } = [];

    public static readonly Scenario[] All =
    [
        new("paced", "200 streams, a token each 20 ms", new BenchModel(100, Interval: 20), 200)
        {
            Requests = 400,
            Ramp = 1.9,
            Limits = [new("CPU per token", m => m.CpuPerToken, 0.75)],
        },
        new("latency", "50 streams, a token each 20 ms", new BenchModel(64, Interval: 20), 50)
        {
            Requests = 200,
            Ramp = 1.3,
            Limits = [new("added latency p50", m => m.Load.LatencyP50, 1.3), new("TTFT p50", m => m.Load.TtftP50, 1.5)],
        },
        new("throughput", "64 streams, a token a write, no pause", new BenchModel(256), 64)
        {
            Seconds = 4,
            Limits = [new("tokens/s", m => m.TokensPerSecond, 0.75, AtLeast: true)],
        },
        new("burst", "64 streams, 8 tokens a write, no pause", new BenchModel(256, Batch: 8), 64)
        {
            Seconds = 4,
            Limits = [new("tokens/s", m => m.TokensPerSecond, 0.75, AtLeast: true)],
        },
        new("idle", "9,000 streams, a token a second", new BenchModel(20, Interval: 1000), 9000)
        {
            Requests = 9000,
            Ramp = 6,
            Limits = [new("memory per stream", m => m.KibPerStream, 1.15), new("latency p99", m => m.Load.LatencyP99, 1)],
        },
        new("fanout", "1,000 subscribers of one stream, a token each 100 ms", new BenchModel(100, Interval: 100, Delay: 3000), 1000)
        {
            Requests = 1000,
            Ramp = 1.5,
            IsFanout = true,
        },
        new("translate", "200 streams, a token each 20 ms, each protocol in and out", new BenchModel(100, Interval: 20), 200)
        {
            Requests = 400,
            Ramp = 1.9,
            Contenders = Contender.Translating,
            Limits = [new("CPU per token", m => m.CpuPerToken, 1.5)],
        },
        new("features", "twice 100 streams, a token each 20 ms, 256 an answer, without and with keys, limits, telemetry and logs", new BenchModel(256, Interval: 20), 100)
        {
            Requests = 300,
            Ramp = 5,
            IsFine = true,
            Contenders = Contender.Featured,
            Limits = [new("CPU per token", m => m.CpuPerToken, 1.1)],
        },
        new("cache", "4 at a time, one answer of 64 tokens again and again, of which all but the first are hits", new BenchModel(64), 4)
        {
            Requests = 8000,
            Contenders = [Contender.Cached],
            Limits = [new("TTFT p50", m => m.Load.TtftP50, 2000) { IsAbsolute = true }],
        },
    ];

    /// <summary>What a fresh gateway does before it is measured, so that its hot paths are compiled.</summary>
    public static readonly Scenario[] WarmUp =
    [
        new("warm-up", "", new BenchModel(256), 16) { Seconds = 2.5 },
        new("warm-up", "", new BenchModel(32, Interval: 20), 50) { Seconds = 1.5, Ramp = 0.5 },
    ];

    /// <summary>The same for <see cref="IsFine"/>: much that is to be compiled, and then time in which it can be. A round that does not count follows.</summary>
    public static readonly Scenario[] FineWarmUp =
    [
        new("warm-up", "", new BenchModel(32), 8) { Seconds = 8 },
        new("warm-up", "", new BenchModel(32, Interval: 20), 50) { Seconds = 65, Ramp = 0.6 },
    ];

    /// <summary>The load of a contender's clients.</summary>
    public LoadOptions ToLoad(int port, Contender contender)
    {
        var (model, wire) = (contender.ModelPrefix + Model, contender.Wire);
        return new(port, wire.Path(model) + contender.Query, wire.Body(model), wire.Ending, wire.Repeats, Model.Tokens, Streams, Requests, Seconds, Ramp, Timeout);
    }

    /// <summary>The load of subscribers of one generation.</summary>
    public LoadOptions ToLoad(int port, Contender contender, string generation) =>
        ToLoad(port, contender) with { Path = $"/v1/generations/{generation}/events", Body = null, Ending = "finished\"", Repeats = false };

    double Timeout =>
        Ramp + Seconds + Model.Delay / 1000.0 + Model.Tokens * Model.Interval / 1000.0 * Math.Max(1, Requests / Streams) + 30;
}
