using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>A conversation whose turns are asked at one node, run by another and read at a third.</summary>
public sealed class ConversationsAcrossNodesTests(Broker broker)
{
    [Fact]
    public async Task A_turn_goes_on_at_another_gateway_and_its_worker_sends_as_much_as_fits()
    {
        await using var cluster = new Cluster(broker, call => Responses.Play(call, [$"Answer to {Last(call)[..2]} {new string('x', 400)}"]));
        (string, string)[] settings = [("Providers:up:Window", "1000")];
        var (one, two) = (await cluster.StartAsync("gateway", settings), await cluster.StartAsync("gateway", settings));
        await cluster.StartAsync("worker", settings);
        var (_, made) = await Api.SendAsync(one.Api.Post("v1/conversations", new JsonObject()));
        var id = (string)made!["id"]!;
        for (var turn = 0; turn < 8; turn++)
        {
            var gateway = turn % 2 == 0 ? one : two;
            using var reply = await RawReply.SendAsync(gateway.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["conversation"] = id, ["input"] = $"Q{turn} {new string('y', 400)}" }));
            ((HttpStatusCode)reply.Status).ShouldBe(HttpStatusCode.OK, await reply.TextAsync());
            var messages = (await cluster.Upstream.NextCallAsync()).Request!["messages"]!.AsArray();
            messages.Count.ShouldBe(Math.Min((2 * turn) + 1, 7));
            var left = (2 * turn) + 1 - messages.Count;
            reply.Headers.GetValueOrDefault("Penstock-Trimmed").ShouldBe(left == 0 ? null : $"{left}");
            var snapshot = await two.Api.EndedAsync(reply.Headers["Penstock-Generation"]);
            ((int?)snapshot["trimmed"]?["messages"] ?? 0).ShouldBe(left);
        }

        var (_, items) = await Api.SendAsync(two.Api.Get($"v1/conversations/{id}/items?order=asc"));
        items!["data"]!.AsArray().Select(i => ((string)i!["content"]![0]!["text"]!).Split(' ')[0]).ShouldBe(Enumerable.Range(0, 8).SelectMany(turn => (string[])[$"Q{turn}", "Answer"]));
    }

    private static string Last(UpstreamCall call) => (string)call.Request!["messages"]!.AsArray()[^1]!["content"]!;
}
