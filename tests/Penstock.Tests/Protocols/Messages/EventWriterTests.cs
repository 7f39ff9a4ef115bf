using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Messages;

namespace Penstock.Tests.Protocols.Messages;

public sealed class EventWriterTests
{
    private const string Generation = "gen_0123456789abcdef0123456789abcdef";
    private const string MessageId = "msg_0123456789abcdef0123456789abcdef";
    private const string RequestId = "req_0123456789abcdef0123456789abcdef";

    private static readonly GenerationError _error = new("provider_overloaded", "Try again.", 503);
    private static readonly MessagesProtocol _protocol = new();

    [Fact]
    public void A_synthesized_stream_is_what_the_SDKs_expect()
    {
        var frames = Play(
            new() { Kind = "started", Model = "gpt-5" },
            Start(0, BlockKind.Reasoning), Text(0, "Hm"), new() { Kind = "delta", Block = 0, Signature = "sig=" }, Stop(0),
            Start(1, BlockKind.Text), Text(1, "A\\n"), new() { Kind = "delta", Block = 1, Citation = new Citation { Url = "https://a.example/", Title = "T", Quote = "Q" } }, Stop(1),
            Start(2, BlockKind.ToolCall, "c1", "f"), Text(2, "{\\\"a\\\":"), Text(2, "1}"), Stop(2),
            new() { Kind = "usage", Usage = new Usage { InputTokens = 17, CachedInputTokens = 10, OutputTokens = 5, ReasoningTokens = 2 } },
            new() { Kind = "finished", Reason = FinishReason.ToolCalls });

        frames.ShouldAllBe(f => f.Event == (string)JsonNode.Parse(f.Data)!["type"]!);
        frames.Select(f => f.Data).ShouldBe(
        [
            """{"type":"message_start","message":{"id":"ID","type":"message","role":"assistant","model":"gpt-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}""".Replace("ID", MessageId, StringComparison.Ordinal),
            """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig="}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}""",
            """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"A\n"}}""",
            """{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","cited_text":"Q","url":"https://a.example/","title":"T","encrypted_index":""}}}""",
            """{"type":"content_block_stop","index":1}""",
            """{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c1","name":"f","input":{}}}""",
            """{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}""",
            """{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}""",
            """{"type":"content_block_stop","index":2}""",
            """{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":7,"cache_read_input_tokens":10,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}}}""",
            """{"type":"message_stop"}""",
        ]);
        frames.Select(f => f.Id).ShouldBe([.. new[] { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "14.1", "14" }.Select(o => $"{Generation}.{o}")]);
    }

    [Fact]
    public void What_comes_for_a_later_block_waits_for_the_earlier()
    {
        var frames = Play(
            new() { Kind = "started" },
            Start(0, BlockKind.ToolCall, "a", "f"), Start(1, BlockKind.ToolCall, "b", "g"), Text(1, "B"), Text(0, "A"), Text(1, "b"), Start(2, BlockKind.ToolCall, "c", "h"),
            Stop(1), Stop(0), Text(2, "C"), Stop(2), new() { Kind = "finished", Reason = FinishReason.ToolCalls });
        Shape(frames).ShouldBe("message_start +0 0:A -0 +1 1:Bb -1 +2 2:C -2 message_delta message_stop");
        frames.Where(f => f.Id.StartsWith($"{Generation}.8", StringComparison.Ordinal)).Select(f => f.Id[Generation.Length..]).ShouldBe([".8.1", ".8.2", ".8.3", ".8.4", ".8"]);
    }

    [Fact]
    public void A_tool_call_first_and_without_arguments_is_all_there_is()
    {
        var frames = Play(new() { Kind = "started" }, Start(0, BlockKind.ToolCall, "a", "f"), Stop(0), new() { Kind = "finished", Reason = FinishReason.ToolCalls });
        Shape(frames).ShouldBe("message_start +0 -0 message_delta message_stop");
    }

