using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
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

    [Fact]
    public async Task Row22_A_stop_once_a_client_has_resumed_ends_the_answer_and_not_only_its_connection()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(10)));
        await using var cluster = await engines.StartAsync(workers: 1, upstream);
        var seen = new List<SseEvent>();
        using (var client = await SseClient.OpenAsync(cluster.Gateways[0].Api.Chat("up/m", "a-100000")))
        {
            while (seen.Count < 20) seen.Add((await client.NextAsync())!);
            client.Cut(reset: true);
        }

        var call = await upstream.NextCallAsync();
        var request = cluster.Gateways[1].Api.Chat("up/m", "a-100000");
        using var resumed = await SseClient.OpenAsync(request.With("Last-Event-ID", seen[^1].Id!));
        while (seen.Count < 40) seen.Add((await resumed.NextAsync())!);
        (await cluster.Gateways[0].Api.StopAsync(resumed.Generation)).Status.ShouldBe(HttpStatusCode.OK);
        await Eventually.Completes(call.Closed, "the upstream's connection closes");
        seen.AddRange(await resumed.RestAsync());
        View.IsDone(seen[^1]).ShouldBeTrue();
        var snapshot = await cluster.Gateways[1].Api.SnapshotAsync(resumed.Generation);
        ((string)snapshot["status"]!).ShouldBe("stopped");
        View.ChatText(seen).ShouldBe((string)snapshot["text"]!);
        // It is over for whoever comes back, too, and nobody is asked again.
        (await Api.SendAsync(request.With("Last-Event-ID", seen[^1].Id!))).Status.ShouldBe(HttpStatusCode.NoContent);
        upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Row23_A_client_that_resumes_gets_nothing_twice_and_the_turn_that_its_id_names()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(20)));
        await using var cluster = await engines.StartAsync(workers: 1, upstream);
        var (first, second) = (cluster.Gateways[0].Api, cluster.Gateways[1].Api);
        JsonObject Turn(string prompt, string? previous) => new() { ["model"] = "up/m", ["stream"] = true, ["input"] = prompt, ["previous_response_id"] = previous };
        static string Text(IEnumerable<SseEvent> events) => string.Concat(events.Where(e => e.Name == "response.output_text.delta").Select(e => (string)e.Json()["delta"]!));
        static async Task<List<SseEvent>> TakeAsync(RawRequest request, int count)
        {
            var events = new List<SseEvent>();
            using var client = await SseClient.OpenAsync(request);
            while (events.Count < count) events.Add((await client.NextAsync())!);
            client.Cut(reset: true);
            return events;
        }

        // The first turn is left in the middle, and ends; then the second is, while it goes on.
        var one = await TakeAsync(first.Post("v1/responses", Turn("one-20", null)), 10);
        var id = (string)one[0].Json()["response"]!["id"]!;
        await first.EndedAsync(View.Generation(one[^1].Id!));
        var turn = second.Post("v1/responses", Turn("two-60", id));
        var two = await TakeAsync(turn, 10);

        // Each comes back with its id and the newest turn's body, as a client does that knows one address and one conversation.
        var rests = await Task.WhenAll(new[] { one, two }.Select((events, i) => SseClient.AllAsync((i == 0 ? turn : first.Post("v1/responses", Turn("two-60", id))).With("Last-Event-ID", events[^1].Id!))));
        one.AddRange(rests[0]);
        two.AddRange(rests[1]);
        Text(one).ShouldBe(string.Concat(Tokens.OfPrompt("one-20")));
        Text(two).ShouldBe(string.Concat(Tokens.OfPrompt("two-60")));
        foreach (var events in new[] { one, two })
        {
            events.Select(e => (long)e.Json()["sequence_number"]!).ShouldBe(Enumerable.Range(0, events.Count).Select(i => (long)i));
            events[^1].Name.ShouldBe("response.completed");
        }

        upstream.Calls.Count.ShouldBe(2);
    }

    private static async Task<string> WholeAsync(PenstockProcess gateway) =>
        (string)(await gateway.Api.EndedAsync(await gateway.Api.StartAsync(Fast, Prompt)))["text"]!;
}
