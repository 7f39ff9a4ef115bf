using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Protocols.Responses;

namespace Penstock.Tests.Protocols.Responses;

public sealed class EventWriterTests
{
    private static readonly GenerationError _error = new("provider_unavailable", "Try again.", 503);

    private const string Started = """{"type":"started","model":"gpt-5"}""";

    [Fact]
    public void A_stream_of_our_own_is_complete()
    {
        var frames = Answer.Play(Answer.NewWriter(),
        [
            Started,
            """{"type":"block_start","block":0,"kind":"reasoning"}""",
            """{"type":"delta","block":0,"text":"Hm"}""",
            """{"type":"delta","block":0,"text":"","signature":"sig"}""",
            """{"type":"block_stop","block":0}""",
            """{"type":"block_start","block":1,"kind":"text"}""",
            """{"type":"delta","block":1,"text":"A\n"}""",
            """{"type":"delta","block":1,"text":"","citation":{"url":"https://a.example","title":"T","start":0,"end":1}}""",
            """{"type":"block_stop","block":1}""",
            """{"type":"block_start","block":2,"kind":"refusal"}""",
            """{"type":"delta","block":2,"text":"No"}""",
            """{"type":"block_stop","block":2}""",
            """{"type":"block_start","block":3,"kind":"tool_call","id":"c1","name":"f"}""",
            """{"type":"delta","block":3,"text":"{\"x\":1}"}""",
            """{"type":"block_stop","block":3}""",
            """{"type":"block_start","block":4,"kind":"tool_call","id":"c2","name":"g"}""",
            """{"type":"block_stop","block":4}""",
            """{"type":"usage","inputTokens":3,"outputTokens":5,"cachedInputTokens":1,"reasoningTokens":2,"source":"provider"}""",
            """{"type":"finished","reason":"tool_calls"}""",
        ]);
        frames.ShouldBeGapless();
        frames.Select(f => f.Type()["response.".Length..]).ShouldBe(
        [
            "created", "in_progress",
            "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
            "output_item.added", "content_part.added", "output_text.delta", "output_text.annotation.added", "output_text.done", "content_part.done",
            "content_part.added", "refusal.delta", "refusal.done", "content_part.done", "output_item.done",
            "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
            "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
            "completed",
        ]);
        var response = frames[^1].Json()["response"]!;
        var hex = Answer.ResponseId["resp_".Length..];
        JsonNode.DeepEquals(response["output"], JsonNode.Parse($$"""
            [
              {"id":"rs_{{hex}}_0","type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"sig"},
              {"id":"msg_{{hex}}_1","type":"message","status":"completed","role":"assistant","content":[
                {"type":"output_text","text":"A\n","annotations":[{"type":"url_citation","url":"https://a.example","title":"T","start_index":0,"end_index":1}],"logprobs":[]},
                {"type":"refusal","refusal":"No"}]},
              {"id":"fc_{{hex}}_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"x\":1}"},
              {"id":"fc_{{hex}}_3","type":"function_call","status":"completed","call_id":"c2","name":"g","arguments":"{}"}
            ]
            """)).ShouldBeTrue(response["output"]!.ToJsonString());
        response["usage"]!.ToJsonString().ShouldBe("""{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":8}""");
        ((string)response["id"]!).ShouldBe(Answer.ResponseId);
        ((string)response["model"]!).ShouldBe("gpt-5");
        ((string)response["status"]!).ShouldBe("completed");
        ((long)response["created_at"]!).ShouldBe(1_700_000_000);
    }