    [Fact]
    public void Encrypted_thoughts_come_whole()
    {
        var frames = Play(new() { Kind = "started" }, Start(0, BlockKind.Reasoning, null, "redacted"), new() { Kind = "delta", Block = 0, Signature = "enc=" }, Stop(0), Start(1, BlockKind.Text), Text(1, "A"));
        Shape(frames).ShouldBe("message_start +0 -0 +1 1:A");
        frames[1].Data.ShouldBe("""{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"enc="}}""");
    }

    [Fact]
    public void A_calls_signature_goes_out_behind_it_and_comes_back_on_it()
    {
        Said[] events =
        [
            new() { Kind = "started" }, Start(0, BlockKind.ToolCall, "a", "f"), new() { Kind = "delta", Block = 0, Text = "{}", Signature = "sig=" }, Stop(0),
            new() { Kind = "finished", Reason = FinishReason.ToolCalls },
        ];
        var frames = Play(events);
        Shape(frames).ShouldBe("message_start +0 0:{} -0 +1 -1 message_delta message_stop");
        var streamed = new JsonArray(JsonNode.Parse(frames[1].Data)!["content_block"]!.DeepClone(), JsonNode.Parse(frames[4].Data)!["content_block"]!.DeepClone());
        var whole = JsonNode.Parse(Whole(events))!["content"]!;
        JsonNode.DeepEquals(whole, streamed).ShouldBeTrue();
        var read = MessagesRequestReader.Read(Encoding.UTF8.GetBytes($$$"""{"max_tokens":1,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":{{{whole.ToJsonString()}}}}]}"""));
        read.Messages[1].Parts.ShouldHaveSingleItem().ShouldBe(new ToolCallPart("a", "f", "{}") { Path = "messages[1].content[0]", Signature = "sig=" });
    }

    [Fact]
    public void What_has_no_place_here_leaves_no_trace()
    {
        var frames = Play(
            new() { Kind = "started" }, Start(0, BlockKind.Image, null, "image/png"), Text(0, "AAAA"), Stop(0), Start(1, BlockKind.Other, "w", "web_search_call"), Text(1, "{}"), Stop(1),
            new() { Kind = "finished" });
        Shape(frames).ShouldBe("message_start message_delta message_stop");
    }

    [Fact]
    public void A_refusal_is_text_and_the_reason_says_so()
    {
        var frames = Play(new() { Kind = "started" }, Start(0, BlockKind.Refusal), Text(0, "No."), Stop(0), new() { Kind = "finished", Reason = FinishReason.Stop });
        Shape(frames).ShouldBe("message_start +0 0:No. -0 message_delta message_stop");
        frames[^2].Data.ShouldContain("\"stop_reason\":\"refusal\"");
    }

    [Theory]
    [InlineData(FinishReason.Stop, "end_turn")]
    [InlineData(FinishReason.Length, "max_tokens")]
    [InlineData(FinishReason.ToolCalls, "tool_use")]
    [InlineData(FinishReason.ContentFilter, "refusal")]
    [InlineData(FinishReason.Other, "end_turn")]
    public void Every_reason_has_its_word(FinishReason reason, string word) =>
        Play(new Said { Kind = "finished", Reason = reason })[^2].Data.ShouldContain($"\"stop_reason\":\"{word}\"");

    [Fact]
    public void Passing_on_replaces_the_id_and_nothing_else()
    {
        var writer = NewWriter();
        var payload = """{"message": {"x":1.0, "id" : "msg_theirs","content":[{"id":"inner"}],"n":1e2}, "type":"message_start","id":7 }""";
        var frame = Pass(writer, 3, payload).ShouldHaveSingleItem();
        frame.ShouldBe(new Frame("message_start", payload.Replace("msg_theirs", MessageId, StringComparison.Ordinal), $"{Generation}.3"));
        Pass(writer, 4, "{\"type\":\"message_start\",\"message\":{}}").ShouldHaveSingleItem().Data.ShouldBe("{\"type\":\"message_start\",\"message\":{\"id\":\"" + MessageId + "\"}}");
        Pass(writer, 5, "{\"type\":\"ping\"}").ShouldHaveSingleItem().ShouldBe(new Frame("ping", "{\"type\":\"ping\"}", $"{Generation}.5"));
        Pass(writer, 6, "{ \"type\" : \"content_block_delta\",\n\"index\":0,\"aura\":\"\\u0041\",\"id\":\"x\" }").ShouldHaveSingleItem().Data.ShouldBe("{ \"type\" : \"content_block_delta\", \"index\":0,\"aura\":\"\\u0041\",\"id\":\"x\" }");
    }

