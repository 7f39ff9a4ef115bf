using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Generations;
using Penstock.Jobs;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A generation whose stream was let go of without an ending, or whose ending no store took.</summary>
public sealed class LeftTests
{
    [Fact]
    public async Task Its_job_does_not_come_back_for_ever_to_the_one_process_that_has_it()
    {
        var queue = new CountedQueue();
        await using var upstream = ScriptedUpstream.Start(call => call.Hold());
        await using var host = await PenstockHost.StartAsync(upstream, services => services.AddSingleton<IJobQueue>(queue));
        var (_, begun) = await Api.SendAsync(host.Api.Post("v1/generations", new JsonObject { ["model"] = "up/m", ["prompt"] = "Hi", ["background"] = true }));
        var id = (string)begun!["id"]!;
        var generation = host.Services.GetRequiredService<GenerationWorker>().Find(id)!;
        generation.Leave();
        (await generation.Completion).ShouldBe(JobResult.Return);
        await Eventually.Is(() => queue.Delivered.Count(d => d == id) > 1, "it has come back");
        await queue.EnqueueAsync(new Job("other"));
        await Eventually.Is(() => queue.Delivered.Contains("other"), "another job is next, and comes only where nothing waits before it");
        queue.Delivered.Count(d => d == id).ShouldBe(2);
    }

    /// <summary>The process's own queue, and what it has delivered.</summary>
    private sealed class CountedQueue : IJobQueue
    {
        private readonly LocalJobQueue _queue = new();

        public ConcurrentQueue<string> Delivered { get; } = new();

        public bool SpansNodes => _queue.SpansNodes;

        public bool IsReady => _queue.IsReady;

        public ValueTask EnqueueAsync(Job job, CancellationToken cancellationToken = default) => _queue.EnqueueAsync(job, cancellationToken);

        public ValueTask<long> CountAsync(CancellationToken cancellationToken = default) => _queue.CountAsync(cancellationToken);

        public IJobConsumer Consume(int capacity, JobHandler handler) => _queue.Consume(capacity, delivery =>
        {
            Delivered.Enqueue(delivery.Job.Id);
            return handler(delivery);
        });

        public ValueTask DisposeAsync() => _queue.DisposeAsync();
    }
}
