using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Tools;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>What is longer than its model can read is sent as far as it fits, and what was left out is said.</summary>
public sealed class TrimTests(ITestOutputHelper output)
{
    private const int Window = 1000;
    private const int MaxTokens = 100;
    private const int MostBytes = (Window * 4) + 1000; // with what is JSON about it

    [Theory]
    [MemberData(nameof(LongHistory.Pairs), MemberType = typeof(LongHistory))]
    public async Task In_each_protocol_a_long_history_fits_and_what_was_left_out_is_said(string client, string provider)
    {
        var wire = Wire.All.Single(w => w.Protocol == provider);
        await using var host = await StartAsync(call => LongHistory.IsCount(call) ? call.Json(404, "{}") : wire.PlayAsync(call, new WireAnswer { Text = ["Well."] }), provider);
        var (path, body) = LongHistory.Of(client, turns: 20, MaxTokens);
        using var reply = await RawReply.SendAsync(host.Api.Post(path, body));
        reply.Status.ShouldBeOneOf(200, 201);
        var trimmed = int.Parse(reply.Headers["Penstock-Trimmed"]);
        await reply.TextAsync();
        var snapshot = await host.Api.EndedAsync(reply.Headers["Penstock-Generation"]);
        var sent = host.Upstream.Calls.Single(call => !LongHistory.IsCount(call)).Body;
        sent.Length.ShouldBeLessThan(MostBytes);
        var text = Encoding.UTF8.GetString(sent);
        text.ShouldContain("Be brief.");
        text.ShouldContain("Question 20");
        text.ShouldContain("Answer 19");
        text.ShouldNotContain("Question 1 ");

        ((int)snapshot["trimmed"]!["messages"]!).ShouldBe(trimmed);
        (trimmed % 2).ShouldBe(0);
        ((int)snapshot["trimmed"]!["window"]!).ShouldBe(Window);
        ((int)snapshot["trimmed"]!["tokens"]!).ShouldBeGreaterThan(trimmed * 90);
        ((string)snapshot["trimmed"]!["source"]!).ShouldBe("estimated");
        var left = 40 - trimmed;
        text.Split("word word", StringSplitOptions.None).Length.ShouldBeGreaterThan(left); // nothing else went
    }

