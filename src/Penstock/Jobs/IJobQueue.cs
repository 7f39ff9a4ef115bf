namespace Penstock.Jobs;

/// <summary>
/// Brings jobs to whoever works. A job that the queue has taken is delivered until a worker is done with it: a worker that dies
/// leaves it to another one, who is told that it was delivered before. So a job may come twice, and never not at all.
/// </summary>
public interface IJobQueue : IAsyncDisposable
{
    /// <summary>Whether a job may be taken by another process than the one that enqueued it.</summary>
    bool SpansNodes { get; }

    /// <summary>Whether the queue can be reached now.</summary>
    bool IsReady { get; }

    /// <summary>Enqueues a job. When the task completes the queue has it, to the level it promises.</summary>
    /// <exception cref="JobQueueException">The queue did not say in time that it has the job. It may have it all the same.</exception>
    ValueTask EnqueueAsync(Job job, CancellationToken cancellationToken = default);

    /// <summary>About how many jobs wait for a worker.</summary>
    /// <exception cref="JobQueueException">The queue cannot be reached.</exception>
    ValueTask<long> CountAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes jobs from now on: those of the highest priority first, and at most <paramref name="capacity"/> at a time.</summary>
    /// <param name="capacity">How many handlers may run at once.</param>
    /// <param name="handler">Called for each job.</param>
    IJobConsumer Consume(int capacity, JobHandler handler);
}

/// <summary>Does a job. The queue regards the job as taken until the task completes; one that fails returns the job.</summary>
public delegate Task<JobResult> JobHandler(JobDelivery delivery);

/// <summary>Somebody who takes jobs.</summary>
public interface IJobConsumer
{
    /// <summary>Takes no more jobs. Those whose handlers run stay taken until they are done.</summary>
    ValueTask StopAsync();
}

/// <summary>A job as it comes to a worker.</summary>
/// <param name="Job">The job.</param>
/// <param name="Redelivered">It was delivered before, and whoever had it may have begun.</param>
/// <param name="Dead">It was delivered as often as the queue allows; nobody is to try it again.</param>
public readonly record struct JobDelivery(Job Job, bool Redelivered, bool Dead);

/// <summary>What became of a job.</summary>
public enum JobResult : byte
{
    /// <summary>It is done with, and the queue forgets it.</summary>
    Done,

    /// <summary>Another worker is to have it.</summary>
    Return,
}

/// <summary>The queue cannot be reached, or did not confirm a job.</summary>
public sealed class JobQueueException(string message, Exception? inner = null) : Exception(message, inner);
