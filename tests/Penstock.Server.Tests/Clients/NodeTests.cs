using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>Clients from npm, unmodified; the programs that drive them are in tests/node.</summary>
public sealed class NodeTests(ClientServer server) : IClassFixture<ClientServer>
{
    private static readonly string _folder = Path.Combine(Repository.Root, "tests", "node");

    [Fact]
    public async Task OpenAi_streams_text_and_usage()
    {
        var got = await NodeAsync("openai.mjs", "stream", server.Server.Url.ToString(), "up/m", "node-50");
        ((string)got["text"]!).ShouldBe(string.Concat(Tokens.Of("node", 50)));
        ((string)got["finish"]!).ShouldBe("stop");
        ((int)got["usage"]!["completion_tokens"]!).ShouldBe(50);
    }

    [Fact]
    public async Task OpenAi_reads_a_whole_answer()
    {
        var got = await NodeAsync("openai.mjs", "whole", server.Server.Url.ToString(), "up/m", "node-9");
        ((string)got["text"]!).ShouldBe(string.Concat(Tokens.Of("node", 9)));
        ((int)got["usage"]!["total_tokens"]!).ShouldBe(16);
    }

    [Fact]
    public async Task OpenAi_gets_parallel_tool_calls()
    {
        var got = await NodeAsync("openai.mjs", "tools", server.Server.Url.ToString(), "up/tools");
        ((string)got["finish"]!).ShouldBe("tool_calls");
        got["calls"]!.AsArray().Select(c => ((string)c!["id"]!, (string)c["name"]!, (string)c["arguments"]!))
            .ShouldBe([("call_a", "get_weather", ClientServer.ToolArguments), ("call_b", "get_time", "{}")]);
    }

    [Fact]
    public async Task OpenAi_aborts_and_the_provider_notices()
    {
        var got = await NodeAsync("openai.mjs", "abort", server.Server.Url.ToString(), "up/endless");
        ((int)got["chunks"]!).ShouldBeInRange(3, 20);
        await server.CancelledAsync("endless");
    }

