using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Tests.Protocols.ChatCompletions;

public sealed class EventReaderTests
{
    public static TheoryData<string, string[], string, FinishReason> Streams => new()
    {
        {
            "text", [Delta("""{"role":"assistant","content":""}"""), Delta("""{"content":"Hel"}"""), Delta("""{"content":"lo"}"""), Finish("stop"), "[DONE]"],
            "+0 Text | 0:Hel | 0:lo | -0", FinishReason.Stop
        },
        {
            "an empty list of tool calls beside text", [Delta("""{"content":"Hi","tool_calls":[]}"""), Finish("stop")],
            "+0 Text | 0:Hi | -0", FinishReason.Stop
        },
        {
            "a tool call first, with empty arguments, opens no text",
            [
                Delta("""{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}"""),
                Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"""), Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"""), Finish("tool_calls"),
            ],
            """+0 f(c1) | 0:{\"a\": | 0:1} | -0""", FinishReason.ToolCalls
        },
        {
            "reasoning, then text, none of it lost at the switch",
            [Delta("""{"role":"assistant","content":null,"reasoning_content":""}"""), Delta("""{"content":null,"reasoning_content":"Hm"}"""), Delta("""{"content":"A","reasoning_content":null}"""), Finish("stop")],
            "+0 Reasoning | 0:Hm | -0 | +1 Text | 1:A | -1", FinishReason.Stop
        },
        {
            "reasoning under its other name, and again in details", [Delta("""{"reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}]}"""), Delta("""{"content":"A"}"""), Finish("stop")],
            "+0 Reasoning | 0:Hm | -0 | +1 Text | 1:A | -1", FinishReason.Stop
        },
        {
            "reasoning under both names is one", [Delta("""{"reasoning":"Hm","reasoning_content":"Hm"}"""), Finish("stop")],
            "+0 Reasoning | 0:Hm | -0", FinishReason.Stop
        },
        {
            "a signature without text", [Delta("""{"reasoning_details":[{"type":"reasoning.text","text":"Hm"}]}"""), Delta("""{"content":"","reasoning_details":[{"type":"reasoning.text","text":"","signature":"sig\/="}]}"""), Finish("stop")],
            """+0 Reasoning | 0:Hm | 0:#sig\/= | -0""", FinishReason.Stop
        },
        {
            "Mistral's arrays",
            [Delta("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]}"""), Delta("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"!"}]},{"type":"text","text":"A"}]}"""), Delta("""{"content":"B"}"""), Finish("stop")],
            "+0 Reasoning | 0:Hm | 0:! | -0 | +1 Text | 1:A | 1:B | -1", FinishReason.Stop
        },
        {
            "a refusal", [Delta("""{"role":"assistant","content":"","refusal":null}"""), Delta("""{"refusal":"No"}"""), Delta("""{"refusal":"."}"""), Finish("stop")],
            "+0 Refusal | 0:No | 0:. | -0", FinishReason.Stop
        },
        {
            "text, then a call, and stop for a reason", [Delta("""{"content":"Let me see."}"""), Delta(Call("0", "\"c1\"", "f", "\"{}\"")), Finish("stop")],
            "+0 Text | 0:Let me see. | -0 | +1 f(c1) | 1:{} | -1", FinishReason.ToolCalls
        },
        {
            "parallel calls, interleaved", [Delta(Call("0", "\"a\"", "f", "\"\"")), Delta(Call("1", "\"b\"", "g", "\"\"")), Delta("""{"tool_calls":[{"index":1,"function":{"arguments":"B"}},{"index":0,"function":{"arguments":"A"}}]}"""), Finish("tool_calls")],
            "+0 f(a) | +1 g(b) | 1:B | 0:A | -0 | -1", FinishReason.ToolCalls
        },
        {
            "parallel calls that are all number 0", [Delta(Call("0", "\"a\"", "f", "\"{\"")), Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"""), Delta(Call("0", "\"b\"", "f", "\"{}\"")), Finish("stop")],
            "+0 f(a) | 0:{ | 0:} | +1 f(b) | 1:{} | -0 | -1", FinishReason.ToolCalls
        },
        {
            "parallel calls in one chunk without index", [Delta("""{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]}"""), Finish("tool_calls")],
            "+0 f(a) | 0:{} | +1 f(b) | 1:{} | -0 | -1", FinishReason.ToolCalls
        },
        {
            "parallel calls in one chunk without index or id", [Delta("""{"tool_calls":[{"function":{"name":"f","arguments":"{"}},{"function":{"name":"f","arguments":"{"}}]}"""), Finish("tool_calls")],
            "+0 f() | 0:{ | +1 f() | 1:{ | -0 | -1", FinishReason.ToolCalls
        },
        {
            "whole calls of the same function, number 0, without an id", [Delta(Call("0", "\"\"", "f", "\"{\\\"a\\\":1}\"")), Delta(Call("0", "\"\"", "f", "\"{\\\"a\\\":2}\"")), Finish("stop")],
            """+0 f() | 0:{\"a\":1} | +1 f() | 1:{\"a\":2} | -0 | -1""", FinishReason.ToolCalls
        },
        {
            "arguments as an object", [Delta(Call("0", "\"a\"", "f", """{ "at": "\u00e9\n" }""")), Delta(Call("0", "null", "f", "{}")), Finish("stop")],
            """+0 f(a) | 0:{ \"at\": \"\\u00e9\\n\" } | +1 f() | 1:{} | -0 | -1""", FinishReason.ToolCalls
        },
        {
            "id and name repeated in every chunk", [Delta(Call("0", "\"a\"", "f", "\"{\"")), Delta(Call("0", "\"a\"", "f", "\"}\"")), Delta(Call("0", "\"\"", "", "\" \"")), Finish("tool_calls")],
            "+0 f(a) | 0:{ | 0:} | 0:  | -0", FinishReason.ToolCalls
        },
        {
            "a call without arguments", [Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"""), Finish("tool_calls")],
            "+0 f(a) | -0", FinishReason.ToolCalls
        },
        {
            "a call in the form before tools", [Delta("""{"function_call":{"name":"f","arguments":""}}"""), Delta("""{"function_call":{"arguments":"{}"}}"""), Finish("function_call")],
            "+0 f() | 0:{} | -0", FinishReason.ToolCalls
        },
        {
            "the last text in the finishing chunk", ["""{"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"length"}]}"""],
            "+0 Text | 0:! | -0", FinishReason.Length
        },
        {
            "members in Azure's order, and its chunk without choices", ["""{"choices":[],"id":"","model":"","prompt_filter_results":[]}""", """{"choices":[{"delta":{"content":"A"},"finish_reason":null,"index":0,"logprobs":null}]}""", Finish("content_filter")],
            "+0 Text | 0:A | -0", FinishReason.ContentFilter
        },
        {
            "log probabilities, with and without text", ["""{"choices":[{"index":0,"logprobs":{"content":[]},"delta":{"content":""}}]}""", """{"choices":[{"index":0,"delta":{"content":"A"},"logprobs":{"content":[1.0]}}]}""", """{"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":[2]}}]}""", Finish("stop")],
            """+0 Text | 0:A%{"content":[1.0]} | 0:%{"content":[2]} | -0""", FinishReason.Stop
        },
        {
            "an unknown reason", [Delta("""{"content":"A"}"""), Finish("moonrise")],
            "+0 Text | 0:A | -0", FinishReason.Other
        },
        {
            "[DONE] without a reason", [Delta("""{"content":"A"}"""), "[DONE]"],
            "+0 Text | 0:A | -0", FinishReason.Stop
        },
        {
            "a chunk without a delta, a null one, and null choices", ["""{"choices":[{"index":0}]}""", """{"choices":[{"index":0,"delta":null}]}""", """{"choices":null}""", "", Delta("""{"content":"A","error":null}"""), Finish("stop")],
            "+0 Text | 0:A | -0", FinishReason.Stop
        },
        {
            "white space between all tokens", ["{ \"choices\" :\n[ { \"index\" : 0 , \"delta\" : {\r\n\"content\" : \"A\" } , \"finish_reason\" : \"stop\" } ] }\n"],
            "+0 Text | 0:A | -0", FinishReason.Stop
        },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Every_shape_becomes_the_blocks_it_means(string shape, string[] payloads, string events, FinishReason reason)
    {
        shape.ShouldNotBeEmpty();
        var (reader, list) = Play(payloads);
        list.Short.ShouldBe(events);
        reader.Finished.ShouldBeTrue();
        reader.Done.ShouldBe(payloads[^1] == "[DONE]");
        reader.Reason.ShouldBe(reason);
        reader.Error.ShouldBeNull();
    }

    [Fact]
    public void It_is_finished_when_all_choices_are()
    {
        var reader = new ChatCompletionsEventReader(2);
        var list = new EventList();
        Feed(reader, list, """{"choices":[{"index":1,"delta":{"content":"B"}}]}""", """{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}""");
        reader.Finished.ShouldBeFalse();
        Feed(reader, list, """{"choices":[{"index":0,"delta":{"content":"A"}}]}""");
        reader.Finished.ShouldBeFalse();
        Feed(reader, list, Finish("stop"));
        reader.Finished.ShouldBeTrue();
        reader.Reason.ShouldBe(FinishReason.Stop);
        reader.Reasons.ShouldBe([FinishReason.Stop, FinishReason.Length]);
        list.Short.ShouldBe("+0 Text choice 1 | 0:B | -0 | +1 Text | 1:A | -1");
    }

    [Theory]
    [InlineData("""{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}""", 3, 0, 3, 0, 0)]
    [InlineData("""{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}""", 0, 0, 0, null, null)]
    [InlineData("""{"choices":[{"index":0,"delta":{},"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":null}}]}""", 1, 2, 3, null, null)]
    [InlineData("""{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":"x","completion_tokens_details":{"reasoning_tokens":4,"more":[1]}}}""", 5, null, null, null, 4)]
    public void Usage_is_read_wherever_it_stands(string payload, int? input, int? output, int? total, int? cached, int? reasoning)
    {
        // A running usage comes before, and emptier ones after; the last that says something counts.
        var (reader, _) = Play("""{"choices":[],"usage":{"prompt_tokens":99,"completion_tokens":99,"total_tokens":198}}""", payload, """{"choices":[],"usage":null}""", """{"choices":[],"usage":{}}""");
        reader.Usage.ShouldBe(new Usage { InputTokens = input, OutputTokens = output, TotalTokens = total, CachedInputTokens = cached, ReasoningTokens = reasoning });
    }

    [Fact]
    public void No_usage_is_null() => Play(Finish("stop")).Reader.Usage.ShouldBeNull();

    [Fact]
    public void The_model_is_the_first_that_is_named() =>
        Play("""{"model":"","choices":[]}""", """{"model":"gpt-5-nano","choices":[]}""", """{"model":"other","choices":[]}""").Reader.Model.ShouldBe("gpt-5-nano");

    [Theory]
    [InlineData("""{"error":{"message":"Rate limit reached for org-SECRET","type":"tokens","param":null,"code":"rate_limit_exceeded"}}""", "rate_limited", 429)]
    [InlineData("""{"error":{"message":"SECRET","code":429}}""", "rate_limited", 429)]
    [InlineData("""{"error":{"message":"SECRET","code":"503"}}""", "provider_overloaded", 503)]
    [InlineData("""{"error":{"message":"SECRET is Overloaded","type":"overloaded_error"}}""", "provider_overloaded", 503)]
    [InlineData("""{"error":{"message":"This model's maximum context length is 5 SECRET","type":"invalid_request_error","code":"context_length_exceeded"}}""", "context_length_exceeded", 400)]
    [InlineData("""{"error":{"message":"You exceeded your current quota SECRET","type":"insufficient_quota"}}""", "insufficient_quota", 429)]
    [InlineData("""{"error":{"message":"Incorrect API key provided: sk-SECRET","code":"invalid_api_key"}}""", "provider_unauthorized", 502)]
    [InlineData("""{"error":{"message":"SECRET","type":"server_error"}}""", "provider_error", 502)]
    [InlineData("""{"error":"SECRET went wrong"}""", "provider_error", 502)]
    [InlineData("""{"id":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"SECRET"}}""", "provider_error", 502)]
    [InlineData("""{"object":"error","message":"SECRET","type":"BadRequestError","code":400}""", "provider_rejected_request", 400)]
    public void An_error_inside_the_stream_is_one_of_ours(string payload, string code, int status)
    {
        var (reader, _) = Play(Delta("""{"content":"A"}"""), payload, "[DONE]");
        reader.Error.ShouldNotBeNull().Code.ShouldBe(code);
        reader.Error.Status.ShouldBe(status);
        reader.Error.Message.ShouldNotContain("SECRET");
        reader.Finished.ShouldBeFalse();
    }

    [Theory]
    [InlineData("<html>bad gateway</html>", 503, "provider_overloaded")]
    [InlineData("", 404, "model_not_found")]
    [InlineData("{\"error\":{\"message\":", 500, "provider_error")]
    [InlineData("{\"error\":\"no\"}", 422, "provider_rejected_request")]
    [InlineData("""[{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}]""", 429, "rate_limited")]
    public void The_body_of_a_failed_call_may_be_anything(string body, int status, string code)
    {
        var error = ProviderProtocols.New("chat-completions", new Uri("https://api.example.com/v1"), version: null).ReadError(status, Encoding.UTF8.GetBytes(body), TimeSpan.FromSeconds(2));
        error.Code.ShouldBe(code);
        error.RetryAfter.ShouldBe(TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"A")]
    [InlineData("{\"choices\":{}}")]
    [InlineData("{\"choices\":[1]}")]
    [InlineData("{\"choices\":[{\"index\":99999}]}")]
    [InlineData("{\"choices\":[]} {}")]
    [InlineData("[]")]
    [InlineData("oops")]
    public void What_is_no_chunk_is_a_format_error(string payload) => Should.Throw<ProviderFormatException>(() => Play(payload));

    [Fact]
    public void A_whole_answer_becomes_the_same_blocks()
    {
        var reader = new ChatCompletionsEventReader(2);
        var list = new EventList();
        reader.ReadWhole("""
            {"id":"x","object":"chat.completion","model":"m","choices":[
              {"index":0,"message":{"role":"assistant","reasoning_content":"Hm","content":"A","refusal":null,"annotations":[]},"logprobs":{"content":[1]},"finish_reason":"stop"},
              {"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
             "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
            """u8, list);
        list.Short.ShouldBe("""+0 Reasoning | 0:Hm | -0 | +1 Text | 1:A%{"content":[1]} | -1 | +2 f(a) choice 1 | 2:{} | +3 f(b) choice 1 | 3:{} | -2 | -3""");
        reader.Finished.ShouldBeTrue();
        reader.Done.ShouldBeTrue();
        reader.Reasons.ShouldBe([FinishReason.Stop, FinishReason.ToolCalls]);
        reader.Model.ShouldBe("m");
        reader.Usage!.TotalTokens.ShouldBe(3);
    }

    [Fact]
    public void A_whole_answer_without_choices_is_a_format_error() =>
        Should.Throw<ProviderFormatException>(() => new ChatCompletionsEventReader(1).ReadWhole("{}"u8, new NoSink()));

    [Fact]
    public void A_whole_answer_may_be_an_error()
    {
        var reader = new ChatCompletionsEventReader(1);
        reader.ReadWhole("""{"error":{"message":"x","code":"rate_limit_exceeded"}}"""u8, new NoSink());
        reader.Error!.Code.ShouldBe("rate_limited");
        reader.Finished.ShouldBeFalse();
    }

    internal static string Delta(string delta) => $$"""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":null}]}""";

    internal static string Finish(string reason) => $$"""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"{{reason}}"}]}""";

    internal static string Call(string index, string id, string name, string arguments) =>
        $$$"""{"tool_calls":[{"index":{{{index}}},"id":{{{id}}},"type":"function","function":{"name":"{{{name}}}","arguments":{{{arguments}}}}}]}""";

    private static (ChatCompletionsEventReader Reader, EventList Events) Play(params string[] payloads)
    {
        var reader = new ChatCompletionsEventReader(1);
        var list = new EventList();
        Feed(reader, list, payloads);
        return (reader, list);
    }

    private static void Feed(ChatCompletionsEventReader reader, EventList list, params string[] payloads)
    {
        foreach (var payload in payloads) reader.Read(default, Encoding.UTF8.GetBytes(payload), list);
    }
}
