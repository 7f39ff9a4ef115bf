using System.Net;
using System.Text.Json.Nodes;
using Penstock.Jobs;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>What becomes of a generation when its worker is lost, or goes in good order.</summary>
public sealed class WorkerLossTests(Broker broker)
{
    // Only the simulated model goes on with a text. It takes long enough for another worker to come, and then as long again.
    private const string Continued = "simulated/chat?tokens=500&tps=40";
    private const string Anew = "up/m";
    internal const string Prompt = "a-60";

    private static readonly string _text = string.Concat(Tokens.OfPrompt(Prompt));

    [Fact]
    public async Task A_worker_that_is_cut_from_the_broker_is_fenced_by_who_gets_its_job_and_ends_its_call()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(TimeSpan.FromMilliseconds(10)));
        await using var proxy = new CuttingProxy(broker.Server.Address);
        var gateway = await cluster.StartAsync("gateway");
        await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy));
        using var client = await SseClient.OpenAsync(gateway.Api.Chat("up/m", "a-100000"));
        for (var i = 0; i < 5; i++) await client.NextAsync();
        var call = await cluster.Upstream.NextCallAsync();

        proxy.IsDown = true;
        proxy.CutAll();
        for (var i = 0; i < 50; i++) (await client.NextAsync()).ShouldNotBeNull(); // nobody else is there to take it
        await cluster.StartAsync("worker");
        await Eventually.Completes(call.Closed, "the upstream's connection closes");
        var ended = await gateway.Api.EndedAsync(client.Generation);
        ((string)ended["status"]!).ShouldBe("interrupted");
        cluster.Upstream.Calls.Count.ShouldBe(1);
        (await SseClient.AllAsync(gateway.Api.Events(client.Generation))).Count(e => e.Type() == "interrupted").ShouldBe(1);
    }

    [Theory]
    [InlineData("continue")]
    [InlineData("restart")]
    public async Task Another_worker_goes_on_by_the_policy_and_native_clients_see_every_token_once(string policy)
    {
        await using var cluster = new Cluster(broker, HeldOnce());
        await using var proxy = new CuttingProxy(broker.Server.Address);
        var gateway = await cluster.StartAsync("gateway", ("Generations:OnCrash", policy));
        var whole = await WholeAsync(gateway, cluster, policy);

        var lost = await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy), ("Generations:OnCrash", policy));
        await using var standby = await StandByAsync(cluster, policy);
        using var client = await SseClient.OpenAsync(gateway.Api.Native(policy == "continue" ? Continued : Anew, Prompt, stream: true));
        var seen = new List<SseEvent>();
        while (seen.Count < 30) seen.Add((await client.NextAsync())!);
        proxy.IsDown = true;
        proxy.CutAll();
        standby.IsDown = false;
        seen.AddRange(await client.RestAsync());

        seen.Count(e => e.Type() == (policy == "restart" ? "reset" : "attempt")).ShouldBe(1);
        seen[^1].Type().ShouldBe("finished");
        ((string)(await gateway.Api.SnapshotAsync(client.Generation))["text"]!).ShouldBe(whole);
        seen.Select(e => e.Id).ShouldBe(Enumerable.Range(0, seen.Count).Select(i => $"{client.Generation}.{i}"));
        lost.Log.ShouldNotContain("failed unexpectedly");
    }

    [Fact]
    public async Task A_client_that_cannot_be_told_of_a_new_beginning_is_told_to_ask_anew()
    {
        await using var cluster = new Cluster(broker, HeldOnce());
        await using var proxy = new CuttingProxy(broker.Server.Address);
        var gateway = await cluster.StartAsync("gateway", ("Generations:OnCrash", "restart"));
        await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy), ("Generations:OnCrash", "restart"));
        await using var standby = await StandByAsync(cluster, "restart");
        var request = gateway.Api.Chat(Anew, Prompt).With("Idempotency-Key", "key-1");
        using var client = await SseClient.OpenAsync(request);
        var seen = new List<SseEvent>();
        while (seen.Count < 10) seen.Add((await client.NextAsync())!);
        proxy.IsDown = true;
        proxy.CutAll();
        standby.IsDown = false;
        var rest = await client.RestAsync();
        rest[^1].Data.ShouldContain("answer_reset");

        using (var resumed = await RawReply.SendAsync(request.With("Last-Event-ID", seen[^1].Id!))) resumed.Status.ShouldBe(409);
        var again = await SseClient.AllAsync(request);
        View.ChatText(again).ShouldBe(_text);
    }

    [Theory]
    [InlineData("continue", "finished")]
    [InlineData("restart", "finished")]
    [InlineData("fail", "interrupted")]
    public async Task A_worker_that_shuts_down_hands_over_what_the_policy_lets_go_on(string policy, string ending)
    {
        await using var cluster = new Cluster(broker, HeldOnce());
        var gateway = await cluster.StartAsync("gateway", ("Generations:OnCrash", policy));
        var whole = await WholeAsync(gateway, cluster, policy);
        var first = await cluster.StartAsync("worker", ("Generations:OnCrash", policy), ("Generations:ShutdownTimeout", "00:00:00.2"));
        await using var standby = await StandByAsync(cluster, policy);
        using var client = await SseClient.OpenAsync(gateway.Api.Native(policy == "continue" ? Continued : Anew, Prompt, stream: true));
        var seen = new List<SseEvent>();
        while (seen.Count < 10) seen.Add((await client.NextAsync())!);
        await first.StopAsync();
        standby.IsDown = false;
        seen.AddRange(await client.RestAsync());
        seen[^1].Type().ShouldBe(ending, seen[^1].Data);
        if (policy == "fail") return;
        var again = seen.Single(e => e.Type() is "attempt" or "reset");
        ((string)JsonNode.Parse(again.Data)!["reason"]!).ShouldBe("handed_over");
        ((string)(await gateway.Api.SnapshotAsync(client.Generation))["text"]!).ShouldBe(whole);
    }

    // RabbitMQ does so where many are handed over at once.
    [Theory]
    [InlineData("continue")]
    [InlineData("restart")]
    public async Task A_job_that_was_handed_over_and_comes_back_all_the_same_is_no_death(string policy)
    {
        await using var cluster = new Cluster(broker, HeldOnce());
        var gateway = await cluster.StartAsync("gateway", ("Generations:OnCrash", policy));
        var first = await cluster.StartAsync("worker", ("Generations:OnCrash", policy), ("Generations:ShutdownTimeout", "00:00:00.2"));
        using var client = await SseClient.OpenAsync(gateway.Api.Native(policy == "continue" ? Continued : Anew, Prompt, stream: true));
        var seen = new List<SseEvent>();
        while (seen.Count < 10) seen.Add((await client.NextAsync())!);
        await first.StopAsync();
        var next = await BringBackAsync(cluster);
        await cluster.StartAsync("worker", ("Generations:OnCrash", policy));
        await using var queue = cluster.NewQueue();
        await Eventually.Is(async () => await queue.CountAsync() == 0, "the worker has it");
        await queue.EnqueueAsync(next);
        seen.AddRange(await client.RestAsync());
        var again = seen.Single(e => e.Type() is "attempt" or "reset");
        ((string)again.Json()["reason"]!).ShouldBe("handed_over");
        seen[^1].Type().ShouldBe("finished");
    }

    [Fact]
    public async Task A_job_that_came_back_before_it_was_handed_over_counts_for_whoever_has_it()
    {
        (string, string)[] settings = [("Generations:OnCrash", "continue"), ("Generations:ShutdownTimeout", "00:00:00.2")];
        await using var cluster = new Cluster(broker, HeldOnce());
        var gateway = await cluster.StartAsync("gateway");
        var store = new InterposedStore(cluster.Store.NewNode());
        var (handsOver, mayGoOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        store.Before = (operation, path) =>
        {
            if (operation != nameof(IStreamLog.CreateSharedAsync) || !path.StartsWith("hand-overs/", StringComparison.Ordinal)) return Task.CompletedTask;
            handsOver.TrySetResult();
            return mayGoOn.Task;
        };
        var first = await cluster.StartAsync("worker", broker.Server.Address, store, settings);
        using var client = await SseClient.OpenAsync(gateway.Api.Native("simulated/chat?tokens=500&tps=20", Prompt, stream: true));
        var seen = new List<SseEvent>();
        while (seen.Count < 10) seen.Add((await client.NextAsync())!);
        var stopping = first.StopAsync();
        await handsOver.Task;
        var next = await BringBackAsync(cluster);

        await using var proxy = new CuttingProxy(broker.Server.Address);
        await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy), settings);
        while (seen[^1].Type() != "attempt") seen.Add((await client.NextAsync()).ShouldNotBeNull());
        mayGoOn.SetResult();
        await stopping;
        await using var queue = cluster.NewQueue();
        await queue.EnqueueAsync(next);
        await Eventually.Is(async () => await queue.CountAsync() == 0, "the second has the new job, which is one too many");
        proxy.IsDown = true;
        proxy.CutAll();
        await cluster.StartAsync("worker", settings);
        seen.AddRange(await client.RestAsync());
        seen.Count(e => e.Type() == "attempt").ShouldBe(2);
        seen[^1].Type().ShouldBe("finished");
    }

    // Takes the job that is waiting, and puts the one in its place that it was enqueued for, as one that was delivered before.
    private static async Task<Job> BringBackAsync(Cluster cluster)
    {
        var (taken, isBack) = (new TaskCompletionSource<Job>(), new TaskCompletionSource());
        await using var queue = cluster.NewQueue();
        queue.Consume(1, async delivery =>
        {
            if (taken.TrySetResult(delivery.Job))
            {
                await queue.EnqueueAsync(delivery.Job with { Epoch = delivery.Job.Epoch - 1, HandOvers = 0 });
                return JobResult.Done;
            }

            isBack.SetResult();
            return await new TaskCompletionSource<JobResult>().Task; // until the queue is gone
        });
        await isBack.Task;
        return await taken.Task;
    }

    [Fact]
    public async Task A_worker_that_shuts_down_waits_for_what_it_is_about_to_begin()
    {
        await using var cluster = new Cluster(broker, call => call.Hold());
        var store = new InterposedStore(cluster.Store.NewNode());
        var (taken, mayGoOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        store.Before = (operation, path) =>
        {
            if (operation != nameof(IStreamLog.TakeOverAsync)) return Task.CompletedTask;
            taken.TrySetResult();
            return mayGoOn.Task;
        };
        var gateway = await cluster.StartAsync("gateway");
        var worker = await cluster.StartAsync("worker", broker.Server.Address, store, ("Generations:ShutdownTimeout", "00:00:00.2"));
        var id = await gateway.Api.StartAsync("up/m", Prompt);
        await taken.Task;
        var stopping = worker.StopAsync();
        await Eventually.Is(() => stopping.IsCompleted || worker.Log.Contains("are still running", StringComparison.Ordinal), "it drains");
        mayGoOn.SetResult();
        await stopping;
        ((string)(await gateway.Api.SnapshotAsync(id))["status"]!).ShouldBe("interrupted");
    }

    [Fact]
    public async Task What_every_worker_dies_of_ends_as_failed()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var gateway = await cluster.StartAsync("gateway");
        var id = await gateway.Api.StartAsync("up/m", "a-3");
        var dead = false;
        await using (var queue = cluster.NewQueue())
        {
            queue.Consume(1, delivery =>
            {
                dead |= delivery.Dead;
                return delivery.Dead ? new TaskCompletionSource<JobResult>().Task : Task.FromResult(JobResult.Return);
            });
            await Eventually.Is(() => dead, "the broker gives the job up");
        }

        await cluster.StartAsync("worker");
        var ended = await gateway.Api.EndedAsync(id);
        ((string)ended["status"]!).ShouldBe("failed");
        cluster.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_generation_whose_gateway_died_is_stopped_once_nobody_has_watched_it_for_a_while()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(TimeSpan.FromMilliseconds(10)));
        var time = new ManualTimeProvider();
        var (gateway, other) = (await cluster.StartAsync("gateway"), await cluster.StartAsync("both", time));
        using var client = await SseClient.OpenAsync(gateway.Api.Chat("up/m", "a-100000"));
        await client.NextAsync();
        time.Advance(TimeSpan.FromSeconds(30));
        (await client.NextAsync()).ShouldNotBeNull();
        await gateway.StopAsync(); // it misses nobody whom it sends away itself: as if it had died
        await Eventually.Is(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return (string?)(await other.Api.SnapshotAsync(client.Generation))["stopReason"] == "disconnected";
            },
            "it is stopped");
    }

    // A second worker, which meets the broker when it is let: to start one may take longer than an answer.
    private async Task<CuttingProxy> StandByAsync(Cluster cluster, string policy)
    {
        var proxy = new CuttingProxy(broker.Server.Address) { IsDown = true };
        await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy), ("Generations:OnCrash", policy));
        return proxy;
    }

    // Says the first half of its first answer and no more, and every other one whole.
    internal static UpstreamScript HeldOnce()
    {
        var calls = 0;
        return async call =>
        {
            if (Interlocked.Increment(ref calls) > 1)
            {
                await Tokens.ByPrompt()(call);
                return;
            }

            await call.Sse(Chat.Role());
            foreach (var token in Tokens.OfPrompt(Prompt).Take(40)) await call.Sse(Chat.Text(token));
            await call.Hold();
        };
    }

    // What the model says when nothing happens.
    private static async Task<string> WholeAsync(PenstockHost gateway, Cluster cluster, string policy)
    {
        if (policy != "continue") return _text;
        var worker = await cluster.StartAsync("worker", ("Generations:OnCrash", policy));
        var text = (string)(await gateway.Api.EndedAsync(await gateway.Api.StartAsync("simulated/chat?tokens=500&tps=0&ttft=0", Prompt)))["text"]!;
        await worker.StopAsync();
        return text;
    }
}
