using System.Net;
using System.Text.Json.Nodes;
using Penstock.Server.Tests.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary><c>kill -9</c> while a conversation is summed up, on one node and across several.</summary>
public sealed class SummaryKillTests(Engines engines) : IClassFixture<Engines>
{
    private bool _held = true;

    [Theory]
    [InlineData("restart", "finished")]
    [InlineData("fail", "interrupted")]
    public async Task A_server_that_dies_over_a_summary_leaves_nothing_half(string policy, string status)
    {
        await using var upstream = ScriptedUpstream.Start(PlayAsync);
        await using var server = await PenstockProcess.StartAsync(Summarizing(PenstockSettings.For(upstream, "disk").With("Generations:OnCrash", policy)));
        var (id, summary) = await BeginAsync(server.Api);
        await server.Kill9();
        _held = false;
        await server.StartAsync();
        var snapshot = await server.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe(status);
        await CheckAsync(server.Api, summary, snapshot);
    }

    [Fact]
    public async Task Across_nodes_another_worker_has_it_summed_up()
    {
        await using var upstream = ScriptedUpstream.Start(PlayAsync);
        await using var cluster = await engines.StartAsync(workers: 1, upstream, settings => Summarizing(settings));
        var (id, summary) = await BeginAsync(cluster.Gateways[0].Api);
        await cluster.AddWorkerAsync();
        await cluster.Workers[0].Kill9();
        _held = false;
        var snapshot = await cluster.Gateways[1].Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        await CheckAsync(cluster.Gateways[1].Api, summary, snapshot);
    }

    // The lost one is ended and counted; another one was made, and nothing of the lost one is in it.
    private static async Task CheckAsync(Api api, string summary, JsonNode snapshot)
    {
        var lost = await api.EndedAsync(summary);
        ((string)lost["status"]!, (string)lost["usage"]!["source"]!).ShouldBe(("interrupted", "estimated"));
        ((int)lost["usage"]!["inputTokens"]!).ShouldBeGreaterThan(1000);
        if ((string)snapshot["status"]! != "finished") return;
        var made = snapshot["trimmed"]!["summary"]!;
        ((string)made["generation"]!).ShouldNotBe(summary);
        ((string)(await api.SnapshotAsync((string)made["generation"]!))["text"]!).ShouldBe("SUMMARY");
        ((string)snapshot["text"]!).ShouldBe("Well.");
    }

    /// <summary>A generation whose conversation is being summed up.</summary>
    private static async Task<(string Id, string Summary)> BeginAsync(Api api)
    {
        var said = new JsonArray([.. Enumerable.Range(0, 41).Select(i => new JsonObject { ["role"] = i % 2 == 0 ? "user" : "assistant", ["content"] = $"{i} {new string('x', 1000)}" })]);
        var (status, started) = await Api.SendAsync(api.Post("v1/generations", new JsonObject { ["model"] = "up/m", ["messages"] = said }));
        status.ShouldBe(HttpStatusCode.Created);
        var id = (string)started!["id"]!;
        using var events = await SseClient.OpenAsync(api.Events(id));
        var summary = (string)(await events.NextAsync())!.Json()["generation"]!;
        await Eventually.Is(
            async () => await Api.SendAsync(api.Get($"v1/generations/{summary}")) is (HttpStatusCode.OK, { } made) && ((string)made["text"]!).Length > 0, // it is named before it is there
            "the summary begins");
        return (id, summary);
    }

    private static PenstockSettings Summarizing(PenstockSettings settings) => settings.With("History:Policy", "summary").With("Providers:up:Window", "8000");

    private async Task PlayAsync(UpstreamCall call)
    {
        if (!call.Request!["messages"]!.ToJsonString().Contains("You keep the memory", StringComparison.Ordinal))
        {
            await call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]);
            return;
        }

        if (!_held)
        {
            await call.Sse([.. Chat.Answer(["SUMMARY"]), "[DONE]"]);
            return;
        }

        await call.Sse([Chat.Role(), Chat.Text("SUMM")]);
        await call.Hold();
    }
}
