using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>A provider that streams where it was asked for a document, or the other way round: the client gets what it asked for.</summary>
public sealed class OtherShapeTests
{
    [Fact]
    public async Task A_document_in_place_of_a_stream_is_shown_as_a_stream()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, Chat.Whole("Hello there.", 3, 4)));
        var request = host.Api.Chat("up/m");
        request = request with { Body = request.Body!.Replace("\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}", StringComparison.Ordinal) };
        using var client = await SseClient.OpenAsync(request);
        client.Reply.Headers["Content-Type"].ShouldStartWith("text/event-stream");
        var chat = await client.RestAsync();
        View.IsDone(chat[^1]).ShouldBeTrue();
        chat.SkipLast(1).ShouldAllBe(e => (string)e.Json()["object"]! == "chat.completion.chunk");
        ((string)chat[0].Json()["choices"]![0]!["delta"]!["role"]!).ShouldBe("assistant");
        View.ChatText(chat).ShouldBe("Hello there.");
        chat.SkipLast(1).Select(e => (string?)e.Json()["choices"]!.AsArray().FirstOrDefault()?["finish_reason"]).OfType<string>().ShouldBe(["stop"]);
        ((int)chat[^2].Json()["usage"]!["completion_tokens"]!).ShouldBe(4);

        var native = await SseClient.AllAsync(host.Api.Native("up/m", stream: true));
        View.NativeText(native).ShouldBe("Hello there.");
        native[^1].Type().ShouldBe("finished");

        var text = await SseClient.AllAsync(host.Api.ChatStream("up/m"));
        View.TokenText(text).ShouldBe("Hello there.");
        View.IsDone(text[^1]).ShouldBeTrue();
    }

    [Fact]
    public async Task A_stream_in_place_of_a_document_is_shown_as_a_document()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(
            [Chat.Role(), Chat.Text("Hello "), Chat.Text("there."), Chat.ToolCall(0, "call_1", "weather", "{\"city\":"), Chat.Arguments(0, "\"Oslo\"}"),
                Chat.Finish("tool_calls"), Chat.Usage(3, 4), "[DONE]"]));
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", stream: false));
        reply.Status.ShouldBe(200);
        host.Upstream.Calls.Single().Streams.ShouldBeFalse();
        reply.Headers["Content-Type"].ShouldStartWith("application/json");
        var body = System.Text.Json.Nodes.JsonNode.Parse(await reply.TextAsync())!;
        ((string)body["object"]!).ShouldBe("chat.completion");
        ((string)body["id"]!).ShouldBe(reply.Headers["Penstock-Generation"].Replace("gen_", "chatcmpl-", StringComparison.Ordinal));
        var choice = body["choices"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)choice["message"]!["content"]!).ShouldBe("Hello there.");
        ((string)choice["message"]!["tool_calls"]![0]!["function"]!["arguments"]!).ShouldBe("{\"city\":\"Oslo\"}");
        ((string)choice["finish_reason"]!).ShouldBe("tool_calls");
        ((int)body["usage"]!["completion_tokens"]!).ShouldBe(4);
    }
}
