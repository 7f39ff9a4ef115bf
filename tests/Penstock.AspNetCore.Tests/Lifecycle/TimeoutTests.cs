using System.Net;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Penstock.Testing.Wires;
using Tokens = Penstock.Testing.Tokens;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class TimeoutTests
{
    [Fact]
    public async Task A_provider_that_never_begins_is_a_504()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold(), settings: ("Providers:up:FirstTokenTimeout", "00:00:00.5"));
        var (status, body) = await Api.SendAsync(host.Api.Chat("up/m"));
        status.ShouldBe(HttpStatusCode.GatewayTimeout);
        ((string)body!["error"]!["message"]!).ShouldNotBeEmpty();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the call is given up");
    }

    [Fact]
    public async Task A_provider_that_stalls_mid_stream_fails_the_answer()
    {
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse([Chat.Role(), Chat.Text("a")]);
                await call.Hold();
            },
            settings: ("Providers:up:IdleTimeout", "00:00:00.5"));
        var events = await SseClient.AllAsync(host.Api.Chat("up/m"));
        View.ChatText(events).ShouldBe("a");
        events[^1].Json()["error"].ShouldNotBeNull();
    }

    public static TheoryData<string, string> Pairs => [.. PairData.Pairs];

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task An_answer_that_takes_too_long_in_all_fails_in_each_protocol(string client, string provider)
    {
        var wire = Wire.All.Single(w => w.Protocol == provider);
        await using var host = await PenstockHost.StartAsync(
            call => wire.PlayAsync(call, new WireAnswer { Text = Enumerable.Repeat("a", 100_000), Pace = TimeSpan.FromMilliseconds(20) }),
            settings: [("Providers:up:Protocol", provider), ("Providers:up:TotalTimeout", "00:00:00.4")]);
        var theirs = ClientWire.All.Single(c => c.Name == client);
        var ask = new Ask { Model = "up/m" };
        using var reply = await RawReply.SendAsync(theirs.Request(host.Api, ask, change: null)).WaitAsync(Eventually.Limit);
        var read = new PairReply(theirs, ask.Way, reply.Status, reply.Headers, await reply.TextAsync()).Answer();
        read.Text.ShouldStartWith("a");
        read.Error.ShouldNotBeNull();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the call is given up");
        var id = reply.Headers["Penstock-Generation"];
        var snapshot = await host.Api.EndedAsync(id);
        ((string)snapshot["status"]!, (string)snapshot["error"]!["code"]!).ShouldBe(("failed", "provider_timeout"));
    }

    [Fact]
    public async Task A_slow_provider_that_keeps_speaking_is_let_finish()
    {
        var tokens = Tokens.Of("slow", 20);
        await using var host = await PenstockHost.StartAsync(
            Tokens.Script(tokens, TimeSpan.FromMilliseconds(150)),
            settings: [("Providers:up:IdleTimeout", "00:00:02"), ("Providers:up:FirstTokenTimeout", "00:00:02")]);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m"))).ShouldBe(string.Concat(tokens));
    }

    [Fact]
    public async Task A_provider_that_is_not_there_is_a_502()
    {
        await using var host = await PenstockHost.StartAsync(settings: ("Providers:up:BaseUrl", $"http://127.0.0.1:{Ports.Free()}/v1"));
        (await Api.SendAsync(host.Api.Chat("up/m"))).Status.ShouldBe(HttpStatusCode.BadGateway);
    }

    [Theory]
    [InlineData(401, 502)]
    [InlineData(403, 502)]
    [InlineData(404, 404)]
    [InlineData(429, 429)]
    [InlineData(500, 502)]
    [InlineData(503, 503)]
    public async Task A_providers_refusal_has_the_right_status_and_none_of_its_words(int theirs, int ours)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(theirs, Chat.Error($"key {PenstockSettings.ApiKey} is wrong"), ("Retry-After", "7")));
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m"));
        reply.Status.ShouldBe(ours);
        if (ours is 429 or 503) reply.Headers["Retry-After"].ShouldBe("7");
        var body = await reply.TextAsync();
        body.ShouldContain("\"message\"");
        body.ShouldNotContain("sk-test");
    }
}
