using Penstock.Jobs;
using RabbitMQ.Client;

namespace Penstock.RabbitMQ;

/// <summary>
/// The queues: a quorum queue for each priority, since quorum queues have no priorities before RabbitMQ 4, and one for jobs that
/// were delivered too often. What is declared here must not change: a broker refuses a queue that it knows with other arguments.
/// </summary>
internal sealed class RabbitMqTopology(string prefix)
{
    /// <summary>How often a job may come back before it goes to the dead ones.</summary>
    public const int DeliveryLimit = 10;

    public static readonly IReadOnlyList<JobPriority> Priorities = [JobPriority.High, JobPriority.Normal, JobPriority.Low];

    public string Dead { get; } = $"{prefix}.dead";

    public string Of(JobPriority priority) => priority switch
    {
        JobPriority.High => $"{prefix}.high",
        JobPriority.Low => $"{prefix}.low",
        _ => $"{prefix}.normal",
    };

    public async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await DeclareAsync(channel, Dead, new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-queue-type"] = "quorum" }, cancellationToken);
        foreach (var priority in Priorities)
        {
            var arguments = new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["x-queue-type"] = "quorum",
                ["x-delivery-limit"] = DeliveryLimit,
                ["x-dead-letter-exchange"] = "",
                ["x-dead-letter-routing-key"] = Dead,
                // At least once, or a broker that dies between the two queues loses the job: https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
                ["x-dead-letter-strategy"] = "at-least-once",
                ["x-overflow"] = "reject-publish",
            };
            await DeclareAsync(channel, Of(priority), arguments, cancellationToken);
        }
    }

    private static Task DeclareAsync(IChannel channel, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken) =>
        channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
}