    [Fact]
    public void Blocks_that_are_open_at_once_lose_nothing_and_keep_their_order()
    {
        var frames = Answer.Play(Answer.NewWriter(),
        [
            Started,
            """{"type":"block_start","block":0,"kind":"text"}""",
            """{"type":"delta","block":0,"text":"A"}""",
            """{"type":"block_start","block":1,"kind":"tool_call","id":"c","name":"f"}""",
            """{"type":"block_start","block":2,"kind":"tool_call","id":"d","name":"g"}""",
            """{"type":"delta","block":0,"text":"B"}""",
            """{"type":"block_stop","block":2}""",
            """{"type":"block_start","block":3,"kind":"text"}""",
            """{"type":"delta","block":3,"text":"C"}""",
            """{"type":"block_stop","block":0}""",
            """{"type":"finished","reason":"tool_calls"}""",
        ]);
        frames.ShouldBeGapless();
        var output = frames[^1].Json()["response"]!["output"]!.AsArray();
        output.Select(i => (string?)i!["content"]?[0]!["text"] ?? (string)i["name"]!).ShouldBe(["AB", "f", "g", "C"]);
        frames.Where(f => f.Type() == "response.output_item.done").Select(f => (int)f.Json()["output_index"]!).ShouldBe([2, 0, 1, 3], ignoreOrder: true);
    }

    [Fact]
    public void An_image_and_an_item_of_this_protocol_are_items()
    {
        var frames = Answer.Play(Answer.NewWriter(),
        [
            Started,
            """{"type":"block_start","block":0,"kind":"other","id":"ws_1","name":"web_search_call"}""",
            """{"type":"delta","block":0,"text":"{\"id\":\"ws_1\",\"type\":\"web_search_call\",\"status\":\"completed\"}"}""",
            """{"type":"block_stop","block":0}""",
            """{"type":"block_start","block":1,"kind":"other","name":"server_tool_use"}""",
            """{"type":"delta","block":1,"text":"{}"}""",
            """{"type":"block_stop","block":1}""",
            """{"type":"block_start","block":2,"kind":"image","name":"image/png"}""",
            """{"type":"delta","block":2,"text":"AA"}""",
            """{"type":"delta","block":2,"text":"=="}""",
            """{"type":"block_stop","block":2}""",
            """{"type":"finished","reason":"stop"}""",
        ]);
        frames.ShouldBeGapless();
        var output = frames[^1].Json()["response"]!["output"]!.AsArray();
        output.Count.ShouldBe(2);
        output[0]!.ToJsonString().ShouldBe("""{"id":"ws_1","type":"web_search_call","status":"completed"}""");
        ((string)output[1]!["type"]!).ShouldBe("image_generation_call");
        ((string)output[1]!["result"]!).ShouldBe("AA==");
    }

    [Fact]
    public void A_response_repeats_its_request()
    {
        var body = """
            {"model":"fast","input":"Hi","stream":true,"instructions":"Be\nbrief.","temperature":0.5,"metadata":{"a":"b"},"tools":[{"type":"function","name":"f",
             "parameters":{}}],"tool_choice":"required","text":{"format":{"type":"json_object"}},"reasoning":{"effort":"low"},"max_output_tokens":9,"parallel_tool_calls":false}
            """;
        var response = Answer.Play(Answer.NewWriter(body), [Started])[0].Json()["response"]!;
        var request = JsonNode.Parse(body)!;
        foreach (var name in (string[])["model", "instructions", "temperature", "metadata", "tools", "tool_choice", "text", "reasoning", "max_output_tokens", "parallel_tool_calls"])
            JsonNode.DeepEquals(response[name], request[name]).ShouldBeTrue(name);
        response["previous_response_id"].ShouldBeNull();
        ((bool)response["store"]!).ShouldBeTrue();
        response["output"]!.AsArray().ShouldBeEmpty();
        ((string)response["status"]!).ShouldBe("in_progress");
    }

