using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary><c>POST /v1/responses</c> as clients see it.</summary>
public sealed class ResponsesTests
{
    private static readonly string? _folder = Repository.Recordings("openai-responses");

    public static TheoryData<string> Recordings => _folder is null
        ? ["(no recordings)"]
        : [.. Directory.GetFiles(_folder, "*.jsonl").Select(f => Path.GetFileName(f)).Order()];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task A_recording_comes_through_event_by_event_however_its_bytes_are_split(string name)
    {
        if (_folder is null) Assert.Skip("There are no recordings at ../shared/recordings.");
        var payloads = File.ReadLines(Path.Combine(_folder, name)).Where(l => l.Length > 0).ToList();
        var bytes = Encoding.UTF8.GetBytes(string.Concat(payloads.Select(p => $"event: {(string)JsonNode.Parse(p)!["type"]!}\r\ndata: {p}\r\n\r\n")));
        var random = new Random(name.Length);
        await using var host = await StartAsync("responses", async call =>
        {
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(random.Next(1, 3000), bytes.Length - at);
                await call.Write(bytes.AsMemory(at, size));
                at += size;
            }
        });
        using var client = await SseClient.OpenAsync(Create(host, ("stream", true)));
        var events = await client.RestAsync();
        var failure = payloads.FindIndex(p => (string?)JsonNode.Parse(p)!["type"] == "error");
        if (failure >= 0)
        {
            events.Count.ShouldBe(payloads.Count);
            events.Skip(failure).Select(e => e.Name).ShouldBe(["error", "response.failed"]);
            events.Skip(failure).ShouldAllBe(e => !e.Data.Contains("openai.com")); // the provider's words stay here
            ((string)events[failure].Json()["error"]!["code"]!).ShouldBe("insufficient_quota");
            ((string)events[^1].Json()["response"]!["error"]!["code"]!).ShouldBe("insufficient_quota");
            payloads = payloads[..failure];
        }
        else
        {
            events.Count.ShouldBe(payloads.Count);
        }

