using System.Net;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class SnapshotTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_snapshot_has_the_text_so_far_and_the_place_to_go_on_from(string storage)
    {
        var go = new TaskCompletionSource();
        var tokens = Tokens.Of("snap", 20);
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse(Chat.Answer(tokens).Take(11));
                await go.Task;
                await call.Sse(Chat.Answer(tokens).Skip(11).Append("[DONE]"));
            },
            storage);
        var id = await host.Api.StartAsync("up/m");
        var snapshot = await host.Api.SnapshotAsync(id);
        await Eventually.Is(async () => ((string)(snapshot = await host.Api.SnapshotAsync(id))["text"]!).Length == string.Concat(tokens.Take(10)).Length, "ten tokens are in");
        ((string)snapshot["status"]!).ShouldBe("running");
        ((string)snapshot["model"]!).ShouldBe("up/m");
        ((string)snapshot["text"]!).ShouldBe(string.Concat(tokens.Take(10)));
        snapshot["createdAt"]!.GetValue<DateTimeOffset>().ShouldBeInRange(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddSeconds(1));

        go.SetResult();
        var rest = await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?after={(long)snapshot["offset"]!}"));
        ((string)snapshot["text"]! + string.Concat(rest.Select(e => (string?)e.Json()["text"]))).ShouldBe(string.Concat(tokens));
        ((int)(await host.Api.EndedAsync(id))["usage"]!["outputTokens"]!).ShouldBe(20);
    }

    [Fact]
    public async Task The_list_shows_newest_first_and_filters_by_status()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        host.Upstream.ReplyTo("silent", call => call.Hold());
        var finished = await host.Api.StartAsync("up/m", "a-3");
        await host.Api.EndedAsync(finished);
        var running = await host.Api.StartAsync("up/silent");

        (await ListAsync("v1/generations")).ShouldBe([running, finished]);
        (await ListAsync("v1/generations?status=running")).ShouldBe([running]);
        (await ListAsync("v1/generations?status=finished")).ShouldBe([finished]);
        (await Api.SendAsync(host.Api.Get("v1/generations?status=nonsense"))).Status.ShouldBe(HttpStatusCode.BadRequest);

        async Task<List<string>> ListAsync(string path) =>
            [.. (await Api.SendAsync(host.Api.Get(path))).Body!["data"]!.AsArray().Select(s => (string)s!["id"]!)];
    }

    [Fact]
    public async Task Tool_calls_and_reasoning_are_blocks_of_their_own()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Reasoning("Let me "), Chat.Reasoning("see."), Chat.Text("Looking."),
                Chat.ToolCall(0, "call_1", "weather"), Chat.Arguments(0, "{\"city\":"), Chat.ToolCall(1, "call_2", "time", "{}"), Chat.Arguments(0, "\"Oslo\"}"),
                Chat.Finish("tool_calls"), Chat.Usage(3, 9)]);
            await call.Done();
        });
        var snapshot = await host.Api.EndedAsync(await host.Api.StartAsync("up/m"));
        ((string)snapshot["text"]!).ShouldBe("Looking.");
        ((string)snapshot["finishReason"]!).ShouldBe("tool_calls");
        snapshot["blocks"]!.AsArray().Select(b => ((string)b!["kind"]!, (string?)b["name"], (string)b["text"]!)).ShouldBe(
            [("reasoning", null, "Let me see."), ("text", null, "Looking."), ("tool_call", "weather", "{\"city\":\"Oslo\"}"), ("tool_call", "time", "{}")]);
    }
}
