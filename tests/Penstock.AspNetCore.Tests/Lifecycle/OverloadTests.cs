using System.Net;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class OverloadTests
{
    [Fact]
    public async Task More_than_may_run_are_told_to_come_back()
    {
        await using var host = await PenstockHost.StartAsync(
            call => call.Model == "held" ? call.Hold() : Tokens.ByPrompt()(call), settings: ("Generations:MaxRunning", "1"));
        var held = await host.Api.StartAsync("up/held");
        await host.Upstream.NextCallAsync();
        foreach (var request in (RawRequest[])[host.Api.Chat("up/m", "a-3"), host.Api.Native("up/m", "a-3"), host.Api.Chat("up/m", "a-3", stream: false)])
        {
            using var refused = await RawReply.SendAsync(request);
            refused.Status.ShouldBe(503, request.Body);
            int.Parse(refused.Headers["Retry-After"]).ShouldBeGreaterThan(0);
            (await refused.TextAsync()).ShouldContain("\"overloaded\"");
        }

        // An EventSource would take a 503 for the end of all things.
        using (var later = await RawReply.SendAsync(host.Api.ChatStream("up/m", "a-3")))
        {
            later.Status.ShouldBe(200);
            later.Headers["Content-Type"].ShouldStartWith("text/event-stream");
            (await later.TextToCutAsync()).ShouldMatch(@"\Aretry: [0-9]{3,4}\n\z");
        }

        host.Upstream.Calls.Count.ShouldBe(1);
        await host.Api.StopAsync(held);
        await Eventually.Is(async () => (await Api.SendAsync(host.Api.Chat("up/m", "a-3", stream: false))).Status == HttpStatusCode.OK, "there is room again");
    }

    [Fact]
    public async Task A_request_that_was_refused_does_not_take_its_key()
    {
        await using var host = await PenstockHost.StartAsync(
            call => call.Model == "held" ? call.Hold() : Tokens.ByPrompt()(call), settings: ("Generations:MaxRunning", "1"));
        var held = await host.Api.StartAsync("up/held");
        var request = host.Api.Chat("up/m", "a-3", stream: false).With("Idempotency-Key", "key-1");
        (await Api.SendAsync(request)).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        await host.Api.StopAsync(held);
        await Eventually.Is(async () => (await Api.SendAsync(request)).Status == HttpStatusCode.OK, "the same request is taken");
    }
}
