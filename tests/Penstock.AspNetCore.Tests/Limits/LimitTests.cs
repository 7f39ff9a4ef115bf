using System.Net;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Limits;

/// <summary>Who is let in, what it costs, and what whoever is not is told.</summary>
public sealed class LimitTests
{
    private const string Key = "00000000-0000-0000-0000-000000000001";

    private static readonly UpstreamScript _endless = Tokens.Script([.. Enumerable.Repeat("tok ", 100_000)], TimeSpan.FromMilliseconds(1));

    [Theory]
    [InlineData(1024)]
    [InlineData(15)] // all five begin, and share what is left
    public async Task Row08_Five_streams_at_once_use_no_more_tokens_than_one_may(int reserved)
    {
        await using var host = await StartAsync(_endless, ("TokensPerMinute", "100"), ("ReservedTokens", $"{reserved}"));
        var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
        {
            using var reply = await RawReply.SendAsync(host.Api.Chat("up/m"));
            return (reply.Status, Text: await reply.TextAsync());
        }));
        var let = replies.Where(r => r.Status == 200).ToList();
        let.Count.ShouldBe(reserved == 15 ? 5 : 1);
        let.ShouldAllBe(r => r.Text.Contains("\"finish_reason\":\"length\"") && r.Text.TrimEnd().Contains("[DONE]"));
        replies.Where(r => r.Status != 200).ShouldAllBe(r => r.Status == 429 && r.Text.Contains("rate_limit_exceeded"));
        (let.Sum(r => r.Text.Split("tok ").Length - 1) + (4 * let.Count)).ShouldBeInRange(95, 100); // 14 characters ask
        foreach (var call in host.Upstream.Calls) await Eventually.Completes(call.Closed, "the provider's call ends");
    }

    public static TheoryData<string> Surfaces => ["chat", "responses", "messages", "gemini", "native", "text", "ask"];

    [Theory]
    [MemberData(nameof(Surfaces))]
    public async Task Each_protocol_has_its_words_and_headers_for_limits(string surface)
    {
        await using var host = await StartAsync(Tokens.ByPrompt(), ("RequestsPerMinute", "1"), ("TokensPerMinute", "5000"));
        using (var first = await RawReply.SendAsync(Request(host.Api, surface)))
        {
            (await first.TextAsync()).ShouldNotBeEmpty();
            first.Status.ShouldBeInRange(200, 202);
            CheckHeaders(first, surface, remaining: "0");
        }

        using var refused = await RawReply.SendAsync(Request(host.Api, surface));
        refused.Status.ShouldBe(429);
        int.Parse(refused.Headers["Retry-After"]).ShouldBeInRange(1, 61);
        int.Parse(refused.Headers["retry-after-ms"]).ShouldBeInRange(1, 61_000);
        CheckHeaders(refused, surface, remaining: "0");
        var error = JsonNode.Parse(await refused.TextAsync())!;
        ((string)error["error"]!["message"]!).ShouldStartWith("You may send 1 requests a minute");
        switch (surface)
        {
            case "messages":
                ((string)error["type"]!, (string)error["error"]!["type"]!).ShouldBe(("error", "rate_limit_error"));
                ((string)error["request_id"]!).ShouldStartWith("req_");
                break;
            case "gemini":
                ((int)error["error"]!["code"]!, (string)error["error"]!["status"]!).ShouldBe((429, "RESOURCE_EXHAUSTED"));
                break;
            default:
                ((string)error["error"]!["code"]!).ShouldBe("rate_limit_exceeded");
                break;
        }

        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Joining_resuming_watching_and_stopping_cost_nothing()
    {
        await using var host = await StartAsync(_endless, ("RequestsPerMinute", "1"), ("Streams", "1"));
        var request = host.Api.Chat("up/m").With("Idempotency-Key", Key);
        using var first = await SseClient.OpenAsync(request);
        var seen = await first.NextAsync();
        for (var i = 0; i < 3; i++)
        {
            using var joined = await SseClient.OpenAsync(request);
            joined.Reply.Status.ShouldBe(200);
            joined.Generation.ShouldBe(first.Generation);
            joined.Reply.Headers.ShouldNotContainKey("x-ratelimit-remaining-requests");
            using var resumed = await SseClient.OpenAsync(host.Api.Chat("up/m").With("Last-Event-ID", seen!.Id!));
            resumed.Generation.ShouldBe(first.Generation);
            using var watching = await SseClient.OpenAsync(host.Api.Events(first.Generation));
            watching.Reply.Status.ShouldBe(200);
            (await host.Api.SnapshotAsync(first.Generation)).ShouldNotBeNull();
        }

        (await host.Api.StopAsync(first.Generation)).Status.ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(host.Api.Chat("up/m", "a-3"))).ShouldBe(429); // that one is new
    }

    [Fact]
    public async Task One_key_that_is_sent_twice_at_once_is_one_request()
    {
        await using var host = await StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(2)), ("RequestsPerMinute", "1"), ("Streams", "1"));
        var replies = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => StatusAsync(host.Api.Chat("up/m", "a-20").With("Idempotency-Key", Key))));
        // The other one may have come before there was anything to join.
        replies.ShouldContain(200);
        (await StatusAsync(host.Api.Chat("up/m", "a-20").With("Idempotency-Key", Key))).ShouldBe(200);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_failed_before_it_said_anything_gives_back_what_was_reserved_for_it()
    {
        await using var host = await StartAsync(null, ("TokensPerMinute", "1000"), ("Streams", "1"), ("RequestsPerMinute", "4"));
        host.Upstream.ReplyTo("ok", Tokens.Script(["one ", "two "]));
        for (var i = 0; i < 3; i++) (await StatusAsync(host.Api.Chat("up/broken"))).ShouldBe(502);
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/ok"));
        reply.Status.ShouldBe(200);
        reply.Headers["x-ratelimit-remaining-tokens"].ShouldBe("0"); // all of the thousand could be reserved
        await reply.TextAsync();
        (await StatusAsync(host.Api.Chat("up/ok"))).ShouldBe(429); // the requests were made
    }

    [Fact]
    public async Task What_an_answer_did_not_need_is_there_again_at_its_end()
    {
        await using var host = await StartAsync(Tokens.Script(["one ", "two "]), ("TokensPerMinute", "200"), ("Streams", "1"));
        for (var i = 0; i < 20; i++)
        {
            using var reply = await RawReply.SendAsync(host.Api.Chat("up/m"));
            reply.Status.ShouldBe(200, $"request {i}");
            await reply.TextAsync();
        }
    }

    [Fact]
    public async Task A_request_that_is_refused_leaves_nothing_reserved()
    {
        await using var host = await StartAsync(call => call.Model == "held" ? call.Hold() : Tokens.ByPrompt()(call), ("Streams", "1"), ("TokensPerMinute", "10000"));
        var held = await host.Api.StartAsync("up/held");
        for (var i = 0; i < 20; i++) (await StatusAsync(host.Api.Chat("up/m", "a-3"))).ShouldBe(429);
        await host.Api.StopAsync(held);
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", "a-3"));
        reply.Status.ShouldBe(200);
        int.Parse(reply.Headers["x-ratelimit-remaining-tokens"]).ShouldBeGreaterThan(8900);
        await reply.TextAsync();
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("-9223372036854775808")]
    [InlineData("-1000")]
    public async Task What_no_provider_can_have_counted_frees_nothing_and_ends_no_answer(string count)
    {
        var answer = Chat.Whole("Hello", 7, 11).Replace(":7,", $":{count},", StringComparison.Ordinal).Replace(":11,", $":{count},", StringComparison.Ordinal);
        answer.Split(count).Length.ShouldBe(3);
        await using var host = await StartAsync(
            call => call.Json(200, answer), ("TokensPerMinute", "60"), ("BudgetPerDay", "1000"), ("Prices:0:Model", "*"), ("Prices:0:Input", "1000000"), ("Prices:0:Output", "1000000"), ("ReservedTokens", "20"));
        var asked = 0;
        for (; asked < 30; asked++)
        {
            using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", stream: false));
            if (reply.Status == 429) break;
            reply.Status.ShouldBe(200);
            (await reply.TextAsync()).ShouldContain("Hello");
        }

        asked.ShouldBeInRange(2, 12); // each is 4 tokens of a request and, as estimated, two of an answer
        var (_, list) = await Api.SendAsync(host.Api.Get("v1/generations"));
        foreach (var generation in list!["data"]!.AsArray())
        {
            ((string)generation!["status"]!).ShouldBe("finished");
            generation["usage"]!.ToJsonString().ShouldNotContain(count);
        }
    }

    [Fact]
    public async Task A_budget_is_not_passed_by_asking_for_more_than_can_be_multiplied()
    {
        await using var host = await StartAsync(Tokens.ByPrompt(), ("BudgetPerDay", "1000"), ("Prices:0:Model", "*"), ("Prices:0:Output", "1000000")); // one each
        var request = host.Api.Chat("up/m", "a-3");
        request = request with { Body = request.Body!.Replace("\"stream\":true", "\"n\":128,\"max_tokens\":2147483647", StringComparison.Ordinal) };
        (await Api.SendAsync(request)).Status.ShouldBe(HttpStatusCode.PaymentRequired);
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_budget_is_spent_by_the_prices_and_then_refuses()
    {
        // An answer costs 7 in and 10 out: 0.00007 + 0.0002; what it may cost is 4 in and 20 out.
        await using var host = await StartAsync(
            Tokens.Script([.. Enumerable.Repeat("tok ", 10)]), ("BudgetPerDay", "0.001"), ("Prices:0:Model", "up/*"), ("Prices:0:Input", "10"), ("Prices:0:Output", "20"), ("ReservedTokens", "20"));
        for (var i = 0; i < 3; i++) (await StatusAsync(host.Api.Chat("up/m"))).ShouldBe(200);
        foreach (var (surface, type) in ((string, string)[])[("chat", "insufficient_quota"), ("messages", "billing_error"), ("gemini", "RESOURCE_EXHAUSTED"), ("native", "insufficient_quota")])
        {
            var (status, body) = await Api.SendAsync(Request(host.Api, surface, "Say something."));
            status.ShouldBe(HttpStatusCode.PaymentRequired);
            body!.ToJsonString().ShouldContain(type);
            body!.ToJsonString().ShouldContain("0.001 a day");
        }

        (await Api.SendAsync(host.Api.Chat("simulated/chat"))).ShouldSatisfyAllConditions(
            r => r.Status.ShouldBe(HttpStatusCode.Forbidden), r => ((string)r.Body!["error"]!["code"]!).ShouldBe("model_without_price"));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_budget_that_is_used_up_in_an_answer_ends_it(string storage)
    {
        await using var host = await StartAsync(storage, _endless, ("BudgetPerMonth", "0.001"), ("Prices:0:Model", "*"), ("Prices:0:Output", "10"), ("ReservedTokens", "20"));
        var events = await SseClient.AllAsync(host.Api.Native("up/m", stream: true));
        ((string)events[^1].Json()["reason"]!).ShouldBe("budget_limit");
        View.NativeText(events).Length.ShouldBe(400); // a hundred tokens at a hundred-thousandth
        (await StatusAsync(host.Api.Native("up/m"))).ShouldBe(402);
    }

    [Fact]
    public async Task An_event_source_is_sent_away_for_as_long_as_it_takes()
    {
        await using var host = await StartAsync(Tokens.ByPrompt(), ("RequestsPerMinute", "1"));
        await SseClient.AllAsync(host.Api.ChatStream("up/m", "a-3"));
        using var later = await RawReply.SendAsync(host.Api.ChatStream("up/m", "a-3").With("Accept", "text/event-stream"));
        later.Status.ShouldBe(200);
        (await later.TextToCutAsync()).ShouldMatch(@"\Aretry: [0-9]{5}\n\z");
    }

    [Fact]
    public async Task A_key_has_its_own_limits_and_all_keys_of_an_owner_have_the_owners_together()
    {
        TestKey one = TestKey.For("alice", ("Limits:RequestsPerMinute", "2")), two = TestKey.For("alice"), bob = TestKey.For("bob"), free = TestKey.For("carol", ("Limits:RequestsPerMinute", "0"), ("Admin", "true"));
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory",
            [.. one.Settings, .. two.Settings, .. bob.Settings, .. free.Settings, ("Limits:PerKey:RequestsPerMinute", "1"), ("Limits:Owners:alice:Streams", "50"), ("Limits:Owners:alice:RequestsPerMinute", "3")]);
        async Task<int> AskAsync(TestKey key) => await StatusAsync(host.Api.Chat("up/m", "a-3").By(key));
        (await AskAsync(one)).ShouldBe(200);
        (await AskAsync(one)).ShouldBe(200);
        (await AskAsync(one)).ShouldBe(429);
        (await AskAsync(two)).ShouldBe(200);
        (await AskAsync(two)).ShouldBe(429);
        (await AskAsync(bob)).ShouldBe(200);
        (await AskAsync(bob)).ShouldBe(429);
        for (var i = 0; i < 5; i++) (await AskAsync(free)).ShouldBe(200);
        (await Api.SendTextAsync(host.Api.Get("metrics").By(free))).Body.ShouldContain("penstock_limits_reached_total{penstock_limit=\"requests\",penstock_limit_on=\"key\"}");
    }

    [Fact]
    public async Task Streams_and_counts_are_requests_too()
    {
        await using var host = await StartAsync(Tokens.ByPrompt(), ("RequestsPerMinute", "2"));
        var count = host.Api.Post("v1/messages/count_tokens", JsonNode.Parse("""{"model":"up/m","messages":[{"role":"user","content":"Hi"}]}""")!);
        (await StatusAsync(count)).ShouldBe(200);
        (await StatusAsync(host.Api.Get("v1/streams"))).ShouldBe(200);
        (await StatusAsync(host.Api.Get("v1/streams"))).ShouldBe(429);
        (await StatusAsync(count)).ShouldBe(429);
        (await StatusAsync(host.Api.Get("v1/models"))).ShouldBe(200);
    }

    [Theory]
    [InlineData("Limits:PerKey:RequestsPerMinute", "-1", "Penstock:Limits:PerKey:RequestsPerMinute is -1")]
    [InlineData("Limits:Owners:alice:BudgetPerDay", "-0.5", "Penstock:Limits:Owners:alice:BudgetPerDay is -0.5")]
    [InlineData("Limits:Prices:0:Input", "1", "Penstock:Limits:Prices:0:Model is missing")]
    [InlineData("Limits:ReservedTokens", "0", "Penstock:Limits:ReservedTokens is under 1")]
    public async Task A_wrong_setting_stops_the_start(string key, string value, string says) =>
        (await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => PenstockHost.StartAsync(null, "memory", (key, value)))).Message.ShouldContain(says);

    private static Task<PenstockHost> StartAsync(UpstreamScript? script, params (string Key, string Value)[] limits) => StartAsync("memory", script, limits);

    // Nobody in particular is one owner.
    private static Task<PenstockHost> StartAsync(string storage, UpstreamScript? script, params (string Key, string Value)[] limits) => PenstockHost.StartAsync(
        script, storage, [.. limits.Select(l => (l.Key is "ReservedTokens" || l.Key.StartsWith("Prices", StringComparison.Ordinal) ? $"Limits:{l.Key}" : $"Limits:PerOwner:{l.Key}", l.Value))]);

    private static RawRequest Request(Api api, string surface, string prompt = "a-3") => surface switch
    {
        "chat" => api.Chat("up/m", prompt),
        "responses" => api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = prompt, ["stream"] = true }),
        "messages" => api.Messages("up/m", prompt),
        "gemini" => api.Post("v1beta/models/up/m:streamGenerateContent?alt=sse", JsonNode.Parse($$"""{"contents":[{"role":"user","parts":[{"text":"{{prompt}}"}]}]}""")!),
        "native" => api.Native("up/m", prompt),
        "text" => api.ChatStream("up/m", prompt),
        _ => api.Post("ask", new JsonObject { ["model"] = "up/m", ["query"] = prompt, ["uuid"] = Guid.NewGuid().ToString() }),
    };

    private static void CheckHeaders(RawReply reply, string surface, string remaining)
    {
        var headers = reply.Headers;
        if (surface == "messages")
        {
            (headers["anthropic-ratelimit-requests-limit"], headers["anthropic-ratelimit-requests-remaining"]).ShouldBe(("1", remaining));
            var reset = DateTimeOffset.Parse(headers["anthropic-ratelimit-requests-reset"]);
            (reset - DateTimeOffset.UtcNow).ShouldBeInRange(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(63));
            headers["anthropic-ratelimit-tokens-limit"].ShouldBe("5000");
            int.Parse(headers["anthropic-ratelimit-tokens-remaining"]).ShouldBeInRange(3900, 5000);
            return;
        }

        (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]).ShouldBe(("1", remaining));
        headers["x-ratelimit-reset-requests"].ShouldMatch(@"\A(1m[0-9.]+s|[0-9.]+s)\z");
        headers["x-ratelimit-limit-tokens"].ShouldBe("5000");
    }

    private static async Task<int> StatusAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request).WaitAsync(Eventually.Limit);
        await reply.TextAsync();
        return reply.Status;
    }
}
