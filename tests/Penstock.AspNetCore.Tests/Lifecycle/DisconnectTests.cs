using System.Diagnostics;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>The three policies, observed at the provider's socket.</summary>
public sealed class DisconnectTests
{
    private static readonly UpstreamScript _endless = Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(5));

    [Fact]
    public async Task Detach_goes_on_to_the_end()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(2)));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m", "detached-200").With("Penstock-On-Disconnect", "detach"));
        await client.NextAsync();
        client.Cut();
        ((string)(await host.Api.EndedAsync(client.Generation))["text"]!).ShouldBe(string.Concat(Tokens.Of("detached", 200)));
    }

    [Fact]
    public async Task Grace_ends_it_when_nobody_came_back_in_time()
    {
        await using var host = await PenstockHost.StartAsync(_endless);
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m").With("Penstock-On-Disconnect", "grace 1"));
        await client.NextAsync();
        var gone = Stopwatch.StartNew();
        client.Cut();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends");
        gone.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(8));
        ((string)(await host.Api.EndedAsync(client.Generation))["status"]!).ShouldBe("stopped");
    }

    [Fact]
    public async Task Grace_is_called_off_by_coming_back()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(10)));
        var request = host.Api.Chat("up/m", "back-400").With("Penstock-On-Disconnect", "grace 3");
        using var client = await SseClient.OpenAsync(request);
        var events = new List<SseEvent> { (await client.NextAsync())!, (await client.NextAsync())! };
        client.Cut();
        events.AddRange(await SseClient.AllAsync(request.With("Last-Event-ID", client.LastEventId)));
        View.ChatText(events).ShouldBe(string.Concat(Tokens.Of("back", 400))); // four seconds' worth
    }

    [Fact]
    public async Task A_second_subscriber_keeps_it_running()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(5)));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m", "kept-100").With("Penstock-On-Disconnect", "cancel"));
        await client.NextAsync();
        using var watcher = await SseClient.OpenAsync(host.Api.Events(client.Generation));
        await watcher.NextAsync();
        client.Cut();
        var rest = await watcher.RestAsync();
        rest[^1].Type().ShouldBe("finished");
    }

    [Fact]
    public async Task The_configured_grace_holds_for_sdk_posts()
    {
        await using var host = await PenstockHost.StartAsync(_endless, settings: ("Generations:Grace", "00:00:00.2"));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        await client.NextAsync();
        client.Cut();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends", TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_native_generation_needs_nobody()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(2)), settings: ("Generations:Grace", "00:00:00.05"));
        var id = await host.Api.StartAsync("up/m", "alone-100");
        ((string)(await host.Api.EndedAsync(id))["status"]!).ShouldBe("finished");
    }

    [Fact]
    public async Task OnDisconnect_in_a_native_body_is_heard()
    {
        await using var host = await PenstockHost.StartAsync(_endless);
        using var client = await SseClient.OpenAsync(host.Api.Post("v1/generations", new JsonObject
        {
            ["model"] = "up/m",
            ["prompt"] = "Hi",
            ["stream"] = true,
            ["onDisconnect"] = "cancel",
        }));
        await client.NextAsync();
        client.Cut();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends");
    }

    [Theory]
    [InlineData("header")]
    [InlineData("body")]
    public async Task Grace_without_a_number_is_the_configured_one(string where)
    {
        await using var host = await PenstockHost.StartAsync(_endless, settings: ("Generations:Grace", "00:00:00.2"));
        var request = where == "header"
            ? host.Api.Native("up/m", stream: true).With("Penstock-On-Disconnect", "grace")
            : host.Api.Post("v1/generations", new JsonObject { ["model"] = "up/m", ["prompt"] = "Hi", ["stream"] = true, ["onDisconnect"] = "grace" });
        using var client = await SseClient.OpenAsync(request);
        await client.NextAsync();
        client.Cut();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends", TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task OnDisconnect_is_heard_of_whoever_watches_later_too()
    {
        await using var host = await PenstockHost.StartAsync(_endless);
        var (_, started) = await Api.SendAsync(host.Api.Post("v1/generations", new JsonObject { ["model"] = "up/m", ["prompt"] = "Hi", ["onDisconnect"] = "cancel" }));
        var id = (string)started!["id"]!;
        using var watcher = await SseClient.OpenAsync(host.Api.Events(id));
        await watcher.NextAsync();
        watcher.Cut();
        var snapshot = await host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("stopped");
        ((string)snapshot["stopReason"]!).ShouldBe("disconnected");
    }
}
