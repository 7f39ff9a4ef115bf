using Penstock.Server.Tests.Durability;
using Penstock.Testing;

namespace Penstock.Server.Tests.Chaos;

/// <summary>Every node is replaced, one after another, under 200 live streams: nobody sees more than a reconnect.</summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private const int Streams = 200;
    private const string Slow = "simulated/chat?seed=7&tokens=100&tps=10&ttft=50";
    private const string Fast = "simulated/chat?seed=7&tokens=100&tps=0&ttft=0";

    private static readonly string[] _prompts = [.. Enumerable.Range(0, 6).Select(i => $"Tell me of sea {i}.")];

    [Fact]
    public async Task A_rolling_restart_of_all_nodes_fails_no_stream_and_loses_and_doubles_no_token()
    {
        await using var net = await ChaosNet.StartAsync();
        var whole = new Dictionary<string, string>();
        foreach (var prompt in _prompts) whole[prompt] = (string)(await net.Api.EndedAsync(await net.Api.StartAsync(Fast, prompt)))["text"]!;
        var clients = new List<ResumingClient>();
        ResumingClient New()
        {
            lock (clients)
            {
                var i = clients.Count;
                clients.Add(new ResumingClient(net.Api, ClientKind.All[i % ClientKind.All.Length], Slow, _prompts[i / ClientKind.All.Length % _prompts.Length], $"roll-{i}"));
                return clients[^1];
            }
        }

        var rolling = true;
        var load = Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref rolling)) await New().RunAsync(); // so that there are as many all the time
        })));
        await Eventually.Is(() => clients.Count >= Streams && clients.Take(Streams).All(c => c.Events.Count > 0), "all stream");
        foreach (var node in net.Nodes)
        {
            (await node.Process.Stop()).ShouldBe(0, node.Name);
            await node.Process.StartAsync();
            await net.IsReadyAsync();
        }

        Volatile.Write(ref rolling, false);
        await Eventually.Completes(load, "every client has an ending", TimeSpan.FromMinutes(2));
        var handedOver = 0;
        foreach (var client in clients)
        {
            var about = $"{client.Kind}, {client.Generation}";
            client.IsWhole.ShouldBeTrue(about);
            client.Text.ShouldBe(client.Kind.Name == "text" ? whole[client.Prompt].AsSseText() : whole[client.Prompt], about);
            client.Resumes.ShouldBeLessThanOrEqualTo(2, about); // one for each gateway
            var native = await SseClient.AllAsync(net.Api.Events(client.Generation));
            native.Where(e => e.Type() == "attempt").ShouldAllBe(e => (string)e.Json()["reason"]! == "handed_over", about);
            handedOver += native.Count(e => e.Type() == "attempt");
        }

        handedOver.ShouldBeGreaterThan(0);
        output.WriteLine($"{clients.Count} generations, {handedOver} handed over, {clients.Sum(c => c.Resumes)} resumes");
    }
}
