using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>Whose a stream is, where an address does not name it. <see cref="RouteWalkTests"/> has those that do.</summary>
public sealed class OwnerTests
{
    private readonly TestKey _alice = TestKey.For("alice"), _bob = TestKey.For("bob"), _admin = TestKey.For("operator", ("Admin", "true"));

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task One_idempotency_key_of_two_owners_is_two_keys(string storage)
    {
        await using var host = await TestKeys.StartAsync(storage, _alice, _bob);
        var request = host.Api.Chat("up/m", "same-5").With("Idempotency-Key", "key-1");
        var hers = await SseClient.AllAsync(request.By(_alice));
        var his = await SseClient.AllAsync(request.By(_bob));
        his[0].Id.ShouldNotBe(hers[0].Id);
        (await SseClient.AllAsync(request.By(_alice)))[0].Id.ShouldBe(hers[0].Id);
        // And a body that another one used with the key is no conflict.
        (await host.Api.Chat("up/m", "other-5").With("Idempotency-Key", "key-2").By(_alice).TextAsync()).ShouldStartWith("200");
        (await host.Api.Chat("up/m", "another-5").With("Idempotency-Key", "key-2").By(_bob).TextAsync()).ShouldStartWith("200");
        host.Upstream.Calls.Count.ShouldBe(4);
    }

    [Fact]
    public async Task One_job_name_of_two_owners_is_two_jobs()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        RawRequest Ask(string query) => host.Api.Post("ask", new JsonObject { ["model"] = "up/m", ["query"] = query, ["uuid"] = "job" });
        var (_, hers) = await Api.SendAsync(Ask("hers-3").By(_alice));
        (await Api.SendAsync(host.Api.Get("v1/generations/job").By(_bob))).Status.ShouldBe(HttpStatusCode.NotFound);
        var (status, his) = await Api.SendAsync(Ask("his-3").By(_bob));
        status.ShouldBe(HttpStatusCode.Accepted);
        ((string)his!["generation"]!).ShouldNotBe((string)hers!["generation"]!);
        (await SseClient.AllAsync(host.Api.Events("job").By(_bob))).ShouldAllBe(e => e.Id!.StartsWith((string)his["generation"]!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lists_show_ones_own_and_an_operator_all()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob, _admin);
        foreach (var key in (TestKey[])[_alice, _bob])
        {
            await Api.SendAsync(host.Api.Native("up/m", "a-3").By(key));
            await Put(host, "a/b", "[1]").By(key).TextAsync();
        }

        async Task<JsonArray> ListAsync(string path, TestKey key) => (await Api.SendAsync(host.Api.Get(path).By(key))).Body!["data"]!.AsArray();
        (await ListAsync("v1/generations", _alice)).Count.ShouldBe(1);
        (await ListAsync("v1/generations", _admin)).Count.ShouldBe(2);
        (await ListAsync("v1/streams", _bob)).Select(s => (string)s!["path"]!).ShouldContain("a/b");
        (await ListAsync("v1/streams", _bob)).Count.ShouldBe(2);
        var all = await ListAsync("v1/streams", _admin);
        all.Where(s => (string)s!["path"]! == "a/b").Select(s => (string)s!["owner"]!).ShouldBe(["bob", "alice"]);
        all.Count.ShouldBe(4);

        // An operator names whose stream is meant; for anybody else the word means nothing.
        (await Put(host, "a/b", "[2]").By(_alice).TextAsync()).ShouldStartWith("200");
        (await host.Api.Get("v1/stream/a/b?owner=alice").By(_admin).TextAsync()).ShouldEndWith("[1]");
        (await host.Api.Get("v1/stream/a/b").By(_admin).TextAsync()).ShouldStartWith("404");
        (await host.Api.Get("v1/stream/only/hers?owner=alice").By(_bob).TextAsync()).ShouldStartWith("404");
        (await host.Api.Get("v1/stream/a/b?owner=nobody").By(_bob).TextAsync()).ShouldEndWith("[1]");
    }

