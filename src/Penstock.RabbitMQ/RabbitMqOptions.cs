namespace Penstock.RabbitMQ;

/// <summary>Which broker, and how to speak to it.</summary>
public sealed class RabbitMqOptions
{
    /// <summary>The broker: <c>amqp://user:password@host:5672/vhost</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Replaces the address' user; null keeps it.</summary>
    public string? User { get; init; }

    /// <summary>Replaces the address' password; null keeps it.</summary>
    public string? Password { get; init; }

    /// <summary>What the queues' names begin with.</summary>
    public string Prefix { get; init; } = "penstock";

    /// <summary>How long to try to enqueue a job while the broker is away, or does not confirm.</summary>
    public TimeSpan EnqueueTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long to wait before connecting again.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromSeconds(1);
}
