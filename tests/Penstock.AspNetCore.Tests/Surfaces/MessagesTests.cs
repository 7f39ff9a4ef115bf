using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Clients that speak Messages, before providers that do and that do not.</summary>
public sealed class MessagesTests
{
    private static readonly (string Key, string Value) _messages = ("Providers:up:Protocol", "messages");
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("messages", 20);

    [Fact]
    public async Task A_provider_of_the_protocol_is_asked_as_the_client_asked_and_its_stream_is_passed_on()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Write(Anthropic.Frames(Anthropic.Answer(_tokens))), settings: _messages);
        var request = host.Api.Post("v1/messages?beta=true", JsonNode.Parse("""{"model":"up/claude","max_tokens":9,"stream":true,"aura":1,"messages":[{"role":"user","content":"Hi"}]}""")!)
            .With("anthropic-beta", "a-1,b-2").With("anthropic-version", "2000-01-01").With("x-api-key", "client");
        using var client = await SseClient.OpenAsync(request);
        var events = await client.RestAsync();

        var sent = Anthropic.Answer(_tokens).ToList();
        events.Select(e => e.Data).ShouldBe(sent.Select(p => p.Replace("msg_upstream", $"msg_{client.Generation["gen_".Length..]}", StringComparison.Ordinal)));
        events.ShouldAllBe(e => e.Name == (string)e.Json()["type"]!);
        client.Reply.Headers["request-id"].ShouldBe($"req_{client.Generation["gen_".Length..]}");
        var call = host.Upstream.Calls.ShouldHaveSingleItem();
        call.Path.ShouldEndWith("/v1/messages");
        call.Headers["x-api-key"].ShouldBe(PenstockSettings.ApiKey);
        call.Headers["anthropic-version"].ShouldBe("2023-06-01");
        call.Headers["anthropic-beta"].ShouldBe("a-1,b-2");
        call.Headers.ContainsKey("authorization").ShouldBeFalse();
        call.Request!.ToJsonString().ShouldBe("""{"model":"claude","max_tokens":9,"aura":1,"messages":[{"role":"user","content":"Hi"}],"stream":true}""");
        (await host.Api.EndedAsync(client.Generation))["usage"]!["outputTokens"]!.GetValue<int>().ShouldBe(20);
    }

    [Fact]
    public async Task A_provider_of_Chat_Completions_answers_in_Messages()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(
        [
            Chat.Role(), Chat.Reasoning("Hm"), Chat.Text("A"), Chat.ToolCall(0, "a", "f"), Chat.ToolCall(1, "b", "g"), Chat.Arguments(1, "{}"), Chat.Arguments(0, "{\"x\":1}"),
            Chat.Finish("tool_calls"), Chat.Usage(7, 5), "[DONE]",
        ]));
        var events = await SseClient.AllAsync(host.Api.Messages("up/m"));
        string.Join(' ', events.Select(e => e.Json()["index"] is { } index ? $"{e.Name}{index}" : e.Name)).ShouldBe(
            "message_start content_block_start0 content_block_delta0 content_block_stop0 content_block_start1 content_block_delta1 content_block_stop1 "
            + "content_block_start2 content_block_delta2 content_block_stop2 content_block_start3 content_block_delta3 content_block_stop3 message_delta message_stop");
        events[^2].Json()["delta"]!["stop_reason"]!.GetValue<string>().ShouldBe("tool_use");
        events[^2].Json()["usage"]!.ToJsonString().ShouldBe("""{"input_tokens":7,"output_tokens":5}""");

        var (status, whole) = await Api.SendAsync(host.Api.Messages("up/m", stream: false));
        status.ShouldBe(HttpStatusCode.OK);
        whole!["content"]!.ToJsonString().ShouldBe(
            """[{"type":"thinking","thinking":"Hm","signature":""},{"type":"text","text":"A"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}]""");
    }

    [Fact]
    public async Task A_client_of_Chat_Completions_reaches_a_provider_of_Messages()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Write(Anthropic.Frames(Anthropic.Answer(_tokens))), settings: _messages);
        var events = await SseClient.AllAsync(host.Api.Chat("up/claude"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens));
        View.IsDone(events[^1]).ShouldBeTrue();
        var call = host.Upstream.Calls.ShouldHaveSingleItem();
        call.Request!.ToJsonString().ShouldBe("""{"model":"claude","max_tokens":32000,"messages":[{"role":"user","content":[{"type":"text","text":"Say something."}]}],"stream":true}""");
    }

    [Fact]
    public async Task A_whole_answer_is_passed_on_but_for_its_id()
    {
        const string Whole = """{"id":"msg_upstream","type":"message","role":"assistant","model":"scripted-1","content":[{"type":"text","text":"A"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2},"aura":1}""";
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, Whole), settings: _messages);
        using var reply = await RawReply.SendAsync(host.Api.Messages("up/claude", stream: false));
        (await reply.TextAsync()).ShouldBe(Whole.Replace("msg_upstream", $"msg_{reply.Headers["Penstock-Generation"]["gen_".Length..]}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row19_An_error_in_the_stream_is_one_with_and_without_its_name(bool named)
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Write(Anthropic.Frames(Anthropic.Answer(_tokens).Take(12)));
            var error = Anthropic.Error("overloaded_error", "SECRET");
            await (named ? call.Write(Anthropic.Frames([error])) : call.Sse(error));
        }, settings: _messages);
        using var client = await SseClient.OpenAsync(host.Api.Messages("up/claude"));
        var events = await client.RestAsync();
        events[^1].Name.ShouldBe("error");
        events[^1].Data.ShouldNotContain("SECRET");
        events[^1].Json()["error"]!["type"]!.GetValue<string>().ShouldBe("overloaded_error");
        events[^1].Json()["request_id"]!.GetValue<string>().ShouldBe(client.Reply.Headers["request-id"]);
        events.Count(e => e.Name == "error").ShouldBe(1);
        events.ShouldNotContain(e => e.Name == "message_stop");
    }

    [Fact]
    public async Task An_answer_that_is_cut_never_looks_whole_and_its_usage_is_what_is_known_and_a_guess()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Write(Anthropic.Frames(Anthropic.Answer(_tokens).Take(12))), settings: _messages);
        using var client = await SseClient.OpenAsync(host.Api.Messages("up/claude"));
        var events = await client.RestAsync();
        events[^1].Name.ShouldBe("error");
        events.ShouldNotContain(e => e.Name == "message_stop" || e.Name == "message_delta");
        var usage = (await host.Api.EndedAsync(client.Generation))["usage"]!;
        ((int)usage["inputTokens"]!).ShouldBe(7);
        ((int)usage["outputTokens"]!).ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task A_stream_that_is_stopped_ends_as_the_protocol_wants()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Write(Anthropic.Frames(Anthropic.Answer(_tokens).Take(5)));
            await call.Hold();
        }, settings: _messages);
        using var client = await SseClient.OpenAsync(host.Api.Messages("up/claude"));
        for (var i = 0; i < 5; i++) await client.NextAsync();
        await host.Api.StopAsync(client.Generation);
        (await client.RestAsync()).Select(e => e.Name).ShouldBe(["content_block_stop", "message_delta", "message_stop"]);
    }

    [Fact]
    public async Task A_cut_reader_resumes_between_the_frames_of_one_record()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([Chat.Role(), Chat.Text("A"), Chat.Finish(), "[DONE]"]));
        using var client = await SseClient.OpenAsync(host.Api.Messages("up/m"));
        var all = await client.RestAsync();
        for (var i = 0; i < all.Count - 1; i++)
        {
            var rest = await SseClient.AllAsync(host.Api.Post("v1/messages", new JsonObject()).With("Last-Event-ID", all[i].Id!));
            rest.Select(e => e.Raw).ShouldBe(all.Skip(i + 1).Select(e => e.Raw));
        }
    }

    [Fact]
    public async Task A_silent_stream_gets_pings()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold(), settings: ("Streams:Heartbeat", "00:00:00.1"));
        using var client = await SseClient.OpenAsync(host.Api.Messages("up/m"));
        (await client.NextAsync())!.Name.ShouldBe("ping");
        (await client.NextAsync())!.Data.ShouldBe("""{"type": "ping"}""");
    }

    [Theory]
    [InlineData(529, "overloaded_error", 503, "overloaded_error")]
    [InlineData(429, "rate_limit_error", 429, "rate_limit_error")]
    [InlineData(401, "authentication_error", 502, "api_error")]
    [InlineData(400, "invalid_request_error", 400, "invalid_request_error")]
    public async Task A_provider_that_refuses_is_an_error_in_the_protocols_shape(int status, string type, int expected, string shown)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(status, Anthropic.Error(type, "SECRET"), ("retry-after", "3")), settings: _messages);
        using var reply = await RawReply.SendAsync(host.Api.Messages("up/claude"));
        reply.Status.ShouldBe(expected);
        reply.Headers["retry-after"].ShouldBe("3");
        var error = JsonNode.Parse(await reply.TextAsync())!;
        ((string)error["type"]!).ShouldBe("error");
        ((string)error["error"]!["type"]!).ShouldBe(shown);
        ((string)error["request_id"]!).ShouldBe(reply.Headers["request-id"]);
        error.ToJsonString().ShouldNotContain("SECRET");
    }

    [Fact]
    public async Task A_wrong_request_is_an_error_in_the_protocols_shape()
    {
        await using var host = await PenstockHost.StartAsync();
        var (status, body) = await Api.SendAsync(host.Api.Post("v1/messages", JsonNode.Parse("""{"messages":[{"role":"user","content":"Hi"}]}""")!));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)body!["error"]!["type"]!).ShouldBe("invalid_request_error");
        ((string)body["error"]!["message"]!).ShouldContain("max_tokens");
        (await Api.SendAsync(host.Api.Messages("nobody/x"))).Body!["error"]!["type"]!.GetValue<string>().ShouldBe("not_found_error");
        (await Api.SendAsync(host.Api.Get("v1/messages"))).Body!["type"]!.GetValue<string>().ShouldBe("error");
    }

    [Fact]
    public async Task What_another_protocol_cannot_say_is_refused_or_named()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([Chat.Text("A"), Chat.Finish(), "[DONE]"]));
        var body = JsonNode.Parse("""{"model":"up/m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"service_tier":"auto","tools":[{"type":"web_search_20250305","name":"web_search"}]}""")!;
        var (status, error) = await Api.SendAsync(host.Api.Post("v1/messages", body));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["message"]!).ShouldContain("tools[0] (web_search_20250305)");
        body.AsObject().Remove("tools");
        using var reply = await RawReply.SendAsync(host.Api.Post("v1/messages", body));
        reply.Status.ShouldBe(200);
        reply.Headers["Penstock-Dropped"].ShouldBe("service_tier");
    }

    [Fact]
    public async Task Tokens_are_counted_by_the_provider_where_it_can()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, """{"input_tokens":42,"aura":1}"""), settings: _messages);
        using var reply = await RawReply.SendAsync(CountRequest(host).With("anthropic-beta", "x"));
        (await reply.TextAsync()).ShouldBe("""{"input_tokens":42,"aura":1}""");
        reply.Headers.ShouldNotContainKey("Penstock-Estimated");
        var call = host.Upstream.Calls.ShouldHaveSingleItem();
        call.Path.ShouldEndWith("/v1/messages/count_tokens");
        call.Headers["x-api-key"].ShouldBe(PenstockSettings.ApiKey);
        call.Headers["anthropic-beta"].ShouldBe("x");
        call.Request!.ToJsonString().ShouldBe("""{"model":"m","messages":[{"role":"user","content":"Hi there, you"}]}""");
    }

    [Fact]
    public async Task Tokens_are_guessed_where_the_provider_does_not_count_and_the_reply_says_so()
    {
        await using var host = await PenstockHost.StartAsync();
        using var reply = await RawReply.SendAsync(CountRequest(host));
        (await reply.TextAsync()).ShouldBe("""{"input_tokens":4}""");
        reply.Headers["Penstock-Estimated"].ShouldBe("true");
        reply.Headers["request-id"].ShouldStartWith("req_");
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_count_that_fails_is_an_error_in_the_protocols_shape()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(529, Anthropic.Error("overloaded_error", "SECRET")), settings: _messages);
        var (status, body) = await Api.SendAsync(CountRequest(host));
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        ((string)body!["error"]!["type"]!).ShouldBe("overloaded_error");
        body.ToJsonString().ShouldNotContain("SECRET");
        host.Upstream.Reply(call => call.Json(200, "[]"));
        (await Api.SendAsync(CountRequest(host))).Status.ShouldBe(HttpStatusCode.BadGateway);
    }

    [Fact]
    public async Task Models_have_the_shape_that_the_client_knows()
    {
        await using var host = await PenstockHost.StartAsync();
        var (_, list) = await Api.SendAsync(host.Api.Get("v1/models").With("anthropic-version", "2023-06-01"));
        ((bool)list!["has_more"]!).ShouldBeFalse();
        var first = list["data"]![0]!;
        first.ToJsonString().ShouldBe("""{"id":"up/scripted","type":"model","display_name":"up/scripted","created_at":"1970-01-01T00:00:00Z"}""");
        var (_, one) = await Api.SendAsync(host.Api.Get("v1/models/up%2Fscripted").With("anthropic-version", "2023-06-01"));
        one!.ToJsonString().ShouldBe(first.ToJsonString());
        var (status, error) = await Api.SendAsync(host.Api.Get("v1/models/none").With("anthropic-version", "2023-06-01"));
        status.ShouldBe(HttpStatusCode.NotFound);
        ((string)error!["error"]!["type"]!).ShouldBe("not_found_error");
        (await Api.SendAsync(host.Api.Get("v1/models"))).Body!["object"]!.GetValue<string>().ShouldBe("list");
    }

    private static RawRequest CountRequest(PenstockHost host) =>
        host.Api.Post("v1/messages/count_tokens", JsonNode.Parse("""{"model":"up/m","messages":[{"role":"user","content":"Hi there, you"}]}""")!);
}
