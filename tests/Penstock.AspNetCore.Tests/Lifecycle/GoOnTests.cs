using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Penstock.Testing.Wires;
using Tokens = Penstock.Testing.Tokens;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>An answer that breaks off after its first word is gone on with by the next target, where that is asked for.</summary>
public sealed class GoOnTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("go", 20);

    private static readonly (string Key, string Value)[] _twoTargets =
    [
        ("Models:fast:Targets:0", "up/first"), ("Models:fast:Targets:1", "up/second"), ("Models:fast:AfterOutput", "continue"),
        ("Providers:up:ContinuesPrefix", "true"), ("Retry:MaxRetries", "1"), ("Retry:BaseDelay", "00:00:00.001"),
    ];

    public static TheoryData<string, Func<UpstreamCall, Task>> Breaks => new()
    {
        { "closes", call => { call.Close(); return Task.CompletedTask; } },
        { "resets", call => { call.Reset(); return Task.CompletedTask; } },
        { "ends without a word", _ => Task.CompletedTask },
        { "says an error", call => call.Sse(Chat.Error("overloaded")) },
        { "breaks its protocol", call => call.Sse("{nothing") },
        { "is silent", call => call.Hold() },
    };

    [Theory]
    [MemberData(nameof(Breaks), DisableDiscoveryEnumeration = true)]
    public async Task The_next_target_is_given_what_was_said_and_goes_on_in_the_same_block(string how, Func<UpstreamCall, Task> breaks)
    {
        await using var host = await PenstockHost.StartAsync(settings: [.. _twoTargets, ("Providers:up:IdleTimeout", "00:00:01")]);
        // What comes in one piece with what breaks it is not shown, and is said again: so it breaks only once it was seen.
        var seen = new TaskCompletionSource();
        host.Upstream
            .Reply(SayThen(8, async call =>
            {
                await seen.Task.WaitAsync(Eventually.Limit);
                await breaks(call);
            }))
            .Reply(GoOn);
        using var client = await SseClient.OpenAsync(host.Api.Chat("fast"));
        var events = new List<SseEvent>();
        while (View.ChatText(events).Length < string.Concat(_tokens.Take(8)).Length) events.Add((await client.NextAsync())!);
        seen.SetResult();
        events.AddRange(await client.RestAsync());
        View.ChatText(events).ShouldBe(string.Concat(_tokens), how);
        events.Count(e => e.Data.Contains("\"role\"", StringComparison.Ordinal)).ShouldBe(1);
        events.Count(View.IsDone).ShouldBe(1);
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second"]);

        var id = View.Generation(events[0].Id!);
        var native = await SseClient.AllAsync(host.Api.Events(id));
        var attempt = native.Single(e => e.Type() == "attempt").Json();
        ((int)attempt["attempt"]!, (string)attempt["model"]!).ShouldBe((2, "up/second"));
        native.Count(e => e.Type() == "block_start").ShouldBe(1);
        native.Count(e => e.Type() == "started").ShouldBe(1);
        var snapshot = await host.Api.SnapshotAsync(id);
        ((string)snapshot["status"]!, (string)snapshot["text"]!).ShouldBe(("finished", string.Concat(_tokens)));
        // The first said nothing of what it used; the second said 7 and 12.
        var said = string.Concat(_tokens.Take(8));
        var usage = snapshot["usage"]!;
        ((string)usage["source"]!, (long)usage["inputTokens"]!).ShouldBe(("partial", 7 + (("Say something.".Length + 3) / 4)));
        ((long)usage["outputTokens"]!).ShouldBe(12 + ((JsonBytes(said) + 3) / 4));
    }

    [Fact]
    public async Task First_words_that_come_in_one_piece_with_what_breaks_them_are_as_if_they_had_not_been_said()
    {
        await using var host = await PenstockHost.StartAsync(settings: _twoTargets);
        host.Upstream.Reply(call => call.Sse([Chat.Role(), Chat.Text(_tokens[0]), "{nothing"])).Reply(GoOn);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("fast"))).ShouldBe(string.Concat(_tokens));
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second"]);
    }

    [Theory]
    [InlineData("fail", null)]
    [InlineData(null, null)]
    [InlineData("fail", "fail")]
    public async Task Where_it_is_not_asked_for_the_answer_fails(string? global, string? alias)
    {
        var settings = _twoTargets.Where(s => !s.Key.EndsWith("AfterOutput", StringComparison.Ordinal)).ToList();
        if (global is not null) settings.Add(("Retry:AfterOutput", global));
        if (alias is not null) settings.Add(("Models:fast:AfterOutput", alias));
        await using var host = await PenstockHost.StartAsync(SayThen(8, _ => Task.CompletedTask), settings: [.. settings]);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens.Take(8)));
        events[^1].Json()["error"].ShouldNotBeNull();
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_single_model_goes_on_by_the_policy_for_all()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Retry:AfterOutput", "continue"), ("Providers:up:ContinuesPrefix", "true"), ("Retry:MaxRetries", "2"), ("Retry:BaseDelay", "00:00:00.001")]);
        host.Upstream.Reply(SayThen(3, _ => Task.CompletedTask)).Reply(GoOn);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m"))).ShouldBe(string.Concat(_tokens));
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Whoever_does_not_go_on_with_a_prefix_is_not_asked_and_the_first_failure_is_told()
    {
        await using var host = await PenstockHost.StartAsync(
            SayThen(3, _ => Task.CompletedTask), settings: [.. _twoTargets.Where(s => !s.Key.EndsWith("Prefix", StringComparison.Ordinal))]);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens.Take(3)));
        ((string)events[^1].Json()["error"]!["code"]!).ShouldBe("provider_disconnected");
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task It_goes_on_as_often_as_each_target_may_be_asked_and_fails_then_with_all_that_was_said()
    {
        var said = 0;
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse([Chat.Role(), Chat.Text(_tokens[said++])]);
                call.Reset();
            },
            settings: _twoTargets);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens.Take(4)));
        ((string)events[^1].Json()["error"]!["code"]!).ShouldBe("provider_disconnected");
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second", "first", "second"]);
    }

    [Fact]
    public async Task A_call_that_was_half_said_is_not_gone_on_with()
    {
        await using var host = await PenstockHost.StartAsync(
            call => call.Sse([Chat.Role(), Chat.Text("a"), Chat.ToolCall(0, "c", "f", "{\"a\":")]), settings: _twoTargets);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        events[^1].Json()["error"].ShouldNotBeNull();
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_failure_before_the_next_targets_first_word_passes_on_to_another()
    {
        await using var host = await PenstockHost.StartAsync(settings: _twoTargets);
        host.Upstream.Reply(SayThen(5, _ => Task.CompletedTask)).Reply(call => call.Json(503, "{}")).Reply(call => call.Json(400, "{}")).Reply(GoOn);
        var events = await SseClient.AllAsync(host.Api.Chat("fast"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens));
        host.Upstream.Calls.Select(c => c.Model).ShouldBe(["first", "second", "second", "first"]);
        var native = await SseClient.AllAsync(host.Api.Events(View.Generation(events[0].Id!)));
        native.Where(e => e.Type() == "attempt").Select(e => (int)e.Json()["attempt"]!).ShouldBe([2, 3, 4]);
    }

    public static TheoryData<string, string> Pairs => [.. PairData.Pairs.Where(p => p.Provider != "responses")];

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Every_pair_of_protocols_goes_on(string client, string provider)
    {
        var wire = Wire.All.Single(w => w.Protocol == provider);
        var prefixes = new List<string>();
        await using var host = await PenstockHost.StartAsync(
            call =>
            {
                var prefix = PrefixOf(call.Request!);
                lock (prefixes) prefixes.Add(prefix);
                var rest = _tokens.Skip(prefix.Length == 0 ? 0 : 8).ToList();
                return wire.PlayAsync(call, prefix.Length == 0 ? new WireAnswer { Text = rest.Take(8), IsCut = true } : new WireAnswer { Text = rest });
            },
            settings: [.. _twoTargets, ("Providers:up:Protocol", provider)]);
        var ask = new Ask { Model = "fast" };
        var theirs = ClientWire.All.Single(c => c.Name == client);
        using var reply = await RawReply.SendAsync(theirs.Request(host.Api, ask, change: null)).WaitAsync(Eventually.Limit);
        reply.Status.ShouldBe(200);
        var events = new PairReply(theirs, ask.Way, reply.Status, reply.Headers, await reply.TextAsync()).Events;
        var read = theirs.ReadStream(events, strict: (client, provider) != ("gemini", "gemini")); // there the provider's own responseId gives way to ours
        read.Text.ShouldBe(string.Concat(_tokens));
        prefixes.ShouldBe(["", string.Concat(_tokens.Take(8))]);
    }

    // What the model said so far stands as its own last message, in each protocol's words.
    private static string PrefixOf(JsonNode request)
    {
        var last = (request["messages"] ?? request["contents"])!.AsArray()[^1]!;
        if ((string?)last["role"] is not ("assistant" or "model")) return "";
        if (last["parts"] is { } parts) return string.Concat(parts.AsArray().Select(p => (string?)p!["text"]));
        return last["content"] is JsonArray content ? string.Concat(content.Select(p => (string?)p!["text"])) : (string)last["content"]!;
    }

    private static UpstreamScript SayThen(int tokens, Func<UpstreamCall, Task> then) => async call =>
    {
        await call.Sse([Chat.Role(), .. _tokens.Take(tokens).Select(Chat.Text)]);
        await Task.Yield();
        await then(call);
    };

    /// <summary>Goes on with what it is given.</summary>
    private static async Task GoOn(UpstreamCall call)
    {
        var said = PrefixOf(call.Request!);
        var done = 0;
        while (string.Concat(_tokens.Take(done)).Length < said.Length) done++;
        string.Concat(_tokens.Take(done)).ShouldBe(said);
        await call.Sse(Chat.Answer(_tokens.Skip(done)));
        await call.Done();
    }

    private static int JsonBytes(string text) => JsonValue.Create(text)!.ToJsonString().Length - 2; // ASCII
}
