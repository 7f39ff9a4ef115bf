using System.Net;
using System.Text.Json.Nodes;
using Penstock.Server.Tests.Clients;
using Penstock.Server.Tests.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary><c>kill -9</c> between the steps of an answer whose tools are a real MCP server's, on one node and across several.</summary>
public sealed class ToolKillTests(Engines engines) : IClassFixture<Engines>, IDisposable
{
    private const string Model = "simulated/chat?tps=0&ttft=0";
    private const string Prompt = "Use add_numbers with 20 and 22, then hold_on, then add_numbers with 20 and 22.";

    private readonly string _notes = Path.GetTempFileName();

    public void Dispose()
    {
        File.Delete(_notes);
        File.Delete($"{_notes}.go");
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("continue")]
    public async Task On_one_node_no_tool_runs_twice_and_the_answer_goes_on(string policy)
    {
        await using var server = await PenstockProcess.StartAsync(Settings(PenstockSettings.For(storage: "disk").With("Generations:OnCrash", policy)));
        var id = await HeldAsync(server.Api);
        await server.Kill9();
        await server.StartAsync();
        Check(await server.Api.EndedAsync(id));
        Notes().ShouldBe(["add_numbers", "hold_on begun", "add_numbers"]);
    }

    [Fact]
    public async Task Across_nodes_another_worker_goes_on_from_the_last_step()
    {
        await using var cluster = await engines.StartAsync(workers: 1, more: settings => Settings(settings));
        var id = await HeldAsync(cluster.Gateways[0].Api);
        await cluster.AddWorkerAsync();
        await cluster.Workers[0].Kill9();
        Check(await cluster.Gateways[1].Api.EndedAsync(id));
        Notes().ShouldBe(["add_numbers", "hold_on begun", "add_numbers"]);
    }

    [Fact]
    public async Task Across_nodes_a_person_is_waited_for_by_whoever_has_the_generation()
    {
        await using var cluster = await engines.StartAsync(workers: 1, more: settings => Settings(settings).With("Mcp:Servers:csharp:Approval:0", "add_numbers"));
        var id = await cluster.Gateways[0].Api.StartAsync(Model, "Use add_numbers with 20 and 22.");
        await Eventually.Is(async () => (await cluster.Gateways[1].Api.SnapshotAsync(id))["blocks"]!.AsArray().FirstOrDefault()?["approval"] is not null, "it waits");
        await cluster.AddWorkerAsync();
        (await cluster.Workers[0].Stop()).ShouldBe(0); // passes it on
        await Eventually.Is(async () => (await Api.SendTextAsync(cluster.Gateways[1].Api.Get($"v1/stream/generations/{id}?offset=-1"))).Body.Contains("\"attempt\"", StringComparison.Ordinal), "another has it");
        await cluster.AddWorkerAsync();
        await cluster.Workers[1].Kill9();
        var (status, _) = await Api.SendAsync(cluster.Gateways[1].Api.Post($"v1/generations/{id}/approvals/0", new JsonObject { ["approve"] = true }));
        status.ShouldBe(HttpStatusCode.OK);
        var snapshot = await cluster.Gateways[0].Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["text"]!).ShouldContain("42");
        Notes().ShouldBe(["add_numbers"]);
    }

    private static void Check(JsonNode snapshot)
    {
        ((string)snapshot["status"]!).ShouldBe("finished", snapshot.ToJsonString());
        var blocks = snapshot["blocks"]!.AsArray();
        blocks.Select(b => (string)b!["kind"]!).ShouldBe(["server_tool_call", "tool_result", "server_tool_call", "tool_result", "server_tool_call", "tool_result", "text"]);
        ((string)blocks[1]!["text"]!).ShouldBe("42");
        ((string)blocks[3]!["text"]!).ShouldStartWith("The server stopped while the tool ran.");
        ((string)blocks[5]!["text"]!).ShouldBe("42");
    }

    private PenstockSettings Settings(PenstockSettings settings) => McpServers.AddCSharp(settings, _notes).With("Mcp:Servers:csharp:Models:0", "*");

    private string[] Notes() => File.ReadAllLines(_notes);

    /// <summary>A generation whose second step's tool runs.</summary>
    private async Task<string> HeldAsync(Api api)
    {
        var id = await api.StartAsync(Model, Prompt);
        await Eventually.Is(() => Notes().Contains("hold_on begun"), "the tool runs");
        return id;
    }
}
