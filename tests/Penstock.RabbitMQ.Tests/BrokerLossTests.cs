using System.Collections.Concurrent;
using System.Net;
using Penstock.Jobs;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>What becomes of jobs when the broker, or the way to it, is lost.</summary>
public sealed class BrokerLossTests(Broker broker)
{
    [Fact]
    public async Task A_job_whose_confirmation_is_lost_is_enqueued_again_rather_than_not_at_all()
    {
        var prefix = Broker.NewPrefix();
        await using var proxy = new CuttingProxy(broker.Server.Address);
        await using var behind = Broker.NewQueue(RabbitMqServer.Behind(proxy), prefix);
        await using var direct = Broker.NewQueue(broker.Server.Address, prefix);
        await Eventually.Is(() => behind.IsReady && direct.IsReady, "both are connected");
        proxy.HoldsReplies = true;
        var enqueuing = behind.EnqueueAsync(new Job("gen_1"));
        await Eventually.Is(async () => await direct.CountAsync() == 1, "the broker has it");
        enqueuing.IsCompleted.ShouldBeFalse();
        proxy.CutAll();
        proxy.HoldsReplies = false;
        await Eventually.Completes(enqueuing.AsTask(), "it is confirmed at last");
        await Eventually.Is(async () => await direct.CountAsync() == 2, "it is there twice");
    }

    [Fact]
    public async Task A_broker_that_does_not_come_back_is_told_of_in_time()
    {
        await using var proxy = new CuttingProxy(broker.Server.Address) { IsDown = true };
        await using var queue = Broker.NewQueue(RabbitMqServer.Behind(proxy), Broker.NewPrefix(), enqueueTimeout: TimeSpan.FromSeconds(1));
        queue.IsReady.ShouldBeFalse();
        await Should.ThrowAsync<JobQueueException>(async () => await queue.EnqueueAsync(new Job("gen_1")));
        await Should.ThrowAsync<JobQueueException>(async () => await queue.CountAsync());

        await using var cluster = new Cluster(RabbitMqServer.Behind(proxy), Tokens.ByPrompt(), TimeSpan.FromSeconds(1));
        var gateway = await cluster.StartAsync("both");
        var request = gateway.Api.Native("up/m", "a-3").With("Idempotency-Key", "key-1");
        using (var refused = await RawReply.SendAsync(request))
        {
            refused.Status.ShouldBe(503);
            refused.Headers.ShouldContainKey("Retry-After");
        }

        using (var ready = await RawReply.SendAsync(gateway.Api.Get("readyz"))) ready.Status.ShouldBe(503);
        proxy.IsDown = false;
        var (status, started) = await Api.SendAsync(request);
        status.ShouldBe(HttpStatusCode.Created);
        await gateway.Api.EndedAsync((string)started!["id"]!);
        using (var ready = await RawReply.SendAsync(gateway.Api.Get("readyz"))) ready.Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_broker_that_is_killed_under_load_and_comes_back_loses_no_job_and_cuts_no_answer()
    {
        await using var own = await RabbitMqServer.StartAsync();
        await using var cluster = new Cluster(own.Address, Tokens.ByPrompt(TimeSpan.FromMilliseconds(20)));
        await using (var queue = cluster.NewQueue()) (await queue.CountAsync()).ShouldBe(0);
        await own.StopAsync(); // the queues are on its disk for good
        await own.RestartAsync();
        var gateway = await cluster.StartAsync("gateway");
        await cluster.StartAsync("worker", ("Generations:MaxRunning", "10"));
        var before = Enumerable.Range(0, 20).Select(i => SseClient.AllAsync(gateway.Api.Chat("up/m", $"before{i}-100"))).ToList();
        await Eventually.Is(() => cluster.Upstream.Calls.Count >= 10, "as many run as may");
        await own.Kill9();
        var during = Enumerable.Range(0, 5).Select(i => SseClient.AllAsync(gateway.Api.Chat("up/m", $"during{i}-10"))).ToList();
        await own.RestartAsync();

        var answers = await Task.WhenAll(before.Concat(during));
        for (var i = 0; i < 20; i++) View.ChatText(answers[i]).ShouldBe(string.Concat(Tokens.Of($"before{i}", 100)));
        for (var i = 0; i < 5; i++) View.ChatText(answers[20 + i]).ShouldBe(string.Concat(Tokens.Of($"during{i}", 10)));
        cluster.Upstream.Calls.Count.ShouldBe(25);
        await using var again = cluster.NewQueue();
        await Eventually.Is(async () => await again.CountAsync() == 0, "nothing is left on the queue");
    }

    [Fact]
    public async Task Jobs_come_again_when_the_connection_is_cut_and_none_is_lost()
    {
        var prefix = Broker.NewPrefix();
        await using var proxy = new CuttingProxy(broker.Server.Address);
        await using var behind = Broker.NewQueue(RabbitMqServer.Behind(proxy), prefix);
        await using var direct = Broker.NewQueue(broker.Server.Address, prefix);
        var done = new ConcurrentDictionary<string, int>();
        var redelivered = 0;
        behind.Consume(5, async delivery =>
        {
            if (delivery.Redelivered) Interlocked.Increment(ref redelivered);
            await Task.Yield();
            done.AddOrUpdate(delivery.Job.Id, 1, (_, n) => n + 1);
            return JobResult.Done;
        });
        var cutting = Task.Run(async () =>
        {
            for (var i = 0; i < 5; i++)
            {
                var target = (i + 1) * 30;
                await Eventually.Is(() => done.Count >= target, $"{target} are done");
                proxy.CutAll();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => direct.EnqueueAsync(new Job($"gen_{i}")).AsTask()));
        await Eventually.Is(() => done.Count == 200, "all are done");
        await cutting;
        await Eventually.Is(async () => await direct.CountAsync() == 0, "nothing is left");
    }
}
