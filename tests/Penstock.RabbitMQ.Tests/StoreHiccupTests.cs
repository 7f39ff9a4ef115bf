using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>A store that fails a worker for a moment, on its way to run a generation or away from it: nobody died of that.</summary>
public sealed class StoreHiccupTests(Broker broker)
{
    [Theory]
    [InlineData("continue", 1)]
    [InlineData("continue", 4)]
    [InlineData("restart", 4)] // more than may die of one request
    public async Task A_worker_that_the_store_failed_behind_its_take_over_goes_on_with_what_it_was_handed(string policy, int times)
    {
        await using var cluster = new Cluster(broker, WorkerLossTests.HeldOnce());
        var store = new InterposedStore(cluster.Store.NewNode());
        store.Before = (operation, path) => operation == nameof(IStreamLog.OpenReaderAsync) && IsGeneration(path) && times-- > 0 ? throw Away() : Task.CompletedTask;
        (await HandOverAsync(cluster, policy, new InterposedStore(cluster.Store.NewNode()), store)).ShouldBe("handed_over");
        times.ShouldBeLessThan(1);
    }

    [Fact]
    public async Task A_worker_that_leaves_hands_over_even_where_the_store_does_not_say_whether_it_should()
    {
        await using var cluster = new Cluster(broker, WorkerLossTests.HeldOnce());
        var store = new InterposedStore(cluster.Store.NewNode());
        var looks = 0;
        store.Before = (operation, path) => operation == nameof(IStreamLog.GetAsync) && IsGeneration(path) && Interlocked.Increment(ref looks) == 2 ? throw Away() : Task.CompletedTask; // the first is the job's taking
        (await HandOverAsync(cluster, "continue", store, new InterposedStore(cluster.Store.NewNode()))).ShouldBe("handed_over");
        looks.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("continue")]
    public async Task A_beginning_whose_reply_was_lost_is_begun_again(string policy)
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        var store = new InterposedStore(cluster.Store.NewNode());
        var lost = 0;
        store.Before = async (operation, path) =>
        {
            if (operation != nameof(IStreamLog.TakeOverAsync) || Interlocked.Increment(ref lost) > 1) return;
            await cluster.Store.Log.TakeOverAsync(path);
            throw Away();
        };
        var gateway = await cluster.StartAsync("gateway", ("Generations:OnCrash", policy));
        await cluster.StartAsync("worker", broker.Server.Address, store, ("Generations:OnCrash", policy));
        var events = await SseClient.AllAsync(gateway.Api.Native("up/m", WorkerLossTests.Prompt, stream: true));
        events[^1].Type().ShouldBe("finished", events[^1].Data);
        events.ShouldNotContain(e => e.Type() == "attempt");
        cluster.Upstream.Calls.Count.ShouldBe(1);
    }

    // How the second of two workers says that it goes on with what the first had when it shut down.
    private async Task<string> HandOverAsync(Cluster cluster, string policy, InterposedStore first, InterposedStore second)
    {
        var gateway = await cluster.StartAsync("gateway");
        var worker = await cluster.StartAsync("worker", broker.Server.Address, first, ("Generations:OnCrash", policy), ("Generations:ShutdownTimeout", "00:00:00.2"));
        await using var proxy = new CuttingProxy(broker.Server.Address) { IsDown = true };
        await cluster.StartAsync("worker", RabbitMqServer.Behind(proxy), second, ("Generations:OnCrash", policy)); // which takes nothing before it is let
        using var client = await SseClient.OpenAsync(gateway.Api.Native(policy == "continue" ? "simulated/chat?tokens=500&tps=40" : "up/m", WorkerLossTests.Prompt, stream: true));
        var seen = new List<SseEvent>();
        while (seen.Count < 10) seen.Add((await client.NextAsync())!);
        await worker.StopAsync();
        proxy.IsDown = false;
        while (seen[^1].Type() is not ("attempt" or "reset")) seen.Add((await client.NextAsync()).ShouldNotBeNull(seen[^1].Data));
        return (string)seen[^1].Json()["reason"]!;
    }

    private static bool IsGeneration(string path) => path.StartsWith("generations/", StringComparison.Ordinal);

    private static StreamUnreachableException Away() => new("away");
}