    [Fact]
    public void What_is_no_event_of_the_protocol_is_not_passed_on() => Pass(NewWriter(), 0, "[DONE]").ShouldBeEmpty();

    [Fact]
    public void A_passed_on_stream_finishes_with_its_stop_alone()
    {
        var writer = NewWriter();
        Pass(writer, 0, EventReaderTests.Message());
        Pass(writer, 1, EventReaderTests.End("end_turn"));
        Write(writer, 2, new() { Kind = "finished" }).ShouldBe([new Frame("message_stop", """{"type":"message_stop"}""", $"{Generation}.2")]);
    }

    [Fact]
    public void A_passed_on_stream_that_is_stopped_is_closed_as_the_protocol_wants()
    {
        var writer = NewWriter();
        Pass(writer, 0, EventReaderTests.Message());
        Pass(writer, 1, """{"type":"content_block_start","index":4,"content_block":{"type":"text","text":""}}""");
        var frames = Write(writer, 2, new() { Kind = "stopped", Usage = new Usage { InputTokens = 3, OutputTokens = 1 } });
        frames.Select(f => f.Data).ShouldBe(
        [
            """{"type":"content_block_stop","index":4}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":3,"output_tokens":1}}""",
            """{"type":"message_stop"}""",
        ]);
    }

    [Theory]
    [InlineData("tool_use")]
    [InlineData("server_tool_use")]
    public void A_passed_on_call_that_a_stop_cuts_is_not_closed(string type)
    {
        var writer = NewWriter();
        Pass(writer, 0, EventReaderTests.Message());
        Pass(writer, 1, $$$"""{"type":"content_block_start","index":4,"content_block":{"type":"{{{type}}}","id":"c","name":"f","input":{} } }""");
        Pass(writer, 2, """{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}""");
        Shape(Write(writer, 3, new() { Kind = "stopped" })).ShouldBe("message_delta message_stop");
    }

    [Fact]
    public void A_passed_on_stream_whose_deltas_only_counted_says_why_it_stopped()
    {
        const string Counts = """{"type":"message_delta","delta":{"stop_reason":null,"stop_sequence":null},"usage":{"output_tokens":1}}""";
        var (writer, after) = (NewWriter(), NewWriter());
        Pass(writer, 0, EventReaderTests.Message());
        Pass(writer, 1, Counts);
        Shape(Write(writer, 2, new() { Kind = "stopped" })).ShouldBe("message_delta message_stop");

        // A writer that takes over after a crash reads the same from what was shown.
        after.Replay(new GenerationEvent { Kind = EventKind.Started }, [], new ArrayBufferWriter<byte>());
        Replay(EventReaderTests.Message());
        Replay(Counts);
        Shape(Write(after, 2, new() { Kind = "stopped" })).ShouldBe("message_delta message_stop");
        Replay(EventReaderTests.End("end_turn"));
        Shape(Write(after, 4, new() { Kind = "stopped" })).ShouldNotContain("message_delta");

        void Replay(string payload)
        {
            var shown = new ArrayBufferWriter<byte>();
            NewWriter().WritePayload(default, Encoding.UTF8.GetBytes(payload), new EventId(Generation, 0), shown);
            after.Replay(new GenerationEvent { Kind = EventKind.Raw }, shown.WrittenSpan, new ArrayBufferWriter<byte>());
        }
    }