    [Fact]
    public async Task It_is_an_event_of_the_log_that_a_late_joiner_sees_too()
    {
        await using var host = await StartAsync(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        var events = await SseClient.AllAsync(host.Api.Post(path, body));
        events[0].Name.ShouldBe("started");
        events[1].Name.ShouldBe("trimmed");
        var said = events[1].Json();
        ((int)said["messages"]!).ShouldBeGreaterThan(20);
        var id = events[0].Id!.Split('.')[0];
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events")))[1].Data.ShouldBe(events[1].Data);
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events").With("Last-Event-ID", events[0].Id!)))[0].Data.ShouldBe(events[1].Data);
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?protocol=ui-messages"))).ShouldContain(e => e.Data.StartsWith("{\"type\":\"data-trimmed\",\"data\":{\"messages\":", StringComparison.Ordinal));
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?protocol=ag-ui"))).ShouldContain(e => e.Data.StartsWith("{\"type\":\"CUSTOM\",\"name\":\"trimmed\",\"value\":{\"messages\":", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_failed_early_and_was_asked_again_says_it_once()
    {
        await using var host = await StartAsync(null, settings: [("Retry:MaxRetries", "1"), ("Retry:BaseDelay", "00:00:00")]);
        host.Upstream.Reply(call => call.Json(500, "{}"));
        host.Upstream.Reply(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        var events = await SseClient.AllAsync(host.Api.Post(path, body));
        events.Select(e => e.Name).Take(3).ShouldBe(["attempt", "started", "trimmed"]);
        events.Count(e => e.Name == "trimmed").ShouldBe(1);
        foreach (var call in host.Upstream.Calls) call.Body.Length.ShouldBeLessThan(MostBytes);
    }

    [Fact]
    public async Task What_the_steps_of_an_answer_take_goes_from_what_was_said_before()
    {
        var city = new string('x', 1400);
        await using var upstream = ScriptedUpstream.Start(call => call.Sse(call.Request!["messages"]!.AsArray().Any(m => (string?)m!["role"] == "tool")
            ? [.. Chat.Answer(["Well."]), "[DONE]"]
            : [Chat.Role(), Chat.ToolCall(0, "call_1", "get_weather", $$"""{"city":"{{city}}"}"""), Chat.Finish("tool_calls"), "[DONE]"]));
        await using var host = await PenstockHost.StartAsync(upstream, new TestTools().AddTo, ("Providers:up:Window", "2000"));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        var events = await SseClient.AllAsync(host.Api.Post(path, body));
        events[^1].Name.ShouldBe("finished");
        var counts = upstream.Calls.Select(call => call.Request!["messages"]!.AsArray().Count).ToList();
        counts.Count.ShouldBe(2);
        counts[1].ShouldBeLessThan(counts[0]); // though a call and its result came to it
        var trimmed = events.Where(e => e.Name == "trimmed").Select(e => (int)e.Json()["messages"]!).ToList();
        trimmed.ShouldBe([42 - counts[0], 42 - (counts[1] - 2)]);
        events.FindLastIndex(e => e.Name == "trimmed").ShouldBeGreaterThan(events.FindIndex(e => e.Name == "step"));
        ((int)(await host.Api.SnapshotAsync(View.Generation(events[0].Id!)))["trimmed"]!["messages"]!).ShouldBe(trimmed[1]);
    }

    [Fact]
    public async Task What_fits_or_may_be_of_any_length_is_sent_whole()
    {
        await using var host = await StartAsync(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]), settings: [("Providers:up:Windows:large", "100000")]);
        foreach (var (turns, model) in ((int, string)[])[(2, "up/m"), (20, "up/large")])
        {
            var (path, body) = LongHistory.Of("chat-completions", turns, MaxTokens);
            body["model"] = model;
            using var reply = await RawReply.SendAsync(host.Api.Post(path, body));
            reply.Headers.ContainsKey("Penstock-Trimmed").ShouldBeFalse();
            await reply.TextAsync();
            (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count.ShouldBe((2 * turns) + 2);
        }

        await using var off = await StartAsync(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]), settings: [("History:Policy", "off")]);
        var (address, all) = LongHistory.Of("chat-completions", 20, MaxTokens);
        await Api.SendTextAsync(off.Api.Post(address, all));
        (await off.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count.ShouldBe(42);
    }

    [Theory]
    [InlineData("window", null, true)]
    [InlineData("window", "auto", true)]
    [InlineData("window", "disabled", false)]
    [InlineData("off", null, false)]
    [InlineData("off", "auto", true)]
    public async Task A_request_says_itself_whether_it_may_be_trimmed(string policy, string? truncation, bool isTrimmed)
    {
        await using var host = await StartAsync(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]), settings: [("History:Policy", policy)]);
        var (path, body) = LongHistory.Of("responses", turns: 20, MaxTokens);
        if (truncation is not null) body["truncation"] = truncation;
        using var reply = await RawReply.SendAsync(host.Api.Post(path, body));
        reply.Status.ShouldBe(200);
        (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count.ShouldBe(isTrimmed ? 10 : 42);
        reply.Headers.ContainsKey("Penstock-Trimmed").ShouldBe(isTrimmed);
        reply.Headers.ContainsKey("Penstock-Dropped").ShouldBeFalse(); // it was heeded
        if (truncation is not null) ((string)JsonNode.Parse(await reply.TextAsync())!["truncation"]!).ShouldBe(truncation);

        body["truncation"] = "sometimes";
        var (status, error) = await Api.SendAsync(host.Api.Post(path, body));
        (status, (string)error!["error"]!["param"]!).ShouldBe((HttpStatusCode.BadRequest, "truncation"));
    }

