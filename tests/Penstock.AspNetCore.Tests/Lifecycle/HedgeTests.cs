using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A second target is asked when the first is slow to begin, and the first to say something answers.</summary>
public sealed class HedgeTests
{
    private static readonly (string Key, string Value)[] _hedged =
    [
        ("Models:fast:Targets:0", "up/first"), ("Models:fast:Targets:1", "up/second"), ("Models:fast:HedgeAfter", "00:00:00.1"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_second_answers_where_the_first_only_announces_and_the_first_is_cut_off(bool filtered)
    {
        (string, string)[] filters = filtered ? [("Filters:0:Builtin", "emails")] : [];
        await using var host = await PenstockHost.StartAsync(settings: [.. _hedged, .. filters]);
        host.Upstream.ReplyTo("first", Announce).ReplyTo("second", Tokens.Script(["Hello"]));
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe("Hello");
        events.Count(e => e.Data.Contains("\"role\"", StringComparison.Ordinal)).ShouldBe(1);
        events.ShouldAllBe(e => !e.Data.Contains("of-the-loser", StringComparison.Ordinal));
        await Eventually.Completes(host.Upstream.Calls.Single(c => c.Model == "first").Closed, "the slow one is cut off");

        var id = View.Generation(events[0].Id!);
        var native = await SseClient.AllAsync(host.Api.Events(id));
        native.Select(e => e.Type()).Take(2).ShouldBe(["attempt", "started"]);
        ((string)native[0].Json()["reason"]!, (string)native[0].Json()["model"]!).ShouldBe(("slow", "up/second"));
        ((string)native[1].Json()["model"]!).ShouldBe("up/second");
        native.ShouldAllBe(e => !e.Data.Contains("of-the-loser", StringComparison.Ordinal));
        // 7 of the one that answered, and about 4 that the other has read.
        var usage = (await host.Api.SnapshotAsync(id))["usage"]!;
        ((long)usage["inputTokens"]!, (long)usage["outputTokens"]!, (string)usage["source"]!).ShouldBe((7 + 4, 1, "partial"));
    }

    [Fact]
    public async Task The_first_answers_where_it_speaks_up_after_all()
    {
        await using var host = await PenstockHost.StartAsync(settings: _hedged);
        host.Upstream
            .ReplyTo("first", async call =>
            {
                await call.Sse(Chat.Role());
                await Eventually.Is(() => host.Upstream.Calls.Count == 2, "the second is asked");
                await call.Sse([Chat.Text("Hello"), Chat.Finish(), Chat.Usage(7, 1)]);
                await call.Done();
            })
            .ReplyTo("second", Announce);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe("Hello");
        await Eventually.Completes(host.Upstream.Calls.Single(c => c.Model == "second").Closed, "the second is cut off");
        var native = await SseClient.AllAsync(host.Api.Events(View.Generation(events[0].Id!)));
        native.Select(e => e.Type()).Take(2).ShouldBe(["attempt", "started"]);
        ((string)native[1].Json()["model"]!).ShouldBe("up/first");
    }

    [Fact]
    public async Task A_first_that_is_fast_is_asked_alone()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["Hello"]), settings: [.. _hedged, ("Models:fast:HedgeAfter", "00:00:20")]);
        for (var i = 0; i < 5; i++) View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.ShouldAllBe(c => c.Model == "first");
    }

    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    public async Task One_that_fails_in_the_race_leaves_it_to_the_other(string failing)
    {
        await using var host = await PenstockHost.StartAsync(settings: _hedged);
        var other = failing == "first" ? "second" : "first";
        host.Upstream
            .ReplyTo(failing, async call =>
            {
                await Eventually.Is(() => host.Upstream.Calls.Count == 2, "both are asked");
                await call.Json(503, "{}");
            })
            .ReplyTo(other, async call =>
            {
                await call.Sse(Chat.Role());
                await Eventually.Is(() => host.Log.Contains($"up/{failing} answered with status 503", StringComparison.Ordinal), "the other has failed");
                await call.Sse([Chat.Text("Hello"), Chat.Finish()]);
                await call.Done();
            });
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_request_that_is_at_fault_is_not_laid_to_the_target_that_says_so()
    {
        await using var host = await PenstockHost.StartAsync(settings: [.. _hedged, ("Models:fast:HedgeAfter", "00:00:00.01")]);
        var refused = 0;
        host.Upstream
            .ReplyTo("first", async call =>
            {
                await Eventually.Is(() => host.Upstream.Calls.Count(c => c.Model == "second") > Volatile.Read(ref refused), "both are asked");
                await call.Json(400, "{}");
                Interlocked.Increment(ref refused);
            })
            .ReplyTo("second", async call =>
            {
                var before = host.Upstream.Calls.Count(c => c.Model == "second");
                await call.Sse(Chat.Role());
                await Eventually.Is(() => Volatile.Read(ref refused) >= before, "the first has refused it");
                await call.Sse([Chat.Text("Hello"), Chat.Finish()]);
                await call.Done();
            });
        for (var i = 0; i < 15; i++) View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe("Hello");
        host.Upstream.Calls.Count(c => c.Model == "first").ShouldBe(15); // and is given no rest
    }

    [Fact]
    public async Task Where_both_fail_the_failure_has_its_status_and_both_are_in_the_log()
    {
        await using var host = await PenstockHost.StartAsync(settings: _hedged);
        foreach (var model in (string[])["first", "second"])
        {
            host.Upstream.ReplyTo(model, async call =>
            {
                await Eventually.Is(() => host.Upstream.Calls.Count >= 2, "both are asked");
                await call.Json(503, "{}");
            });
        }

        using (var reply = await RawReply.SendAsync(host.Api.Chat("fast"))) reply.Status.ShouldBe(503);
        var id = await host.Api.StartAsync("fast");
        await host.Api.EndedAsync(id);
        (await SseClient.AllAsync(host.Api.Events(id)))[0].Type().ShouldBe("attempt");
    }

    [Fact]
    public async Task A_stop_ends_both()
    {
        await using var host = await PenstockHost.StartAsync(Announce, settings: _hedged);
        var id = await host.Api.StartAsync("fast");
        await Eventually.Is(() => host.Upstream.Calls.Count == 2, "both are asked");
        await host.Api.StopAsync(id);
        ((string)(await host.Api.EndedAsync(id))["status"]!).ShouldBe("stopped");
        await Eventually.Is(() => host.Upstream.OpenConnections == 0, "both are cut off");
    }

    [Fact]
    public async Task What_a_target_usually_takes_is_waited_for()
    {
        await using var host = await PenstockHost.StartAsync(
            call => Tokens.Script(["Hello"], call.Model == "first" ? TimeSpan.FromMilliseconds(400) : default)(call), settings: [.. _hedged, ("Models:fast:HedgeAfter", "00:00:00.02")]);
        // Ten that are outrun, each of which says that it takes longer than was thought.
        var asked = 0;
        while (host.Upstream.Calls.TakeLast(1).All(c => c.Model != "first") && asked++ < 60) await SseClient.AllAsync(host.Api.Chat("fast"));
        asked.ShouldBeInRange(10, 60);
    }

    [Fact]
    public async Task Many_races_at_once_show_each_answer_once()
    {
        var random = new Random(11);
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                int pause;
                lock (random) pause = random.Next(0, 60);
                await call.Sse(Chat.Role());
                await Task.Delay(pause); // the fault that is played
                await Tokens.ByPrompt()(call);
            },
            settings: [.. _hedged, ("Models:fast:HedgeAfter", "00:00:00.02")]);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast", $"r{i}-5"))).ShouldBe(string.Concat(Tokens.Of($"r{i}", 5)))));
        host.Upstream.Calls.Count.ShouldBeGreaterThan(110);
    }

    private static async Task Announce(UpstreamCall call)
    {
        await call.Sse(Chat.Role().Replace("scripted-1", "of-the-loser", StringComparison.Ordinal));
        await call.Hold();
    }
}
