using Penstock.Testing;

namespace Penstock.Server.Tests.Nodes;

/// <summary>A Redis and a RabbitMQ for the tests of one class.</summary>
public sealed class Engines : IAsyncLifetime
{
    private RedisServer? _redis;
    private RabbitMqServer? _rabbit;

    public RedisServer Redis => _redis!;

    public RabbitMqServer Rabbit => _rabbit!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _rabbit = await RabbitMqServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null) await _redis.DisposeAsync();
        if (_rabbit is not null) await _rabbit.DisposeAsync();
    }

    /// <summary>Starts two gateways and some workers, with a database of their own; jobs of an earlier test find no stream there.</summary>
    internal async Task<Cluster> StartAsync(int workers, ScriptedUpstream? upstream = null, Action<PenstockSettings>? more = null)
    {
        var cluster = new Cluster(_redis!.NewDatabase(), _rabbit!.Address, upstream, more);
        await cluster.StartAsync(workers);
        return cluster;
    }
}

/// <summary>Two gateways and some workers, each a process.</summary>
internal sealed class Cluster(string redis, Uri rabbit, ScriptedUpstream? upstream, Action<PenstockSettings>? more = null) : IAsyncDisposable
{
    public List<PenstockProcess> Gateways { get; } = [];

    public List<PenstockProcess> Workers { get; } = [];

    public async Task StartAsync(int workers)
    {
        var starting = Enumerable.Range(0, 2 + workers).Select(i => NewAsync(i < 2 ? "gateway" : "worker")).ToList();
        Gateways.AddRange((await Task.WhenAll(starting)).Take(2));
        Workers.AddRange(starting.Skip(2).Select(s => s.Result));
    }

    public async Task AddWorkerAsync() => Workers.Add(await NewAsync("worker"));

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Gateways.Concat(Workers)) await node.DisposeAsync();
    }

    private Task<PenstockProcess> NewAsync(string role)
    {
        var settings = PenstockSettings.For(upstream, "redis")
            .With("Storage:Redis", redis)
            .With("Queue:Kind", "rabbitmq")
            .With("Queue:RabbitMq", rabbit.ToString())
            .With("Queue:Role", role)
            .With("Generations:OnCrash", "continue")
            .With("Generations:OnDisconnect", "detach")
            .With("Generations:ShutdownTimeout", "00:00:01");
        more?.Invoke(settings);
        return PenstockProcess.StartAsync(settings);
    }
}
