using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Gemini;
using Penstock.Protocols.Native;

namespace Penstock.Tests.Protocols.Gemini;

public sealed class EventWriterTests
{
    private const string Generation = "gen_0123456789abcdef0123456789abcdef";
    private const string Tail = $$""","modelVersion":"m","responseId":"{{Generation}}"}""";

    [Fact]
    public void A_stream_of_our_making_is_what_the_clients_expect()
    {
        var writer = NewWriter();
        Write(writer, """{"type":"started","model":"up/x"}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":0,"kind":"reasoning"}""").ShouldBeEmpty();
        Write(writer, """{"type":"delta","block":0,"text":"H"}""").ShouldBeEmpty(); // its signature may follow
        Write(writer, """{"type":"delta","block":0,"text":"m"}""").ShouldBe([Part("""{"text":"H","thought":true}""")]);
        Write(writer, """{"type":"delta","block":0,"text":"","signature":"s1"}""").ShouldBe([Part("""{"text":"m","thought":true,"thoughtSignature":"s1"}""")]);
        Write(writer, """{"type":"block_stop","block":0}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":1,"kind":"text"}""").ShouldBeEmpty();
        Write(writer, """{"type":"delta","block":1,"text":"A\n"}""").ShouldBe([Part("""{"text":"A\n"}""")]);
        Write(writer, """{"type":"block_stop","block":1}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":2,"kind":"tool_call","id":"c1","name":"f"}""").ShouldBeEmpty();
        Write(writer, """{"type":"delta","block":2,"text":"{\"a\":"}""").ShouldBeEmpty();
        Write(writer, """{"type":"delta","block":2,"text":"1}","signature":"s2"}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_stop","block":2}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":3,"kind":"tool_call","name":"g"}""")
            .ShouldBe([Part("""{"functionCall":{"id":"c1","name":"f","args":{"a":1}},"thoughtSignature":"s2"}""")]);
        Write(writer, """{"type":"block_stop","block":3}""").ShouldBeEmpty();
        Write(writer, """{"type":"usage","inputTokens":5,"outputTokens":7,"reasoningTokens":2,"cachedInputTokens":1,"source":"provider"}""").ShouldBeEmpty();
        Write(writer, """{"type":"finished","reason":"tool_calls"}""").ShouldBe(
        [
            Part("""{"functionCall":{"name":"g","args":{}}}"""),
            """{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":5,"totalTokenCount":12,"thoughtsTokenCount":2,"cachedContentTokenCount":1}""" + Tail,
        ]);
    }

    [Theory]
    [InlineData("""{"type":"failed","error":{"code":"x","message":"Try again.","status":503}}""")]
    [InlineData("""{"type":"interrupted","error":{"code":"x","message":"Try again.","status":503}}""")]
    public void Half_a_call_is_never_shown(string ending)
    {
        var writer = NewWriter();
        Write(writer, """{"type":"block_start","block":0,"kind":"tool_call","name":"f"}""");
        Write(writer, """{"type":"block_stop","block":0}""");
        Write(writer, ending).ShouldBe(["""{"error":{"code":503,"message":"Try again.","status":"UNAVAILABLE"}}"""]);
    }

    [Fact]
    public void A_call_that_is_no_JSON_object_is_left_out_and_the_reason_says_so()
    {
        var writer = NewWriter();
        Write(writer, """{"type":"block_start","block":0,"kind":"tool_call","name":"f"}""");
        Write(writer, """{"type":"delta","block":0,"text":"{\"a\":"}""");
        Write(writer, """{"type":"block_stop","block":0}""");
        var frame = Write(writer, """{"type":"finished","reason":"tool_calls"}""").ShouldHaveSingleItem();
        ((string)JsonNode.Parse(frame)!["candidates"]![0]!["finishReason"]!).ShouldBe("MALFORMED_FUNCTION_CALL");
    }

