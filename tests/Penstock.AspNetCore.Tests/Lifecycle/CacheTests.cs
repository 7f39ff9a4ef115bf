using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>The same request again.</summary>
public sealed class CacheTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("cache", 10);

    private static RawRequest Ask(PenstockHost host, string prompt = "Hi", bool stream = true, string? age = "60")
    {
        var request = host.Api.Chat("up/m", prompt, stream);
        return age is null ? request : request.With("Penstock-Cache", age);
    }

    public static TheoryData<string, string, string> Requests => new()
    {
        { "v1/chat/completions", """{"model":"up/m","stream":true,"messages":[{"role":"user","content":"Hi"}]}""", "[DONE]" },
        { "v1/responses", """{"model":"up/m","stream":true,"input":"Hi"}""", "response.completed" },
        { "v1/messages", """{"model":"up/m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""", "message_stop" },
        { "v1beta/models/up%2Fm:streamGenerateContent?alt=sse", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}""", "STOP" },
        { "query/stream", """{"model":"up/m","prompt":"Hi"}""", "[DONE]" },
        { "v1/generations", """{"model":"up/m","stream":true,"prompt":"Hi"}""", "finished" },
        { "api/chat", """{"model":"up/m","messages":[{"role":"user","content":"Hi"}]}""", "\"done\":true" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_thousand_that_ask_at_once_are_one_call_and_a_thousand_whole_answers(string path, string body, string ends)
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await go.Task;
            await Tokens.Script(_tokens, TimeSpan.FromMilliseconds(5))(call); // some come before it, some meanwhile, some after it
        });
        var replies = Enumerable.Range(0, 1000).Select(_ => AskAsync(RawRequest.Post(host.Api.Url(path), body).With("Penstock-Cache", "60"))).ToList();
        await Eventually.Is(() => host.Upstream.Calls.Count > 0, "the provider is asked");
        go.SetResult();
        var answers = await Task.WhenAll(replies);
        var first = answers.Single(a => a.Cache == "miss").Body;
        var hit = answers.Where(a => a.Cache == "hit").Select(a => a.Body).Distinct().ShouldHaveSingleItem();
        var text = hit.Replace("\"source\":\"cache\",", "").Replace("\"source\":\"cache\"", "\"source\":\"provider\""); // of native events
        text.ShouldBe(first);
        hit.Contains("\"source\":\"cache\"").ShouldBe(first.Contains("\"usage\":{") || first.Contains("\"usageMetadata\"") || first.Contains("event: usage"));
        text.ShouldContain(ends);
        var places = _tokens.Select((_, i) => text.IndexOf($" cache.{i}", StringComparison.Ordinal)).ToList();
        places[0].ShouldBePositive();
        places.ShouldBeInOrder();
        answers.Select(a => a.Generation).Distinct().ShouldHaveSingleItem();
        answers.Count(a => a.Cache == "miss").ShouldBe(1);
        answers.Count(a => a.Cache == "hit").ShouldBe(999);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    private static async Task<(string Body, string Generation, string Cache)> AskAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request);
        reply.Status.ShouldBe(200);
        return (await reply.TextAsync(), reply.Headers["Penstock-Generation"], reply.Headers["Penstock-Cache"]);
    }

    [Fact]
    public async Task A_hit_is_the_answer_that_there_is_and_says_so()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        var ask = RawRequest.Post(host.Api.Url("v1/chat/completions"), """{"model":"up/m","stream":true,"stream_options":{"include_usage":true},"prompt":"Say \"usage\"."}""").With("Penstock-Cache", "60");
        using var first = await SseClient.OpenAsync(ask);
        var events = await first.RestAsync();
        first.Reply.Headers["Penstock-Cache"].ShouldBe("miss");
        using var second = await SseClient.OpenAsync(ask);
        var again = await second.RestAsync();
        again.Where(e => !e.Data.Contains("usage")).ShouldBe(events.Where(e => !e.Data.Contains("usage")));
        again.Single(e => e.Data.Contains("usage")).Json()["usage"]!.ToJsonString().ShouldBe("""{"source":"cache","prompt_tokens":7,"completion_tokens":10,"total_tokens":17}""");
        second.Reply.Headers["Penstock-Cache"].ShouldBe("hit");
        using var resumed = await SseClient.OpenAsync(ask.With("Last-Event-ID", events[5].Id!));
        (await resumed.RestAsync()).ShouldBe(events.Skip(6));
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("v1/generations", """{"model":"up/m","prompt":"Hi"}""")]
    [InlineData("v1/responses", """{"model":"up/m","input":"Hi","background":true}""")]
    public async Task A_snapshot_of_a_hit_says_so_in_its_usage(string path, string body)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([.. Chat.Answer(_tokens), "[DONE]"]));
        var ask = RawRequest.Post(host.Api.Url(path), body).With("Penstock-Cache", "60");
        var (_, first) = await Api.SendAsync(ask);
        await host.Api.EndedAsync($"gen_{((string)first!["id"]!)[^32..]}");
        using var hit = await RawReply.SendAsync(ask);
        hit.Headers["Penstock-Cache"].ShouldBe("hit");
        var snapshot = JsonNode.Parse(await hit.TextAsync())!;
        ((string)snapshot["id"]!).ShouldBe((string)first["id"]!);
        ((string)snapshot["usage"]!["source"]!).ShouldBe("cache");
        if (path == "v1/generations") ((string)snapshot["cache"]!).ShouldBe("hit");

        // Whoever reads the generation itself reads of its own usage.
        var own = await host.Api.SnapshotAsync($"gen_{((string)first["id"]!)[^32..]}");
        ((string)own["usage"]!["source"]!, own["cache"]).ShouldBe(("provider", null));
    }

    [Theory]
    [InlineData("v1/chat/completions", """{"model":"up/m","messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("v1/responses", """{"model":"up/m","input":"Hi"}""")]
    [InlineData("v1/messages", """{"model":"up/m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("v1beta/models/up%2Fm:generateContent", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}""")]
    public async Task A_document_says_so_in_its_usage_too(string path, string body)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, Chat.Whole("A", 1, 2)));
        RawRequest ask = RawRequest.Post(host.Api.Url(path), body).With("Penstock-Cache", "60");
        var first = (await Api.SendAsync(ask)).Body!;
        var again = (await Api.SendAsync(ask)).Body!;
        var usage = (JsonObject)(again["usage"] ?? again["usageMetadata"])!;
        ((string)usage["source"]!).ShouldBe("cache");
        usage.Remove("source");
        JsonNode.DeepEquals(again, first).ShouldBeTrue();
    }

    [Theory]
    [InlineData("v1/messages", """{"model":"up/m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("v1beta/models/up%2Fm:generateContent", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}""")]
    public async Task A_calls_arguments_stay_as_they_are_whatever_they_are_named(string path, string body)
    {
        const string Arguments = """{"usage":{"a":1},"b":[{"type":"usage","c":"data"}],"usageMetadata":{}}""";
        var whole = JsonNode.Parse(Chat.Whole("", 1, 2))!;
        whole["choices"]![0]!["message"]!["tool_calls"] = new JsonArray(new JsonObject
        {
            ["id"] = "call-1",
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = Arguments },
        });
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, whole.ToJsonString()));
        RawRequest ask = RawRequest.Post(host.Api.Url(path), body).With("Penstock-Cache", "60");
        var first = (await Api.SendAsync(ask)).Body!;
        first.ToJsonString().ShouldContain(Arguments);
        var again = (await Api.SendAsync(ask)).Body!;
        ((JsonObject)(again["usage"] ?? again["usageMetadata"])!).Remove("source").ShouldBeTrue();
        again.ToJsonString().ShouldBe(first.ToJsonString());
    }

    [Fact]
    public async Task Plain_text_stays_as_it_is_whatever_it_says()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(["""{"usage": {"a": 1}}""", """{"type":"usage",""", " a { brace"])));
        var ask = RawRequest.Post(host.Api.Url("query/stream"), """{"model":"up/m","prompt":"Hi"}""").With("Penstock-Cache", "60");
        var (first, again) = (await AskAsync(ask), await AskAsync(ask));
        (first.Cache, again.Cache).ShouldBe(("miss", "hit"));
        again.Body.ShouldBe(first.Body);
    }

    [Fact]
    public async Task A_hit_at_the_first_pace_comes_as_the_answer_came()
    {
        var (time, go) = (new ManualTimeProvider(), System.Threading.Channels.Channel.CreateUnbounded<bool>());
        await using var host = await PenstockHost.StartAsync(
            ScriptedUpstream.Start(async call =>
            {
                await call.Sse(Chat.Role());
                foreach (var token in _tokens)
                {
                    await call.Sse(Chat.Text(token));
                    await go.Reader.ReadAsync();
                }

                await call.Sse([Chat.Finish(), Chat.Usage(7, 10)]);
                await call.Done();
            }),
            services => services.AddSingleton<TimeProvider>(time), ("Streams:Heartbeat", "01:00:00"));
        using var first = await SseClient.OpenAsync(Ask(host));
        var events = new List<SseEvent>();
        for (var i = 0; i < _tokens.Count; i++)
        {
            do events.Add((await first.NextAsync())!);
            while (View.ChatText(events) != string.Concat(_tokens.Take(i + 1)));
            time.Advance(TimeSpan.FromMilliseconds(100));
            go.Writer.TryWrite(true);
        }

        events.AddRange(await first.RestAsync());
        using var paced = await SseClient.OpenAsync(Ask(host, age: "60; pace=first"));
        var (seen, begun) = (new List<SseEvent>(), time.GetUtcNow());
        for (var i = 0; i < _tokens.Count; i++)
        {
            while (View.ChatText(seen) != string.Concat(_tokens.Take(i + 1))) seen.Add((await paced.NextAsync())!);
            var next = paced.NextAsync();
            await Eventually.Is(
                () =>
                {
                    if (!next.IsCompleted) time.Advance(TimeSpan.FromMilliseconds(20));
                    return next.IsCompleted;
                },
                "its time comes");
            (time.GetUtcNow() - begun).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(100 * (i + 1)));
            seen.Add((await next)!);
        }

        seen.AddRange(await paced.RestAsync());
        seen.ShouldBe(events);
        (await SseClient.AllAsync(Ask(host))).ShouldBe(events); // all at once
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_hit_is_not_counted()
    {
        var key = TestKey.For("alice", ("Limits:RequestsPerMinute", "1"));
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)), settings: key.Settings);
        for (var i = 0; i < 3; i++) (await Api.SendTextAsync(Ask(host).By(key))).Status.ShouldBe(HttpStatusCode.OK);
        (await Api.SendTextAsync(Ask(host, "Ho").By(key))).Status.ShouldBe(HttpStatusCode.TooManyRequests);
        var lines = (await Api.SendTextAsync(host.Api.Get("v1/usage").By(key))).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.ShouldHaveSingleItem().ShouldContain("\"outputTokens\":10");
    }

    [Fact]
    public async Task A_key_may_have_its_own_say_and_a_request_has_the_last()
    {
        var (with, without) = (TestKey.For("alice", ("CacheMaxAge", "00:01:00")), TestKey.For("bob", ("CacheMaxAge", "00:00:00")));
        await using var host = await PenstockHost.StartAsync(
            call => call.Sse(Chat.Answer(_tokens)), settings: [.. with.Settings, .. without.Settings, ("Cache:MaxAge", "00:05:00")]);
        async Task<string?> AskAsync(TestKey key, string? age)
        {
            using var reply = await RawReply.SendAsync(Ask(host, age: age).By(key));
            await reply.TextAsync();
            return reply.Headers.GetValueOrDefault("Penstock-Cache");
        }

        (await AskAsync(with, null)).ShouldBe("miss");
        (await AskAsync(with, null)).ShouldBe("hit");
        (await AskAsync(with, "off")).ShouldBeNull();
        (await AskAsync(without, null)).ShouldBeNull();
        (await AskAsync(without, "60")).ShouldBe("miss"); // nothing crosses owners
        (await AskAsync(without, "60")).ShouldBe("hit");
    }

    [Fact]
    public async Task White_space_and_the_order_of_members_make_no_other_request()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        foreach (var body in (string[])["""{"model":"up/m","prompt":"Hi","top_p":1,"user":null}""", """{ "prompt" : "Hi",  "top_p":1, "model":"up/m" }"""])
            await Api.SendTextAsync(RawRequest.Post(host.Api.Url("v1/chat/completions"), body).With("Penstock-Cache", "60"));
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("Hi", true, "off")]
    [InlineData("Hi", true, null)]
    [InlineData("Ho", true, "60")]
    [InlineData("Hi", false, "60")]
    public async Task Whoever_asks_otherwise_is_answered_anew(string prompt, bool stream, string? age)
    {
        await using var host = await PenstockHost.StartAsync(call => call.Request!["stream"]?.GetValue<bool>() == true ? call.Sse(Chat.Answer(_tokens)) : call.Json(200, Chat.Whole("A", 1, 1)));
        await Api.SendTextAsync(Ask(host));
        (await Api.SendTextAsync(Ask(host, prompt, stream, age))).Status.ShouldBe(HttpStatusCode.OK);
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_answer_that_failed_serves_nobody()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(400, """{"error":{"message":"no"}}"""));
        (await Api.SendTextAsync(Ask(host))).Status.ShouldNotBe(HttpStatusCode.OK);
        host.Upstream.Reply(call => call.Sse(Chat.Answer(_tokens)));
        View.ChatText(await SseClient.AllAsync(Ask(host))).ShouldBe(string.Concat(_tokens));
        View.ChatText(await SseClient.AllAsync(Ask(host))).ShouldBe(string.Concat(_tokens));
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_answer_that_is_too_old_serves_nobody()
    {
        var time = new ManualTimeProvider();
        await using var host = await PenstockHost.StartAsync(ScriptedUpstream.Start(call => call.Sse(Chat.Answer(_tokens))), services => services.AddSingleton<TimeProvider>(time));
        await Api.SendTextAsync(Ask(host, age: "600"));
        time.Advance(TimeSpan.FromSeconds(61));
        await Api.SendTextAsync(Ask(host, age: "600"));
        host.Upstream.Calls.Count.ShouldBe(1);
        await Api.SendTextAsync(Ask(host, age: "60"));
        host.Upstream.Calls.Count.ShouldBe(2);
        time.Advance(TimeSpan.FromSeconds(600));
        await Api.SendTextAsync(Ask(host, age: "600"));
        host.Upstream.Calls.Count.ShouldBe(3);
    }

    [Fact]
    public async Task What_is_configured_holds_for_requests_that_say_nothing()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)), settings: ("Cache:MaxAge", "00:01:00"));
        await Api.SendTextAsync(Ask(host, age: null));
        await Api.SendTextAsync(Ask(host, age: null));
        host.Upstream.Calls.Count.ShouldBe(1);
        var (status, error) = await Api.SendAsync(Ask(host, age: "soon"));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["message"]!).ShouldContain("Penstock-Cache is 'soon'");
    }
}