    [Fact]
    public void A_stop_before_anything_is_a_message_that_says_nothing() =>
        Shape(Play(new Said { Kind = "stopped" })).ShouldBe("message_start message_delta message_stop");

    [Fact]
    public void An_answer_that_begins_anew_is_a_new_message()
    {
        var frames = Play(
            new() { Kind = "started" }, Start(0, BlockKind.Text), Text(0, "A"), new() { Kind = "reset" },
            new() { Kind = "started" }, Start(1, BlockKind.Text), Text(1, "B"), Stop(1), new() { Kind = "finished" });
        Shape(frames).ShouldBe("message_start +0 0:A message_start +0 0:B -0 message_delta message_stop");
    }

    [Fact]
    public void A_writer_that_takes_over_goes_on_where_the_other_was()
    {
        var (before, after) = (NewWriter(), NewWriter());
        Said[] said = [new() { Kind = "started" }, Start(0, BlockKind.Reasoning), Text(0, "Hm"), Stop(0), Start(1, BlockKind.Text), Text(1, "A")];
        for (var i = 0; i < said.Length; i++)
        {
            var shown = new ArrayBufferWriter<byte>();
            before.Write(said[i].Event, new EventId(Generation, i), shown);
            after.Replay(said[i].Event, shown.WrittenSpan, new ArrayBufferWriter<byte>());
        }

        Shape([.. Write(after, 6, Text(1, "B")), .. Write(after, 7, Stop(1)), .. Write(after, 8, new() { Kind = "finished" })]).ShouldBe("1:B -1 message_delta message_stop");
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("interrupted")]
    public void A_failure_is_one_error_and_nothing_that_looks_whole(string kind)
    {
        // As after a crash: this writer has seen nothing of the answer.
        Play(new Said { Kind = kind, Error = _error }).ShouldBe(
            [new Frame("error", $$$"""{"type":"error","error":{"type":"overloaded_error","message":"Try again."},"request_id":"{{{RequestId}}}"}""", $"{Generation}.0")]);
    }

    [Fact]
    public void A_whole_message_gathers_what_a_stream_says()
    {
        var json = Whole(
            new() { Kind = "started", Model = "gpt-5" },
            Start(0, BlockKind.Reasoning), Text(0, "H"), Text(0, "m"), new() { Kind = "delta", Block = 0, Signature = "sig" }, Stop(0),
            Start(1, BlockKind.Text), Text(1, "\\\"A\\\""), new() { Kind = "delta", Block = 1, Citation = new Citation { Title = "D", Quote = "Q" } }, Stop(1),
            Start(2, BlockKind.ToolCall, "c", "f"), Start(3, BlockKind.ToolCall, "d", "g"), Text(3, "{\\\"cut"), Text(2, "{\\\"a\\\":\\\"\\\\n\\\"}"), Stop(2), Stop(3),
            new() { Kind = "usage", Usage = new Usage { InputTokens = 1, OutputTokens = 2 } },
            new() { Kind = "finished", Reason = FinishReason.Length });
        json.ShouldBe(
            $$$"""{"id":"{{{MessageId}}}","type":"message","role":"assistant","model":"gpt-5","content":[{"type":"thinking","thinking":"Hm","signature":"sig"},"""
            + """{"type":"text","text":"\"A\"","citations":[{"type":"char_location","cited_text":"Q","document_index":0,"document_title":"D","start_char_index":0,"end_char_index":1,"file_id":null}]},"""
            + """{"type":"tool_use","id":"c","name":"f","input":{"a":"\n"}},{"type":"tool_use","id":"d","name":"g","input":{}}],"""
            + "\"stop_reason\":\"max_tokens\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}");
    }

    [Fact]
    public void A_providers_whole_message_is_passed_on_but_for_its_id()
    {
        var writer = _protocol.NewEventWriter(Request(stream: false), Generation, default);
        var buffer = new ArrayBufferWriter<byte>();
        writer.WritePayload(default, """{"type":"message","content":[{"id":"x"}],"id":"msg_theirs","more":1.0}"""u8, EventId.None, buffer);
        writer.Write(new GenerationEvent { Kind = EventKind.Finished }, EventId.None, buffer);
        Encoding.UTF8.GetString(buffer.WrittenSpan).ShouldBe($$"""{"type":"message","content":[{"id":"x"}],"id":"{{MessageId}}","more":1.0}""");
    }