    [Fact]
    public async Task A_reply_of_several_generations_leaves_out_what_is_anothers()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        var (_, hers) = await Api.SendAsync(host.Api.Native("up/m", "hers-3").By(_alice));
        var (_, his) = await Api.SendAsync(host.Api.Native("up/m", "his-3").By(_bob));
        var events = await SseClient.AllAsync(host.Api.Get($"v1/generations/events?streams={hers!["id"]},{his!["id"]}").By(_bob));
        events.Where(e => e.Name != "end").ShouldAllBe(e => e.Id!.StartsWith((string)his["id"]!, StringComparison.Ordinal));
        var refused = events.Where(e => e.Name == "end").Select(e => JsonNode.Parse(e.Data)!).Single(e => e["error"] is not null);
        ((string)refused["generation"]!).ShouldBe((string)hers["id"]!);
        ((string)refused["error"]!["code"]!).ShouldBe("generation_not_found");
    }

    [Fact]
    public async Task An_operator_stops_what_is_anothers()
    {
        await using var host = await TestKeys.StartAsync(_alice, _admin);
        host.Upstream.ReplyTo("hold", call => call.Hold());
        var (_, started) = await Api.SendAsync(host.Api.Native("up/hold").By(_alice));
        var (status, snapshot) = await Api.SendAsync(host.Api.Post($"v1/generations/{started!["id"]}/stop", new JsonObject()).By(_admin));
        status.ShouldBe(HttpStatusCode.OK);
        ((string)snapshot!["status"]!).ShouldBe("stopped");
    }

    [Fact]
    public async Task A_conversation_goes_on_from_ones_own_responses_alone()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        RawRequest Ask(string id) => host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "b-3", ["previous_response_id"] = id });
        var (_, hers) = await Api.SendAsync(host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a-3" }).By(_alice));
        var id = (string)hers!["id"]!;
        const string Nobodys = "resp_0123456789abcdef0123456789abcdef";
        (await Ask(id).By(_alice).TextAsync()).ShouldStartWith("200");
        (await Ask(id).By(_bob).TextAsync()).Replace(id, Nobodys, StringComparison.Ordinal).ShouldBe(await Ask(Nobodys).By(_bob).TextAsync());

        var item = (string)hers["output"]![0]!["id"]!;
        RawRequest Refer(string reference) => host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = new JsonArray(new JsonObject { ["type"] = "item_reference", ["id"] = reference }, new JsonObject { ["role"] = "user", ["content"] = "b-3" }) });
        var nobodysItem = item.Replace(id["resp_".Length..], Nobodys["resp_".Length..], StringComparison.Ordinal);
        (await Refer(item).By(_alice).TextAsync()).ShouldStartWith("200");
        (await Refer(item).By(_bob).TextAsync()).Replace(item, nobodysItem, StringComparison.Ordinal).ShouldBe(await Refer(nobodysItem).By(_bob).TextAsync());
    }

    [Fact]
    public async Task A_calls_id_leads_to_the_signature_in_ones_own_log_alone()
    {
        await using var gemini = ScriptedUpstream.Start(call => call.Sse("""{"candidates":[{"content":{"parts":[{"functionCall":{"name":"weather","args":{}},"thoughtSignature":"c2lnLTM="}],"role":"model"},"finishReason":"STOP","index":0}]}"""));
        await using var host = await PenstockHost.StartAsync(null, "memory", [.. _alice.Settings, .. _bob.Settings, ("Providers:g:Protocol", "gemini"), ("Providers:g:BaseUrl", gemini.BaseUrl)]);
        JsonObject Ask(params JsonObject[] messages) => new() { ["model"] = "g/m", ["messages"] = new JsonArray(messages), ["tools"] = JsonNode.Parse("""[{"type":"function","function":{"name":"weather"}}]""") };
        JsonObject user = new() { ["role"] = "user", ["content"] = "Say something." };
        var (_, hers) = await Api.SendAsync(host.Api.Post("v1/chat/completions", Ask(user)).By(_alice));
        var id = (string)hers!["choices"]![0]!["message"]!["tool_calls"]![0]!["id"]!;
        foreach (var (key, sees) in ((TestKey, bool)[])[(_alice, true), (_bob, false)])
        {
            var next = Ask(
                (JsonObject)user.DeepClone(),
                new() { ["role"] = "assistant", ["tool_calls"] = new JsonArray(new JsonObject { ["id"] = id, ["type"] = "function", ["function"] = new JsonObject { ["name"] = "weather", ["arguments"] = "{}" } }) },
                new() { ["role"] = "tool", ["tool_call_id"] = id, ["content"] = "Rain." });
            (await Api.SendAsync(host.Api.Post("v1/chat/completions", next).By(key))).Status.ShouldBe(HttpStatusCode.OK);
            gemini.Calls.Last().Request!.ToJsonString().Contains("c2lnLTM=", StringComparison.Ordinal).ShouldBe(sees);
        }
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("/v1/stream/a/b")]
    [InlineData("/v1/stream/a%2Fb")]
    [InlineData("../owned/alice/a/b")]
    public async Task Nothing_of_anothers_is_forked(string source)
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        await Put(host, "a/b", "[1]").By(_alice).TextAsync();
        (await Put(host, "fork", null).By(_bob).With("Stream-Forked-From", source).TextAsync()).ShouldStartWith("404");
        if (source[0] != '.') (await Put(host, "fork", null).By(_alice).With("Stream-Forked-From", source).TextAsync()).ShouldStartWith("201");
    }

    [Fact]
    public async Task A_subscription_hears_of_its_owners_streams_alone()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        await Put(host, "wakes", "[]").By(_bob).TextAsync();
        (await Put(host, "__ds/subscriptions/s", """{"type":"pull-wake","pattern":"**","wake_stream":"wakes","streams":["a/b"]}""").By(_bob).TextAsync()).ShouldStartWith("201");
        (await Put(host, "__ds/subscriptions/s", """{"type":"pull-wake","pattern":"only/*","wake_stream":"hers"}""").By(_alice).TextAsync()).ShouldStartWith("201"); // another one of that id
        await Put(host, "a/b", "[1,2,3]").By(_alice).TextAsync();
        RawRequest Claim() => host.Api.Post("v1/stream/__ds/subscriptions/s/claim", new JsonObject { ["worker"] = "w" }).By(_bob);
        (await Claim().TextAsync()).ShouldContain("NO_PENDING_WORK");

        await Put(host, "a/b", "[7]").By(_bob).TextAsync();
        var (_, claim) = await Api.SendAsync(Claim());
        ((string)claim!["streams"]![0]!["tail_offset"]!).ShouldBe("0000000000000001");
        // The token of a wake says whose it is, so that its worker needs no key; it is good for nothing else.
        var token = (string)claim["token"]!;
        RawRequest Ack(string text) => host.Api.Post("v1/stream/__ds/subscriptions/s/ack", new JsonObject { ["wake_id"] = (string)claim["wake_id"]!, ["generation"] = (long)claim["generation"]!, ["done"] = true }).With("Authorization", $"Bearer {text}");
        var alicesName = Convert.ToBase64String("alice"u8).TrimEnd('=');
        (await Ack(token.Split('.')[0] + "." + alicesName).TextAsync()).ShouldStartWith("401");
        (await Ack(token.Split('.')[0]).TextAsync()).ShouldStartWith("401");
        (await Ack(_bob.Text).TextAsync()).ShouldStartWith("401");
        (await host.Api.Get("v1/generations").With("Authorization", $"Bearer {token}").TextAsync()).ShouldStartWith("401");
        (await Ack(token).TextAsync()).ShouldStartWith("200");
    }

    [Fact]
    public async Task What_a_cache_keeps_is_for_one_alone()
    {
        await using var host = await TestKeys.StartAsync(_alice);
        await Put(host, "a", "[1]").By(_alice).TextAsync();
        using var reply = await RawReply.SendAsync(host.Api.Get("v1/stream/a").With("x-api-key", _alice.Text));
        reply.Headers["Cache-Control"].ShouldStartWith("private");
    }

    private static RawRequest Put(PenstockHost host, string path, string? body) => RawRequest.Post(host.Api.Url($"v1/stream/{path}"), body ?? "") with { Method = "PUT" };
}
