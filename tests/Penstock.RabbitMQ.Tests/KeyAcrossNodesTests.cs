using System.Net;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>A gateway has claimed a key and created the stream, and does not reach the broker: who comes back elsewhere with the key is not to wait for it.</summary>
public sealed class KeyAcrossNodesTests(Broker broker)
{
    [Fact]
    public async Task Who_comes_back_elsewhere_has_the_job_enqueued_and_it_runs_once()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt());
        await using var proxy = new CuttingProxy(broker.Server.Address) { IsDown = true };
        var (cut, other) = (await cluster.StartAsync("gateway", RabbitMqServer.Behind(proxy)), await cluster.StartAsync("gateway"));
        await cluster.StartAsync("worker");
        var first = SseClient.AllAsync(Request(cut));
        await Eventually.Is(async () => await OnlyAsync(other) is not null, "it is created");
        View.NativeText(await SseClient.AllAsync(Request(other))).ShouldBe(string.Concat(Tokens.Of("a", 20)));
        proxy.IsDown = false;
        View.NativeText(await first).ShouldBe(string.Concat(Tokens.Of("a", 20))); // its own job came second
        cluster.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_joined_what_could_not_be_enqueued_is_told_and_the_key_is_free()
    {
        await using var proxy = new CuttingProxy(broker.Server.Address);
        await using var cluster = new Cluster(RabbitMqServer.Behind(proxy), Tokens.ByPrompt(), enqueueTimeout: TimeSpan.FromSeconds(2));
        var (one, two) = (await cluster.StartAsync("gateway"), await cluster.StartAsync("gateway"));
        proxy.IsDown = true;
        proxy.CutAll();
        var first = Api.SendAsync(Request(one));
        await Eventually.Is(async () => await OnlyAsync(two) is not null, "it is created");
        using var watcher = await SseClient.OpenAsync(two.Api.Events((await OnlyAsync(two))!));
        (await Api.SendAsync(Request(two))).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var (status, body) = await first;
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        ((string)body!["error"]!["code"]!).ShouldBe("queue_unavailable");
        var told = await watcher.RestAsync();
        told.ShouldHaveSingleItem().Name.ShouldBe("failed");

        proxy.IsDown = false;
        await cluster.StartAsync("worker");
        View.NativeText(await SseClient.AllAsync(Request(two))).ShouldBe(string.Concat(Tokens.Of("a", 20)));
        cluster.Upstream.Calls.Count.ShouldBe(1);
    }

    private static RawRequest Request(PenstockHost gateway) => gateway.Api.Native("up/m", "a-20", stream: true).With("Idempotency-Key", "key-1");

    private static async Task<string?> OnlyAsync(PenstockHost gateway) =>
        (string?)(await Api.SendAsync(gateway.Api.Get("v1/generations"))).Body!["data"]!.AsArray().SingleOrDefault()?["id"];
}
