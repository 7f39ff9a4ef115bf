using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

public sealed class UsageTests
{
    [Fact]
    public async Task Row07_An_explicit_zero_is_a_zero()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            if (call.Streams) await call.Sse([Chat.Role(), Chat.Text("Free of charge."), Chat.Finish(), Chat.Usage(0, 0), "[DONE]"]);
            else await call.Json(200, Chat.Whole("Free of charge.", 0, 0));
        });
        var usage = (await host.Api.EndedAsync(await host.Api.StartAsync("up/m")))["usage"]!;
        ((int)usage["inputTokens"]!).ShouldBe(0);
        ((int)usage["outputTokens"]!).ShouldBe(0);
        ((string)usage["source"]!).ShouldBe("provider");

        var (_, document) = await Api.SendAsync(host.Api.Chat("up/m", stream: false));
        ((int)document!["usage"]!["completion_tokens"]!).ShouldBe(0);
    }

    [Fact]
    public async Task Row08_Five_streams_at_once_are_each_counted_once_and_exactly()
    {
        var together = new Barrier(5);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Role());
            await Task.Run(() => together.SignalAndWait(Eventually.Limit)); // all five run before any ends
            var n = int.Parse(call.Prompt);
            await call.Sse([.. Enumerable.Repeat(Chat.Text("word "), n), Chat.Finish(), Chat.Usage(100 + n, n)]);
            await call.Done();
        });
        var streams = await Task.WhenAll(Enumerable.Range(1, 5).Select(n => SseClient.AllAsync(host.Api.Native("up/m", $"{n}", stream: true))));
        for (var n = 1; n <= 5; n++)
        {
            var reported = streams[n - 1].Where(e => e.Type() == "usage").ShouldHaveSingleItem().Json();
            reported.ToJsonString().ShouldContain($"{100 + n}");
            var id = streams[n - 1][0].Id!.Split('.')[0];
            var usage = (await host.Api.SnapshotAsync(id))["usage"]!;
            ((int)usage["inputTokens"]!).ShouldBe(100 + n);
            ((int)usage["outputTokens"]!).ShouldBe(n);
            ((string)usage["source"]!).ShouldBe("provider");
        }
    }

    [Fact]
    public async Task Usage_is_always_asked_of_the_provider_and_passed_on_only_when_the_client_asked()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var events = await SseClient.AllAsync(host.Api.Chat("up/m", "a-3"));
        ((bool)host.Upstream.Calls.Single().Request!["stream_options"]!["include_usage"]!).ShouldBeTrue();
        events.ShouldNotContain(e => e.Data.Contains("prompt_tokens", StringComparison.Ordinal));
        ((int)(await host.Api.SnapshotAsync(events[0].Id!.Split('.')[0]))["usage"]!["outputTokens"]!).ShouldBe(3);
    }

    [Fact]
    public async Task An_estimate_does_not_count_an_image_as_text()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([Chat.Role(), Chat.Text("A river."), Chat.Finish(), "[DONE]"]));
        var image = $"data:image/png;base64,{new string('A', 400_000)}";
        var body = $$$"""{"model":"up/m","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"{{{image}}}"}}]}]}""";
        var (_, started) = await Api.SendAsync(RawRequest.Post(host.Api.Url("v1/generations"), body));
        var usage = (await host.Api.EndedAsync((string)started!["id"]!))["usage"]!;
        ((string)usage["source"]!).ShouldBe("estimated");
        ((int)usage["inputTokens"]!).ShouldBeInRange(1, 20);
        ((int)usage["outputTokens"]!).ShouldBeInRange(1, 5);
    }
}
