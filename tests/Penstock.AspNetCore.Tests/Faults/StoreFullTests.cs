using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>A stream at its limit still says why it ended, once, to everybody.</summary>
public sealed class StoreFullTests
{
    private const int Answers = 128;

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Closing_blocks_that_do_not_fit_leave_the_bare_ending(string storage)
    {
        using var next = new SemaphoreSlim(0);
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse(Enumerable.Range(0, Answers).Select(Opening));
                while (await next.WaitAsync(Eventually.Limit)) await call.Sse(Chat.Text(new string('x', 1000)));
            },
            storage,
            ("Storage:MaxStreamBytes", "60000"));
        var request = host.Api.Chat("up/m");
        request = request with { Body = request.Body!.Replace("\"stream\":true", $"\"stream\":true,\"n\":{Answers}", StringComparison.Ordinal) };
        using var client = await SseClient.OpenAsync(request);
        using var watcher = await SseClient.OpenAsync(host.Api.Events(client.Generation));
        var chat = new List<SseEvent>();
        while (chat.Count < Answers) chat.Add((await client.NextAsync())!);
        do
        {
            next.Release(); // one at a time, so that little room is left in the end
            chat.Add((await client.NextAsync()).ShouldNotBeNull());
        }
        while (!View.IsChatEnding(chat[^1]));

        ((string)chat[^1].Json()["error"]!["code"]!).ShouldBe("storage_full");
        (await client.RestAsync()).ShouldBeEmpty();
        (await SseClient.AllAsync(request.With("Last-Event-ID", chat[^2].Id!))).Select(e => e.Raw).ShouldBe([chat[^1].Raw]);

        var before = await watcher.RestAsync();
        before.Where(View.IsNativeEnding).ShouldHaveSingleItem().ShouldBe(before[^1]);
        before[^1].Type().ShouldBe("failed");
        before.ShouldNotContain(e => e.Type() == "block_stop"); // else they did fit, and this proves nothing
        (await SseClient.AllAsync(host.Api.Events(client.Generation))).Select(e => e.Raw).ShouldBe(before.Select(e => e.Raw));
        ((string)(await host.Api.SnapshotAsync(client.Generation))["status"]!).ShouldBe("failed");
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_document_that_does_not_fit_is_a_507_and_usage_and_text_are_kept(string storage)
    {
        var tokens = Enumerable.Repeat(new string('x', 1000), 20).ToList();
        await using var host = await PenstockHost.StartAsync(
            call => call.Sse([.. Chat.Answer(tokens), "[DONE]"]), // streams, so the document is made here, and written with the ending
            storage,
            ("Storage:MaxStreamBytes", "30000"));
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", stream: false));
        reply.Status.ShouldBe(507);
        (await reply.TextAsync()).ShouldContain("storage_full");

        var (_, list) = await Api.SendAsync(host.Api.Get("v1/generations"));
        var snapshot = list!["data"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)snapshot["status"]!).ShouldBe("failed");
        ((string)snapshot["text"]!).ShouldBe(string.Concat(tokens));
        ((int)snapshot["usage"]!["outputTokens"]!).ShouldBe(20);
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider");
    }

    [Fact]
    public async Task A_key_whose_answer_was_not_stored_at_all_may_be_used_again()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, Chat.Whole("short", 1, 1)), settings: ("Storage:MaxStreamBytes", "2048"));
        host.Upstream.Reply(call => call.Json(200, Chat.Whole(new string('x', 10_000), 1, 1)));
        var request = host.Api.Chat("up/m", stream: false).With("Idempotency-Key", "key-1");
        using (var full = await RawReply.SendAsync(request)) full.Status.ShouldBe(507);
        var (_, body) = await Api.SendAsync(request);
        ((string)body!["choices"]![0]!["message"]!["content"]!).ShouldBe("short");
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    private static string Opening(int index) => new JsonObject
    {
        ["id"] = "chatcmpl-upstream",
        ["object"] = "chat.completion.chunk",
        ["created"] = 1700000000,
        ["model"] = "scripted-1",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = index, ["delta"] = new JsonObject { ["content"] = "x" }, ["finish_reason"] = null }),
    }.ToJsonString();
}
