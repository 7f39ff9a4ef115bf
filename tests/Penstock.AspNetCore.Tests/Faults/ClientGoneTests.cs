using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>What a client's leaving does to the provider's call, seen at the provider's socket.</summary>
public sealed class ClientGoneTests
{
    private static readonly UpstreamScript _endless = Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(10));

    [Fact]
    public async Task Row02_A_client_gone_before_the_first_byte_ends_the_call()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold());
        using var http = new HttpClient { BaseAddress = host.Url };
        using var patience = new CancellationTokenSource();
        var request = host.Api.Chat("up/m");
        using var message = new HttpRequestMessage(HttpMethod.Post, request.Url) { Content = new StringContent(request.Body!, null, "application/json") };
        message.Headers.Add("Penstock-On-Disconnect", "cancel");
        var sent = http.SendAsync(message, patience.Token);
        var call = await host.Upstream.NextCallAsync();
        call.Closed.IsCompleted.ShouldBeFalse();
        await patience.CancelAsync();
        await Eventually.Completes(call.Closed, "the silent upstream is given up");
        await Should.ThrowAsync<OperationCanceledException>(sent);
    }

    [Fact]
    public async Task Row02_Headers_already_there_make_no_difference()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold(), settings: ("Streams:Heartbeat", "00:00:00.1"));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m").With("Penstock-On-Disconnect", "cancel"));
        var call = await host.Upstream.NextCallAsync();
        client.Cut();
        await Eventually.Completes(call.Closed, "the silent upstream is given up");
        var snapshot = await host.Api.EndedAsync(client.Generation);
        ((string)snapshot["status"]!).ShouldBe("stopped");
        ((string)snapshot["stopReason"]!).ShouldBe("disconnected");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row03_A_client_gone_mid_stream_ends_the_call(bool reset)
    {
        await using var host = await PenstockHost.StartAsync(_endless);
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m").With("Penstock-On-Disconnect", "cancel"));
        for (var i = 0; i < 5; i++) await client.NextAsync();
        client.Cut(reset);
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the upstream is given up");
        ((string)(await host.Api.EndedAsync(client.Generation))["status"]!).ShouldBe("stopped");
    }

    [Fact]
    public async Task Row06_An_abort_keeps_the_usage_that_the_provider_reported()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(Tokens.Of("abort", 20)).Take(21));
            await call.Sse("""{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":null}],"usage":{"prompt_tokens":1234,"completion_tokens":21,"total_tokens":1255}}""");
            await call.Hold();
        });
        var usage = (await AbortedAsync(host, 22))["usage"]!;
        ((int)usage["inputTokens"]!).ShouldBe(1234);
        ((int)usage["outputTokens"]!).ShouldBeInRange(21, 60);
        ((string)usage["source"]!).ShouldBe("partial");
    }

    [Fact]
    public async Task Row06_An_abort_before_any_usage_is_estimated_and_says_so()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(Enumerable.Repeat("word", 200)).Take(201));
            await call.Hold();
        });
        var usage = (await AbortedAsync(host, 201))["usage"]!;
        ((string)usage["source"]!).ShouldBe("estimated");
        ((int)usage["outputTokens"]!).ShouldBeInRange(150, 250); // 800 characters
        ((int)usage["inputTokens"]!).ShouldBeInRange(1, 20);
    }

    private static async Task<System.Text.Json.Nodes.JsonNode> AbortedAsync(PenstockHost host, int after)
    {
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m").With("Penstock-On-Disconnect", "cancel"));
        for (var i = 0; i < after; i++) await client.NextAsync();
        client.Cut();
        return await host.Api.EndedAsync(client.Generation);
    }
}