    [Theory]
    [InlineData("up/busy", 429)]
    [InlineData("up/refused", 502)]
    [InlineData("nobody/m", 404)]
    [InlineData("up/cut", null)]
    public async Task OpenAi_throws_on_errors_early_and_late(string model, int? status)
    {
        var got = await NodeAsync("openai.mjs", "stream", server.Server.Url.ToString(), model);
        var error = got["error"].ShouldNotBeNull();
        ((int?)error["status"]).ShouldBe(status);
        ((string)error["message"]!).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task OpenAi_lists_models()
    {
        var got = await NodeAsync("openai.mjs", "models", server.Server.Url.ToString(), "-");
        got["ids"]!.AsArray().Select(id => (string)id!).ShouldContain("simulated/chat");
    }

    [Fact]
    public async Task EventSource_streams_text()
    {
        var got = await NodeAsync("eventsource.mjs", server.Api.ChatStream("up/m", "es-40").Url.ToString(), "done");
        Text(got, "token").ShouldBe(string.Concat(Tokens.Of("es", 40)).AsSseText());
        ((int)got["opens"]!).ShouldBe(1);
    }

    [Fact]
    public async Task EventSource_comes_back_by_itself_and_loses_nothing()
    {
        await using var proxy = new CuttingProxy(server.Server.Url, 700, 1900);
        var got = await NodeAsync("eventsource.mjs", new Api(proxy.Url).ChatStream("up/m", "esc-60").Url.ToString(), "done");
        Text(got, "token").ShouldBe(string.Concat(Tokens.Of("esc", 60)).AsSseText());
        proxy.Cuts.ShouldBe(2);
        ((int)got["opens"]!).ShouldBe(3);
        server.Upstream.Calls.Count(c => c.Prompt == "esc-60").ShouldBe(1);
    }

    [Fact]
    public async Task EventSource_reads_native_events_through_cuts()
    {
        var id = await server.Api.StartAsync("up/m", "native-60");
        await using var proxy = new CuttingProxy(server.Server.Url, 1500, 3000);
        var got = await NodeAsync("eventsource.mjs", new Api(proxy.Url).Events(id).Url.ToString(), "finished");
        string.Concat(got["events"]!.AsArray().Select(e => JsonNode.Parse((string)e!["data"]!)!).Where(e => (string)e["type"]! == "delta").Select(e => (string)e["text"]!))
            .ShouldBe(string.Concat(Tokens.Of("native", 60)));
        proxy.Cuts.ShouldBe(2);
    }

    [Fact]
    public async Task EventSource_stops_for_good_when_all_was_seen()
    {
        var events = await SseClient.AllAsync(server.Api.Native("up/m", "seen-3", stream: true));
        var id = events[0].Id!.Split('.')[0];
        var got = await NodeAsync("eventsource.mjs", server.Api.Url($"v1/generations/{id}/events?after={View.Place(events[^1].Id!).Offset}").ToString(), "never");
        got["events"]!.AsArray().ShouldBeEmpty();
        ((int)got["errors"]!).ShouldBe(1); // 204: closed, not tried again
    }

    [Fact]
    public async Task EventSource_sees_an_error_event()
    {
        var got = await NodeAsync("eventsource.mjs", server.Api.ChatStream("up/cut").Url.ToString(), "error");
        Text(got, "token").ShouldBe(string.Concat(Tokens.Of("cut", 60).Take(40)).AsSseText());
        ((string)got["events"]!.AsArray()[^1]!["data"]!).ShouldNotContain("[DONE]");
    }

    [Fact]
    public async Task FetchEventSource_posts_and_streams()
    {
        var request = server.Api.Chat("up/m", "fes-40");
        var got = await NodeAsync("fetch-event-source.mjs", "POST", request.Url.ToString(), request.Body!);
        ChatText(got).ShouldBe(string.Concat(Tokens.Of("fes", 40)));
    }

    [Fact]
    public async Task FetchEventSource_comes_back_by_itself_and_loses_nothing()
    {
        await using var proxy = new CuttingProxy(server.Server.Url, 900, 2500, 1200);
        var request = new Api(proxy.Url).Chat("up/m", "fesc-60");
        var got = await NodeAsync("fetch-event-source.mjs", "POST", request.Url.ToString(), request.Body!);
        ChatText(got).ShouldBe(string.Concat(Tokens.Of("fesc", 60)));
        proxy.Cuts.ShouldBe(3);
        ((int)got["opens"]!).ShouldBe(4);
        server.Upstream.Calls.Count(c => c.Prompt == "fesc-60").ShouldBe(1);
    }

    [Fact]
    public async Task FetchEventSource_sees_an_errors_status()
    {
        var request = server.Api.Chat("up/busy");
        var got = await NodeAsync("fetch-event-source.mjs", "POST", request.Url.ToString(), request.Body!);
        ((int)got["status"]!).ShouldBe(429);
        ((string)got["body"]!).ShouldContain("\"message\"");
    }

    private static string Text(JsonNode got, string name) =>
        string.Concat(got["events"]!.AsArray().Where(e => (string)e!["name"]! == name).Select(e => (string)e!["data"]!));

    private static string ChatText(JsonNode got)
    {
        var events = got["events"]!.AsArray();
        ((string)events[^1]!["data"]!).ShouldBe("[DONE]");
        return View.ChatText(events.Select(e => new SseEvent(null, "message", (string)e!["data"]!, "")));
    }

    private static async Task<JsonNode> NodeAsync(params string[] arguments)
    {
        var (exit, output, error) = await Command.RunAsync("node", arguments, _folder);
        return exit == 0 ? JsonNode.Parse(output)! : throw new InvalidOperationException($"node {string.Join(' ', arguments)}: {exit}\n{output}\n{error}");
    }
}
