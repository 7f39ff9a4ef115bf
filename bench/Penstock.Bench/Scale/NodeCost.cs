using System.Globalization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Scale;

/// <summary>A load through the nodes, and what each kind of them did meanwhile.</summary>
sealed record NodeCost(Measurement Measurement, IReadOnlyDictionary<string, double> CpuSeconds, RedisWork Redis)
{
    static readonly string[] _kinds = ["gateway", "worker", "redis", "rabbitmq"];

    /// <summary>The processor time of all of them per token, in microseconds.</summary>
    public double Total => CpuSeconds.Values.Sum() * 1e6 / Measurement.Load.Tokens;

    public static async Task WarmUpAsync(ScaleNet net, ChildProcess upstream, Contender contender, CancellationToken cancellation)
    {
        foreach (var warmUp in Scenario.WarmUp) await Measurement.TakeAsync(warmUp.ToLoad(net.Port("gateway-1"), contender), upstream, null, cancellation);
    }

    public static async Task<NodeCost> MeasureAsync(ScaleNet net, Scenario scenario, ChildProcess upstream, Contender contender, CancellationToken cancellation)
    {
        var before = _kinds.ToDictionary(k => k, net.CpuSeconds);
        var redis = await RedisWork.OfAsync(net.Port("redis"), cancellation);
        var measurement = await Measurement.TakeAsync(scenario.ToLoad(net.Port("gateway-1"), contender), upstream, null, cancellation);
        return new(measurement, _kinds.ToDictionary(k => k, k => net.CpuSeconds(k) - before[k]), await RedisWork.OfAsync(net.Port("redis"), cancellation) - redis);
    }

    public override string ToString()
    {
        double tokens = Measurement.Load.Tokens;
        double Cpu(string kind) => CpuSeconds[kind] * 1e6 / tokens;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Measurement.TokensPerSecond,8:F0}{Cpu("gateway"),9:F1}{Cpu("worker"),8:F1}{Cpu("redis"),8:F1}{Cpu("rabbitmq"),10:F1}{Measurement.BenchBusy,9:F0}{Redis.Scripts / tokens,13:F2}{Redis.Commands / tokens,14:F2}{Redis.BytesIn / tokens,10:F0}{Redis.BytesOut / tokens,7:F0}{Redis.Memory / tokens,8:F0}");
    }
}