    [Theory]
    [InlineData("""{"type":"finished","reason":"length"}""", "response.incomplete", "incomplete", "max_output_tokens")]
    [InlineData("""{"type":"finished","reason":"content_filter"}""", "response.incomplete", "incomplete", "content_filter")]
    [InlineData("""{"type":"finished","reason":"stop"}""", "response.completed", "completed", null)]
    [InlineData("""{"type":"stopped","reason":"requested"}""", "response.incomplete", "cancelled", null)]
    [InlineData("""{"type":"failed","error":{"code":"provider_unavailable","message":"Try again.","status":503}}""", "response.failed", "failed", null)]
    [InlineData("""{"type":"interrupted","error":{"code":"interrupted","message":"Try again.","status":503}}""", "response.failed", "failed", null)]
    public void Each_ending_has_its_event_and_the_text_so_far(string ending, string type, string status, string? reason)
    {
        string[] events = [Started, """{"type":"block_start","block":0,"kind":"text"}""", """{"type":"delta","block":0,"text":"Half"}""", """{"type":"block_stop","block":0}""", ending];
        var frames = Answer.Play(Answer.NewWriter(), events);
        frames.ShouldBeGapless();
        Check(frames[^1]);
        frames.Count(f => f.Json()["response"]?["status"] is { } s && (string?)s != "in_progress").ShouldBe(1);

        // One that was passed on, and one that another writer began, end the same way.
        var passed = Answer.NewWriter();
        for (var i = 0; i < frames.Count - 3; i++) Answer.Pass(passed, i, frames[i].Data.Replace(Answer.ResponseId, "resp_upstream", StringComparison.Ordinal));
        Answer.Play(passed, [ending])[^1].Json()["response"]!["id"]!.GetValue<string>().ShouldBe(Answer.ResponseId);

        void Check(Frame frame)
        {
            frame.Type().ShouldBe(type);
            var response = frame.Json()["response"]!;
            ((string)response["status"]!).ShouldBe(status);
            ((string?)response["incomplete_details"]?["reason"]).ShouldBe(reason);
            (response["error"] is not null).ShouldBe(status == "failed");
            ((string)response["output"]![0]!["content"]![0]!["text"]!).ShouldBe("Half");
        }
    }

    [Fact]
    public void A_passed_on_answer_that_ends_early_keeps_what_was_said()
    {
        var writer = Answer.NewWriter();
        Pass(0, """{"type":"response.created","sequence_number":0,"response":{"id":"resp_up","object":"response","status":"in_progress","output":[],"model":"m","usage":null,"own":1}}""")[0]
            .Json()["response"]!["id"]!.GetValue<string>().ShouldBe(Answer.ResponseId);
        Pass(1, """{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}""");
        Pass(2, """{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"e"}}""");
        Pass(3, """{"type":"keepalive","sequence_number":3}""")[0].Data.ShouldBe("""{"type":"keepalive","sequence_number":3}""");
        Pass(4, """{"type":"response.output_item.added","sequence_number":4,"output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""");
        Pass(5, """{"type":"response.content_part.added","sequence_number":5,"output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}""");
        Pass(6, """{"type":"response.output_text.delta","sequence_number":6,"output_index":1,"content_index":0,"delta":"Half"}""");
        var frames = Answer.Write(writer, 7, new GenerationEvent { Kind = EventKind.Failed, Error = _error });
        frames.Select(f => f.Event).ShouldBe(["error", "response.failed"]); // some clients read only the first, some only the second
        frames[0].Data.ShouldStartWith("""{"type":"error","sequence_number":7,"code":"provider_unavailable","message":"Try again.","param":null,"error":{""");
        var frame = frames[1];
        JsonNode.DeepEquals(frame.Json(), JsonNode.Parse($$$"""
            {"type":"response.failed","sequence_number":8,"response":{"id":"{{{Answer.ResponseId}}}","status":"failed","error":{"code":"provider_unavailable","message":"Try again."},
             "output":[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"e"},
              {"id":"msg_1","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"Half","annotations":[],"logprobs":[]}]}],
             "object":"response","model":"m","usage":null,"own":1}}
            """)).ShouldBeTrue(frame.Data);

        List<Frame> Pass(long offset, string payload) => Answer.Pass(writer, offset, payload);
    }

