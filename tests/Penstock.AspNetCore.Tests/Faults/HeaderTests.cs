using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

public sealed class HeaderTests
{
    [Theory]
    [InlineData("chat")]
    [InlineData("native")]
    [InlineData("text")]
    public async Task Row28_Headers_come_within_one_heartbeat_and_heartbeats_go_on(string surface)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold(), settings: ("Streams:Heartbeat", "00:00:00.5"));
        var request = surface switch
        {
            "chat" => host.Api.Chat("up/m"),
            "native" => host.Api.Native("up/m", stream: true),
            _ => host.Api.ChatStream("up/m"),
        };
        var waited = Stopwatch.StartNew();
        using var client = await SseClient.OpenAsync(request);
        waited.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(4));
        client.Reply.Status.ShouldBe(200);
        client.Reply.Headers["Content-Type"].ShouldStartWith("text/event-stream");
        client.Reply.Headers["Cache-Control"].ShouldBe("no-cache, no-transform");
        client.Reply.Headers["X-Accel-Buffering"].ShouldBe("no");
        client.Generation.ShouldMatch("^gen_[0-9a-f]{32}$");
        await client.ReadUntilAsync(c => c.Comments.Count >= 3);
    }

    [Fact]
    public async Task Headers_do_not_wait_when_the_provider_speaks_at_once()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a")]);
            await call.Hold();
        });
        var waited = Stopwatch.StartNew();
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5)); // a heartbeat would be 15
    }

    [Fact]
    public async Task A_heartbeat_starts_no_event_in_parsers_that_keep_the_last_id()
    {
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse([Chat.Role(), Chat.Text("a")]);
                await call.Hold();
            },
            settings: ("Streams:Heartbeat", "00:00:00.1"));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        await client.ReadUntilAsync(c => c.Comments.Count >= 2);
        await host.Api.StopAsync(client.Generation);
        var events = await client.RestAsync();
        string.Concat(events.Select(e => e.Raw)).ShouldNotContain("ping\n\n");
    }
}
