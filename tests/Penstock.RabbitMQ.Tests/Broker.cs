using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Testing;

[assembly: AssemblyFixture(typeof(Penstock.RabbitMQ.Tests.Broker))]

namespace Penstock.RabbitMQ.Tests;

/// <summary>The broker that the tests share; each uses queues of its own.</summary>
public sealed class Broker : IAsyncLifetime
{
    private RabbitMqServer? _server;

    public RabbitMqServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await RabbitMqServer.StartAsync();

    public ValueTask DisposeAsync() => _server is null ? default : _server.DisposeAsync();

    /// <summary>Queues that nobody else uses.</summary>
    public static string NewPrefix() => $"test-{Guid.NewGuid():N}";

    public static RabbitMqJobQueue NewQueue(Uri address, string prefix, TimeSpan? enqueueTimeout = null)
    {
        var options = new RabbitMqOptions
        {
            Address = address,
            Prefix = prefix,
            EnqueueTimeout = enqueueTimeout ?? TimeSpan.FromSeconds(20),
            ReconnectDelay = TimeSpan.FromMilliseconds(200),
        };
        return new RabbitMqJobQueue(options, TimeProvider.System, NullLogger<RabbitMqJobQueue>.Instance);
    }
}
