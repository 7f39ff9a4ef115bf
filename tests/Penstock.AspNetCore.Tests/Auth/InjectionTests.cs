using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>What a client writes stays where it was written: in no header, no frame and no address that is not its own.</summary>
public sealed class InjectionTests
{
    private const string Evil = "x\r\nevil: 1\r\n\r\nevent: done\ndata: evil\n\n";

    private static readonly string _escaped = Uri.EscapeDataString(Evil);

    public static TheoryData<string> Fields => [.. Requests(new Api(new Uri("http://127.0.0.1/"))).Select(r => r.Where)];

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task A_line_end_in_a_field_begins_no_header_and_no_frame(string where)
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            if (call.Streams) await call.Sse([Chat.Role(), Chat.Text(Evil), Chat.Finish()]);
            else await call.Json(200, Chat.Whole(Evil, 1, 1));
            await call.Done();
        });
        using var reply = await RawReply.SendAsync(Requests(host.Api).Single(r => r.Where == where).Request);
        reply.Headers.Keys.ShouldNotContain("evil", StringComparer.OrdinalIgnoreCase);
        reply.Headers.Values.ShouldAllBe(v => !v.Contains('\r') && !v.Contains('\n'));
        var text = reply.Status == 204 ? "" : await reply.TextAsync();
        foreach (var line in text.Split('\n'))
        {
            line.ShouldNotStartWith("evil");
        }

        text.Contains("event: done\ndata: evil", StringComparison.Ordinal).ShouldBeFalse();
        text.Contains('\r').ShouldBeFalse();
    }

    private static IEnumerable<(string Where, RawRequest Request)> Requests(Api api)
    {
        JsonObject Message(string text) => new() { ["role"] = "user", ["content"] = text };
        yield return ("a prompt, as plain text", api.ChatStream("up/m", Evil));
        yield return ("a model, as plain text", api.ChatStream(Evil));
        yield return ("a model at a provider, as plain text", api.Get($"stream?query=a&model=up/{_escaped}"));
        yield return ("a model, in Chat Completions", api.Chat($"up/{Evil}"));
        yield return ("a model that is none, in Chat Completions", api.Chat(Evil));
        yield return ("a model, in Messages", api.Messages($"up/{Evil}"));
        yield return ("a model, in Responses", api.Post("v1/responses", new JsonObject { ["model"] = $"up/{Evil}", ["input"] = "a", ["stream"] = true, ["metadata"] = new JsonObject { [Evil] = Evil } }));
        yield return ("a model, in Gemini", api.Post($"v1beta/models/up/{_escaped}:streamGenerateContent?alt=sse", JsonNode.Parse("""{"contents":[{"role":"user","parts":[{"text":"a"}]}]}""")!));
        yield return ("a model, native", api.Native($"up/{Evil}", stream: true));
        yield return ("a model, asked for", api.Get($"v1/models/{_escaped}"));
        yield return ("a job's name", api.Post("ask", new JsonObject { ["query"] = "a", ["uuid"] = Evil }));
        yield return ("onDisconnect", api.Post("v1/generations", new JsonObject { ["prompt"] = "a", ["onDisconnect"] = Evil }));
        yield return ("a field that is not known", api.Messages("up/m") with { Body = new JsonObject { ["model"] = "up/m", ["max_tokens"] = 9, ["stream"] = true, [Evil] = Evil, ["messages"] = new JsonArray(Message(Evil)), ["metadata"] = new JsonObject { ["user_id"] = Evil } }.ToJsonString() });
        yield return ("a tool's name", api.Post("v1/chat/completions", new JsonObject { ["model"] = "up/m", ["stream"] = true, ["messages"] = new JsonArray(Message("a")), ["tools"] = new JsonArray(new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = Evil } }), ["user"] = Evil }));
        yield return ("a generation's id", api.Get($"v1/generations/{_escaped}"));
        yield return ("a response's id", api.Get($"v1/responses/resp_{_escaped}"));
        yield return ("after", api.Get($"v1/generations/gen_0123456789abcdef0123456789abcdef/events?after={_escaped}"));
        yield return ("status", api.Get($"v1/generations?status={_escaped}"));
        yield return ("previous_response_id", api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a", ["previous_response_id"] = Evil }));
        yield return ("an item's id", api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = new JsonArray(new JsonObject { ["type"] = "item_reference", ["id"] = $"msg_0123456789abcdef0123456789abcdef_{Evil}" }) }));
        yield return ("a stream's path", RawRequest.Post(api.Url($"v1/stream/{_escaped}"), "[]") with { Method = "PUT" });
        yield return ("live", api.Get($"v1/stream/a?live={_escaped}"));
        yield return ("an offset", api.Get($"v1/stream/a?offset={_escaped}"));
        yield return ("a cursor", api.Get($"v1/stream/a?cursor={_escaped}"));
        yield return ("a ticket", api.Get($"v1/generations/gen_0123456789abcdef0123456789abcdef/events?ticket={_escaped}"));
        yield return ("a subscription's id", RawRequest.Post(api.Url($"v1/stream/__ds/subscriptions/{_escaped}"), """{"type":"pull-wake","pattern":"a","wake_stream":"w"}""") with { Method = "PUT" });
        yield return ("an address", api.Get($"nothing/{_escaped}"));
    }

    [Theory]
    [InlineData("Idempotency-Key")]
    [InlineData("Last-Event-ID")]
    [InlineData("Penstock-On-Disconnect")]
    [InlineData("anthropic-version")]
    [InlineData("Authorization")]
    [InlineData("x-api-key")]
    public async Task A_bare_line_end_in_a_header_is_no_request(string header)
    {
        await using var host = await TestKeys.StartAsync(TestKey.For("alice"));
        foreach (var end in (string[])["\r", "\0"])
        {
            using var reply = await RawReply.SendAsync(host.Api.Messages("up/m").With(header, $"a{end}evil: 1"));
            reply.Status.ShouldBe(400);
            reply.Headers.Keys.ShouldNotContain("evil", StringComparer.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("v1/stream/../stream/alices/log")]
    [InlineData("v1/stream/x/../alices/log")]
    [InlineData("v1/stream/x/%2e%2e/alices/log")]
    [InlineData("v1/stream/%2e%2e/%2e%2e/owned/alice/alices/log")]
    [InlineData("v1/stream/..%2f..%2fowned%2falice%2falices%2flog")]
    [InlineData("v1/stream/..%252f..%252falices%252flog")]
    [InlineData("v1/stream/alices%2Flog")]
    [InlineData("v1/stream/alices%252Flog")]
    [InlineData("v1/stream/alices//log")]
    [InlineData("v1/stream//alices/log")]
    [InlineData("v1/stream/./alices/./log")]
    [InlineData("v1/stream/alices/log/")]
    [InlineData("v1/stream/alices/log%00")]
    [InlineData("v1/stream/alices%5Clog")]
    [InlineData("v1/stream/alices/log?owner=alice")]
    [InlineData("v1/stream/owned/NAMESPACE/alices/log")]
    [InlineData("v1/stream/../owned/NAMESPACE/alices/log")]
    [InlineData("v1/stream/%2e%2e%2fowned/NAMESPACE/alices/log")]
    [InlineData("v1/stream/generations/../alices/log")]
    [InlineData("v1/stream/generations/..%2Falices/log")]
    [InlineData("v1/stream/generations/ID")]
    [InlineData("v1/stream/generations%2FID")]
    [InlineData("v1/stream/generations/./ID")]
    [InlineData("v1/stream/generations/x/../ID")]
    [InlineData("v1/stream/Generations/ID")]
    [InlineData("v1/stream/generations//ID")]
    [InlineData("v1/stream/requests/ID")]
    [InlineData("v1/stream/../requests/ID")]
    [InlineData("v1/stream/keys/tickets")]
    [InlineData("v1/stream/../keys/tickets")]
    [InlineData("v1/stream/generations/../keys/tickets")]
    [InlineData("v1/stream/generations/..%2Fkeys%2Ftickets")]
    [InlineData("v1/stream/subscriptions/x")]
    [InlineData("v1/stream/__ds%2Fsubscriptions/s")]
    [InlineData("v1/responses/../generations/ID")]
    [InlineData("v1/generations/../stream/alices/log")]
    [InlineData("openai/v1/responses/resp_ID")]
    public async Task No_way_to_write_an_address_leads_to_anothers_stream(string path)
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await TestKeys.StartAsync(alice, bob);
        using var started = await SseClient.OpenAsync(host.Api.Native("up/m", "alices-words-3", stream: true).By(alice));
        await started.RestAsync();
        await (RawRequest.Post(host.Api.Url("v1/stream/alices/log"), """["alices-words"]""") with { Method = "PUT" }).By(alice).TextAsync();
        await host.Api.Post($"v1/generations/{started.Generation}/ticket", new JsonObject()).By(alice).TextAsync(); // keys/tickets is there now
        path = path.Replace("ID", started.Generation, StringComparison.Ordinal)
            .Replace("NAMESPACE", Penstock.AspNetCore.Endpoints.DurableStreams.StreamName.PrefixOf("alice").Split('/')[1], StringComparison.Ordinal);

        // Not by Uri, which tidies the path.
        foreach (var method in (string[])["GET", "HEAD", "DELETE", "POST"])
        {
            var request = new RawRequest(host.Api.Url(""), method, method == "POST" ? "[]" : null) { Target = "/" + path }.With("Content-Type", "application/json").By(bob);
            var text = await request.TextAsync();
            text[..3].ShouldBeOneOf("400", "404", "405");
            text.ShouldNotContain("alices-words");
        }

        (await host.Api.Get("v1/stream/alices/log").By(alice).TextAsync()).ShouldEndWith("""["alices-words"]""");
        (await SseClient.AllAsync(host.Api.Events(started.Generation).By(alice)))[^1].Type().ShouldBe("finished");
    }
}
