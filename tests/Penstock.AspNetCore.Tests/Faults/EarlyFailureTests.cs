using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>A failure before any output is a status to whoever asked, and an event to whoever looks on.</summary>
public sealed class EarlyFailureTests
{
    [Fact]
    public async Task Whoever_looks_at_its_events_gets_a_stream_with_the_failure()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(429, "{}", ("Retry-After", "7")));
        foreach (var asked in (RawRequest[])[host.Api.Chat("up/m"), host.Api.Native("up/m", stream: true), host.Api.ChatStream("up/m")])
        {
            using var refused = await RawReply.SendAsync(asked);
            refused.Status.ShouldBe(429, asked.Url.ToString());
        }

        var (_, list) = await Api.SendAsync(host.Api.Get("v1/generations?status=failed"));
        var ids = list!["data"]!.AsArray().Select(s => (string)s!["id"]!).ToList();
        ids.Count.ShouldBe(3);
        foreach (var id in ids)
        {
            using var client = await SseClient.OpenAsync(host.Api.Events(id));
            client.Reply.Status.ShouldBe(200);
            var failed = (await client.RestAsync()).ShouldHaveSingleItem();
            failed.Name.ShouldBe("failed");
            ((string)failed.Json()["error"]!["code"]!).ShouldBe("rate_limited");
            ((int)failed.Json()["error"]!["status"]!).ShouldBe(429);
            ((int)failed.Json()["error"]!["retryAfterMs"]!).ShouldBe(7000);
        }
    }

    [Fact]
    public async Task A_request_that_joined_by_its_key_gets_the_status_too()
    {
        var go = new TaskCompletionSource();
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await go.Task;
            await call.Json(429, "{}", ("Retry-After", "7"));
        });
        var request = host.Api.Chat("up/m").With("Idempotency-Key", "key-1");
        var replies = (Task<RawReply>[])[RawReply.SendAsync(request), RawReply.SendAsync(request)];
        await Eventually.Is(() => host.Log.Split("Request starting").Length == 3, "both requests are there");
        go.SetResult();
        foreach (var reply in await Task.WhenAll(replies).WaitAsync(Eventually.Limit))
        {
            reply.Status.ShouldBe(429);
            reply.Headers["Retry-After"].ShouldBe("7");
            reply.Dispose();
        }
    }

    [Fact]
    public async Task A_refusal_whose_body_stalls_is_told_all_the_same()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Head(429, "application/json", true, ("Retry-After", "7"));
            await call.Write("{\"error\":");
            await call.Hold();
        });
        var waited = Stopwatch.StartNew();
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m")).WaitAsync(Eventually.Limit);
        waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        reply.Status.ShouldBe(429);
        reply.Headers["Retry-After"].ShouldBe("7");
        (await reply.TextAsync()).ShouldContain("rate_limited");
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the connection is given up");
    }

    // SocketsHttpHandler tells of a connection that is reset as it opens in more than one way.
    [Theory]
    [InlineData("auto")]
    [InlineData("sockets")]
    public async Task A_provider_that_resets_every_connection_is_one_that_cannot_be_reached(string transport)
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var down = new CuttingProxy(new Uri(upstream.BaseUrl)) { IsDown = true };
        await using var host = await PenstockHost.StartAsync(upstream, _ => { }, ("Transport", transport), ("Providers:up:BaseUrl", new Uri(down.Url, "v1").ToString()));
        for (var i = 0; i < 1000; i++)
        {
            var (status, error) = await Api.SendAsync(host.Api.Chat("up/m"));
            ((string)error!["error"]!["code"]!).ShouldBe("provider_unreachable");
            ((int)status).ShouldBe(502);
        }
    }
}
