using System.Globalization;
using System.Text.Json;
using Penstock.Bench.Load;

namespace Penstock.Bench.Runner;

/// <summary>The command line: which scenarios, how often, against whom.</summary>
static class BenchCommand
{
    const string Help = """
        Measures what Penstock adds to a stream, beside a minimal raw relay on the same machine.

          dotnet run -c Release --project bench/Penstock.Bench -- [scenario...] [--rounds N] [--only contender,...]
          dotnet run -c Release --project bench/Penstock.Bench -- streams --help     Durable Streams beside the reference server
          dotnet run -c Release --project bench/Penstock.Bench -- scale --help       gateways and workers with RabbitMQ and Redis between
          dotnet run -c Release --project bench/Penstock.Bench -- soak --help        an hour of load, and whether anything grows

        Scenarios (all, unless some are named):
        {0}
        Contenders: direct (no gateway), relay, penstock; in translate UPSTREAM-to-CLIENT, such as messages-to-chat-completions.
        --rounds N   how often each is measured; figures are medians (default 3)

        features measures Penstock with nothing on, not even logs, beside Penstock with a key of the client's, limits of every kind
        (requests and tokens a minute, streams, tokens and seconds a stream, budgets), traces of everything and metrics by OTLP every
        five seconds, a scrape of /metrics every five, the usage of what has ended every ten, and logs at their default level to a pipe.
        Both are there all the time, on the same core, are warmed for a minute and a half, so that what runs seldom is compiled too,
        and are measured at the same time.
        """;

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var scenarios = new List<Scenario>();
        Contender[]? only = null;
        var rounds = 3;
        for (var i = 0; i < args.Length; i++)
        {
            if (Array.Find(Scenario.All, s => s.Name == args[i]) is { } scenario)
                scenarios.Add(scenario);
            else if (args[i] == "--rounds" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out rounds) && rounds > 0)
                continue;
            else if (args[i] == "--only" && i + 1 < args.Length)
                only = [.. args[++i].Split(',').Select(name => Contender.Usual.Concat(Contender.Translating).Concat(Contender.Featured).Append(Contender.Cached).First(c => c.Name == name))];
            else
                return PrintHelp(failed: args[i] is not ("--help" or "-h"));
        }

        if (!Cores.CanPin) await Console.Error.WriteLineAsync("! nothing is pinned to a core (taskset or a second core is missing): figures will vary");
        using var upstream = new ChildProcess([.. Cores.Pin(Cores.Upstream, ChildProcess.Self), "upstream"]);
        var upstreamPort = int.Parse(await upstream.Output.ReadLineAsync(cancellation) ?? throw new InvalidOperationException(upstream.LastLines), CultureInfo.InvariantCulture);

        var isSound = true;
        foreach (var scenario in scenarios.Count > 0 ? scenarios : [.. Scenario.All])
        {
            var contenders = only is null ? scenario.Contenders : [.. scenario.Contenders.Intersect(only)];
            var results = contenders.ToDictionary(c => c, _ => new List<Measurement>());
            if (scenario.IsFine) isSound &= await TryMeasureAsync(() => MeasureTogetherAsync(scenario, rounds, results, upstream, upstreamPort, cancellation));
            for (var round = 0; round < rounds && !scenario.IsFine; round++)
            {
                foreach (var contender in InTurn(contenders, round))
                {
                    if (contender == Contender.Direct ? round > 0 || scenario.IsFanout : scenario.IsFanout && contender != Contender.Penstock) continue;
                    await Console.Error.WriteLineAsync($"  {scenario.Name} {round + 1}/{rounds} {contender.Name}");
                    isSound &= await TryMeasureAsync(async () => results[contender].Add(await MeasureAsync(scenario, contender, upstream, upstreamPort, cancellation)));
                }
            }

            ResultTable.Print(scenario, results, Console.Out);
            isSound &= results.Values.All(runs => runs.TrueForAll(run => run.Faulty == 0));
        }

        return isSound ? 0 : 1;
    }

    static async Task<bool> TryMeasureAsync(Func<Task> measure)
    {
        try
        {
            await measure();
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException or JsonException)
        {
            await Console.Error.WriteLineAsync($"! {e.Message}");
            return false;
        }
    }

    /// <summary>Measures a fresh, warm process each time: a run inherits nothing from the one before.</summary>
    static async Task<Measurement> MeasureAsync(Scenario scenario, Contender contender, ChildProcess upstream, int upstreamPort, CancellationToken cancellation)
    {
        if (contender == Contender.Direct) return await Measurement.TakeAsync(scenario.ToLoad(upstreamPort, contender), upstream, null, cancellation);

        using var gateway = await Gateway.StartAsync(contender, upstreamPort, cancellation);
        foreach (var warmUp in Scenario.WarmUp)
            await Measurement.TakeAsync(warmUp.ToLoad(gateway.Port, contender), upstream, gateway.Process, cancellation);

        var load = scenario.IsFanout
            ? scenario.ToLoad(gateway.Port, contender, await StartGenerationAsync(gateway, scenario, cancellation))
            : scenario.ToLoad(gateway.Port, contender);
        return await Measurement.TakeAsync(load, upstream, gateway.Process, cancellation);
    }

    /// <summary>Measures processes that have been there for long, in the same seconds on the same core: whatever else the machine does hits all of them.</summary>
    static async Task MeasureTogetherAsync(
        Scenario scenario, int rounds, Dictionary<Contender, List<Measurement>> results, ChildProcess upstream, int upstreamPort, CancellationToken cancellation)
    {
        var gateways = new List<Gateway>();
        try
        {
            foreach (var contender in results.Keys) gateways.Add(await Gateway.StartAsync(contender, upstreamPort, cancellation));
            await Console.Error.WriteLineAsync($"  {scenario.Name} warms up");
            foreach (var warmUp in Scenario.FineWarmUp.Append(scenario)) await TakeAsync(warmUp); // usage is collected late: the first round has what ended before it
            foreach (var gateway in gateways) gateway.CheckOperator();
            for (var round = 0; round < rounds; round++)
            {
                await Console.Error.WriteLineAsync($"  {scenario.Name} {round + 1}/{rounds}");
                gateways.Reverse(); // whose load starts first
                var all = await TakeAsync(scenario);
                foreach (var gateway in gateways) gateway.CheckOperator();
                foreach (var (gateway, one) in gateways.Zip(all)) results[gateway.Contender].Add(one.Among(all));
            }
        }
        finally
        {
            gateways.ForEach(g => g.Dispose());
        }

        Task<Measurement[]> TakeAsync(Scenario load) =>
            Task.WhenAll(gateways.Select(g => Measurement.TakeAsync(load.ToLoad(g.Port, g.Contender), upstream, g.Process, cancellation)));
    }

    /// <summary>The order is turned round each time, so that a slow drift of the machine favours nobody.</summary>
    static IEnumerable<Contender> InTurn(Contender[] all, int round) => round % 2 == 0 ? all : Enumerable.Reverse(all);

    static async Task<string> StartGenerationAsync(Gateway gateway, Scenario scenario, CancellationToken cancellation)
    {
        var json = await gateway.PostAsync("/v1/generations",
            $$"""{"model":"{{gateway.Contender.ModelPrefix}}{{scenario.Model}}","prompt":"Say something.","background":true}""", cancellation);
        return JsonDocument.Parse(json).RootElement.GetProperty("id").GetString()!;
    }

    static int PrintHelp(bool failed)
    {
        var list = string.Concat(Scenario.All.Select(s => $"  {s.Name,-12} {s.About}\n"));
        (failed ? Console.Error : Console.Out).WriteLine(string.Format(CultureInfo.InvariantCulture, Help, list));
        return failed ? 2 : 0;
    }
}
