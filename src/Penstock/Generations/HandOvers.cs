using Penstock.Jobs;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Which jobs a worker that shut down has enqueued another job for. They are done, but the queue may not learn it and bring them again, as if
/// that worker had died: of what a channel settles at once RabbitMQ holds back all but 32, and forgets that when the channel goes
/// (https://www.rabbitmq.com/docs/quorum-queues, <c>quorum_commands_soft_limit</c>).
/// </summary>
internal sealed class HandOvers(IStreamLog log, TimeProvider time)
{
    private const string PathPrefix = "hand-overs/";

    // What was not settled comes back once its worker has gone, which is at once, to a queue that may be waiting for a worker.
    private static readonly TimeSpan _keep = TimeSpan.FromHours(1);

    /// <summary>Remembers a job that another one stands for by now.</summary>
    public async ValueTask AddAsync(Job job)
    {
        try
        {
            await CreateAsync(PathOf(job));
        }
        catch (StreamException)
        {
            // Should it come back, it counts as left by who died.
        }
    }

    /// <summary>Remembers that a job counts, whatever is said of it later: it came back before it was handed over, and whoever has it takes the generation over.</summary>
    /// <exception cref="StreamStorageException">The store cannot be reached, or is full.</exception>
    public ValueTask KeepAsync(Job job) => CreateAsync(KeptPathOf(job));

    /// <exception cref="StreamStorageException">The store cannot be reached.</exception>
    public async ValueTask<bool> ContainsAsync(Job job) => await log.GetAsync(PathOf(job)) is not null && await log.GetAsync(KeptPathOf(job)) is null;

    private async ValueTask CreateAsync(string path)
    {
        try
        {
            await log.CreateSharedAsync(path, new SharedStreamOptions { Closed = true, ExpiresAt = time.GetUtcNow() + _keep });
        }
        catch (StreamExistsException)
        {
            // It came back once more.
        }
    }

    private static string PathOf(Job job) => $"{PathPrefix}{job.Id}/{job.Epoch}";

    private static string KeptPathOf(Job job) => $"{PathOf(job)}/kept";
}
