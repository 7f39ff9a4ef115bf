using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A provider that fails before it has said anything is asked again, and then the next one is.</summary>
public sealed class FailoverTests
{
    private static readonly (string Key, string Value)[] _twoTargets =
    [
        ("Models:fast:Targets:0", "up/first"), ("Models:fast:Targets:1:Model", "up/second"), ("Retry:MaxRetries", "1"), ("Retry:BaseDelay", "00:00:00.001"),
    ];

    public static TheoryData<string, UpstreamScript> Transient => new()
    {
        { "503", call => call.Json(503, """{"error":{"message":"busy"}}""") },
        { "429 with a short wait", call => call.Json(429, """{"error":{"message":"slow down"}}""", ("retry-after-ms", "5")) },
        { "409", call => call.Json(409, "{}") },
        { "408", call => call.Json(408, "{}") },
        { "an error as the first event of a 200", call => call.Sse("""{"error":{"message":"overloaded","code":503}}""") },
        { "a role and then the end", call => call.Sse(Chat.Role()) },
        {
            "a role and then a broken connection", async call =>
            {
                await call.Sse(Chat.Role());
                call.Reset();
            }
        },
        { "a connection that closes", call => { call.Reset(); return Task.CompletedTask; } },
        { "what is no protocol", call => call.Sse("{nothing") },
    };

    [Theory]
    [MemberData(nameof(Transient), DisableDiscoveryEnumeration = true)]
    public async Task What_may_work_the_next_time_is_asked_again(string what, UpstreamScript failure)
    {
        await using var host = await PenstockHost.StartAsync(settings: _twoTargets);
        host.Upstream.Reply(failure).Reply(Answer);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe("Hello", what);
        events.Count(e => e.Data.Contains("\"role\"", StringComparison.Ordinal)).ShouldBe(1);
        events.Count(View.IsDone).ShouldBe(1);
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "first"]);

        var native = await SseClient.AllAsync(host.Api.Events(View.Generation(events[0].Id!)));
        var attempt = native[0].Json();
        ((string)attempt["type"]!, (int)attempt["attempt"]!, (string)attempt["model"]!).ShouldBe(("attempt", 2, "up/first"));
        native.Count(e => e.Type() == "started").ShouldBe(1);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(402)]
    [InlineData(404)]
    public async Task A_target_that_never_will_is_passed_over_at_once(int status)
    {
        await using var host = await PenstockHost.StartAsync(settings: _twoTargets);
        host.Upstream.Reply(call => call.Json(status, "{}")).Reply(Answer);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second"]);
    }

    [Fact]
    public async Task A_provider_that_asks_for_a_long_wait_is_passed_over()
    {
        await using var host = await PenstockHost.StartAsync(settings: _twoTargets);
        host.Upstream.Reply(call => call.Json(429, "{}", ("Retry-After", "60"))).Reply(Answer);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second"]);
    }

    [Fact]
    public async Task An_announcement_is_no_part_of_a_failure_that_follows_it()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Role()));
        using (var reply = await RawReply.SendAsync(host.Api.Chat("up/m"))) reply.Status.ShouldBe(502);
        var id = await host.Api.StartAsync("up/m");
        await host.Api.EndedAsync(id);
        (await SseClient.AllAsync(host.Api.Events(id))).Select(e => e.Type()).ShouldBe(["failed"]);
    }

    [Fact]
    public async Task When_all_have_failed_the_last_failure_has_its_status()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(503, "{}"), settings: _twoTargets);
        foreach (var request in (RawRequest[])[host.Api.Chat("fast"), host.Api.Chat("fast", stream: false), host.Api.Native("fast", stream: true)])
        {
            using var reply = await RawReply.SendAsync(request);
            reply.Status.ShouldBe(503);
        }

        host.Upstream.Calls.Take(4).Select(c => c.Model).ShouldBe(["first", "first", "second", "second"]);
        host.Upstream.Calls.Count.ShouldBe(12);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    [InlineData(422)]
    public async Task A_request_that_is_at_fault_is_not_sent_again(int status)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(status, "{}"), settings: _twoTargets);
        using var reply = await RawReply.SendAsync(host.Api.Chat("fast"));
        reply.Status.ShouldBeInRange(400, 499);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task After_the_first_output_nobody_else_is_asked()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([Chat.Role(), Chat.Text("Hel")]), settings: _twoTargets);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe("Hel");
        events[^1].Json()["error"].ShouldNotBeNull();
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_stop_between_two_attempts_ends_it()
    {
        await using var host = await PenstockHost.StartAsync(
            call => call.Json(503, "{}"), settings: [.. _twoTargets, ("Retry:BaseDelay", "01:00:00"), ("Retry:MaxDelay", "01:00:00"), ("Retry:MaxRetries", "9")]);
        var id = await host.Api.StartAsync("fast");
        await Eventually.Is(() => host.Upstream.Calls.Count > 0, "the first attempt was made");
        await host.Api.StopAsync(id);
        ((string)(await host.Api.EndedAsync(id))["status"]!).ShouldBe("stopped");
    }

    [Fact]
    public async Task A_target_that_fails_much_is_given_a_rest()
    {
        await using var host = await PenstockHost.StartAsync(
            call => call.Model == "first" ? call.Json(500, "{}") : Answer(call), settings: [.. _twoTargets, ("Retry:MaxRetries", "0")]);
        for (var i = 0; i < 14; i++) View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.Count(c => c.Model == "first").ShouldBe(10);
        host.Upstream.Calls.Count(c => c.Model == "second").ShouldBe(14);
    }

    [Fact]
    public async Task Those_of_one_priority_share_by_weight()
    {
        await using var host = await PenstockHost.StartAsync(Answer, settings:
        [
            ("Models:fast:Targets:0:Model", "up/rare"), ("Models:fast:Targets:0:Priority", "1"), ("Models:fast:Targets:0:Weight", "1"),
            ("Models:fast:Targets:1:Model", "up/often"), ("Models:fast:Targets:1:Priority", "1"), ("Models:fast:Targets:1:Weight", "9"),
        ]);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => SseClient.AllAsync(host.Api.Chat("fast"))));
        host.Upstream.Calls.Count(c => c.Model == "rare").ShouldBeInRange(2, 60); // 20 is expected; by lot, less than once in a million is it outside
    }

    private static Task Answer(UpstreamCall call) => call.Sse([Chat.Role(), Chat.Text("Hello"), Chat.Finish("stop"), "[DONE]"]);
}
