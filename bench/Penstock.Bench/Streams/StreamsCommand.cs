using System.Globalization;
using System.Text.Json;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Streams;

/// <summary><c>streams</c>: Penstock as a server of Durable Streams beside the protocol's reference server, in one run.</summary>
static class StreamsCommand
{
    const string Help = """
        Measures Durable Streams beside the protocol's reference server (npm @durable-streams/server), on the same machine in the same run.

          dotnet run -c Release --project bench/Penstock.Bench -- streams [append|deliver-1|deliver-1-disk|deliver-1000|catch-up|catch-up-json...] [--rounds N] [--seconds N]

        --rounds N    how often each is measured, in turns; figures and ratios are medians (default 3)
        --seconds N   how long the producers append (default 8; a quarter of it warms up)
        """;

    /// <summary>A figure and its limit.</summary>
    sealed record Figure(string What, string Unit, Func<StreamsFigures, double> Value, double Ratio, bool AtLeast = false, double Enough = double.MaxValue);

    /// <summary>What is measured. The servers of a delivery run at once and have turns.</summary>
    sealed record Test(string Name, string About, string[] Load, Kept Kept, Figure[] Figures)
    {
        public bool HasTurns => Load[0] == "deliver";
    }

    static Test[] Tests(string seconds) =>
    [
        new("append", "64 producers, each with a stream of its own, 100 bytes an append, both servers syncing each to the disk", ["append", "64", seconds], Kept.Synced,
            [new("appends a second", "/s", f => f.PerSecond, 10, AtLeast: true)]),
        new("deliver-1", "1 follower by SSE, a message each 5 ms; both in memory", ["deliver", "1", "5", "200", "5"], Kept.InMemory,
            [new("p50", "us", f => f.P50, 0.2), new("p99", "us", f => f.P99, double.MaxValue)]),
        new("deliver-1-disk", "the same; the reference in memory, Penstock on disk", ["deliver", "1", "5", "200", "5"], Kept.OnDisk,
            [new("p50", "us", f => f.P50, double.MaxValue), new("p99", "us", f => f.P99, double.MaxValue)]),
        new("deliver-1000", "1,000 followers by SSE, a message each 20 ms, as a model writes; the reference in memory, Penstock on disk", ["deliver", "1000", "20", "100", "2"], Kept.OnDisk,
            [new("p50", "us", f => f.P50, 0.1), new("p99", "us", f => f.P99, 0.2)]),
        new("catch-up", "a read of 100 MiB in events of 1 MiB; the reference in memory, Penstock on disk", ["catch-up", "100", "bytes"], Kept.OnDisk,
            [new("read", "MB/s", f => f.PerSecond / 1e6, 5, AtLeast: true, Enough: 1000)]),
        new("catch-up-json", "the same in JSON messages of 1 KiB", ["catch-up", "100", "json"], Kept.OnDisk,
            [new("read", "MB/s", f => f.PerSecond / 1e6, 5, AtLeast: true, Enough: 1000)]),
    ];

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var (rounds, seconds) = (3, 8);
        var names = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--rounds" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out rounds) && rounds > 0) continue;
            if (args[i] == "--seconds" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out seconds) && seconds > 0) continue;
            if (!Array.Exists(Tests("1"), t => t.Name == args[i]))
            {
                await Console.Error.WriteLineAsync(Help);
                return args[i] is "--help" or "-h" ? 0 : 2;
            }

            names.Add(args[i]);
        }

        if (!Cores.CanPin) await Console.Error.WriteLineAsync("! nothing is pinned to a core (taskset or a second core is missing): figures will vary");
        var holds = true;
        foreach (var test in Tests(seconds.ToString(CultureInfo.InvariantCulture)).Where(t => names.Count == 0 || names.Contains(t.Name)))
        {
            List<StreamsFigures> ours = [], theirs = [];
            for (var round = 0; round < rounds; round++)
            {
                await Console.Error.WriteLineAsync($"  {test.Name} {round + 1}/{rounds}");
                if (test.HasTurns)
                {
                    using var penstock = await StreamsServer.StartPenstockAsync(test.Kept, cancellation);
                    using var reference = await StreamsServer.StartReferenceAsync(onDisk: false, cancellation);
                    var both = await MeasureAsync(test, cancellation, penstock, reference);
                    ours.AddRange(both[0]);
                    theirs.AddRange(both[1]);
                    continue;
                }

                using (var penstock = await StreamsServer.StartPenstockAsync(test.Kept, cancellation)) ours.AddRange((await MeasureAsync(test, cancellation, penstock))[0]);
                using (var reference = await StreamsServer.StartReferenceAsync(onDisk: test.Kept == Kept.Synced, cancellation)) theirs.AddRange((await MeasureAsync(test, cancellation, reference))[0]);
            }

            Console.WriteLine($"{test.Name}: {test.About}");
            foreach (var figure in test.Figures) holds &= Print(figure, ours, theirs);
        }

        return holds ? 0 : 1;
    }

    /// <returns>For each server what it gave, turn by turn.</returns>
    static async Task<StreamsFigures[][]> MeasureAsync(Test test, CancellationToken cancellation, params StreamsServer[] servers)
    {
        var ports = string.Join(',', servers.Select(s => s.Port.ToString(CultureInfo.InvariantCulture)));
        using var load = new ChildProcess([.. Cores.Pin(Cores.Load, ChildProcess.Self), "streams-load", ports, .. test.Load]);
        var line = await load.Output.ReadLineAsync(cancellation);
        return line is null
            ? throw new InvalidOperationException($"{string.Join(", ", servers.Select(s => s.Name))}: {load.LastLines}")
            : JsonSerializer.Deserialize(line, StreamsJson.Default.StreamsFiguresArrayArray)!;
    }

    /// <summary>Runs one load, in a process of its own.</summary>
    public static void Load(string[] args)
    {
        var servers = args[0].Split(',').Select(port => new StreamsLoad(Number(port))).ToList();
        StreamsFigures[][] figures = args[1] switch
        {
            "append" => [[servers[0].Append(Number(args[2]), Number(args[3]))]],
            "deliver" => StreamsLoad.Deliver(servers, Number(args[2]), Number(args[3]), Number(args[4]), Number(args[5])),
            _ => [[servers[0].CatchUp(Number(args[2]), json: args[3] == "json")]],
        };
        servers.ForEach(s => s.Dispose());
        Console.WriteLine(JsonSerializer.Serialize(figures, StreamsJson.Default.StreamsFiguresArrayArray));

        static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }

    // What was measured one after another is compared, and the median of that is what counts: the machine is not the same all the time.
    static bool Print(Figure figure, List<StreamsFigures> ours, List<StreamsFigures> theirs)
    {
        var ratios = ours.Zip(theirs, (our, their) => figure.Value(our) / figure.Value(their)).Order().ToList();
        var (median, ratio) = (Median.Of(ours.Select(figure.Value)), Median.Of(ratios));
        var limited = figure.Ratio < double.MaxValue;
        var holds = !limited || (figure.AtLeast ? ratio >= figure.Ratio || median >= figure.Enough : ratio <= figure.Ratio);
        var verdict = !limited ? "" : $", limit {(figure.AtLeast ? ">=" : "<=")} {figure.Ratio.ToString(CultureInfo.InvariantCulture)}"
            + (figure.Enough < double.MaxValue ? $" or {figure.Enough.ToString(CultureInfo.InvariantCulture)} {figure.Unit}" : "") + (holds ? ": holds" : ": MISSED");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {figure.What,-18} penstock {median,10:N0} {figure.Unit}   reference {Median.Of(theirs.Select(figure.Value)),10:N0} {figure.Unit}   ratio {ratio:F2} ({ratios[0]:F2} to {ratios[^1]:F2}){verdict}"));
        return holds;
    }
}
