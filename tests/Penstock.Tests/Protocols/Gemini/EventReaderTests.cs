using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Gemini;
using Penstock.Sse;

namespace Penstock.Tests.Protocols.Gemini;

public sealed class EventReaderTests
{
    public static TheoryData<string, string[], string, FinishReason> Streams => new()
    {
        { "text", [Parts("""{"text":"Hel"}"""), Parts("""{"text":"lo"}"""), Last("""{"text":""}""")], "+0 Text | 0:Hel | 0:lo | -0", FinishReason.Stop },
        { "text in the last chunk", [Last("""{"text":"Hi"}""", "MAX_TOKENS")], "+0 Text | 0:Hi | -0", FinishReason.Length },
        {
            "thoughts, then text, none of it lost at the switch", [Parts("""{"text":"Hm","thought":true}"""), Parts("""{"text":"A"},{"text":"B"}"""), Last()],
            "+0 Reasoning | 0:Hm | -0 | +1 Text | 1:A | 1:B | -1", FinishReason.Stop
        },
        {
            "a thought and its signature", [Parts("""{"thought":true,"text":"Hm"}"""), Parts("""{"text":"","thought":true,"thoughtSignature":"s1"}"""), Last("""{"text":"A"}""")],
            "+0 Reasoning | 0:Hm | 0:#s1 | -0 | +1 Text | 1:A | -1", FinishReason.Stop
        },
        {
            "the signature of text goes as a thought of its own, at the text's end", [Parts("""{"text":"A","thoughtSignature":"s1"}"""), Parts("""{"text":"B"}"""), Last()],
            "+0 Text | 0:A | 0:B | -0 | +1 Reasoning | 1:#s1 | -1", FinishReason.Stop
        },
        {
            "a last chunk that holds only a signature", [Parts("""{"text":"A"}"""), Last("""{"text":"","thoughtSignature":"s1"}""")],
            "+0 Text | 0:A | -0 | +1 Reasoning | 1:#s1 | -1", FinishReason.Stop
        },
        {
            "a call, whole, its signature before its arguments", [Parts("""{"thoughtSignature":"s1","functionCall":{"args":{"a":"b\n"},"name":"f"}}"""), Last("""{"text":""}""")],
            """+0 f() | 0:{\"a\":\"b\\n\"}#s1 | -0""", FinishReason.ToolCalls
        },
        {
            "parallel calls in one chunk, of one function", [Parts("""{"functionCall":{"id":"x","name":"f","args":{"a":1}}},{"functionCall":{"name":"f","args":{"a":2}}}"""), Last()],
            """+0 f(x) | 0:{\"a\":1} | -0 | +1 f() | 1:{\"a\":2} | -1""", FinishReason.ToolCalls
        },
        { "a call without arguments", [Parts("""{"functionCall":{"name":"f"}}"""), Last()], "+0 f() | -0", FinishReason.ToolCalls },
        {
            "a call whose arguments come in pieces",
            [
                Parts("""{"functionCall":{"name":"f","willContinue":true}}"""),
                Parts("""{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0]","stringValue":"x\"","willContinue":true}],"willContinue":true}}"""),
                Parts("""{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0]","stringValue":"y"},{"jsonPath":"$['c d']","numberValue":1.5},{"jsonPath":"$.e","nullValue":"NULL_VALUE"}],"willContinue":true}}"""),
                Parts("""{"functionCall":{}}"""), Last(),
            ],
            """+0 f() | 0:{\"a\":{\"b\":[\"x\\\"y\"]},\"c d\":1.5,\"e\":null} | -0""", FinishReason.ToolCalls
        },
        {
            "a call in pieces that nothing ends", [Parts("""{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","boolValue":true}],"willContinue":true}}"""), Parts("""{"text":"A"}"""), Last()],
            """+0 f() | 0:{\"a\":true} | -0 | +1 Text | 1:A | -1""", FinishReason.ToolCalls
        },
        {
            "an image, and the provider's own work", [Parts("""{"inlineData":{"mimeType":"image/png","data":"AA=="},"thoughtSignature":"s"},{"executableCode":{"language":"PYTHON","code":"1"}}"""), Last()],
            """+0 Image | 0:AA==#s | -0 | +1 Other | 1:{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}} | -1""", FinishReason.Stop
        },
        {
            "a refused prompt", ["""{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"""],
            "", FinishReason.ContentFilter
        },
        { "a refused answer", [Parts("""{"text":"A"}"""), """{"candidates":[{"finishReason":"PROHIBITED_CONTENT"}]}"""], "+0 Text | 0:A | -0", FinishReason.ContentFilter },
        { "a call that went wrong", ["""{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","content":{}}]}"""], "", FinishReason.Other },
        { "chunks that say nothing", ["""{"candidates":null}""", """{"candidates":[]}""", """{"candidates":[{"content":null,"finishReason":null}],"new":[1]}""", "", Last("""{"text":"A"}""")], "+0 Text | 0:A | -0", FinishReason.Stop },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void A_stream_becomes_events(string what, string[] payloads, string events, FinishReason reason)
    {
        var (reader, sink) = Read(payloads);
        sink.Short.ShouldBe(events, what);
        reader.Finished.ShouldBeTrue(what);
        reader.Reason.ShouldBe(reason, what);
        reader.Error.ShouldBeNull();
    }

    [Fact]
    public void It_is_not_finished_before_a_reason_came()
    {
        var (reader, _) = Read(Parts("""{"text":"A"}"""));
        reader.Finished.ShouldBeFalse();
    }

    [Fact]
    public void Several_candidates_are_several_answers_and_it_is_finished_when_all_are()
    {
        var reader = new GeminiEventReader(2);
        var sink = new EventList();
        reader.Read([], """{"candidates":[{"content":{"parts":[{"text":"B"}]},"index":1},{"content":{"parts":[{"text":"A"}]},"finishReason":"STOP"}]}"""u8, sink);
        reader.Finished.ShouldBeFalse();
        reader.Read([], """{"candidates":[{"index":1,"finishReason":"MAX_TOKENS"}]}"""u8, sink);
        sink.Short.ShouldBe("+0 Text choice 1 | 0:B | +1 Text | 1:A | -1 | -0");
        reader.Reasons.ShouldBe([FinishReason.Stop, FinishReason.Length]);
    }

    [Fact]
    public void Usage_is_the_latest_that_counts_and_adds_what_the_protocol_counts_apart()
    {
        var (reader, _) = Read(
            """{"usageMetadata":{"promptTokenCount":1}}""",
            """{"usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":5,"candidatesTokenCount":7,"thoughtsTokenCount":3,"totalTokenCount":25,"cachedContentTokenCount":4}}""",
            """{"usageMetadata":{"trafficType":"ON_DEMAND"}}""");
        reader.Usage.ShouldBe(new Usage { InputTokens = 15, OutputTokens = 10, TotalTokens = 25, CachedInputTokens = 4, ReasoningTokens = 3 });
    }

    [Fact]
    public void Usage_that_cannot_be_read_is_none() =>
        Read("""{"usageMetadata":{"promptTokenCount":1,"\ud800TokenCountOfNobody":2}}""").Reader.Usage.ShouldBeNull();

    [Fact]
    public void Sources_come_with_the_text_and_their_places_only_where_bytes_are_characters()
    {
        const string Grounding = """
            "groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}},{"web":{"uri":"https://b.example"}}],
            "groundingSupports":[{"segment":{"endIndex":2,"text":"Hi"},"groundingChunkIndices":[0,9]}]}
            """;
        var (_, sink) = Read(Parts("""{"text":"Hi"}"""), $$"""{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP",{{Grounding}}}]}""");
        sink.Json[2].ShouldContain("""{"url":"https://a.example","title":"A","start":0,"end":2}""");
        sink.Json[3].ShouldContain("""{"url":"https://b.example"}""");
        (_, sink) = Read(Parts("""{"text":"é"}"""), $$"""{"candidates":[{"finishReason":"STOP",{{Grounding}}}]}""");
        sink.Json[2].ShouldContain("""{"url":"https://a.example","title":"A"}""");
        (_, sink) = Read("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"citationMetadata":{"citationSources":[{"uri":"https://c.example","startIndex":1,"endIndex":2}]},"finishReason":"STOP"}]}""");
        sink.Json[2].ShouldContain("""{"url":"https://c.example","start":1,"end":2}""");
    }

    [Theory]
    [InlineData("""{"error":{"code":503,"message":"secret","status":"UNAVAILABLE"}}""", "provider_overloaded")]
    [InlineData("""[{"error":{"code":429,"message":"secret","status":"RESOURCE_EXHAUSTED"}}]""", "rate_limited")]
    public void An_error_is_told_in_our_words(string json, string code)
    {
        var (reader, _) = Read(Parts("""{"text":"A"}"""), json);
        reader.Error!.Code.ShouldBe(code);
        reader.Error.Message.ShouldNotContain("secret");
        reader.Finished.ShouldBeFalse();
    }

    [Fact]
    public void An_error_outside_of_all_frames_is_heard_when_all_of_it_is_there()
    {
        var stream = Encoding.UTF8.GetBytes("data: " + Parts("""{"text":"A"}""") + "\r\n\r\n{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"overloaded\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}");
        for (var cut = 1; cut < stream.Length; cut++)
        {
            var reader = new GeminiEventReader(1);
            using var frames = new SseReader();
            foreach (var piece in (byte[][])[stream[..cut], stream[cut..]])
            {
                ReadOnlySpan<byte> input = piece;
                while (frames.TryRead(ref input, out var frame)) reader.Read(frame.Event, frame.Data, new EventList());
                reader.ReadOutside(frames.Outside);
            }

            frames.End();
            reader.ReadOutside(frames.Outside);
            reader.Error!.Code.ShouldBe("provider_overloaded");
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("1")]
    [InlineData("""{"candidates":{}}""")]
    [InlineData("""{"candidates":[{"index":-1}]}""")]
    [InlineData("""{"candidates":[]} x""")]
    public void What_the_protocol_does_not_allow_is_told_to_the_log(string payload) =>
        Should.Throw<ProviderFormatException>(() => Read(payload));

    [Fact]
    public void A_whole_answer_is_read_as_a_document_or_as_an_array()
    {
        foreach (var body in (string[])[Last("""{"text":"Hi"}"""), $"[{Parts("""{"text":"H"}""")}\n,\r\n{Last("""{"text":"i"}""")}]"])
        {
            var reader = new GeminiEventReader(1);
            var sink = new EventList();
            reader.ReadWhole(Encoding.UTF8.GetBytes(body), sink);
            sink.Text(BlockKind.Text).ShouldBe("Hi");
            reader.Finished.ShouldBeTrue();
        }

        Should.Throw<ProviderFormatException>(() => new GeminiEventReader(1).ReadWhole("{}"u8, new EventList()));
    }

    private static (GeminiEventReader Reader, EventList Sink) Read(params string[] payloads)
    {
        var reader = new GeminiEventReader(1);
        var sink = new EventList();
        foreach (var payload in payloads) reader.Read([], Encoding.UTF8.GetBytes(payload), sink);
        return (reader, sink);
    }

    private static string Parts(string parts) => $$"""{"candidates":[{"content":{"role":"model","parts":[{{parts}}]},"index":0}],"modelVersion":"g"}""";

    private static string Last(string parts = "", string reason = "STOP") => $$$"""{"candidates":[{"finishReason":"{{{reason}}}","content":{"parts":[{{{parts}}}]}}]}""";
}
