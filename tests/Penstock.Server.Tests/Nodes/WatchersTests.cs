using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Nodes;

/// <summary>Who watches a generation, whatever node they hang on and whichever is asked.</summary>
public sealed class WatchersTests(Engines engines) : IClassFixture<Engines>
{
    [Fact]
    public async Task All_who_watch_are_shown_at_every_gateway_and_those_of_a_dead_one_vanish()
    {
        var end = new TaskCompletionSource();
        var big = new string('x', 16 * 1024);
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), .. Enumerable.Range(0, 600).Select(i => Chat.Text($"{i}{big}"))]);
            await end.Task;
            await call.Sse(Chat.Finish());
            await call.Done();
        });
        await using var cluster = await engines.StartAsync(workers: 1, upstream);
        var (here, there) = (cluster.Gateways[0].Api, cluster.Gateways[1].Api);
        var id = await here.StartAsync("up/m");
        using var reader = await SseClient.OpenAsync(here.Events(id));
        using var other = await SseClient.OpenAsync(there.Events(id));
        using var stalled = await SseClient.OpenAsync(there.Events(id), receiveBuffer: 4096);
        foreach (var client in new[] { reader, other })
        {
            for (var read = 0; read < 600;) read += (await client.NextAsync())!.Type() == "delta" ? 1 : 0;
        }

        foreach (var gateway in new[] { here, there })
        {
            await Eventually.Is(async () => await LagsAsync(gateway, id) is [0, 0, > 100], "three watch, one is far behind");
            var listed = (await Api.SendAsync(gateway.Get("v1/generations?status=running&watchers=true"))).Body!["data"]!.AsArray().Single(g => (string)g!["id"]! == id)!;
            listed["watchers"]!.AsArray().Count.ShouldBe(3);
            (await gateway.SnapshotAsync(id))["watchers"].ShouldBeNull("nobody asked");
        }

        cluster.Gateways[1].Freeze();
        await Eventually.Is(async () => await LagsAsync(here, id) is [0], "what is frozen says nothing, and is not waited for");
        cluster.Gateways[1].Thaw();
        await Eventually.Is(async () => await LagsAsync(here, id) is [0, 0, > 100], "it is back");
        stalled.Cut();
        await Eventually.Is(async () => await LagsAsync(here, id) is [0, 0], "who has left there is not told of here");
        await cluster.Gateways[1].Kill9();
        await Eventually.Is(async () => await LagsAsync(here, id) is [0], "who watched at the dead one is not told of");

        end.SetResult();
        await here.EndedAsync(id);
        (await AskAsync(here, id))["watchers"].ShouldBeNull();
    }

    [Fact]
    public async Task Who_watches_is_the_owners_to_see_at_every_gateway()
    {
        var (alice, bob) = (NewKey(), NewKey());
        await using var cluster = await engines.StartAsync(workers: 1, more: settings => Allow(Allow(settings, alice, "alice"), bob, "bob"));
        var (here, there) = (cluster.Gateways[0].Api, cluster.Gateways[1].Api);
        using var reader = await SseClient.OpenAsync(By(here.Native("simulated/chat?seed=7&tps=20&tokens=4000", "Tell me of rivers.", stream: true), alice));
        var address = $"v1/generations/{reader.Generation}?watchers=true";
        await Eventually.Is(async () => (await Api.SendAsync(By(there.Get(address), alice))).Body!["watchers"]!.AsArray().Count == 1, "its owner sees it");
        (await Api.SendTextAsync(By(there.Get(address), bob))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(By(there.Get("v1/generations?watchers=true"), bob))).Body!["data"]!.AsArray().ShouldBeEmpty();
    }

    private static (string Id, string Text) NewKey()
    {
        var id = RandomNumberGenerator.GetHexString(12, lowercase: true);
        return (id, $"pk_{id}_{RandomNumberGenerator.GetHexString(64, lowercase: true)}");
    }

    private static PenstockSettings Allow(PenstockSettings settings, (string Id, string Text) key, string owner) => settings
        .With($"Auth:Keys:{key.Id}:Hash", Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key.Text))))
        .With($"Auth:Keys:{key.Id}:Owner", owner);

    private static RawRequest By(RawRequest request, (string Id, string Text) key) => request.With("Authorization", $"Bearer {key.Text}");

    private static async Task<JsonNode> AskAsync(Api gateway, string id) => (await Api.SendAsync(gateway.Get($"v1/generations/{id}?watchers=true"))).Body!;

    private static async Task<long[]> LagsAsync(Api gateway, string id) => [.. (await AskAsync(gateway, id))["watchers"]!.AsArray().Select(w => (long)w!["lag"]!).Order()];
}