    [Fact]
    public void An_ending_that_was_passed_on_shows_only_when_the_answer_has_ended()
    {
        var writer = Answer.NewWriter();
        Answer.Pass(writer, 0, """{"type":"response.created","response":{"id":"a","output":[]}}""").Count.ShouldBe(1);
        Answer.Pass(writer, 1, """{"type":"response.completed","response":{"id":"a","status":"completed","output":[]}}""").ShouldBeEmpty();
        var frame = Answer.Write(writer, 2, new GenerationEvent { Kind = EventKind.Finished }).ShouldHaveSingleItem();
        frame.Data.ShouldBe($$$"""{"type":"response.completed","response":{"id":"{{{Answer.ResponseId}}}","status":"completed","output":[]}}""");
        frame.Id.ShouldBe($"{Answer.Generation}.2");
    }

    [Fact]
    public void A_failure_before_the_response_is_an_error_alone()
    {
        var frame = Answer.Write(Answer.NewWriter(), 0, new GenerationEvent { Kind = EventKind.Failed, Error = _error }).ShouldHaveSingleItem();
        frame.Event.ShouldBe("error");
        frame.Data.ShouldBe("""{"type":"error","sequence_number":0,"code":"provider_unavailable","message":"Try again.","param":null,"error":{"type":"server_error","code":"provider_unavailable","message":"Try again.","param":null}}""");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_writer_after_a_crash_goes_on_where_the_stream_was_cut(bool passthrough)
    {
        string[] events = [Started, """{"type":"block_start","block":0,"kind":"text"}""", """{"type":"delta","block":0,"text":"Half"}"""];
        var first = Answer.NewWriter();
        var second = Answer.NewWriter();
        var shown = new List<Frame>();
        for (var i = 0; i < events.Length; i++)
        {
            var output = new ArrayBufferWriter<byte>();
            var read = NativeEventReader.Read(Encoding.UTF8.GetBytes(events[i]));
            if (passthrough) first.WritePayload([], Encoding.UTF8.GetBytes(_payloads[i]), new EventId(Answer.Generation, i), output);
            else first.Write(read, new EventId(Answer.Generation, i), output);
            shown.AddRange(Frame.All(output.WrittenSpan));
            second.Replay(read, output.WrittenSpan, new ArrayBufferWriter<byte>());
        }

        shown.AddRange(Answer.Write(second, 3, new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 }));
        shown.AddRange(Answer.Write(second, 4, new GenerationEvent { Kind = EventKind.Interrupted, Error = _error }));
        shown.ShouldBeGapless();
        var response = shown[^1].Json()["response"]!;
        ((string)response["status"]!).ShouldBe("failed");
        ((string)response["output"]![0]!["content"]![0]!["text"]!).ShouldBe("Half");
        ((string)response["output"]![0]!["id"]!).ShouldBe(passthrough ? "msg_1" : $"msg_{Answer.Generation["gen_".Length..]}_0");
    }

    [Fact]
    public void A_document_is_what_the_stream_would_end_with()
    {
        string[] events = [Started, """{"type":"block_start","block":0,"kind":"text"}""", """{"type":"delta","block":0,"text":"Hi"}""", """{"type":"block_stop","block":0}""", """{"type":"finished","reason":"stop"}"""];
        var output = new ArrayBufferWriter<byte>();
        var writer = Answer.NewWriter("""{"input":"Hi"}""");
        for (var i = 0; i < events.Length; i++) writer.Write(NativeEventReader.Read(Encoding.UTF8.GetBytes(events[i])), new EventId(Answer.Generation, i), output);
        var streamed = Answer.Play(Answer.NewWriter(), events)[^1].Json()["response"]!;
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(streamed.ToJsonString());
    }

    private static readonly string[] _payloads =
    [
        """{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","status":"in_progress","output":[]}}""",
        """{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}""",
        """{"type":"response.output_text.delta","sequence_number":2,"output_index":0,"content_index":0,"delta":"Half"}""",
    ];
}
