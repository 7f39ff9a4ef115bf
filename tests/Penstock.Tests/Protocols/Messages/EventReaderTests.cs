using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Messages;

namespace Penstock.Tests.Protocols.Messages;

public sealed class EventReaderTests
{
    private const string Text = """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""";

    public static TheoryData<string, string[], string, FinishReason> Streams => new()
    {
        {
            "text", [Message(), Text, Delta(0, "text_delta", "text", "Hel"), """{"type":"ping"}""", Delta(0, "text_delta", "text", "lo"), Stop(0), End("end_turn")],
            "+0 Text | 0:Hel | 0:lo | -0", FinishReason.Stop
        },
        {
            "thinking, its signature alone, then text, none of it lost at the switch",
            [
                Message(), """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""", Delta(0, "thinking_delta", "thinking", "Hm"),
                Delta(0, "signature_delta", "signature", "sig\\/="), Stop(0), Text.Replace(":0,", ":1,", StringComparison.Ordinal), Delta(1, "text_delta", "text", "A"), Stop(1), End("end_turn"),
            ],
            """+0 Reasoning | 0:Hm | 0:#sig\/= | -0 | +1 Text | 1:A | -1""", FinishReason.Stop
        },
        {
            "thinking that is encrypted", ["""{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"enc="}}""", Stop(0), End("end_turn")],
            "+0 Reasoning | 0:#enc= | -0", FinishReason.Stop
        },
        {
            "a tool call first opens no text",
            [Message(), Call(0, "toolu_1", "f"), Delta(0, "input_json_delta", "partial_json", ""), Delta(0, "input_json_delta", "partial_json", "{\\\"a\\\":"), Delta(0, "input_json_delta", "partial_json", "1}"), Stop(0), End("tool_use")],
            """+0 f(toolu_1) | 0:{\"a\": | 0:1} | -0""", FinishReason.ToolCalls
        },
        { "a tool call without arguments", [Call(0, "t", "f"), Delta(0, "input_json_delta", "partial_json", ""), Stop(0), End("tool_use")], "+0 f(t) | -0", FinishReason.ToolCalls },
        { "a tool call whose input is whole at its start", [Call(0, "t", "f", """{"a": 1}"""), Stop(0), End("tool_use")], """+0 f(t) | 0:{\"a\": 1} | -0""", FinishReason.ToolCalls },
        {
            "an input that deltas take the place of", [Call(0, "t", "f", """{"a":1}"""), Delta(0, "input_json_delta", "partial_json", "{}"), Stop(0), End("tool_use")],
            "+0 f(t) | 0:{} | -0", FinishReason.ToolCalls
        },
        {
            "a tool of the provider's own",
            [
                """{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}}""",
                Delta(0, "input_json_delta", "partial_json", "{\\\"q\\\":1}"), Stop(0),
                """{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}}""", Stop(1), End("pause_turn"),
            ],
            """+0 Other | 0:{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\",\"input\": | 0:{\"q\":1} | 0:} | -0 | +1 Other | 1:{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":[]} | -1""",
            FinishReason.Other
        },
        {
            "a tool of the provider's own without input", ["""{"type":"content_block_start","index":0,"content_block":{"input":{},"type":"mcp_tool_use"}}""", Stop(0), End("end_turn")],
            """+0 Other | 0:{\"type\":\"mcp_tool_use\",\"input\": | 0:{} | 0:} | -0""", FinishReason.Stop
        },
        { "a block that never began", [Delta(3, "text_delta", "text", "A"), Stop(3), Stop(7), End("end_turn")], "+0 Text | 0:A | -0", FinishReason.Stop },
        {
            "thinking in a text block", [Text, Delta(0, "text_delta", "text", "A"), Delta(0, "thinking_delta", "thinking", "Hm"), End("end_turn")],
            "+0 Text | 0:A | -0 | +1 Reasoning | 1:Hm | -1", FinishReason.Stop
        },
        { "a second beginning", [Message(), Text, Message(), Delta(0, "text_delta", "text", "A"), End("end_turn")], "+0 Text | 0:A | -0", FinishReason.Stop },
        { "what is not known yet", ["""{"type":"message_thought","index":"x"}""".Replace("\"x\"", "0", StringComparison.Ordinal), """{"type":"content_block_delta","index":0,"delta":{"type":"aura_delta","aura":[1]}}""", Text, End("end_turn")], "+0 Text | -0", FinishReason.Stop },
        { "members in another order", ["""{"content_block":{"text":"A","type":"text"},"index":0,"type":"content_block_start"}""", """{"delta":{"text":"B","type":"text_delta"},"type":"content_block_delta","index":0}""", End("max_tokens")], "+0 Text | 0:A | 0:B | -0", FinishReason.Length },
        { "an end without a reason", [Call(0, "t", "f"), """{"type":"message_stop"}"""], "+0 f(t) | -0", FinishReason.ToolCalls },
        { "no content at all", [Message(), End("refusal")], "", FinishReason.ContentFilter },
        { "a full context", [Message(), End("model_context_window_exceeded")], "", FinishReason.Length },
        { "a stop sequence", [Message(), End("stop_sequence")], "", FinishReason.Stop },
        { "a reason to come", [Message(), End("enlightened")], "", FinishReason.Other },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Every_shape_becomes_blocks(string name, string[] payloads, string events, FinishReason reason)
    {
        name.ShouldNotBeEmpty();
        var (reader, list) = Play([.. payloads, """{"type":"message_stop"}"""]);
        list.Short.ShouldBe(events);
        reader.Finished.ShouldBeTrue();
        reader.Done.ShouldBeTrue();
        reader.Reason.ShouldBe(reason);
        reader.Error.ShouldBeNull();
    }

    [Fact]
    public void The_answer_is_whole_with_its_stop_reason_and_read_with_its_stop()
    {
        var reader = new MessagesEventReader();
        Feed(reader, new EventList(), Message(), Text, Delta(0, "text_delta", "text", "A"), Stop(0));
        reader.Finished.ShouldBeFalse();
        Feed(reader, new EventList(), """{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}}""");
        reader.Finished.ShouldBeFalse();
        Feed(reader, new EventList(), End("end_turn"));
        (reader.Finished, reader.Done).ShouldBe((true, false));
        Feed(reader, new EventList(), """{"type":"message_stop"}""");
        reader.Done.ShouldBeTrue();
    }

    [Fact]
    public void Usage_is_cumulative_and_counts_the_cache_as_input()
    {
        var (reader, _) = Play(
            """{"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":100,"output_tokens":1}}}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"cache_creation_input_tokens":null,"output_tokens":40,"output_tokens_details":{"thinking_tokens":7}}}""");
        reader.Model.ShouldBe("claude-x");
        reader.Usage.ShouldBe(new Usage { InputTokens = 117, CachedInputTokens = 100, CacheWriteTokens = 5, OutputTokens = 40, TotalTokens = 157, ReasoningTokens = 7 });
        Play(Message()).Reader.Usage.ShouldBe(new Usage { InputTokens = 3 }); // the output's count means nothing before there is output
        Play(End("end_turn")).Reader.Usage.ShouldBe(new Usage { OutputTokens = 9 });
        Play("""{"type":"message_stop"}""").Reader.Usage.ShouldBeNull();
    }

    [Fact]
    public void Citations_stand_in_the_text_they_support()
    {
        var (_, list) = Play(
            """{"type":"content_block_start","index":0,"content_block":{"citations":[],"type":"text","text":""}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","cited_text":"Q","url":"https://a.example/","title":"T","encrypted_index":"x"}}}""",
            Delta(0, "text_delta", "text", "A"),
            """{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"R","document_index":0,"document_title":"D","start_char_index":0,"end_char_index":9}}}""");
        list.Json.Count.ShouldBe(4);
        list.Json[1].ShouldContain("""{"url":"https://a.example/","title":"T","quote":"Q"}""");
        list.Json[3].ShouldContain("""{"title":"D","quote":"R"}""");
    }

    [Theory]
    [InlineData("error", """{"type":"error","error":{"type":"overloaded_error","message":"SECRET"},"request_id":"req_SECRET"}""", "provider_overloaded", 503)]
    [InlineData("", """{"type":"error","error":{"type":"overloaded_error","message":"SECRET"}}""", "provider_overloaded", 503)]
    [InlineData("message", """{"error":{"type":"rate_limit_error","message":"SECRET"},"type":"error"}""", "rate_limited", 429)]
    [InlineData("", """{"error":{"message":"SECRET","type":"api_error"}}""", "provider_error", 502)]
    [InlineData("error", "Overloaded SECRET", "provider_error", 502)]
    [InlineData("error", "", "provider_error", 502)]
    [InlineData("", """{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 SECRET"}}""", "context_length_exceeded", 400)]
    public void An_error_inside_the_stream_is_one_of_ours_with_and_without_its_name(string eventName, string payload, string code, int status)
    {
        var reader = new MessagesEventReader();
        Feed(reader, new EventList(), Message(), Text, Delta(0, "text_delta", "text", "A"));
        reader.Read(Encoding.UTF8.GetBytes(eventName), Encoding.UTF8.GetBytes(payload), new NoSink());
        reader.Error.ShouldNotBeNull().Code.ShouldBe(code);
        reader.Error.Status.ShouldBe(status);
        reader.Error.Message.ShouldNotContain("SECRET");
        reader.Finished.ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"A""")]
    [InlineData("""{"type":"content_block_stop","index":-1}""")]
    [InlineData("""{"type":"content_block_stop","index":"0"}""")]
    [InlineData("""{"type":"ping"} {}""")]
    [InlineData("[]")]
    [InlineData("oops")]
    public void What_is_no_event_is_a_format_error(string payload) => Should.Throw<ProviderFormatException>(() => Play(payload));

