using System.Globalization;
using System.Text;
using Penstock.Testing;
using Xunit.Sdk;

namespace Penstock.Server.Tests.Durability;

/// <summary>
/// <c>kill -9</c> at random moments under 64 appending producers, each of which sends what was in flight again, as the
/// Durable Streams protocol says: nothing is lost, nothing doubled, nothing out of order.
/// <c>PENSTOCK_KILL_ROUNDS</c> sets how many rounds there are; <c>./test kills</c> runs 500.
/// </summary>
public sealed class ProducerKillTests(ITestOutputHelper output)
{
    private const int Producers = 64;
    private const int Streams = 8;

    /// <summary>So that no stream grows beyond what a round can check quickly.</summary>
    private const int RoundsPerStream = 25;

    private static readonly int _rounds = int.Parse(Environment.GetEnvironmentVariable("PENSTOCK_KILL_ROUNDS") ?? "6", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Row30_No_append_is_lost_doubled_or_out_of_order()
    {
        var random = new Random(20_26);
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(storage: "disk"));
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Producers * 2 }) { BaseAddress = server.Url };
        long acknowledged = 0, retried = 0, duplicates = 0;
        List<AppendingProducer> producers = [];
        for (var round = 0; round < _rounds; round++)
        {
            if (round % RoundsPerStream == 0) producers = await BeginAsync(http, round);
            using var stop = new CancellationTokenSource();
            var running = producers.Select(p => Task.Run(() => p.RunAsync(stop.Token))).ToList();
            var before = producers.Sum(p => p.Acknowledged);
            await Eventually.Is(() => producers.Sum(p => p.Acknowledged) > before + Producers, "the load has begun");
            await Task.Delay(random.Next(0, 120)); // the random moment
            var kill = server.Kill9();
            await stop.CancelAsync();
            await kill;
            await Task.WhenAll(running);
            if (round % 10 == 7)
            {
                server.Launch(); // and again while it recovers
                await Task.Delay(random.Next(20, 400));
                await server.Kill9();
            }

            await server.StartAsync();
            foreach (var producer in producers) await producer.SettleAsync();
            await CheckAsync(http, producers);
        }

        acknowledged += producers.Sum(p => p.Acknowledged);
        retried += producers.Sum(p => p.Retried);
        duplicates += producers.Sum(p => p.Duplicates);
        retried.ShouldBeGreaterThan(0); // the kills did hit appends in flight
        output.WriteLine($"{_rounds} kills; in the last streams {acknowledged} appends acknowledged, {retried} sent again, {duplicates} of those had been stored.");
    }

    private static async Task<List<AppendingProducer>> BeginAsync(HttpClient http, int round)
    {
        for (var s = 0; s < Streams; s++)
        {
            using var create = new HttpRequestMessage(HttpMethod.Put, Path(round, s)) { Content = new StringContent("", Encoding.UTF8, "application/json") };
            (await http.SendAsync(create)).EnsureSuccessStatusCode();
        }

        return [.. Enumerable.Range(0, Producers).Select(p => new AppendingProducer(http, Path(round, p % Streams), p))];
    }

    private static async Task CheckAsync(HttpClient http, List<AppendingProducer> producers)
    {
        foreach (var stream in producers.GroupBy(p => p.Path, StringComparer.Ordinal))
        {
            var items = System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync(stream.Key))!.AsArray();
            foreach (var producer in stream)
            {
                var got = items.Where(item => (int)item!["p"]! == producer.Id).Select(item => (long)item!["n"]!).ToList();
                if (!got.SequenceEqual(Enumerable.Range(0, (int)producer.Acknowledged).Select(n => (long)n)))
                    throw new XunitException($"{stream.Key}, producer {producer.Id}: {producer.Acknowledged} acknowledged, stored {string.Join(' ', got.TakeLast(20))}");
            }
        }
    }

    private static string Path(int round, int stream) => $"v1/stream/kills/{round}/{stream}";
}
