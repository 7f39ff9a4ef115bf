using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>The AI SDK's chat at the wire; the SDK itself is in Penstock.Server.Tests.</summary>
public sealed class UiChatTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("ui", 12);

    private static RawRequest Ask(PenstockHost host, string chat, string model = "up/m") => host.Api.Post("api/chat", JsonNode.Parse(
        $$"""{"id":"{{chat}}","model":"{{model}}","trigger":"submit-message","messages":[{"id":"1","role":"user","parts":[{"type":"text","text":"Hi"}]}]}""")!);

    [Fact]
    public async Task A_chat_that_runs_is_found_by_its_name_and_one_that_has_ended_is_204()
    {
        var go = new TaskCompletionSource();
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text(_tokens[0])]);
            await go.Task;
            await call.Sse([.. _tokens.Skip(1).Select(t => Chat.Text(t)), Chat.Finish(), "[DONE]"]);
        });
        (await Api.SendTextAsync(host.Api.Get("api/chat/c1/stream"))).Status.ShouldBe(HttpStatusCode.NoContent);
        using var first = await SseClient.OpenAsync(Ask(host, "c1"));
        first.Reply.Headers["x-vercel-ai-ui-message-stream"].ShouldBe("v1");
        using var second = await SseClient.OpenAsync(host.Api.Get("api/chat/c1/stream"));
        second.Reply.Headers["x-vercel-ai-ui-message-stream"].ShouldBe("v1");
        go.SetResult();
        var events = await first.RestAsync();
        (await second.RestAsync()).Select(e => e.Data).ShouldBe(events.Select(e => e.Data));
        events.Take(3).Select(e => (string)e.Json()["type"]!).ShouldBe(["start", "start-step", "text-start"]);
        events[^1].Data.ShouldBe("[DONE]");
        (await Api.SendTextAsync(host.Api.Get("api/chat/c1/stream"))).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Row22_A_stop_closes_the_call_to_the_provider_and_ends_the_message()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("A")]);
            await call.Closed;
        });
        using var client = await SseClient.OpenAsync(Ask(host, "c/2"));
        (await Api.SendTextAsync(host.Api.Post("api/chat/c%2F2/stop", new JsonObject()))).Status.ShouldBe(HttpStatusCode.NoContent);
        (await client.RestAsync())[^2].Json()["type"]!.GetValue<string>().ShouldBe("abort");
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the call ends");
    }

    [Fact]
    public async Task Row22_A_page_that_leaves_and_does_not_come_back_stops_the_call()
    {
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse([Chat.Role(), Chat.Text("A")]);
                await call.Closed;
            },
            settings: ("Generations:Grace", "00:00:00.050"));
        using (await SseClient.OpenAsync(Ask(host, "c3")))
        {
        }

        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the call ends");
    }

    [Fact]
    public async Task An_error_is_a_sentence_that_the_page_can_show()
    {
        await using var host = await PenstockHost.StartAsync();
        var (status, text) = await Api.SendTextAsync(Ask(host, "c4", "nobody/m"));
        status.ShouldBe(HttpStatusCode.NotFound);
        text.ShouldContain("nobody/m");
        text.ShouldNotContain("{");
    }
}
