using Penstock.Testing;

namespace Penstock.Server.Tests.Chaos;

/// <summary>
/// Two gateways behind an nginx, two workers, a Redis that loses nothing it acknowledged and a RabbitMQ, all of them processes;
/// and a relay on each way between them, where connections can be cut.
/// </summary>
internal sealed class ChaosNet : IAsyncDisposable
{
    private readonly List<Node> _nodes = [];
    private Nginx? _nginx;

    private ChaosNet(RedisServer redis, RabbitMqServer rabbit) => (Redis, Rabbit) = (redis, rabbit);

    public RedisServer Redis { get; }

    public RabbitMqServer Rabbit { get; }

    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>What clients reach: nginx.</summary>
    public Api Api => new(_nginx!.Url);

    /// <summary>Every way between two programs.</summary>
    public IEnumerable<Way> Ways => _nodes.SelectMany(n => n.Ways);

    public static async Task<ChaosNet> StartAsync()
    {
        var (redis, rabbit) = (RedisServer.StartAsync(), RabbitMqServer.StartAsync());
        var net = new ChaosNet(await redis, await rabbit);
        await Task.WhenAll(net.AddAsync("gateway"), net.AddAsync("gateway"), net.AddAsync("worker"), net.AddAsync("worker"));
        net._nginx = await Nginx.BeforeAsync(net._nodes.Where(n => n.Front is not null).Select(n => n.Front!.Url));
        await net.IsReadyAsync();
        // RabbitMQ 3.10 writes down with delay which quorum queues there are, and is to be killed soon.
        await net.Rabbit.StopAsync();
        await net.Rabbit.RestartAsync();
        await net.IsReadyAsync();
        return net;
    }

    /// <summary>Waits until every node has all that it needs.</summary>
    public async Task IsReadyAsync()
    {
        foreach (var node in _nodes)
        {
            await Eventually.Is(async () => (await Api.SendTextAsync(node.Process.Api.Get("readyz"))).Status == System.Net.HttpStatusCode.OK, $"{node.Name} is ready");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_nginx is not null) await _nginx.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        await Redis.DisposeAsync();
        await Rabbit.DisposeAsync();
    }

    private async Task AddAsync(string role)
    {
        var redis = new CuttingProxy(new Uri($"http://127.0.0.1:{Redis.Port}"));
        var rabbit = new CuttingProxy(Rabbit.Address);
        var process = await PenstockProcess.StartAsync(PenstockSettings.For(storage: "redis")
            .With("Storage:Redis", $"127.0.0.1:{redis.Url.Port}")
            .With("Queue:Kind", "rabbitmq")
            .With("Queue:RabbitMq", RabbitMqServer.Behind(rabbit).ToString())
            .With("Queue:Role", role)
            .With("Streams:Heartbeat", "00:00:01")
            .With("Generations:OnCrash", "continue")
            .With("Generations:Grace", "00:01:00")
            .With("Generations:ShutdownTimeout", "00:00:01"));
        lock (_nodes) _nodes.Add(new Node($"{role} {_nodes.Count(n => n.Role == role) + 1}", role, process, redis, rabbit));
    }
}

/// <summary>A gateway or a worker, and the ways from it and to it.</summary>
internal sealed class Node(string name, string role, PenstockProcess process, CuttingProxy redis, CuttingProxy rabbit) : IAsyncDisposable
{
    public string Name => name;

    public string Role => role;

    public PenstockProcess Process => process;

    /// <summary>Where clients come in; null for a worker.</summary>
    public CuttingProxy? Front { get; } = role == "gateway" ? new CuttingProxy(process.Url) : null;

    /// <summary>Whoever stops or starts it takes its turn.</summary>
    public SemaphoreSlim Turn { get; } = new(1);

    public IEnumerable<Way> Ways
    {
        get
        {
            yield return new Way($"{name} to Redis", redis);
            yield return new Way($"{name} to RabbitMQ", rabbit);
            if (Front is not null) yield return new Way($"nginx to {name}", Front);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        foreach (var way in Ways) await way.Relay.DisposeAsync();
        Turn.Dispose();
    }
}

internal sealed record Way(string Name, CuttingProxy Relay);
