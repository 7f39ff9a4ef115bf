using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>Real servers of the Model Context Protocol, over both transports: the reference server from npm, and one in C#.</summary>
public sealed class McpTests(McpServers servers) : IClassFixture<McpServers>
{
    private const string Model = "simulated/chat?tps=0&ttft=0";

    [Theory]
    [InlineData("everything")]
    [InlineData("everything-http")]
    [InlineData("csharp")]
    public async Task Its_tools_are_offered_to_who_asks_for_them_by_the_servers_name(string label)
    {
        var tool = label == "csharp" ? "add_numbers" : "get-sum";
        var snapshot = await AskAsync(label, $"Use {tool} with 20 and 22.");
        var (call, result) = (snapshot["blocks"]![0]!, snapshot["blocks"]![1]!);
        ((string)call["name"]!).ShouldBe(tool);
        ((string)call["server"]!).ShouldBe(label);
        ((string)call["text"]!).ShouldBe("""{"a":20,"b":22}""");
        ((string)result["text"]!).ShouldContain("42");
        result["isError"].ShouldBeNull();
        ((string)snapshot["text"]!).ShouldContain("42");
    }

    [Fact]
    public async Task Those_it_is_not_allowed_are_not_offered()
    {
        var snapshot = await AskAsync("everything", "Use get-tiny-image now.");
        snapshot["blocks"]!.AsArray().Select(b => (string)b!["kind"]!).ShouldBe(["text"]);
    }

    [Fact]
    public async Task Who_does_not_ask_is_not_offered_any()
    {
        var id = await servers.Server.Api.StartAsync(Model, "Use add_numbers with 1 and 2.");
        (await servers.Server.Api.EndedAsync(id))["blocks"]!.AsArray().Select(b => (string)b!["kind"]!).ShouldBe(["text"]);
    }

    [Fact]
    public async Task A_server_gets_nothing_of_our_environment_but_what_it_needs_to_start()
    {
        var text = (string)(await AskAsync("everything", "Use get-env."))["blocks"]![1]!["text"]!;
        text.ShouldContain("\"PATH\"");
        text.ShouldContain("\"MINE\": \"its own\"");
        text.ShouldNotContain(PenstockSettings.ApiKey);
        text.ShouldNotContain("Penstock", Case.Insensitive);
    }

    [Fact]
    public async Task What_its_tool_throws_stays_with_it()
    {
        var snapshot = await AskAsync("csharp", "Use break_down.");
        ((bool)snapshot["blocks"]![1]!["isError"]!).ShouldBeTrue();
        snapshot.ToJsonString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task A_huge_result_is_cut_off()
    {
        var text = (string)(await AskAsync("csharp", "Use say_much."))["blocks"]![1]!["text"]!;
        text.ShouldEndWith("[Cut off here: these are the first 1000 of 1000000 characters.]");
    }

    [Fact]
    public async Task One_that_dies_is_started_again_for_the_next_call()
    {
        var died = (await AskAsync("csharp", "Use die_now."))["blocks"]![1]!;
        ((bool)died["isError"]!).ShouldBeTrue();
        ((string)died["text"]!).ShouldStartWith("The tool's server was lost");
        await Eventually.Is(async () => (await Api.SendAsync(Request("csharp", "Hello"))).Status == HttpStatusCode.Created, "it is there again");
        ((string)(await AskAsync("csharp", "Use add_numbers with 1 and 2."))["blocks"]![1]!["text"]!).ShouldBe("3");
    }

    [Theory]
    [InlineData("csharp")]
    [InlineData("waits")]
    public async Task A_call_of_an_answer_that_is_stopped_is_cancelled_at_its_server(string label)
    {
        var tool = label == "csharp" ? "take_long" : "wait_long";
        var (_, body) = await Api.SendAsync(Request(label, $"Use {tool}."));
        var id = (string)body!["id"]!;
        await Eventually.Is(() => servers.Notes().Contains($"{tool} begun", StringComparison.Ordinal), "the call is made");
        await servers.Server.Api.StopAsync(id);
        ((string)(await servers.Server.Api.EndedAsync(id))["status"]!).ShouldBe("stopped");
        await Eventually.Is(() => servers.Notes().Contains($"{tool} cancelled", StringComparison.Ordinal), "the server was told");
        // It is as good as before.
        var snapshot = await AskAsync(label, label == "csharp" ? "Use add_numbers with 1 and 2." : "Use say_hello.");
        ((string)snapshot["blocks"]![1]!["text"]!).ShouldBe(label == "csharp" ? "3" : "hello");
    }

    [Fact]
    public async Task A_server_that_is_not_configured_is_refused_and_never_fetched()
    {
        var (status, body) = await Api.SendAsync(Request("elsewhere", "Hello"));
        status.ShouldBe(HttpStatusCode.BadRequest);
        body!.ToJsonString().ShouldContain("csharp, everything, everything-http, gone, waits");
        var (refused, _) = await Api.SendAsync(servers.Server.Api.Post("v1/responses", new JsonObject
        {
            ["model"] = Model,
            ["input"] = "Hello",
            ["tools"] = new JsonArray(new JsonObject { ["type"] = "mcp", ["server_label"] = "csharp", ["server_url"] = "http://169.254.169.254/" }),
        }));
        refused.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task One_that_cannot_be_started_is_said_to_who_asks_for_it()
    {
        var (status, body) = await Api.SendAsync(Request("gone", "Hello"));
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        ((string)body!["error"]!["code"]!).ShouldBe("tools_unavailable");
    }

    private async Task<JsonNode> AskAsync(string label, string prompt)
    {
        var (status, body) = await Api.SendAsync(Request(label, prompt));
        status.ShouldBe(HttpStatusCode.Created, body?.ToJsonString());
        var snapshot = await servers.Server.Api.EndedAsync((string)body!["id"]!);
        ((string)snapshot["status"]!).ShouldBe("finished", snapshot.ToJsonString());
        return snapshot;
    }

    private RawRequest Request(string label, string prompt) => servers.Server.Api.Post("v1/generations", new JsonObject
    {
        ["model"] = Model,
        ["prompt"] = prompt,
        ["tools"] = new JsonArray(new JsonObject { ["type"] = "mcp", ["server_label"] = label }),
    });
}
