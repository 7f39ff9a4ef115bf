using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

public sealed class GeminiTests
{
    private const string Hi = """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"unknown":{"a":1.50}}""";
    private static readonly string[] _payloads = [Text("Hel"), Text("lo"), """{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3}}"""];

    [Theory]
    [InlineData("v1beta/models/up/g:streamGenerateContent?alt=sse")]
    [InlineData("v1beta/models/up%2Fg:streamGenerateContent?alt=sse&key=client-secret")]
    [InlineData("v1/models/up/g:streamGenerateContent?alt=sse")]
    [InlineData("v1beta/models/models%2Fup:g:streamGenerateContent?alt=sse")]
    public async Task A_stream_passes_frame_by_frame(string path)
    {
        await using var host = await StartAsync(call => call.Sse(_payloads));
        var events = await SseClient.AllAsync(Post(host, path));
        events.Select(e => e.Data).ShouldBe(_payloads);
        var call = await host.Upstream.NextCallAsync();
        call.Path.ShouldBe("/v1/models/g:streamGenerateContent?alt=sse");
        call.Headers["x-goog-api-key"].ShouldBe(PenstockSettings.ApiKey);
        Encoding.UTF8.GetString(call.Body).ShouldBe(Hi);
        // The framework's own lines of each request show its query; the server turns them off.
        host.Log.Split('\n').Where(l => !l.StartsWith("Information Request ", StringComparison.Ordinal)).ShouldAllBe(l => !l.Contains("client-secret"));
    }

    [Fact]
    public async Task Only_who_reads_event_streams_gets_ids_and_can_resume()
    {
        await using var host = await StartAsync(call => call.Sse(_payloads));
        const string Path = "v1beta/models/up/g:streamGenerateContent?alt=sse";
        using (var plain = await RawReply.SendAsync(Post(host, Path)))
        {
            (await plain.TextAsync()).ShouldBe(string.Concat(_payloads.Select(p => $"data: {p}\n\n")));
        }

        var events = await SseClient.AllAsync(Post(host, Path));
        var rest = await SseClient.AllAsync(Post(host, Path).With("Last-Event-ID", events[0].Id!));
        rest.Select(e => (e.Id, e.Data)).ShouldBe(events.Skip(1).Select(e => (e.Id, e.Data)));
    }

    [Fact]
    public async Task Without_alt_sse_the_stream_is_one_array()
    {
        await using var host = await StartAsync(call => call.Sse(_payloads));
        using var reply = await RawReply.SendAsync(Post(host, "v1beta/models/up/g:streamGenerateContent"));
        reply.Headers["Content-Type"].ShouldStartWith("application/json");
        (await reply.TextAsync()).ShouldBe($"[{_payloads[0]}\n,\r\n{_payloads[1]}\n,\r\n{_payloads[2]}\n]\n");
    }

    [Theory]
    [InlineData("")]
    [InlineData("?alt=sse")]
    public async Task An_answer_that_is_cut_ends_in_an_error(string query)
    {
        await using var host = await StartAsync(call => call.Sse(_payloads[..2]));
        using var reply = await RawReply.SendAsync(Post(host, $"v1beta/models/up/g:streamGenerateContent{query}"));
        var text = await reply.TextAsync();
        var items = query.Length == 0
            ? JsonNode.Parse(text)!.AsArray().ToList()
            : text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(f => JsonNode.Parse(f["data: ".Length..])).ToList();
        items.Count.ShouldBe(3);
        ((string)items[2]!["error"]!["status"]!).ShouldBe("UNAVAILABLE");
        text.ShouldNotContain("finishReason");
    }

    [Fact]
    public async Task A_document_passes_as_it_is()
    {
        const string Document = """{ "candidates": [ { "content": { "parts": [ { "text": "Hi" } ] }, "finishReason": "STOP" } ], "x": 1.50 }""";
        await using var host = await StartAsync(call => call.Json(200, Document));
        using var reply = await RawReply.SendAsync(Post(host, "v1beta/models/up/g:generateContent"));
        (await reply.TextAsync()).ShouldBe(Document);
        (await host.Upstream.NextCallAsync()).Path.ShouldBe("/v1/models/g:generateContent");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row19_An_error_without_data_is_not_swallowed(bool ended)
    {
        await using var host = await StartAsync(async call =>
        {
            await call.Sse(_payloads[..1]);
            await call.Write("{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"secret\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n");
            if (!ended) await call.Hold();
        });
        using var reply = await RawReply.SendAsync(Post(host, "v1beta/models/up/g:streamGenerateContent"));
        var items = JsonNode.Parse(await reply.TextAsync())!.AsArray();
        items.Count.ShouldBe(2);
        ((int)items[1]!["error"]!["code"]!).ShouldBe(503);
        items.ToJsonString().ShouldNotContain("secret");
    }

    [Fact]
    public async Task Errors_before_the_first_output_have_a_status_and_Google_s_shape()
    {
        await using var host = await StartAsync(call => call.Json(429, """{"error":{"code":429,"message":"secret","status":"RESOURCE_EXHAUSTED"}}"""));
        foreach (var (path, body, status, name) in ((string, string, int, string)[])[
            ("v1beta/models/up/g:streamGenerateContent?alt=sse", Hi, 429, "RESOURCE_EXHAUSTED"),
            ("v1beta/models/up/g:generateContent", Hi, 429, "RESOURCE_EXHAUSTED"),
            ("v1beta/models/up/g:generateContent", "{}", 400, "INVALID_ARGUMENT"),
            ("v1beta/models/nobody:generateContent", Hi, 404, "NOT_FOUND"),
            ("v1beta/models/up/g:embedContent", Hi, 404, "NOT_FOUND")])
        {
            using var reply = await RawReply.SendAsync(RawRequest.Post(host.Api.Url(path), body));
            reply.Status.ShouldBe(status, path);
            var error = JsonNode.Parse(await reply.TextAsync())!["error"]!;
            ((int)error["code"]!).ShouldBe(status);
            ((string)error["status"]!).ShouldBe(name);
            ((string)error["message"]!).ShouldNotContain("secret");
        }
    }

    [Fact]
    public async Task Another_protocol_s_provider_answers_too_and_what_it_cannot_be_told_is_named()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse([Chat.Role(), Chat.Text("Hi"), Chat.Finish(), Chat.Usage(4, 2), "[DONE]"]));
        using var reply = await RawReply.SendAsync(Post(host, "v1beta/models/up/g:generateContent"));
        var document = JsonNode.Parse(await reply.TextAsync())!;
        ((string)document["candidates"]![0]!["content"]!["parts"]![0]!["text"]!).ShouldBe("Hi");
        ((int)document["usageMetadata"]!["totalTokenCount"]!).ShouldBe(6);
        reply.Headers["Penstock-Dropped"].ShouldBe("unknown");
    }

