using System.Collections.Concurrent;
using Penstock.Jobs;
using Penstock.Testing;

namespace Penstock.Tests.Jobs;

/// <summary>What every job queue promises.</summary>
public abstract class JobQueueCompliance : IAsyncDisposable
{
    private readonly ConcurrentQueue<JobDelivery> _seen = new();
    private IJobQueue? _queue;

    private IJobQueue Queue => _queue ??= NewQueue();

    public virtual async ValueTask DisposeAsync()
    {
        if (_queue is not null) await _queue.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_job_comes_once_and_as_it_was_enqueued()
    {
        Consume(1, _ => Task.FromResult(JobResult.Done));
        var job = new Job("gen_1") { Priority = JobPriority.Low, Epoch = 7, HandOvers = 2 };
        await Queue.EnqueueAsync(job);
        await EnqueueAsync("gen_2");
        await SeenAsync(2);
        _seen.Single(d => d.Job.Id == "gen_1").ShouldBe(new JobDelivery(job, Redelivered: false, Dead: false));
        await Eventually.Is(async () => await Queue.CountAsync() == 0, "nothing waits");
        _seen.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_job_that_was_enqueued_before_anybody_took_jobs_comes_all_the_same()
    {
        await EnqueueAsync("gen_1");
        await Eventually.Is(async () => await Queue.CountAsync() == 1, "it waits");
        Consume(1, _ => Task.FromResult(JobResult.Done));
        await SeenAsync(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_job_that_is_returned_or_failed_comes_again_and_says_so(bool fails)
    {
        Consume(1, delivery => delivery.Redelivered ? Task.FromResult(JobResult.Done)
            : fails ? Task.FromException<JobResult>(new InvalidOperationException("as the test says"))
            : Task.FromResult(JobResult.Return));
        await EnqueueAsync("gen_1");
        await SeenAsync(2);
        _seen.Select(d => d.Redelivered).ShouldBe([false, true]);
    }

    [Fact]
    public async Task No_more_run_at_once_than_may()
    {
        using var gate = new SemaphoreSlim(0);
        var (now, most) = (0, 0);
        Consume(3, async _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref now));
            await gate.WaitAsync();
            Interlocked.Decrement(ref now);
            return JobResult.Done;
        });
        for (var i = 0; i < 10; i++) await EnqueueAsync($"gen_{i}");
        await SeenAsync(3);
        gate.Release(10);
        await SeenAsync(10);
        most.ShouldBe(3);
    }

    [Fact]
    public async Task The_higher_priority_is_taken_first_and_the_older_of_the_same()
    {
        using var gate = new SemaphoreSlim(0);
        Consume(1, async _ =>
        {
            await gate.WaitAsync();
            return JobResult.Done;
        });
        await EnqueueAsync("first", JobPriority.Low);
        await SeenAsync(1);
        await EnqueueAsync("low", JobPriority.Low);
        await EnqueueAsync("normal 1");
        await EnqueueAsync("normal 2");
        await EnqueueAsync("high", JobPriority.High);
        await AtWorkerAsync(4);
        gate.Release(5);
        await SeenAsync(5);
        _seen.Select(d => d.Job.Id).ShouldBe(["first", "high", "normal 1", "normal 2", "low"]);
    }

    [Fact]
    public async Task A_job_that_comes_back_for_ever_is_dead_at_last()
    {
        Consume(1, delivery => Task.FromResult(delivery.Dead ? JobResult.Done : JobResult.Return));
        await EnqueueAsync("gen_1");
        await Eventually.Is(() => _seen.Any(d => d.Dead), "it is dead");
        _seen.Count(d => !d.Dead).ShouldBeInRange(3, 20);
        _seen.Count(d => d.Dead).ShouldBe(1);
        _seen.ShouldAllBe(d => d.Job.Id == "gen_1");
    }

    [Fact]
    public async Task Who_stops_takes_no_more_and_still_ends_what_it_has()
    {
        using var gate = new SemaphoreSlim(0);
        var consumer = Consume(1, async _ =>
        {
            await gate.WaitAsync();
            return JobResult.Done;
        });
        await EnqueueAsync("gen_1");
        await SeenAsync(1);
        await EnqueueAsync("gen_2");
        await consumer.StopAsync();
        gate.Release();
        await Eventually.Is(async () => await Queue.CountAsync() == 1, "only the second waits");
        _seen.Single().Job.Id.ShouldBe("gen_1");

        Consume(1, _ => Task.FromResult(JobResult.Done));
        await SeenAsync(2);
        _seen.Last().Job.Id.ShouldBe("gen_2");
    }

    protected abstract IJobQueue NewQueue();

    /// <summary>Waits until what was enqueued is where the worker chooses among it.</summary>
    protected virtual Task AtWorkerAsync(int waiting) => Task.CompletedTask;

    private ValueTask EnqueueAsync(string id, JobPriority priority = JobPriority.Normal) => Queue.EnqueueAsync(new Job(id) { Priority = priority });

    private IJobConsumer Consume(int capacity, JobHandler handler) => Queue.Consume(capacity, delivery =>
    {
        _seen.Enqueue(delivery);
        return handler(delivery);
    });

    private Task SeenAsync(int count) => Eventually.Is(() => _seen.Count >= count, $"{count} jobs have come");
}
