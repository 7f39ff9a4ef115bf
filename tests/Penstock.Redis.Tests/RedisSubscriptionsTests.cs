using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Redis.Tests;

/// <summary>Subscriptions to Durable Streams of several servers on one Redis, as processes.</summary>
public sealed class RedisSubscriptionsTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<JsonNode> _delivered = new();
    private RedisServer _redis = null!;
    private ScriptedUpstream _receiver = null!;
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _connection = _redis.NewDatabase();
        _receiver = ScriptedUpstream.Start(call =>
        {
            _delivered.Enqueue(call.Request!);
            return call.Json(200, """{"done":true}""");
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _receiver.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_webhook_is_delivered_once_whichever_server_takes_the_append()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        await SubscribeAsync(a);
        (await Api.SendAsync(b.Api.Get("v1/stream/__ds/subscriptions/s"))).Status.ShouldBe(HttpStatusCode.OK); // from where b knows it
        for (var i = 1; i <= 20; i++)
        {
            await AppendAsync(i % 2 == 0 ? a : b, "jobs/1");
            await Eventually.Is(() => Offset() >= i, $"append {i} is told");
        }

        // Both want to wake at the same moment.
        for (var i = 1; i <= 30; i++)
        {
            await Task.WhenAll(AppendAsync(a, "jobs/1"), AppendAsync(b, "jobs/1"));
            await Eventually.Is(() => Offset() >= 20 + (2 * i), "both appends are told");
        }

        await b.Kill9();
        await a.Kill9();
        await a.StartAsync();
        await b.StartAsync();
        await AppendAsync(a, "jobs/1"); // and what was told is not told again by those that come
        await Eventually.Is(() => Offset() >= 81, "the last append is told");
        _delivered.Select(d => (long)d["generation"]!).ShouldBe(Enumerable.Range(1, _delivered.Count).Select(i => (long)i)); // each wake once
        _delivered.Select(d => (string)d["streams"]![0]!["tail_offset"]!).ShouldBeUnique();
    }

    [Fact]
    public async Task What_a_server_died_over_another_delivers()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        var reached = new TaskCompletionSource();
        _receiver.Reply(async call =>
        {
            reached.SetResult();
            await call.Hold(); // it never says whether it has it
        });
        await SubscribeAsync(a, lease: 2000);
        await AppendAsync(a, "jobs/1");
        await Eventually.Completes(reached.Task, "a delivers");
        await a.Kill9();
        _delivered.ShouldBeEmpty();
        await Eventually.Is(() => Offset() == 1, "b delivers it when the lease is over");
        _delivered.Count.ShouldBe(1);
        ((long)_delivered.Single()["generation"]!).ShouldBe(2); // and a's wake is fenced
    }

    [Fact]
    public async Task A_wake_that_one_server_announces_is_claimed_acknowledged_and_fenced_on_any()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        await PutAsync(a, "v1/stream/wakes", "[]");
        await PutAsync(a, "v1/stream/__ds/subscriptions/s", """{"type":"pull-wake","pattern":"jobs/*","wake_stream":"wakes","lease_ttl_ms":1000}""");
        await AppendAsync(b, "jobs/1");
        await Eventually.Is(async () => (await Api.SendTextAsync(b.Api.Get("v1/stream/wakes"))).Body.Contains("jobs/1", StringComparison.Ordinal), "it is announced");
        var (status, claim) = await ClaimAsync(b, "w1");
        status.ShouldBe(HttpStatusCode.OK);
        ((string)claim!["streams"]![0]!["path"]!).ShouldBe("jobs/1");
        (await ClaimAsync(a, "w2")).Status.ShouldBe(HttpStatusCode.Conflict); // which b's worker has
        (await AckAsync(a, claim, done: true)).ShouldBe(HttpStatusCode.OK);
        (await AckAsync(b, claim, done: true)).ShouldBe(HttpStatusCode.Conflict); // it is over
        (await ClaimAsync(a, "w2")).Body!.ToJsonString().ShouldContain("NO_PENDING_WORK");

        await AppendAsync(a, "jobs/1");
        var (_, lost) = await ClaimAsync(a, "w1");
        await Eventually.Is(async () => (await ClaimAsync(b, "w2")).Status == HttpStatusCode.OK, "whose lease has ended loses it to another");
        (await AckAsync(a, lost!, done: true)).ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task One_that_is_deleted_on_one_server_is_gone_on_all_and_may_be_made_anew()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        await SubscribeAsync(a);
        (await PutAsync(b, "v1/stream/__ds/subscriptions/s", Webhook(30_000))).ShouldBe(HttpStatusCode.OK); // it is there
        (await Api.SendTextAsync(new RawRequest(b.Api.Url("v1/stream/__ds/subscriptions/s"), "DELETE"))).Status.ShouldBe(HttpStatusCode.NoContent);
        (await Api.SendAsync(a.Api.Get("v1/stream/__ds/subscriptions/s"))).Status.ShouldBe(HttpStatusCode.NotFound);
        await AppendAsync(a, "jobs/1");
        await SubscribeAsync(a);
        await AppendAsync(a, "jobs/1");
        await Eventually.Is(() => Offset() == 2, "the new one is told of what came after it");
        _delivered.Count.ShouldBe(1);
    }

    // Up to where the deliveries say that there is something.
    private long Offset() => _delivered.LastOrDefault()?["streams"]![0]!["tail_offset"] is { } tail ? long.Parse((string)tail!, System.Globalization.CultureInfo.InvariantCulture) : 0;

    private string Webhook(int lease) => $$$"""{"type":"webhook","pattern":"jobs/*","webhook":{"url":"{{{_receiver.BaseUrl}}}/hook"},"lease_ttl_ms":{{{lease}}}}""";

    private async Task SubscribeAsync(PenstockProcess server, int lease = 30_000) =>
        (await PutAsync(server, "v1/stream/__ds/subscriptions/s", Webhook(lease))).ShouldBe(HttpStatusCode.Created);

    private static async Task AppendAsync(PenstockProcess server, string path)
    {
        await PutAsync(server, $"v1/stream/{path}", "[]"); // which may be there
        (await Api.SendTextAsync(RawRequest.Post(server.Api.Url($"v1/stream/{path}"), "1"))).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    private static async Task<HttpStatusCode> PutAsync(PenstockProcess server, string path, string body) =>
        (await Api.SendTextAsync(RawRequest.Post(server.Api.Url(path), body) with { Method = "PUT" })).Status;

    private static Task<(HttpStatusCode Status, JsonNode? Body)> ClaimAsync(PenstockProcess server, string worker) =>
        Api.SendAsync(server.Api.Post("v1/stream/__ds/subscriptions/s/claim", new JsonObject { ["worker"] = worker }));

    private static async Task<HttpStatusCode> AckAsync(PenstockProcess server, JsonNode claim, bool done)
    {
        var acks = new JsonArray([.. claim["streams"]!.AsArray().Select(s => (JsonNode)new JsonObject { ["stream"] = (string)s!["path"]!, ["offset"] = (string)s["tail_offset"]! })]);
        var request = server.Api.Post("v1/stream/__ds/subscriptions/s/ack", new JsonObject { ["wake_id"] = (string)claim["wake_id"]!, ["generation"] = (long)claim["generation"]!, ["acks"] = acks, ["done"] = done });
        return (await Api.SendAsync(request.With("Authorization", $"Bearer {(string)claim["token"]!}"))).Status;
    }

    private Task<PenstockProcess> StartAsync() => PenstockProcess.StartAsync(PenstockSettings.For(null, "redis").With("Storage:Redis", _connection).InDevelopment());
}