        for (var i = 0; i < payloads.Count; i++)
        {
            var sent = JsonNode.Parse(payloads[i])!;
            if (sent["response"] is { } response) response["id"] = $"resp_{client.Generation["gen_".Length..]}";
            JsonNode.DeepEquals(events[i].Json(), sent).ShouldBeTrue($"event {i}:\n{events[i].Data}\n{payloads[i]}");
        }
    }

    [Fact]
    public async Task A_provider_of_another_protocol_is_asked_in_its_own_words_and_what_it_was_not_told_is_named()
    {
        await using var host = await StartAsync("chat-completions", call => Responses.Play(call, ["Hi"]));
        using var client = await SseClient.OpenAsync(Create(host, ("stream", true), ("instructions", "Be brief."), ("prompt_cache_key", "k"), ("max_output_tokens", 9)));
        (await client.RestAsync())[^1].Name.ShouldBe("response.completed");
        client.Reply.Headers["Penstock-Dropped"].ShouldBe("prompt_cache_key");
        var request = (await host.Upstream.NextCallAsync()).Request!;
        ((string)request["messages"]![0]!["content"]!).ShouldBe("Be brief.");
        ((int)request["max_tokens"]!).ShouldBe(9);
        ((bool)request["stream"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task A_tool_that_only_this_protocol_has_is_refused_by_name_at_another()
    {
        await using var host = await StartAsync("chat-completions", call => Responses.Play(call, ["Hi"]));
        var (status, error) = await Api.SendAsync(Create(host, ("tools", new JsonArray(new JsonObject { ["type"] = "web_search" }))));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["param"]!).ShouldBe("tools[0] (web_search)");
        ((string)error["error"]!["type"]!).ShouldBe("invalid_request_error");
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("responses")]
    [InlineData("chat-completions")]
    public async Task A_cut_stream_never_looks_complete(string provider)
    {
        await using var host = await StartAsync(provider, async call =>
        {
            await Responses.Begin(call);
            await Responses.Text(call, "Half");
            call.Close();
        });
        var events = await SseClient.AllAsync(Create(host, ("stream", true)));
        events[^1].Name.ShouldBe("response.failed");
        for (var i = 0; i < events.Count; i++) ((long)events[i].Json()["sequence_number"]!).ShouldBe(i);
        var response = events[^1].Json()["response"]!;
        ((string)response["output"]![0]!["content"]![0]!["text"]!).ShouldBe("Half");
        var (_, stored) = await Api.SendAsync(host.Api.Get($"v1/responses/{response["id"]}"));
        JsonNode.DeepEquals(stored, response).ShouldBeTrue();
    }

    [Theory]
    [InlineData("responses")]
    [InlineData("chat-completions")]
    public async Task A_call_that_the_provider_refuses_is_an_error_without_its_words(string provider)
    {
        await using var host = await StartAsync(provider, call => call.Json(429, """{"error":{"message":"secret org-1"}}"""));
        using var reply = await RawReply.SendAsync(Create(host));
        reply.Status.ShouldBe(429);
        (await reply.TextAsync()).ShouldNotContain("secret");
    }

    [Fact]
    public async Task Tokens_are_counted_by_the_provider_where_it_can_with_what_was_said_before()
    {
        await using var host = await StartAsync("responses", call => call.Path.EndsWith("/input_tokens", StringComparison.Ordinal) ? call.Json(200, """{"object":"response.input_tokens","input_tokens":42,"aura":1}""") : Responses.Play(call, ["Ho."]));
        var (_, first) = await Api.SendAsync(Create(host));
        await host.Upstream.NextCallAsync();
        var body = new JsonObject { ["model"] = "up/m", ["previous_response_id"] = (string)first!["id"]!, ["input"] = "And?", ["max_output_tokens"] = 9, ["stream"] = true, ["tools"] = new JsonArray(), ["aura"] = 1 };
        using var reply = await RawReply.SendAsync(host.Api.Post("v1/responses/input_tokens", body));
        (await reply.TextAsync()).ShouldBe("""{"object":"response.input_tokens","input_tokens":42,"aura":1}""");
        reply.Headers.ShouldNotContainKey("Penstock-Estimated");
        var call = await host.Upstream.NextCallAsync();
        call.Path.ShouldBe("/v1/responses/input_tokens");
        call.Request!.AsObject().Select(m => m.Key).Order().ShouldBe(["input", "model", "tools"]);
        call.Request["input"]!.AsArray().Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("chat-completions", 0)]
    [InlineData("responses", 404)] // compatible, but for this
    [InlineData("responses", 500)]
    public async Task Tokens_are_guessed_where_the_provider_does_not_count(string provider, int status)
    {
        await using var host = await StartAsync(provider, call => call.Json(status, "{}"));
        using var reply = await RawReply.SendAsync(host.Api.Post("v1/responses/input_tokens", new JsonObject { ["model"] = "up/m", ["input"] = "Hi there, you" }));
        reply.Status.ShouldBe(status == 500 ? 502 : 200); // it counts, and failed
        host.Upstream.Calls.Count.ShouldBe(provider == "responses" ? 1 : 0);
        if (status == 500) return;
        (await reply.TextAsync()).ShouldBe("""{"object":"response.input_tokens","input_tokens":4}""");
        reply.Headers["Penstock-Estimated"].ShouldBe("true");
    }

    private static Task<PenstockHost> StartAsync(string provider, UpstreamScript script) =>
        PenstockHost.StartAsync(script, "memory", ("Providers:up:Protocol", provider));

    private static RawRequest Create(PenstockHost host, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["model"] = "up/m", ["input"] = "Hi" };
        foreach (var (name, value) in members) body[name] = value;
        return host.Api.Post("v1/responses", body);
    }
}
