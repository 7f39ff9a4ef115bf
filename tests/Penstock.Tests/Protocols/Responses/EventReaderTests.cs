using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.Tests.Protocols.Responses;

public sealed class EventReaderTests
{
    private const string Completed = """{"type":"response.completed","response":{"status":"completed","output":[],"usage":{"input_tokens":0,"output_tokens":2}}}""";

    [Fact]
    public void Members_may_come_in_any_order_and_half_a_surrogate_pair_survives()
    {
        var (events, reader) = Answer.Read(
        [
            """{"delta":"\ud83d","logprobs":[],"content_index":0,"output_index":0,"type":"response.output_text.delta"}""",
            """{"delta":"\ude00","type":"response.output_text.delta"}""",
            Completed,
        ]);
        events.Short.ShouldBe("""+0 Text | 0:\ud83d | 0:\ude00 | -0""");
        reader.Finished.ShouldBeTrue();
        reader.Usage.ShouldBe(new Usage { InputTokens = 0, OutputTokens = 2 });
    }

    [Fact]
    public void What_was_not_streamed_is_taken_from_what_repeats_it()
    {
        var (events, reader) = Answer.Read(
        [
            """{"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message","content":[]}}""",
            """{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Whole"}""",
            """{"type":"response.output_item.done","output_index":0,"item":{"id":"m","type":"message","content":[{"type":"output_text","text":"Whole","annotations":[]},{"type":"refusal","refusal":"No"}]}}""",
            """{"type":"response.output_item.added","output_index":1,"item":{"id":"f","type":"function_call","call_id":"c","name":"look","arguments":""}}""",
            """{"type":"response.output_item.done","output_index":1,"item":{"id":"f","type":"function_call","call_id":"c","name":"look","arguments":{"x":1}}}""",
            """{"type":"response.completed","response":{"status":"completed","output":[{"id":"m","type":"message","content":[]},{"id":"f","type":"function_call","call_id":"c","name":"look","arguments":"{}"},{"id":"g","type":"function_call","call_id":"d","name":"stop","arguments":"{}"}]}}""",
        ]);
        events.Short.ShouldBe("""+0 Text | 0:Whole | -0 | +1 Refusal | 1:No | -1 | +2 look(c) | 2:{\"x\":1} | -2 | +3 stop(d) | 3:{} | -3""");
        reader.Reason.ShouldBe(FinishReason.ToolCalls);
    }

    [Fact]
    public void Reasoning_keeps_the_encrypted_content_it_ended_with()
    {
        var (events, _) = Answer.Read(
        [
            """{"type":"response.output_item.added","output_index":0,"item":{"id":"r","type":"reasoning","summary":[],"encrypted_content":"early"}}""",
            """{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"A"}""",
            """{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"B"}""",
            """{"type":"response.output_item.done","output_index":0,"item":{"id":"r","type":"reasoning","summary":[],"encrypted_content":"late"}}""",
            """{"type":"response.output_item.added","output_index":1,"item":{"id":"s","type":"reasoning","summary":[]}}""",
            """{"type":"response.output_item.done","output_index":1,"item":{"id":"s","type":"reasoning","summary":[],"encrypted_content":"alone"}}""",
            Completed,
        ]);
        events.Short.ShouldBe("+0 Reasoning | 0:A | -0 | +1 Reasoning | 1:B | 1:#late | -1 | +2 Reasoning | 2:#alone | -2");
        events.Json.ShouldContain("""{"type":"block_start","block":2,"kind":"reasoning","name":"redacted"}""");
    }

    [Theory]
    [InlineData("""{"type":"error","code":"rate_limit_exceeded","message":"secret"}""", "rate_limited")]
    [InlineData("""{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","message":"secret"}}""", "insufficient_quota")]
    [InlineData("""{"error":{"message":"secret","type":"server_error"}}""", "provider_error")]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","instructions":"rate limit","error":{"code":"server_error","message":"secret"}}}""", "provider_error")]
    public void An_error_in_any_shape_is_one_of_ours(string payload, string code)
    {
        var (_, reader) = Answer.Read([payload]);
        reader.Error!.Code.ShouldBe(code);
        reader.Error.Message.ShouldNotContain("secret");
        reader.Finished.ShouldBeFalse();
    }

    [Theory]
    [InlineData("max_output_tokens", FinishReason.Length)]
    [InlineData("content_filter", FinishReason.ContentFilter)]
    [InlineData("other", FinishReason.Other)]
    public void An_incomplete_response_says_why(string reason, FinishReason finish)
    {
        var (_, reader) = Answer.Read([$$$"""{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"{{{reason}}}"},"output":[]}}"""]);
        reader.Finished.ShouldBeTrue();
        reader.Reason.ShouldBe(finish);
    }

    [Fact]
    public void What_is_not_understood_passes_by()
    {
        var (events, reader) = Answer.Read(["""{"type":"keepalive"}""", """{"type":"response.new_thing","delta":{"a":1}}""", "[DONE]"]);
        events.Json.ShouldBeEmpty();
        reader.Finished.ShouldBeFalse(); // a stream that is cut there is no answer
        reader.Done.ShouldBeTrue();
    }

    [Theory]
    [InlineData("""{"type":"response.output_text.delta","delta":"x"}x""")]
    [InlineData("""{"type":"response.output_text.delta","delta":""")]
    public void What_is_no_JSON_is_refused(string payload) => Should.Throw<ProviderFormatException>(() => Answer.Read([payload]));

    [Fact]
    public void A_whole_answer_that_failed_is_an_error()
    {
        foreach (var body in (string[])["""{"error":{"code":"rate_limit_exceeded"}}""", """{"object":"response","status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"x"}}"""])
        {
            var reader = new ResponsesEventReader();
            reader.ReadWhole(Encoding.UTF8.GetBytes(body), new NoSink());
            reader.Error!.Code.ShouldBe("rate_limited");
            reader.Finished.ShouldBeFalse();
        }

        Should.Throw<ProviderFormatException>(() => new ResponsesEventReader().ReadWhole("{}"u8, new NoSink()));
    }

    [Fact]
    public void A_delta_costs_no_memory()
    {
        var reader = new ResponsesEventReader();
        var sink = new NoSink();
        var payload = Encoding.UTF8.GetBytes("""{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" word","logprobs":[]}""");
        for (var i = 0; i < 100; i++) reader.Read([], payload, sink);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) reader.Read([], payload, sink);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