    [Fact]
    public void A_sign_of_life_is_a_ping()
    {
        var buffer = new ArrayBufferWriter<byte>();
        _protocol.WriteHeartbeat(buffer);
        Encoding.UTF8.GetString(buffer.WrittenSpan).ShouldBe("event: ping\ndata: {\"type\": \"ping\"}\n\n");
    }

    private static Said Start(int block, BlockKind kind, string? id = null, string? name = null) => new() { Kind = "block_start", Block = block, BlockKind = kind, Id = id, Name = name };

    private static Said Text(int block, string text) => new() { Kind = "delta", Block = block, Text = text };

    private static Said Stop(int block) => new() { Kind = "block_stop", Block = block };

    private static GenerationRequest Request(bool stream) => new() { Protocol = "messages", Body = default, Messages = [], Stream = stream };

    private static EventWriter NewWriter() => _protocol.NewEventWriter(Request(stream: true), Generation, default);

    private static List<Frame> Play(params Said[] events)
    {
        var writer = NewWriter();
        return [.. events.SelectMany((e, i) => Write(writer, i, e))];
    }

    private static string Whole(params Said[] events)
    {
        var writer = _protocol.NewEventWriter(Request(stream: false), Generation, default);
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var said in events) writer.Write(said.Event, EventId.None, buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static List<Frame> Write(EventWriter writer, long offset, Said said)
    {
        var buffer = new ArrayBufferWriter<byte>();
        writer.Write(said.Event, new EventId(Generation, offset), buffer);
        return Frame.All(buffer.WrittenSpan);
    }

    private static List<Frame> Pass(EventWriter writer, long offset, string payload)
    {
        var buffer = new ArrayBufferWriter<byte>();
        writer.WritePayload(default, Encoding.UTF8.GetBytes(payload), new EventId(Generation, offset), buffer);
        return Frame.All(buffer.WrittenSpan);
    }

    /// <summary>The frames said shortly.</summary>
    private static string Shape(List<Frame> frames) => string.Join(' ', frames.Select(f =>
    {
        var json = JsonNode.Parse(f.Data)!;
        return f.Event switch
        {
            "content_block_start" => $"+{json["index"]}",
            "content_block_delta" => $"{json["index"]}:{json["delta"]!["text"] ?? json["delta"]!["thinking"] ?? json["delta"]!["partial_json"]}",
            "content_block_stop" => $"-{json["index"]}",
            var name => name,
        };
    }));

    /// <summary>An event that a test can keep, as the real one cannot be.</summary>
    private sealed record Said
    {
        public required string Kind { get; init; }

        public int Block { get; init; }

        public BlockKind BlockKind { get; init; }

        public string? Id { get; init; }

        public string? Name { get; init; }

        public string? Model { get; init; }

        public string Text { get; init; } = "";

        public string Signature { get; init; } = "";

        public Citation? Citation { get; init; }

        public Usage? Usage { get; init; }

        public FinishReason Reason { get; init; }

        public GenerationError? Error { get; init; }

        public GenerationEvent Event
        {
            get
            {
                var citation = new ArrayBufferWriter<byte>();
                Citation?.Write(citation);
                return new GenerationEvent
                {
                    Kind = Enum.Parse<EventKind>(Kind.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
                    Block = Block,
                    BlockKind = BlockKind,
                    Id = Id,
                    Name = Name,
                    Model = Model,
                    Text = Encoding.UTF8.GetBytes(Text),
                    Signature = Encoding.UTF8.GetBytes(Signature),
                    Citation = citation.WrittenSpan.ToArray(),
                    Usage = Usage,
                    Reason = Reason,
                    Error = Error,
                };
            }
        }
    }
}
