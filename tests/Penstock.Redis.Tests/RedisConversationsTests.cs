using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Redis.Tests;

/// <summary>A conversation that goes on at two servers with one Redis.</summary>
public sealed class RedisConversationsTests(RedisFixture redis) : IClassFixture<RedisFixture>
{
    [Fact]
    public async Task At_two_servers_at_once_each_turn_is_whole_and_none_is_lost()
    {
        var database = redis.Server.NewDatabase();
        await using var upstream = ScriptedUpstream.Start(call => Responses.Play(call, [$"Answer to {(string)call.Request!["messages"]!.AsArray()[^1]!["content"]!}"]));
        await using var one = await StartAsync(upstream, database);
        await using var two = await StartAsync(upstream, database);
        var (_, made) = await Api.SendAsync(one.Api.Post("v1/conversations", new JsonObject()));
        var id = (string)made!["id"]!;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async client =>
        {
            var host = client % 2 == 0 ? one : two;
            for (var turn = 0; turn < 4;)
            {
                var (status, body) = await Api.SendAsync(host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["conversation"] = id, ["input"] = $"{client}.{turn}" }));
                if (status == HttpStatusCode.Conflict) continue;
                status.ShouldBe(HttpStatusCode.OK, body?.ToJsonString());
                turn++;
            }
        }));
        var texts = await TextsAsync(two, id);
        texts.Count.ShouldBe(32);
        texts.Where((_, place) => place % 2 == 0).Distinct().Count().ShouldBe(16);
        for (var place = 0; place < texts.Count; place += 2) texts[place + 1].ShouldBe($"Answer to {texts[place]}");

        var (_, branch) = await Api.SendAsync(two.Api.Post("v1/conversations", new JsonObject { ["fork_from"] = id }));
        (await Api.SendAsync(new RawRequest(one.Api.Url($"v1/conversations/{id}")) { Method = "DELETE" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Api.SendAsync(two.Api.Get($"v1/conversations/{id}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await TextsAsync(one, (string)branch!["id"]!)).ShouldBe(texts);
    }

    private static Task<PenstockHost> StartAsync(ScriptedUpstream upstream, string database) =>
        PenstockHost.StartAsync(upstream, services => services.AddSingleton<IStreamLog>(_ => Stores.Open(database)));

    private static async Task<IReadOnlyList<string>> TextsAsync(PenstockHost host, string id)
    {
        var (status, list) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?order=asc&limit=100"));
        status.ShouldBe(HttpStatusCode.OK, list?.ToJsonString());
        return [.. list!["data"]!.AsArray().Select(i => (string)i!["content"]![0]!["text"]!)];
    }
}
