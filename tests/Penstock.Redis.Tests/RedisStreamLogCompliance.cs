using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Tests.Streams;

namespace Penstock.Redis.Tests;

/// <summary>The law, kept by a real Redis.</summary>
public sealed class RedisStreamLogCompliance(RedisFixture redis) : StreamLogCompliance, IClassFixture<RedisFixture>
{
    private protected override IStreamLog Open() => new RedisStreamLog(
        new RedisStoreOptions { Connection = redis.Server.NewDatabase(), MaxStreamBytes = Options.MaxStreamBytes }, Time, NullLogger.Instance);
}

/// <summary>A Redis that the tests of one class share, each in a database of its own.</summary>
public sealed class RedisFixture : IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