    [Fact]
    public async Task What_an_answer_may_take_is_left_to_it()
    {
        await using var host = await StartAsync(call => call.Sse([.. Chat.Answer(["Well."]), "[DONE]"]));
        var counts = new List<int>();
        foreach (var most in (int[])[100, 450])
        {
            var (path, body) = LongHistory.Of("chat-completions", 20, MaxTokens);
            body["max_tokens"] = most;
            await Api.SendTextAsync(host.Api.Post(path, body));
            counts.Add((await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count);
        }

        counts[0].ShouldBeGreaterThan(counts[1]);
    }

    [Theory]
    [InlineData("messages", 3000)] // three times what is estimated
    [InlineData("gemini", 3000)]
    [InlineData("responses", 3000)]
    [InlineData("messages", 300)] // it fits
    [InlineData("gemini", 300)]
    [InlineData("responses", 300)]
    [InlineData("messages", 0)] // it refuses to count
    [InlineData("responses", 0)]
    public async Task A_provider_that_counts_has_the_last_word(string protocol, int tokens)
    {
        var wire = Wire.All.Single(w => w.Protocol == protocol);
        await using var host = await StartAsync(
            call => !LongHistory.IsCount(call) ? wire.PlayAsync(call, new WireAnswer { Text = ["Well."] })
                : tokens == 0 ? call.Json(400, "{}")
                : call.Json(200, protocol == "gemini" ? $$"""{"totalTokens":{{tokens}}}""" : $$"""{"input_tokens":{{tokens}}}"""),
            protocol);
        var (path, body) = LongHistory.Of(protocol, turns: 5, MaxTokens);
        if (protocol == "responses") body["max_output_tokens"] = 100; // as it is with the others
        using var reply = await RawReply.SendAsync(host.Api.Post(path, body));
        reply.Status.ShouldBe(200);
        await reply.TextAsync();
        var counting = (await host.Upstream.NextCallAsync()).Request!;
        if (protocol == "gemini") counting["generateContentRequest"]!.AsObject().Select(m => m.Key).ShouldBe(["model", "systemInstruction", "contents"]);
        else if (protocol == "responses") counting.AsObject().Select(m => m.Key).ShouldBe(["model", "instructions", "input"]);
        else counting.AsObject().Select(m => m.Key).ShouldBe(["model", "system", "messages"]); // it takes no max_tokens
        var sent = (await host.Upstream.NextCallAsync()).Request![protocol switch { "gemini" => "contents", "responses" => "input", _ => "messages" }]!.AsArray().Count;
        sent.ShouldBe(tokens switch { 3000 => 3, 300 => 11, _ => 9 });
        var snapshot = await host.Api.EndedAsync(reply.Headers["Penstock-Generation"]);
        if (tokens == 300) snapshot["trimmed"].ShouldBeNull();
        else ((string)snapshot["trimmed"]!["source"]!).ShouldBe(tokens == 0 ? "estimated" : "provider");
        if (tokens == 3000) ((int)snapshot["trimmed"]!["tokens"]!).ShouldBeInRange(2000, 3000);

        // What is short is not counted at all.
        var (_, little) = LongHistory.Of(protocol, turns: 1, MaxTokens);
        await Api.SendTextAsync(host.Api.Post(path, little));
        LongHistory.IsCount(await host.Upstream.NextCallAsync()).ShouldBeFalse();
    }

    [Theory]
    [InlineData("memory", "responses")]
    [InlineData("disk", "chat-completions")]
    public async Task Five_hundred_turns_stay_within_a_small_window_and_are_fast(string storage, string provider)
    {
        const int Turns = 500;
        await using var host = await StartAsync(
            call => LongHistory.IsCount(call) ? call.Json(400, "{}") : Responses.Play(call, [$"Answer {(call.Request!["messages"] ?? call.Request["input"])!.AsArray().Count}. {LongHistory.Words}"]), provider, storage);
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["items"] = new JsonArray(new JsonObject { ["role"] = "developer", ["content"] = "Be brief." }) }));
        var id = (string)made!["id"]!;
        var times = new List<double>();
        for (var turn = 1; turn <= Turns; turn++)
        {
            var begun = Stopwatch.GetTimestamp();
            var (status, response) = await Api.SendAsync(host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["conversation"] = id, ["input"] = $"Question {turn} {LongHistory.Words}" }));
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            status.ShouldBe(HttpStatusCode.OK, response?.ToJsonString());
            var call = await host.Upstream.NextCallAsync();
            while (LongHistory.IsCount(call)) call = await host.Upstream.NextCallAsync(); // which it does not do
            call.Body.Length.ShouldBeLessThan(MostBytes, $"turn {turn}");
            var sent = (call.Request!["messages"] ?? call.Request["input"])!.AsArray();
            sent.Count.ShouldBe(Math.Min(2 * turn, 8), $"turn {turn}"); // the instruction, three exchanges, the question
            sent[0]!.ToJsonString().ShouldContain("Be brief.");
            sent[1]!.ToJsonString().ShouldContain($"Question {Math.Max(1, turn - 3)} ");
            sent[^1]!.ToJsonString().ShouldContain($"Question {turn} ");
        }

        // All of it is kept, and once: the conversation's log, and of each request what it added.
        var (_, export) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/export"));
        export!["items"]!.AsArray().Count.ShouldBe(1 + (2 * Turns));
        var log = host.Services.GetRequiredService<IStreamLog>();
        var (kept, forked) = (0L, 0L);
        await foreach (var info in log.ListAsync("requests/"))
        {
            forked++;
            using var reader = (await log.OpenReaderAsync(info.Path, info.NextOffset - 1))!;
            while (!reader.TryRead(out var record) || (kept += record.Data.Length) < 0) await reader.WaitAsync();
        }

        forked.ShouldBe(Turns);
        (await log.GetAsync($"conversations/{id}"))!.NextOffset.ShouldBe(1 + (2 * Turns));
        kept.ShouldBeLessThan(Turns * 1000);
        var (early, late) = (times.Skip(10).Take(50).Average(), times.TakeLast(50).Average());
        output.WriteLine($"{storage}: {times.Sum() / 1000:0.0} s in all, {early:0.0} ms a turn at first, {late:0.0} ms at last; {kept / 1024} KiB of requests");
        late.ShouldBeLessThan(1000); // beside whatever else the machine does
    }

    private static Task<PenstockHost> StartAsync(UpstreamScript? script, string provider = "chat-completions", string storage = "memory", params (string, string)[] settings) =>
        PenstockHost.StartAsync(script, storage, [("Providers:up:Protocol", provider), ("Providers:up:Window", $"{Window}"), .. settings]);
}
