using System.Globalization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Scale;

/// <summary><c>scale</c>: what many servers cost over one, what each part of them does for a token, and how soon a stop arrives.</summary>
static class ScaleCommand
{
    const string Help = """
        Measures gateways and workers with RabbitMQ and Redis between them, as deploy/local starts them, beside one process.

          dotnet run -c Release --project bench/Penstock.Bench -- scale [way|workers|stop...] [--rounds N] [--stops N]

          way       what the way through RabbitMQ and Redis adds to the first token and to each, everything on one core
          workers   tokens a second with 1, 2 and 4 workers, and what each part does for a token, on all cores
          stop      from a stop at one gateway of what another one started to the close of the provider's connection

        --rounds N   how often the way is measured, by turns with one process; figures are medians (default 3)
        --stops N    how many generations are stopped (default 500)

        It needs redis-server and rabbitmq-server.
        """;

    static readonly string[] _all = ["way", "workers", "stop"];
    static readonly Contender _net = new("2 gateways, 2 workers", null, "up/");

    static readonly Scenario _way = new("way", "10 streams, a token each 20 ms", new BenchModel(64, Interval: 20), 10) { Requests = 60, Ramp = 1.3 };
    static readonly Scenario _paced = Scenario.All.Single(s => s.Name == "latency");
    static readonly Scenario _saturated = Scenario.All.Single(s => s.Name == "throughput") with { Seconds = 6 };
    static readonly Scenario _short = new("short", "", new BenchModel(1), 20) { Seconds = 4 };

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var (rounds, stops) = (3, 500);
        var parts = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--rounds" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out rounds) && rounds > 0) continue;
            if (args[i] == "--stops" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out stops) && stops > 0) continue;
            if (!_all.Contains(args[i], StringComparer.Ordinal))
            {
                await (args[i] is "--help" or "-h" ? Console.Out : Console.Error).WriteLineAsync(Help);
                return args[i] is "--help" or "-h" ? 0 : 2;
            }

            parts.Add(args[i]);
        }

        if (parts.Count == 0) parts.AddRange(_all);
        using var upstream = new ChildProcess([.. Cores.Pin(Cores.Upstream, ChildProcess.Self), "upstream"]);
        using var stopUpstream = new StopUpstream();
        var upstreamPort = int.Parse(await upstream.Output.ReadLineAsync(cancellation) ?? throw new InvalidOperationException(upstream.LastLines), CultureInfo.InvariantCulture);
        var upstreams = new Dictionary<string, int>(StringComparer.Ordinal) { ["up"] = upstreamPort, ["stop"] = stopUpstream.Port };
        var isSound = true;
        if (parts.Contains("way", StringComparer.Ordinal)) isSound &= await WayAsync(upstream, upstreams, rounds, cancellation);
        if (parts.Contains("workers", StringComparer.Ordinal)) isSound &= await WorkersAsync(upstream, upstreams, cancellation);
        if (parts.Contains("stop", StringComparer.Ordinal)) isSound &= await StopAsync(stopUpstream, upstreams, stops, cancellation);
        return isSound ? 0 : 1;
    }

    static async Task<bool> WayAsync(ChildProcess upstream, Dictionary<string, int> upstreams, int rounds, CancellationToken cancellation)
    {
        List<Measurement> one = [], many = [];
        List<NodeCost> costs = [];
        for (var round = 0; round < rounds; round++)
        {
            await Console.Error.WriteLineAsync($"  way {round + 1}/{rounds}");
            using (var gateway = await Gateway.StartAsync(Contender.Penstock, upstreams["up"], cancellation))
            {
                foreach (var warmUp in Scenario.WarmUp) await Measurement.TakeAsync(warmUp.ToLoad(gateway.Port, Contender.Penstock), upstream, gateway.Process, cancellation);
                one.Add(await Measurement.TakeAsync(_way.ToLoad(gateway.Port, Contender.Penstock), upstream, gateway.Process, cancellation));
            }

            using var net = await ScaleNet.StartAsync(2, onOneCore: true, upstreams, cancellation);
            await NodeCost.WarmUpAsync(net, upstream, _net, cancellation);
            var cost = await NodeCost.MeasureAsync(net, _way, upstream, _net, cancellation);
            many.Add(cost.Measurement);
            costs.Add(cost);
        }

        Console.WriteLine($"way: {_way.About}, {_way.Model.Tokens} of them in each; everything but the bench on one core (times in us)");
        Console.WriteLine($"  {"",-24}{"TTFT p50",10}{"p99",10}{"latency p50",13}{"p99",10}{"CPU us/tok",12}");
        double[] first = Row(one, one.Select(m => m.CpuPerToken)), second = Row(many, costs.Select(c => c.Total));
        Print("one process, disk", first);
        Print(_net.Name, second);
        Print("added", [.. second.Zip(first, (a, b) => a - b)]);
        Console.WriteLine();
        return PrintFaults([.. one, .. many]);

        static double[] Row(List<Measurement> runs, IEnumerable<double> cpu) =>
            [Median.Of(runs.Select(m => m.Load.TtftP50)), Median.Of(runs.Select(m => m.Load.TtftP99)), Median.Of(runs.Select(m => m.Load.LatencyP50)), Median.Of(runs.Select(m => m.Load.LatencyP99)), Median.Of(cpu)];

        static void Print(string name, double[] v) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-24}{v[0],10:F0}{v[1],10:F0}{v[2],13:F0}{v[3],10:F0}{v[4],12:F1}"));
    }

    static async Task<bool> WorkersAsync(ChildProcess upstream, Dictionary<string, int> upstreams, CancellationToken cancellation)
    {
        var rows = new List<(string Name, NodeCost Cost)>();
        foreach (var workers in (int[])[1, 2, 4])
        {
            await Console.Error.WriteLineAsync($"  workers {workers}");
            using var net = await ScaleNet.StartAsync(workers, onOneCore: false, upstreams, cancellation);
            await NodeCost.WarmUpAsync(net, upstream, _net, cancellation);
            rows.Add(($"{workers} workers, no pause", await NodeCost.MeasureAsync(net, _saturated, upstream, _net, cancellation)));
            if (workers != 2) continue;
            rows.Add(("2 workers, each 20 ms", await NodeCost.MeasureAsync(net, _paced, upstream, _net, cancellation)));
            rows.Add(("2 workers, 1 token each", await NodeCost.MeasureAsync(net, _short, upstream, _net, cancellation)));
        }

        Console.WriteLine($"workers: on {Environment.ProcessorCount} cores, which the bench has a part of; {_saturated.About}; and {_paced.About}; and answers of one token, where tok is an answer (CPU in us a token)");
        Console.WriteLine($"  {"",-24}{"tok/s",8}{"gateway",9}{"worker",8}{"redis",8}{"rabbitmq",10}{"bench %",9}{"scripts/tok",13}{"commands/tok",14}{"bytes in",10}{"out",7}{"kept",8}");
        foreach (var (name, cost) in rows) Console.WriteLine($"  {name,-24}{cost}");
        Console.WriteLine();
        return PrintFaults([.. rows.Select(r => r.Cost.Measurement)]);
    }

    static async Task<bool> StopAsync(StopUpstream upstream, Dictionary<string, int> upstreams, int stops, CancellationToken cancellation)
    {
        await Console.Error.WriteLineAsync("  stop");
        using var net = await ScaleNet.StartAsync(2, onOneCore: false, upstreams, cancellation);
        var took = await StopRun.MeasureAsync(net, upstream, stops, cancellation);
        var (p50, p99) = (took[took.Count / 2], took[took.Count * 99 / 100]);
        var holds = p50 < 100 && p99 < 500;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"stop: {took.Count} generations, each at the gateway that had not started it, 50 running: p50 {p50:F1} ms, p99 {p99:F1} ms, max {took[^1]:F1} ms to the close of the provider's connection; limit 100 and 500: {(holds ? "holds" : "MISSED")}"));
        return holds;
    }

    static bool PrintFaults(List<Measurement> runs)
    {
        foreach (var load in runs.Select(r => r.Load).Where(l => l.Faults.Count > 0))
            Console.WriteLine($"  ! {string.Join(", ", load.Faults.Select(f => $"{f.Value} {f.Key}"))} {load.FirstFailure}");
        return runs.TrueForAll(r => r.Faulty == 0);
    }
}
