using System.Net;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Tests.Streams;

namespace Penstock.Redis.Tests;

/// <summary>A Redis that has reached its <c>maxmemory</c> and evicts nothing: what it holds is kept, and what is added is refused until there is room.</summary>
public sealed class RedisFullTests : IAsyncLifetime
{
    private RedisServer _redis = null!;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task An_append_is_refused_and_the_ending_finds_room()
    {
        var log = new LogLines();
        await using var store = Stores.Open(_redis.NewDatabase(), logger: log);
        var writer = await store.CreateAsync("a");
        await writer.AppendAsync("one");
        await FillAsync();
        await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync("two"));
        store.IsFull.ShouldBeTrue();
        await Should.ThrowAsync<StreamStorageException>(() => writer.AppendAsync("two"));
        log.All.Count(line => line.Contains("is full (maxmemory)", StringComparison.Ordinal)).ShouldBe(1);
        await Should.ThrowAsync<StreamStorageException>(async () => await store.CreateAsync("b"));
        (await store.TakeOverAsync("a"))!.Epoch.ShouldBe(2);
        await (await store.TakeOverAsync("a"))!.CloseAsync("end");
        (await store.ReadAllAsync("a")).ShouldBe(["one", "end"]);
        (await store.DeleteAsync("a")).ShouldBeTrue();

        await EmptyAsync();
        await Eventually.Is(() => !store.IsFull, "it is known that there is room");
        log.All.ShouldContain(line => line.Contains("has room again", StringComparison.Ordinal));
        await (await store.CreateAsync("b")).CloseAsync("end");
    }

    [Fact]
    public async Task Generations_end_as_a_clean_failure_and_the_next_ones_run_when_there_is_room()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(10)));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "redis").With("Storage:Redis", _redis.NewDatabase()));
        var clients = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => SseClient.OpenAsync(server.Api.Native("up/m", $"a{i}-100000", stream: true))));
        foreach (var client in clients)
        {
            while ((await client.NextAsync())!.Name != "delta") continue;
        }

        await FillAsync();
        foreach (var client in clients)
        {
            var rest = await client.RestAsync();
            rest[^1].Name.ShouldBe("failed");
            rest[^1].Data.ShouldContain("storage_full");
            ((string)(await server.Api.SnapshotAsync(client.Generation))["status"]!).ShouldBe("failed");
        }

        (await Api.SendAsync(server.Api.Native("up/m", "b-3"))).Status.ShouldBe((HttpStatusCode)507);
        (await Api.SendTextAsync(server.Api.Get("readyz"))).ShouldBe((HttpStatusCode.ServiceUnavailable, "the store of streams is full"));
        server.Log.ShouldContain("is full (maxmemory)");
        await EmptyAsync();
        await Eventually.Is(async () => (await Api.SendTextAsync(server.Api.Get("readyz"))).Body == "ready", "it is ready again");
        ((string)(await server.Api.EndedAsync(await server.Api.StartAsync("up/m", "c-3")))["status"]!).ShouldBe("finished");
    }

    private Task FillAsync() => _redis.AskAsync("CONFIG SET maxmemory 1");

    private Task EmptyAsync() => _redis.AskAsync("CONFIG SET maxmemory 0");
}
