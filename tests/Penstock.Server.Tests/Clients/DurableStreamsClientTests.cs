using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>The published TypeScript client of Durable Streams, unmodified.</summary>
public sealed class DurableStreamsClientTests
{
    [Theory]
    [InlineData("sse")]
    [InlineData("long-poll")]
    public async Task It_appends_and_tails(string live)
    {
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(storage: "disk"));
        var url = server.Api.Url("v1/stream/client/tail").ToString();
        await NodeAsync("produce", url, "1");
        var tail = NodeAsync("tail", url, live);
        await NodeAsync("append", url, """{"n":"last"}""");
        var got = await tail;
        Numbers(got).ShouldBe(["0", "last"]);
        ((bool)got["closed"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task It_produces_exactly_once_and_resumes_across_a_kill()
    {
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(storage: "disk"));
        var url = server.Api.Url("v1/stream/client/resume").ToString();
        var produced = await NodeAsync("produce", url, "300");
        produced["errors"]!.AsArray().ShouldBeEmpty();
        var first = await NodeAsync("read", url);
        Numbers(first).ShouldBe(Enumerable.Range(0, 300).Select(n => $"{n}"));
        ((string)first["next"]!).ShouldBe((string)produced["next"]!);

        await server.Kill9();
        await server.StartAsync();
        await NodeAsync("append", url, """{"n":300}""");
        Numbers(await NodeAsync("read", url, (string)first["next"]!)).ShouldBe(["300"]);
        Numbers(await NodeAsync("tail", url, "sse", (string)first["next"]!)).ShouldBe(["300"]);
    }

    [Fact]
    public async Task It_reads_a_generation()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var id = await server.Api.StartAsync("simulated/chat?tps=400", "Tell me about rivers");
        var got = await NodeAsync("tail", server.Api.Url($"v1/stream/generations/{id}").ToString(), "sse");
        var events = got["items"]!.AsArray();
        ((string)events[0]!["type"]!).ShouldBe("started");
        ((string)events[^1]!["type"]!).ShouldBe("finished");
        string.Concat(events.Where(e => (string)e!["type"]! == "delta").Select(e => (string)e!["text"]!))
            .ShouldBe((string)(await server.Api.SnapshotAsync(id))["text"]!);
    }

    private static IEnumerable<string> Numbers(JsonNode got) => got["items"]!.AsArray().Select(item => item!["n"]!.ToString());

    private static async Task<JsonNode> NodeAsync(params string[] arguments)
    {
        var folder = Path.Combine(Repository.Root, "tests", "node");
        var (exit, output, error) = await Command.RunAsync("node", ["durable-streams.mjs", .. arguments], folder);
        return exit == 0 ? JsonNode.Parse(output)! : throw new InvalidOperationException($"node {string.Join(' ', arguments)}: {exit}\n{output}\n{error}");
    }
}