    [Fact]
    public void Images_sources_refusals_and_redacted_thoughts_have_their_places()
    {
        var writer = NewWriter();
        Write(writer, """{"type":"block_start","block":0,"kind":"reasoning","name":"redacted"}""");
        Write(writer, """{"type":"delta","block":0,"text":"","signature":"s"}""").ShouldBe([Part("""{"thought":true,"thoughtSignature":"s"}""")]);
        Write(writer, """{"type":"block_start","block":1,"kind":"refusal"}""");
        Write(writer, """{"type":"delta","block":1,"text":"No"}""").ShouldBe([Part("""{"text":"No"}""")]);
        Write(writer, """{"type":"block_start","block":2,"kind":"text"}""");
        Write(writer, """{"type":"delta","block":2,"text":"","citation":{"url":"https://a.example","title":"A","start":0,"end":2}}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":3,"kind":"image","name":"image/webp"}""");
        Write(writer, """{"type":"delta","block":3,"text":"AA"}""");
        Write(writer, """{"type":"delta","block":3,"text":"=="}""");
        Write(writer, """{"type":"block_stop","block":3}""").ShouldBeEmpty();
        Write(writer, """{"type":"block_start","block":4,"kind":"other","name":"web_search_call"}""")
            .ShouldBe([Part("""{"inlineData":{"mimeType":"image/webp","data":"AA=="}}""")]);
        Write(writer, """{"type":"delta","block":4,"text":"{\"type\":\"web_search_call\"}"}""");
        Write(writer, """{"type":"block_stop","block":4}""");
        var frame = JsonNode.Parse(Write(writer, """{"type":"finished","reason":"content_filter"}""").ShouldHaveSingleItem())!["candidates"]![0]!;
        ((string)frame["finishReason"]!).ShouldBe("SAFETY");
        frame["groundingMetadata"]!.ToJsonString().ShouldBe(
            """{"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}}],"groundingSupports":[{"segment":{"startIndex":0,"endIndex":2},"groundingChunkIndices":[0]}]}""");
    }

    [Theory]
    [InlineData("""{"type":"block_stop","block":0}""", 1)]
    [InlineData("""{"type":"stopped","reason":"requested"}""", 2)]
    [InlineData("""{"type":"failed","error":{"code":"x","message":"No.","status":502}}""", 2)]
    public void The_last_piece_of_a_thought_that_nothing_signs_is_not_lost(string next, int frames)
    {
        var writer = NewWriter();
        Write(writer, """{"type":"block_start","block":0,"kind":"reasoning"}""");
        Write(writer, """{"type":"delta","block":0,"text":"Hm"}""").ShouldBeEmpty();
        var written = Write(writer, next);
        written.Count.ShouldBe(frames);
        written[0].ShouldBe(Part("""{"text":"Hm","thought":true}"""));
    }

    [Fact]
    public void A_provider_s_chunks_pass_whole_and_the_last_waits_for_our_ending()
    {
        const string First = """{"candidates":[{"content":{"parts":[{"text":"A"}]}}], "x": 1}""";
        const string Last = """{"candidates":[{"finishReason":"STOP"}]}""";
        const string After = """{"usageMetadata":{"totalTokenCount":1}}""";
        var writer = NewWriter();
        Pass(writer, First).ShouldBe([First]);
        Pass(writer, Last).ShouldBeEmpty();
        Pass(writer, After).ShouldBeEmpty();
        var buffer = new ArrayBufferWriter<byte>();
        writer.Write(new GenerationEvent { Kind = EventKind.Finished }, new EventId(Generation, 9), buffer);
        var frames = Frame.All(buffer.WrittenSpan);
        frames.Select(f => f.Data).ShouldBe([Last, After]);
        frames.Select(f => f.Id).ShouldBe([$"{Generation}.9.1", $"{Generation}.9"]);

        writer = NewWriter();
        Pass(writer, First);
        Pass(writer, Last);
        Write(writer, """{"type":"failed","error":{"code":"x","message":"No.","status":502}}""").ShouldBe(["""{"error":{"code":502,"message":"No.","status":"UNAVAILABLE"}}"""]);

        writer = NewWriter();
        Pass(writer, First);
        Write(writer, """{"type":"stopped","reason":"requested"}""").ShouldHaveSingleItem().ShouldContain("\"finishReason\":\"STOP\"");
        Pass(NewWriter(), """{"error":{"code":500}}""").ShouldBeEmpty();
    }