    [Fact]
    public async Task A_key_stands_for_one_model_and_one_form()
    {
        await using var host = await StartAsync(call => call.Sse(_payloads));
        RawRequest Keyed(string path) => Post(host, path).With("Idempotency-Key", "k");
        using (var first = await RawReply.SendAsync(Keyed("v1beta/models/up/g:streamGenerateContent"))) first.Status.ShouldBe(200);
        using (var again = await RawReply.SendAsync(Keyed("v1beta/models/up/g:streamGenerateContent?alt=sse"))) again.Status.ShouldBe(200);
        using var other = await RawReply.SendAsync(Keyed("v1beta/models/up/h:streamGenerateContent"));
        other.Status.ShouldBeInRange(400, 499);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Models_are_listed_in_Google_s_shape()
    {
        await using var host = await StartAsync(call => call.Sse(_payloads));
        var (_, list) = await Api.SendAsync(host.Api.Get("v1beta/models"));
        var name = (string)list!["models"]![0]!["name"]!;
        name.ShouldBe("models/up/scripted");
        var (_, model) = await Api.SendAsync(host.Api.Get($"v1beta/{name}"));
        ((string)model!["name"]!).ShouldBe(name);
        using var none = await RawReply.SendAsync(host.Api.Get("v1beta/models/none"));
        none.Status.ShouldBe(404);
        using var wrong = await RawReply.SendAsync(new RawRequest(host.Api.Url("v1/models/up/g"), "POST", "{}"));
        wrong.Status.ShouldBe(405);
        wrong.Headers["Allow"].ShouldBe("GET");
    }

    [Fact]
    public async Task Tokens_are_guessed_for_a_provider_that_does_not_count_and_marked_so()
    {
        await using var host = await PenstockHost.StartAsync();
        using var reply = await RawReply.SendAsync(Post(host, "v1beta/models/up/g:countTokens"));
        ((int)JsonNode.Parse(await reply.TextAsync())!["totalTokens"]!).ShouldBe(1);
        reply.Headers["Penstock-Estimated"].ShouldBe("true");
    }

    [Theory]
    [InlineData(Hi, Hi)]
    [InlineData("""{"generateContentRequest":{"model":"models/up/g","contents":[{"parts":[{"text":"Hi"}]}]}}""", """{"generateContentRequest":{"model":"models/g","contents":[{"parts":[{"text":"Hi"}]}]}}""")]
    public async Task Tokens_are_counted_by_a_provider_that_can(string asked, string sent)
    {
        const string Count = """{ "totalTokens": 31, "promptTokensDetails": [] }""";
        await using var host = await StartAsync(call => call.Json(200, Count));
        using var reply = await RawReply.SendAsync(RawRequest.Post(host.Api.Url("v1beta/models/up/g:countTokens"), asked));
        (await reply.TextAsync()).ShouldBe(Count);
        reply.Headers.ShouldNotContainKey("Penstock-Estimated");
        var call = await host.Upstream.NextCallAsync();
        call.Path.ShouldBe("/v1/models/g:countTokens");
        Encoding.UTF8.GetString(call.Body).ShouldBe(sent);
    }

    private static Task<PenstockHost> StartAsync(UpstreamScript script) => PenstockHost.StartAsync(script, "memory", ("Providers:up:Protocol", "gemini"));

    private static RawRequest Post(PenstockHost host, string path) => RawRequest.Post(host.Api.Url(path), Hi);

    private static string Text(string text) => $$"""{"candidates": [{"content": {"parts": [{"text": "{{text}}"}],"role": "model"},"index": 0}],"modelVersion": "g","new":1.50}""";
}
