using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Tokens = Penstock.AspNetCore.Tests.Pairs.Tokens;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>What gateways get wrong when they translate, in every pair where it can occur.</summary>
public sealed class EveryPairTests(PairHost pairs)
{
    private static readonly Tokens _usage = new(3, 4);

    private static readonly Call _oslo = new("call_1", "weather", """{"city":"Oslo"}""");
    private static readonly Call _rome = new("call_2", "weather", """{"city":"Rome"}""");

    public static TheoryData<string> Clients => [.. PairData.Protocols];

    public static TheoryData<string, string> WildCalls => [.. from client in PairData.Protocols from shape in _wildCalls.Keys select (client, shape)];

    public static TheoryData<string, string, string, string> OddErrors =>
    [
        .. from client in PairData.Protocols
           from error in _oddErrors
           from after in new[] { "at once", "after text" }
           select (client, error.Provider, error.Shape, after),
    ];

    private static readonly Dictionary<string, string[]> _wildCalls = new()
    {
        ["index 0 for all, in one chunk"] =
        [
            Chunk("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},{"index":0,"id":"call_2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]}"""),
        ],
        ["index 0 for all, in chunks of their own"] =
        [
            Chunk("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}"""),
            Chunk("""{"tool_calls":[{"index":0,"id":"call_2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]}"""),
        ],
        ["no index and no ids"] =
        [
            Chunk("""{"tool_calls":[{"function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}"""),
            Chunk("""{"tool_calls":[{"function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]}"""),
        ],
        ["arguments that are objects"] =
        [
            Chunk("""{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"weather","arguments":{"city":"Oslo"}}},{"index":1,"id":"call_2","function":{"name":"weather","arguments":{"city":"Rome"}}}]}"""),
        ],
        ["text beside the calls, an empty list beside the text"] =
        [
            Chunk("""{"content":"","tool_calls":[]}"""),
            Chunk("""{"content":"","tool_calls":[{"index":0,"id":"call_1","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}"""),
            Chunk("""{"content":null,"tool_calls":[{"index":1,"id":"call_2","function":{"name":"weather","arguments":""}}]}"""),
            Chunk("""{"tool_calls":[{"index":1,"function":{"arguments":"{\"city\":\"Rome\"}"}}]}"""),
        ],
    };

    private static readonly (string Provider, string Shape, string Bytes)[] _oddErrors =
    [
        ("messages", "without its event name", "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"),
        ("gemini", "bare JSON", "{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}"),
        ("gemini", "bare JSON of many lines", "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n"),
        ("chat-completions", "in a frame of its own", "data: {\"error\":{\"message\":\"Overloaded\",\"code\":503}}\n\n"),
        ("responses", "nested", "event: error\ndata: {\"type\":\"error\",\"sequence_number\":9,\"error\":{\"type\":\"server_error\",\"code\":\"server_error\",\"message\":\"Overloaded\",\"param\":null}}\n\n"),
    ];

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task Row10_An_answer_that_begins_with_a_tool_call_opens_no_text(string client, string provider)
    {
        var (answer, events) = await AskAsync(client, provider, new Answer { Calls = [_oslo], Stop = "calls", Usage = _usage });
        Blocks.Of(client, events).ShouldBe(["call"]);
        answer.Text.ShouldBeEmpty();
        answer.Calls.ShouldHaveSingleItem().ToString().ShouldEndWith("weather({\"city\":\"Oslo\"})");
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task Row11_Reasoning_is_no_text_and_begins_no_second_message(string client, string provider)
    {
        var (answer, events) = await AskAsync(client, provider, new Answer { Reasoning = "First I think, then", Text = "One two three.", Usage = _usage });
        Blocks.Of(client, events).ShouldBe(["reasoning", "text"]);
        answer.Reasoning.ShouldBe("First I think, then");
        answer.Text.ShouldBe("One two three.");
        events.Count(e => e.Data.Contains("\"message_start\"", StringComparison.Ordinal) || e.Data.Contains("\"response.created\"", StringComparison.Ordinal))
            .ShouldBe(client is "messages" or "responses" ? 1 : 0);
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task Row12_A_switch_of_blocks_drops_no_delta(string client, string provider)
    {
        var said = new Answer { Reasoning = "a b c", Text = "d e f", Calls = [_oslo, _rome], Stop = "calls", Usage = _usage };
        var (answer, events) = await AskAsync(client, provider, said);
        Blocks.Of(client, events).ShouldBe(["reasoning", "text", "call", "call"]);
        answer.Reasoning.ShouldBe("a b c");
        answer.Text.ShouldBe("d e f");
        answer.Calls.Select(c => Js.Canonical(c.Arguments)).ShouldBe(["""{"city":"Oslo"}""", """{"city":"Rome"}"""]);
    }

    [Theory]
    [MemberData(nameof(WildCalls))]
    public async Task Row13_Calls_as_Ollama_and_compatible_servers_send_them_stay_apart(string client, string shape)
    {
        var wire = ProviderWire.Of("chat-completions");
        var ask = pairs.Prepare(wire, call => call.Write(wire.Frames(
        [
            Chunk("""{"role":"assistant","content":""}"""), .. _wildCalls[shape], Chunk("{}", "stop"),
            """{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}""", "[DONE]",
        ])));
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask);
        if (client == "chat-completions")
        {
            // Its own protocol's bytes are its client's to understand.
            reply.Events.Count.ShouldBe(_wildCalls[shape].Length + 4);
            return;
        }

        var answer = reply.Answer();
        answer.Calls.Select(c => $"{c.Name} {Js.Canonical(c.Arguments)}").ShouldBe(["""weather {"city":"Oslo"}""", """weather {"city":"Rome"}"""], reply.Body);
        answer.Stop.ShouldBe("calls");
        answer.Text.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task Row14_A_signature_without_text_reaches_the_client_and_comes_back(string client, string provider)
    {
        const string Signature = "c2lnbmF0dXJl";
        var said = provider switch
        {
            "gemini" => new Answer { Text = "One.", TextSignature = Signature, Usage = _usage },
            "responses" => new Answer { Redacted = Signature, Text = "One.", Usage = _usage },
            _ => new Answer { ReasoningSignature = Signature, Text = "One.", Usage = _usage },
        };
        var (answer, events) = await AskAsync(client, provider, said);
        string.Concat(events.Select(e => e.Data)).ShouldContain(Signature);
        answer.Text.ShouldBe("One.");
        var next = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(new Answer { Text = "Two.", Usage = _usage }),
            new Ask { Turns = [new UserTurn("One?"), new AssistantTurn(answer), new UserTurn("Two?")] });
        (await pairs.AskAsync(ClientWire.Of(client), next)).Answer().Text.ShouldBe("Two.");
        (await pairs.CallAsync(next)).Request!.ToJsonString().ShouldContain(Signature);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Row15_Responses_says_each_text_when_it_is_done_and_all_of_it_at_the_end(string provider)
    {
        var said = new Answer { Reasoning = "Hm.", Text = "One two.", Calls = [_oslo], Stop = "calls", Usage = _usage };
        var (_, events) = await AskAsync("responses", provider, said);
        events.Select(e => e.Json()).Single(e => e["type"].Str() == "response.output_text.done")["text"].Str().ShouldBe("One two.");
        var output = events[^1].Json().At("response", "output").Items().ToList();
        output.Select(i => i["type"].Str()).ShouldBe(["reasoning", "message", "function_call"]);
        output[1]["content"]![0]!["text"].Str().ShouldBe("One two.");
        Js.Canonical(output[2]["arguments"].Str()).ShouldBe("""{"city":"Oslo"}""");
    }

    [Theory]
    [MemberData(nameof(OddErrors))]
    public async Task Row19_An_error_of_an_odd_shape_is_an_error(string client, string provider, string shape, string after)
    {
        var wire = ProviderWire.Of(provider);
        var bytes = _oddErrors.Single(e => e.Provider == provider && e.Shape == shape).Bytes;
        var before = after == "at once" ? "" : wire.Frames(wire.Until(new Answer { Text = "One two three." }, "two"));
        var reply = await pairs.AskAsync(ClientWire.Of(client), pairs.Prepare(wire, call => call.Write(before + bytes)));
        if (after == "at once")
        {
            reply.Status.ShouldBeGreaterThanOrEqualTo(500, reply.Body);
            reply.Error().ShouldNotBeEmpty();
            return;
        }

        var answer = reply.Answer();
        answer.Text.ShouldBe("One two ");
        answer.Error.ShouldNotBeNullOrEmpty();
        answer.Complete.ShouldBeFalse();
        answer.Stop.ShouldBeNull();
    }

    private async Task<(Answer Answer, IReadOnlyList<SseEvent> Events)> AskAsync(string client, string provider, Answer said)
    {
        var reply = await pairs.AskAsync(ClientWire.Of(client), pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(said), new Ask { Tools = ["weather"] }));
        return (reply.Answer(), reply.Events);
    }

    private static string Chunk(string delta, string? finish = null) =>
        $$"""{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{Js.Q(finish)}}}]}""";
}