    [Fact]
    public void A_whole_answer_becomes_the_same_blocks()
    {
        var reader = new MessagesEventReader();
        var list = new EventList();
        reader.ReadWhole("""
            {"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
              {"type":"thinking","thinking":"Hm","signature":"sig"},
              {"type":"text","text":"A"},
              {"type":"tool_use","id":"t","name":"f","input":{"a":[1]}},
              {"type":"tool_use","id":"u","name":"g","input":{}}],
             "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}
            """u8, list);
        list.Short.ShouldBe("""+0 Reasoning | 0:Hm#sig | -0 | +1 Text | 1:A | -1 | +2 f(t) | 2:{\"a\":[1]} | -2 | +3 g(u) | -3""");
        (reader.Finished, reader.Done, reader.Reason, reader.Model).ShouldBe((true, true, FinishReason.ToolCalls, "claude-x"));
        reader.Usage!.TotalTokens.ShouldBe(3);
    }

    [Fact]
    public void A_whole_answer_may_be_an_error_or_nothing_of_the_kind()
    {
        var reader = new MessagesEventReader();
        reader.ReadWhole("""{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"""u8, new NoSink());
        reader.Error!.Code.ShouldBe("rate_limited");
        reader.Finished.ShouldBeFalse();
        Should.Throw<ProviderFormatException>(() => new MessagesEventReader().ReadWhole("{}"u8, new NoSink()));
    }

    internal static string Message() => """{"type":"message_start","message":{"id":"msg_theirs","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}""";

    internal static string Call(int index, string id, string name, string input = "{}") =>
        $$$"""{"type":"content_block_start","index":{{{index}}},"content_block":{"type":"tool_use","id":"{{{id}}}","name":"{{{name}}}","input":{{{input}}}}}""";

    internal static string Delta(int index, string type, string member, string text) =>
        $$$"""{"type":"content_block_delta","index":{{{index}}},"delta":{"type":"{{{type}}}","{{{member}}}":"{{{text}}}"}}""";

    internal static string Stop(int index) => $$"""{"type":"content_block_stop","index":{{index}}}""";

    internal static string End(string reason) => $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{reason}}}","stop_sequence":null},"usage":{"output_tokens":9}}""";

    private static (MessagesEventReader Reader, EventList Events) Play(params string[] payloads)
    {
        var reader = new MessagesEventReader();
        var list = new EventList();
        Feed(reader, list, payloads);
        return (reader, list);
    }

    private static void Feed(MessagesEventReader reader, EventList list, params string[] payloads)
    {
        foreach (var payload in payloads) reader.Read(default, Encoding.UTF8.GetBytes(payload), list);
    }
}
