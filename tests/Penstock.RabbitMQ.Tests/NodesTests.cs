using System.Net;
using System.Text.Json.Nodes;
using Penstock.Jobs;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>A generation that one node takes, another runs and a third shows.</summary>
public sealed class NodesTests(Broker broker)
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task What_a_gateway_accepts_a_worker_runs_and_any_gateway_shows()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var (first, second) = (await cluster.StartAsync("gateway"), await cluster.StartAsync("gateway"));
        var worker = await cluster.StartAsync("worker");
        using var client = await SseClient.OpenAsync(first.Api.Chat("up/m", "a-40"));
        var seen = new List<SseEvent> { (await client.NextAsync())! };
        seen.AddRange(await client.RestAsync());
        View.ChatText(seen).ShouldBe(string.Concat(Tokens.Of("a", 40)));

        var snapshot = await second.Api.SnapshotAsync(client.Generation);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["text"]!).ShouldBe(string.Concat(Tokens.Of("a", 40)));
        var (status, list) = await Api.SendAsync(second.Api.Get("v1/generations"));
        status.ShouldBe(HttpStatusCode.OK);
        ((string)list!["data"]!.AsArray().Single()!["id"]!).ShouldBe(client.Generation);
        (await cluster.Store.Log.GetAsync($"requests/{client.Generation}")).ShouldBeNull(); // it was only for the worker

        (await Api.SendAsync(worker.Api.Get("v1/generations"))).Status.ShouldBe(HttpStatusCode.NotFound);
        await Eventually.Is(async () => await TextAsync(worker, "readyz") == "ready", "the worker works");
    }

    [Fact]
    public async Task A_client_goes_on_at_another_gateway_where_it_was_cut_off()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var (first, second) = (await cluster.StartAsync("gateway"), await cluster.StartAsync("both"));
        var request = first.Api.Chat("up/m", "a-60");
        var seen = new List<SseEvent>();
        using (var client = await SseClient.OpenAsync(request))
        {
            while (seen.Count < 10) seen.Add((await client.NextAsync())!);
            client.Cut(reset: true);
        }

        seen.AddRange(await SseClient.AllAsync(second.Api.Chat("up/m", "a-60").With("Last-Event-ID", seen[^1].Id!)));
        View.ChatText(seen).ShouldBe(string.Concat(Tokens.Of("a", 60)));
        cluster.Upstream.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("both")]
    public async Task A_stop_at_any_node_ends_it_once_and_closes_the_upstream(string role)
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var first = await cluster.StartAsync("gateway");
        await cluster.StartAsync("worker");
        using var client = await SseClient.OpenAsync(first.Api.Chat("up/m", "a-100000"));
        for (var i = 0; i < 10; i++) await client.NextAsync();
        var third = await cluster.StartAsync(role);
        var call = await cluster.Upstream.NextCallAsync();
        var stopped = await Task.WhenAll(third.Api.StopAsync(client.Generation), first.Api.StopAsync(client.Generation));
        stopped.ShouldAllBe(s => s.Status == HttpStatusCode.OK && (string)s.Body!["status"]! == "stopped");
        ((string)stopped[0].Body!["usage"]!["source"]!).ShouldBe("estimated");
        ((long)stopped[0].Body!["usage"]!["inputTokens"]!).ShouldBeGreaterThan(0);
        await Eventually.Completes(call.Closed, "the upstream's connection closes");
        var rest = await client.RestAsync();
        rest[^1].Data.ShouldBe("[DONE]");
        (await SseClient.AllAsync(third.Api.Events(client.Generation))).Count(e => e.Type() == "stopped").ShouldBe(1);
    }

    [Fact]
    public async Task What_has_not_begun_is_stopped_too_and_never_asked_for()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway");
        var id = await gateway.Api.StartAsync("up/m", "a-3");
        ((string)(await gateway.Api.SnapshotAsync(id))["status"]!).ShouldBe("queued");
        var (_, listed) = await Api.SendAsync(gateway.Api.Get("v1/generations?status=queued"));
        ((string)listed!["data"]!.AsArray().Single()!["id"]!).ShouldBe(id);
        var (_, stopped) = await gateway.Api.StopAsync(id);
        ((string)stopped!["status"]!).ShouldBe("stopped");
        await cluster.StartAsync("worker");
        await gateway.Api.EndedAsync(await gateway.Api.StartAsync("up/m", "b-3"));
        cluster.Upstream.Calls.Single().Prompt.ShouldBe("b-3");
    }

    [Fact]
    public async Task One_key_is_one_generation_at_all_nodes()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var nodes = new[] { await cluster.StartAsync("both"), await cluster.StartAsync("gateway"), await cluster.StartAsync("gateway") };
        var all = await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
            SseClient.AllAsync(nodes[i % 3].Api.Native("up/m", "once-20", stream: true).With("Idempotency-Key", "key-1"))));
        all.Select(events => string.Concat(events.Select(e => e.Raw))).Distinct().ShouldHaveSingleItem();
        cluster.Upstream.Calls.Count.ShouldBe(1);
        (await Api.SendAsync(nodes[1].Api.Native("up/m", "other-2").With("Idempotency-Key", "key-1"))).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_failure_before_any_output_has_its_status_at_the_gateway_and_frees_the_key()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        cluster.Upstream.Reply(call => call.Json(503, "{}"));
        var (gateway, other) = (await cluster.StartAsync("gateway"), await cluster.StartAsync("both"));
        using (var refused = await RawReply.SendAsync(gateway.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1"))) refused.Status.ShouldBe(503);
        View.ChatText(await SseClient.AllAsync(other.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1"))).ShouldBe(string.Concat(Tokens.Of("a", 3)));
    }

    [Fact]
    public async Task A_disconnect_at_the_gateway_stops_the_worker_unless_somebody_watches_at_another()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var (first, second) = (await cluster.StartAsync("gateway", ("Generations:OnDisconnect", "cancel")), await cluster.StartAsync("both", ("Generations:OnDisconnect", "cancel")));
        using var client = await SseClient.OpenAsync(first.Api.Chat("up/m", "a-100000"));
        await client.NextAsync();
        using var other = await SseClient.OpenAsync(second.Api.Events(client.Generation));
        await other.NextAsync();
        client.Cut();
        for (var i = 0; i < 50; i++) (await other.NextAsync()).ShouldNotBeNull();
        other.Cut();
        var ended = await first.Api.EndedAsync(client.Generation);
        ((string)ended["status"]!).ShouldBe("stopped");
        ((string)ended["stopReason"]!).ShouldBe("disconnected");
    }

    [Fact]
    public async Task A_job_that_is_enqueued_twice_runs_once()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var gateway = await cluster.StartAsync("gateway");
        var id = await gateway.Api.StartAsync("up/m", "a-30");
        await using var queue = cluster.NewQueue();
        await queue.EnqueueAsync(new Job(id));
        await cluster.StartAsync("worker");
        await gateway.Api.EndedAsync(id);
        await queue.EnqueueAsync(new Job(id));
        await gateway.Api.EndedAsync(await gateway.Api.StartAsync("up/m", "b-3"));
        cluster.Upstream.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task More_than_may_wait_are_told_to_come_back_in_their_protocols_shape()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway", ("Queue:MaxLength", "2"));
        await gateway.Api.StartAsync("up/m", "a-3");
        await gateway.Api.StartAsync("up/m", "a-3");
        await Eventually.Is(async () => (await Api.SendAsync(gateway.Api.Native("up/m", "a-3"))).Status == HttpStatusCode.TooManyRequests, "the queue is full");
        using var refused = await RawReply.SendAsync(gateway.Api.Messages("up/m", "a-3"));
        refused.Status.ShouldBe(429);
        int.Parse(refused.Headers["Retry-After"]).ShouldBeGreaterThan(0);
        ((string)JsonNode.Parse(await refused.TextAsync())!["error"]!["type"]!).ShouldBe("rate_limit_error");
        await cluster.StartAsync("worker");
        await Eventually.Is(async () => (await Api.SendAsync(gateway.Api.Native("up/m", "a-3"))).Status == HttpStatusCode.Created, "there is room again");
    }

    [Fact]
    public async Task Who_may_wait_waits_with_heartbeats_until_a_worker_comes()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway", ("Queue:MaxLength", "1"), ("Queue:WhenFull", "wait"), ("Streams:Heartbeat", "00:00:00.05"));
        for (var i = 0; i < 3; i++) await gateway.Api.StartAsync("up/m", "a-3");
        using var client = await SseClient.OpenAsync(gateway.Api.Chat("up/m", "b-3"));
        await client.ReadUntilAsync(c => c.Comments.Count >= 3);
        await cluster.StartAsync("worker");
        View.ChatText(await client.RestAsync()).ShouldBe(string.Concat(Tokens.Of("b", 3)));
    }

    [Fact]
    public async Task Who_waits_for_a_response_is_told_that_it_is_queued_and_that_it_is_created_once()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway", ("Streams:Heartbeat", "00:00:00.05"));
        using var client = await SseClient.OpenAsync(gateway.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["stream"] = true, ["input"] = "b-3" }));
        List<SseEvent> events = [(await client.NextAsync())!, (await client.NextAsync())!];
        events.Select(e => (e.Name, (string?)e.Json()["response"]!["status"], e.Id)).ShouldBe([("response.created", "queued", null), ("response.queued", "queued", null)]);
        await client.ReadUntilAsync(c => c.Comments.Count >= 3); // heartbeats from there on
        await cluster.StartAsync("worker");
        events.AddRange(await client.RestAsync());
        events.Count(e => e.Name is "response.created" or "response.queued").ShouldBe(2);
        events.Select(e => (long)e.Json()["sequence_number"]!).ShouldBe(Enumerable.Range(0, events.Count).Select(i => Math.Max(0L, i - 1)));
        events.Select(e => (string?)e.Json()["response"]?["id"]).OfType<string>().Distinct().ShouldHaveSingleItem();
        events[2].Name.ShouldBe("response.in_progress");
        events[^1].Name.ShouldBe("response.completed");
        string.Concat(events.Where(e => e.Name == "response.output_text.delta").Select(e => (string)e.Json()["delta"]!)).ShouldBe(string.Concat(Tokens.Of("b", 3)));
    }

    [Fact]
    public async Task A_large_request_stands_in_the_store_and_its_job_is_small()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway");
        var image = "data:image/png;base64," + Convert.ToBase64String(new byte[3 << 20]);
        var body = new JsonObject
        {
            ["model"] = "up/m",
            ["stream"] = true,
            ["messages"] = new JsonArray(new JsonObject
            {
                ["role"] = "user",
                ["content"] = new JsonArray(
                    new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = image } },
                    new JsonObject { ["type"] = "text", ["text"] = "a-3" }),
            }),
        };
        var client = Task.Run(() => SseClient.AllAsync(gateway.Api.Post("v1/chat/completions", body)));
        await using (var queue = cluster.NewQueue()) await Eventually.Is(async () => await queue.CountAsync() == 1, "it is enqueued");
        (await cluster.PeekAsync()).ShouldBeLessThan(200);
        await cluster.StartAsync("worker");
        View.ChatText(await client).ShouldBe(string.Concat(Tokens.Of("a", 3)));
        ((string)cluster.Upstream.Calls.Single().Request!["messages"]![0]!["content"]![0]!["image_url"]!["url"]!).ShouldBe(image);
    }

    private static async Task<string> TextAsync(PenstockHost node, string path)
    {
        using var reply = await RawReply.SendAsync(node.Api.Get(path));
        return await reply.TextAsync();
    }
}
