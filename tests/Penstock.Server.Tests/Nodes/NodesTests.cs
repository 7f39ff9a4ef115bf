using System.Diagnostics;
using System.Net;
using Penstock.Testing;

namespace Penstock.Server.Tests.Nodes;

/// <summary>Gateways and workers as processes of their own, with a real Redis and a real RabbitMQ between them, and what is lost of them.</summary>
public sealed class NodesTests(Engines engines) : IClassFixture<Engines>
{
    private const string Prompt = "Tell me of rivers.";
    private const string Slow = "simulated/chat?seed=7&tps=200";
    private const string Fast = "simulated/chat?seed=7&tps=0&ttft=0";

    [Fact]
    public async Task A_worker_that_is_killed_is_followed_by_another_and_the_answer_is_whole_at_every_gateway()
    {
        await using var cluster = await engines.StartAsync(workers: 2);
        var whole = await WholeAsync(cluster.Gateways[0]);
        var reading = Enumerable.Range(0, 10).Select(i => SseClient.AllAsync(cluster.Gateways[i % 2].Api.Chat(Slow, Prompt))).ToList();
        using var watching = await SseClient.OpenAsync(cluster.Gateways[0].Api.Native(Slow, Prompt, stream: true));
        for (var i = 0; i < 30; i++) (await watching.NextAsync()).ShouldNotBeNull();
        await cluster.Workers[0].Kill9();
        foreach (var events in await Task.WhenAll(reading))
        {
            View.ChatText(events).ShouldBe(whole);
            events.Count(View.IsDone).ShouldBe(1);
        }

        await watching.RestAsync();
        var again = await SseClient.AllAsync(cluster.Gateways[1].Api.Events(watching.Generation));
        again.Count(View.IsNativeEnding).ShouldBe(1);
        View.NativeText(again).ShouldBe(whole);
    }

    [Fact]
    public async Task A_client_whose_gateway_is_killed_goes_on_at_another()
    {
        await using var cluster = await engines.StartAsync(workers: 1);
        var whole = await WholeAsync(cluster.Gateways[0]);
        var seen = new List<SseEvent>();
        using (var client = await SseClient.OpenAsync(cluster.Gateways[0].Api.Chat(Slow, Prompt)))
        {
            while (seen.Count < 30) seen.Add((await client.NextAsync())!);
        }

        await cluster.Gateways[0].Kill9();
        seen.AddRange(await SseClient.AllAsync(cluster.Gateways[1].Api.Chat(Slow, Prompt).With("Last-Event-ID", seen[^1].Id!)));
        View.ChatText(seen).ShouldBe(whole);
    }

    [Fact]
    public async Task A_worker_that_is_frozen_and_thaws_is_refused_by_the_store()
    {
        await using var cluster = await engines.StartAsync(workers: 1);
        var whole = await WholeAsync(cluster.Gateways[0]);
        using var client = await SseClient.OpenAsync(cluster.Gateways[0].Api.Native(Slow, Prompt, stream: true));
        for (var i = 0; i < 30; i++) (await client.NextAsync()).ShouldNotBeNull();
        cluster.Workers[0].Freeze();
        await cluster.AddWorkerAsync(); // the broker misses the other one's heartbeats after some 20 seconds
        await client.RestAsync();
        cluster.Workers[0].Thaw(); // it writes on, or tries to
        (await cluster.Workers[0].Stop()).ShouldBe(0);
        var events = await SseClient.AllAsync(cluster.Gateways[1].Api.Events(client.Generation));
        events.Count(View.IsNativeEnding).ShouldBe(1);
        View.NativeText(events).ShouldBe(whole);
    }

    [Fact]
    public async Task Workers_that_are_replaced_one_by_one_hand_over_and_no_client_notices()
    {
        await using var cluster = await engines.StartAsync(workers: 2);
        var whole = await WholeAsync(cluster.Gateways[0]);
        var reading = Enumerable.Range(0, 20).Select(i => SseClient.AllAsync(cluster.Gateways[i % 2].Api.Chat(Slow, Prompt))).ToList();
        foreach (var worker in cluster.Workers.ToList())
        {
            await cluster.AddWorkerAsync();
            (await worker.Stop()).ShouldBe(0);
        }

        foreach (var events in await Task.WhenAll(reading)) View.ChatText(events).ShouldBe(whole);
    }

    [Fact]
    public async Task A_stop_at_another_node_closes_the_upstream_at_once()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(500)));
        await using var cluster = await engines.StartAsync(workers: 1, upstream);
        var took = new List<double>();
        for (var i = 0; i < 10; i++)
        {
            var id = await cluster.Gateways[0].Api.StartAsync("up/m", "a-1000");
            var call = await upstream.NextCallAsync();
            await Eventually.Is(async () => ((string)(await cluster.Gateways[0].Api.SnapshotAsync(id))["text"]!).Length > 0, "it has begun");
            var watch = Stopwatch.StartNew();
            var stopped = cluster.Gateways[1].Api.StopAsync(id);
            await Eventually.Completes(call.Closed, "the upstream's connection closes");
            took.Add(watch.Elapsed.TotalMilliseconds);
            (await stopped).Status.ShouldBe(HttpStatusCode.OK);
            ((string)(await cluster.Gateways[0].Api.SnapshotAsync(id))["status"]!).ShouldBe("stopped");
        }

        took.Order().ElementAt(5).ShouldBeLessThan(100); // half a token's pace would be 250
    }

    private static async Task<string> WholeAsync(PenstockProcess gateway) =>
        (string)(await gateway.Api.EndedAsync(await gateway.Api.StartAsync(Fast, Prompt)))["text"]!;
}
