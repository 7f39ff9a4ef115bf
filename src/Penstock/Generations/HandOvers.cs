using Penstock.Jobs;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Which jobs a worker that shut down has enqueued another job for. They are done, but the queue may not learn it, and bring them again,
/// as it does when a worker has died: of what a channel settles at once RabbitMQ holds back all but 32, and forgets that when the channel
/// goes (https://www.rabbitmq.com/docs/quorum-queues, <c>quorum_commands_soft_limit</c>).
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
            await log.CreateSharedAsync(PathOf(job), new SharedStreamOptions { Closed = true, ExpiresAt = time.GetUtcNow() + _keep });
        }
        catch (StreamExistsException)
        {
            // It came back before, to us.
        }
        catch (StreamStorageException)
        {
            // Should it come back, it counts as left by who died.
        }
    }

    /// <exception cref="StreamStorageException">The store cannot be reached.</exception>
    public async ValueTask<bool> ContainsAsync(Job job) => await log.GetAsync(PathOf(job)) is not null;

    private static string PathOf(Job job) => $"{PathPrefix}{job.Id}/{job.Epoch}";
}
