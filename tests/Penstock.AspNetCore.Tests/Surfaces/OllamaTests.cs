using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Ollama's addresses, at the wire; its own client is in Penstock.Server.Tests.</summary>
public sealed class OllamaTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("ollama", 12);

    private static JsonNode Body(bool? stream = null) => JsonNode.Parse($$"""{"model":"up/m",{{(stream is { } s ? $"\"stream\":{(s ? "true" : "false")}," : "")}}"messages":[{"role":"user","content":"Hi"}]}""")!;

    [Fact]
    public async Task A_stream_is_lines_of_json_and_is_what_is_given_unless_told_otherwise()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        using var reply = await RawReply.SendAsync(host.Api.Post("api/chat", Body()));
        reply.Headers["Content-Type"].ShouldBe("application/x-ndjson");
        var text = await reply.TextAsync();
        text.ShouldEndWith("}\n");
        var lines = text.TrimEnd('\n').Split('\n').Select(l => JsonNode.Parse(l)!).ToList();
        string.Concat(lines.Select(l => (string)l["message"]!["content"]!)).ShouldBe(string.Concat(_tokens));
        lines.ShouldAllBe(l => (string)l["model"]! == "up/m");
        lines.Count(l => (bool)l["done"]!).ShouldBe(1);
        ((string)lines[^1]["done_reason"]!).ShouldBe("stop");

        var (status, whole) = await Api.SendAsync(host.Api.Post("api/chat", Body(stream: false)));
        status.ShouldBe(HttpStatusCode.OK);
        ((string)whole!["message"]!["content"]!).ShouldBe(string.Concat(_tokens));
    }

    [Fact]
    public async Task A_request_goes_on_to_the_provider_in_its_words()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        await Api.SendTextAsync(host.Api.Post("api/chat", JsonNode.Parse("""
            {"model":"up/m","format":"json","options":{"temperature":0.5,"num_predict":7,"stop":["x"],"seed":3,"num_ctx":4096},"think":"low","keep_alive":"5m","messages":[
              {"role":"user","content":"Look","images":["aGk="]},
              {"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"function":{"name":"f","arguments":{"a":2}}}]},
              {"role":"tool","tool_name":"f","content":"one"},{"role":"tool","tool_name":"f","content":"two"}]}
            """)!));
        var asked = host.Upstream.Calls.ShouldHaveSingleItem().Request!;
        asked["response_format"]!["type"]!.GetValue<string>().ShouldBe("json_object");
        asked["temperature"]!.GetValue<double>().ShouldBe(0.5);
        asked["seed"]!.GetValue<int>().ShouldBe(3);
        asked["reasoning_effort"]!.GetValue<string>().ShouldBe("low");
        var messages = asked["messages"]!.AsArray();
        messages[0]!["content"]!.ToJsonString().ShouldContain("data:image/png;base64,aGk=");
        var calls = messages[1]!["tool_calls"]!.AsArray();
        calls.Select(c => (string)c!["function"]!["arguments"]!).ShouldBe(["""{"a":1}""", """{"a":2}"""]);
        messages.Skip(2).Select(m => ((string)m!["tool_call_id"]!, m["content"]!.ToJsonString().Contains("one", StringComparison.Ordinal))).ShouldBe(
            [((string)calls[0]!["id"]!, true), ((string)calls[1]!["id"]!, false)]);
    }

    [Fact]
    public async Task A_client_that_reads_event_streams_gets_one_and_resumes_it()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        using var client = await SseClient.OpenAsync(host.Api.Post("api/chat", Body()).With("Accept", "text/event-stream"));
        var events = await client.RestAsync();
        events.ShouldAllBe(e => e.Id != null);
        using var again = await SseClient.OpenAsync(host.Api.Post("api/chat", Body()).With("Accept", "text/event-stream").With("Last-Event-ID", events[4].Id!));
        (await again.RestAsync()).Select(e => e.Data).ShouldBe(events.Skip(5).Select(e => e.Data));
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_its_own_examples_send_as_a_form_is_taken_but_from_no_foreign_page()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        var form = new RawRequest(host.Api.Url("api/generate"), "POST", """{"model":"up/m","prompt":"Hi","stream":false}""").With("Content-Type", "application/x-www-form-urlencoded");
        var (status, text) = await Api.SendTextAsync(form);
        status.ShouldBe(HttpStatusCode.OK);
        ((string)JsonNode.Parse(text)!["response"]!).ShouldBe(string.Concat(_tokens));
        var (foreign, _) = await Api.SendTextAsync(form.With("Origin", "https://elsewhere.example"));
        foreign.ShouldBe(HttpStatusCode.Forbidden);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("api/chat", """{"model":"up/m","messages":[{"content":"Hi"}]}""", "'messages[0].role' is missing")]
    [InlineData("api/chat", """{"model":"up/m","messages":[{"role":"user","content":"Hi"}],"format":"xml"}""", "'format' is 'xml'")]
    [InlineData("api/generate", """{"model":"up/m","prompt":7}""", "'prompt' must be a string")]
    [InlineData("api/generate", """{"model":"up/m","prompt":" "}""", "'prompt' is missing or empty")]
    [InlineData("api/generate", "{", "such as {\"model\": \"simulated/chat\", \"prompt\": \"Hello\"}")]
    public async Task What_is_wrong_is_said_in_its_shape(string path, string body, string says)
    {
        await using var host = await PenstockHost.StartAsync();
        var (status, text) = await Api.SendTextAsync(RawRequest.Post(host.Api.Url(path), body));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)JsonNode.Parse(text)!["error"]!).ShouldContain(says);
        host.Upstream.Calls.ShouldBeEmpty();
    }
}