    [Fact]
    public void A_whole_answer_holds_a_part_for_each_block()
    {
        var writer = new GeminiProtocol().NewEventWriter(Request(stream: false), Generation, default);
        var output = new ArrayBufferWriter<byte>();
        foreach (var json in (string[])[
            """{"type":"block_start","block":0,"kind":"reasoning"}""", """{"type":"delta","block":0,"text":"H"}""", """{"type":"delta","block":0,"text":"m","signature":"s"}""",
            """{"type":"block_start","block":1,"kind":"text"}""", """{"type":"delta","block":1,"text":"A"}""", """{"type":"delta","block":1,"text":"B"}""",
            """{"type":"block_start","block":2,"kind":"tool_call","name":"f"}""", """{"type":"finished","reason":"tool_calls"}"""])
            writer.Write(NativeEventReader.Read(Encoding.UTF8.GetBytes(json)), EventId.None, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(
            """{"candidates":[{"content":{"parts":[{"text":"Hm","thought":true,"thoughtSignature":"s"},{"text":"AB"},{"functionCall":{"name":"f","args":{}}}],"role":"model"},"index":0,"finishReason":"STOP"}]""" + Tail);
    }

    [Fact]
    public void Every_recording_says_the_same_after_it_was_read_and_written_anew()
    {
        foreach (var file in Recordings.Find("gemini"))
        {
            var first = new EventList();
            var reader = new GeminiEventReader(1);
            var passed = NewWriter();
            var shown = new ArrayBufferWriter<byte>();
            foreach (var line in File.ReadLines(file).Where(l => l.Length > 0))
            {
                reader.Read([], Encoding.UTF8.GetBytes(line), first);
                passed.WritePayload([], Encoding.UTF8.GetBytes(line), new EventId(Generation, 1), shown);
            }

            reader.Finished.ShouldBeTrue(file);
            passed.Write(new GenerationEvent { Kind = EventKind.Finished, Reason = reader.Reason }, new EventId(Generation, 2), shown);
            Frame.All(shown.WrittenSpan).Select(f => f.Data).ShouldBe(File.ReadLines(file).Where(l => l.Length > 0));

            var writer = NewWriter();
            var again = new GeminiEventReader(1);
            var second = new EventList();
            var frames = first.Json.SelectMany(e => Write(writer, e)).ToList();
            Write(writer, $$"""{"type":"usage","inputTokens":{{reader.Usage!.InputTokens}},"outputTokens":{{reader.Usage.OutputTokens}},"totalTokens":{{reader.Usage.TotalTokens}},"reasoningTokens":{{reader.Usage.ReasoningTokens ?? 0}},"source":"provider"}""");
            var ending = new ArrayBufferWriter<byte>();
            writer.Write(new GenerationEvent { Kind = EventKind.Finished, Reason = reader.Reason }, new EventId(Generation, 2), ending);
            foreach (var frame in frames.Concat(Frame.All(ending.WrittenSpan).Select(f => f.Data))) again.Read([], Encoding.UTF8.GetBytes(frame), second);
            // A call without arguments is written with none.
            second.Json.Select(e => e.Replace("\"text\":\"{}\"", "\"text\":\"\"", StringComparison.Ordinal)).ShouldBe(first.Json, file);
            again.Reason.ShouldBe(reader.Reason);
            again.Usage.ShouldBe(reader.Usage with { ReasoningTokens = reader.Usage.ReasoningTokens ?? 0 });
        }
    }

    private static EventWriter NewWriter() => new GeminiProtocol().NewEventWriter(Request(stream: true), Generation, default);

    private static GenerationRequest Request(bool stream) => new() { Protocol = "gemini", Body = default, Messages = [], Model = "m", Stream = stream };

    private static string Part(string part) => $$"""{"candidates":[{"content":{"parts":[{{part}}],"role":"model"},"index":0}]""" + Tail;

    private static List<string> Pass(EventWriter writer, string payload)
    {
        var buffer = new ArrayBufferWriter<byte>();
        writer.WritePayload([], Encoding.UTF8.GetBytes(payload), new EventId(Generation, 1), buffer);
        return [.. Frame.All(buffer.WrittenSpan).Select(f => f.Data)];
    }

    private static List<string> Write(EventWriter writer, string json)
    {
        var buffer = new ArrayBufferWriter<byte>();
        writer.Write(NativeEventReader.Read(Encoding.UTF8.GetBytes(json)), new EventId(Generation, 1), buffer);
        return [.. Frame.All(buffer.WrittenSpan).Select(f => f.Data)];
    }
}
