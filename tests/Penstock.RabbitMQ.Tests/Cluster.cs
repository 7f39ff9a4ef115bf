using Microsoft.Extensions.DependencyInjection;
using Penstock.Jobs;
using Penstock.Streams;
using Penstock.Testing;
using RabbitMQ.Client;

namespace Penstock.RabbitMQ.Tests;

/// <summary>Several servers in this process with one store, one broker and one upstream.</summary>
internal sealed class Cluster(Uri address, UpstreamScript script, TimeSpan? enqueueTimeout = null) : IAsyncDisposable
{
    public Cluster(Broker broker, UpstreamScript script)
        : this(broker.Server.Address, script)
    {
    }

    private readonly string _prefix = Broker.NewPrefix();
    private readonly List<PenstockHost> _nodes = [];

    public SharedStore Store { get; } = new();

    public ScriptedUpstream Upstream { get; } = ScriptedUpstream.Start(script);

    /// <param name="role"><c>gateway</c>, <c>worker</c> or <c>both</c>.</param>
    /// <param name="settings">Keys below <c>Penstock:</c>.</param>
    public Task<PenstockHost> StartAsync(string role, params (string Key, string Value)[] settings) => StartAsync(role, address, settings);

    /// <summary>Starts a node that finds the broker at another address: a relay.</summary>
    public Task<PenstockHost> StartAsync(string role, Uri relay, params (string Key, string Value)[] settings) => StartAsync(role, relay, TimeProvider.System, settings);

    /// <summary>Starts a node with a clock of its own.</summary>
    public Task<PenstockHost> StartAsync(string role, TimeProvider time) => StartAsync(role, address, time, []);

    /// <summary>Starts a node whose ways to the store a test steps into.</summary>
    public Task<PenstockHost> StartAsync(string role, Uri relay, InterposedStore store, params (string Key, string Value)[] settings) => StartAsync(role, relay, TimeProvider.System, settings, store);

    private async Task<PenstockHost> StartAsync(string role, Uri queue, TimeProvider time, (string Key, string Value)[] settings, IStreamLog? store = null)
    {
        var node = await PenstockHost.StartAsync(
            Upstream,
            services =>
            {
                services.AddSingleton(time);
                services.AddSingleton(_ => store ?? Store.NewNode());
                services.AddSingleton<IJobQueue>(_ => Broker.NewQueue(queue, _prefix, enqueueTimeout));
            },
            [("Queue:Kind", "rabbitmq"), ("Queue:Role", role), ("Generations:ShutdownTimeout", "00:00:01"), .. settings]);
        _nodes.Add(node);
        return node;
    }

    /// <summary>A queue of the same jobs, to put some there by hand.</summary>
    public RabbitMqJobQueue NewQueue() => Broker.NewQueue(address, _prefix);

    /// <summary>The size of the message that comes next; it goes back to where it was.</summary>
    public async Task<int> PeekAsync()
    {
        await using var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        var message = (await channel.BasicGetAsync($"{_prefix}.normal", autoAck: false)).ShouldNotBeNull();
        await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: true);
        return message.Body.Length;
    }

    public async ValueTask DisposeAsync()
    {
        await Upstream.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        await Store.DisposeAsync();
    }
}
