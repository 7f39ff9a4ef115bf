using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Tests.Protocols.ChatCompletions;

public sealed class EventWriterTests
{
    private const string Generation = "gen_0123456789abcdef0123456789abcdef";
    private const string ChunkId = "chatcmpl-0123456789abcdef0123456789abcdef";
    private static readonly DateTimeOffset _createdAt = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private static readonly GenerationError _error = new("provider_unavailable", "Try again.", 503);

    [Fact]
    public void A_synthesized_stream_is_what_the_SDKs_expect()
    {
        var writer = NewWriter("""{"prompt":"Hi","model":"fast","stream":true}""");
        var frames = new List<Frame>();
        frames.AddRange(Write(writer, 0, new GenerationEvent { Kind = EventKind.Started, Model = "gpt-5" }));
        frames.AddRange(Write(writer, 1, new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Reasoning }));
        frames.AddRange(Write(writer, 2, new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "Hm"u8 }));
        frames.AddRange(Write(writer, 3, new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 }));
        frames.AddRange(Write(writer, 4, new GenerationEvent { Kind = EventKind.BlockStart, Block = 1, BlockKind = BlockKind.Text }));
        frames.AddRange(Write(writer, 5, new GenerationEvent { Kind = EventKind.Delta, Block = 1, Text = "A\\n"u8, LogProbs = "{\"content\":[]}"u8 }));
        frames.AddRange(Write(writer, 6, new GenerationEvent { Kind = EventKind.BlockStart, Block = 2, BlockKind = BlockKind.ToolCall, Id = "c1", Name = "f" }));
        frames.AddRange(Write(writer, 7, new GenerationEvent { Kind = EventKind.Delta, Block = 2, Text = "{}"u8 }));
        frames.AddRange(Write(writer, 8, new GenerationEvent { Kind = EventKind.BlockStart, Block = 3, BlockKind = BlockKind.ToolCall, Id = "c2", Name = "g" }));
        frames.AddRange(Write(writer, 9, new GenerationEvent { Kind = EventKind.Usage, Usage = new Usage { InputTokens = 1 } }));
        frames.AddRange(Write(writer, 10, new GenerationEvent { Kind = EventKind.Finished, Reason = FinishReason.ToolCalls }));

        const string Head = "{\"id\":\"" + ChunkId + "\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"fast\",\"choices\":[{\"index\":0,\"delta\":";
        frames.Select(f => f.Data).ShouldBe(
        [
            Head + """{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}""",
            Head + """{"reasoning_content":"Hm"},"logprobs":null,"finish_reason":null}]}""",
            Head + """{"content":"A\n"},"logprobs":{"content":[]},"finish_reason":null}]}""",
            Head + """{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]}""",
            Head + """{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}""",
            Head + """{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},"logprobs":null,"finish_reason":null}]}""",
            Head + """{},"logprobs":null,"finish_reason":"tool_calls"}]}""",
            "[DONE]",
        ]);
        frames.Select(f => f.Id).ShouldBe([.. new[] { "0", "2", "5", "6", "7", "8", "10.1", "10" }.Select(o => $"{Generation}.{o}")]);
    }

    [Fact]
    public void Usage_that_was_asked_for_comes_before_the_end_and_is_null_till_then()
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true,"stream_options":{"include_usage":true}}""");
        Write(writer, 0, new GenerationEvent { Kind = EventKind.Started, Model = "gpt-5" })[0].Data.ShouldEndWith("}],\"usage\":null}");
        Write(writer, 1, new GenerationEvent { Kind = EventKind.Usage, Usage = new Usage { InputTokens = 0, OutputTokens = 7, CachedInputTokens = 0 } }).ShouldBeEmpty();
        var frames = Write(writer, 2, new GenerationEvent { Kind = EventKind.Finished });
        frames.Select(f => f.Id).ShouldBe([$"{Generation}.2.1", $"{Generation}.2.2", $"{Generation}.2"]);
        var usage = JsonNode.Parse(frames[1].Data)!;
        usage["choices"]!.AsArray().ShouldBeEmpty();
        usage["model"]!.GetValue<string>().ShouldBe("gpt-5");
        usage["usage"]!.ToJsonString().ShouldBe("""{"prompt_tokens":0,"completion_tokens":7,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0}}""");
        frames[2].Data.ShouldBe("[DONE]");
    }

    [Fact]
    public void Every_choice_has_its_role_and_its_reason()
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true,"n":2}""");
        Write(writer, 0, new GenerationEvent { Kind = EventKind.Started }).Select(f => (Index(f), f.Id)).ShouldBe([(0, $"{Generation}.0.1"), (1, $"{Generation}.0")]);
        var frames = Write(writer, 1, new GenerationEvent { Kind = EventKind.Finished, Reasons = [FinishReason.Stop, FinishReason.Length] });
        frames.Select(f => f.Id).ShouldBe([$"{Generation}.1.1", $"{Generation}.1.2", $"{Generation}.1"]);
        frames.Take(2).Select(Reason).ShouldBe(["stop", "length"]);
    }

    [Fact]
    public void Passing_on_replaces_the_id_and_nothing_else()
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true}""");
        var payload = """{"x": 1.0, "id" : "chatcmpl-theirs","choices":[{"index":0,"id":"inner","delta":{"content":"\u0041"}}],"n":1e2 }""";
        var frame = Pass(writer, 3, payload).ShouldHaveSingleItem();
        frame.Data.ShouldBe(payload.Replace("chatcmpl-theirs", ChunkId, StringComparison.Ordinal));
        frame.Id.ShouldBe($"{Generation}.3");
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0}]}""", "{\"id\":\"" + ChunkId + "\",\"choices\":[{\"index\":0}]}")]
    [InlineData("""{}""", "{\"id\":\"" + ChunkId + "\"}")]
    [InlineData("""{"id":null,"a":1}""", "{\"id\":\"" + ChunkId + "\",\"a\":1}")]
    [InlineData("""{"id":{"a":[]},"a":1}""", "{\"id\":\"" + ChunkId + "\",\"a\":1}")]
    [InlineData("""{"a":"\"id\"","i\u0064":"x"}""", "{\"a\":\"\\\"id\\\"\",\"i\\u0064\":\"" + ChunkId + "\"}")]
    [InlineData("{\n \"id\": \"x\",\r\n \"a\": 1\n}\n", "{  \"id\": \"" + ChunkId + "\",   \"a\": 1 }")]
    public void The_id_is_ours_whatever_the_payload_looks_like(string payload, string data) =>
        Pass(NewWriter("""{"prompt":"Hi","stream":true}"""), 0, payload).ShouldHaveSingleItem().Data.ShouldBe(data);

    [Theory]
    [InlineData("[DONE]")]
    [InlineData("""{"error":{"message":"SECRET"}}""")]
    [InlineData("""{"id":"x","choices":[],"error":"SECRET"}""")]
    public void Endings_are_never_passed_on(string payload) => Pass(NewWriter("""{"prompt":"Hi","stream":true}"""), 0, payload).ShouldBeEmpty();

    [Theory]
    [InlineData("""{"id":"x","choices":[],"usage":{"prompt_tokens":1}}""", false)]
    [InlineData("""{"id":"x","choices":[],"usage":null}""", true)]
    [InlineData("""{"id":"x","choices":[],"prompt_filter_results":[]}""", true)]
    [InlineData("""{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}""", true)]
    public void The_usage_chunk_is_for_those_who_asked(string payload, bool shownAnyway)
    {
        Pass(NewWriter("""{"prompt":"Hi","stream":true}"""), 0, payload).Count.ShouldBe(shownAnyway ? 1 : 0);
        Pass(NewWriter("""{"prompt":"Hi","stream":true,"stream_options":{"include_usage":true}}"""), 0, payload).Count.ShouldBe(1);
    }

    [Fact]
    public void A_passed_on_stream_finishes_with_DONE_alone()
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true,"stream_options":{"include_usage":true}}""");
        Pass(writer, 0, EventReaderTests.Finish("stop"));
        Write(writer, 1, new GenerationEvent { Kind = EventKind.Finished, Usage = new Usage { InputTokens = 1 } }).ShouldBe([new Frame("", "[DONE]", $"{Generation}.1")]);
    }

    [Fact]
    public void A_stopped_stream_ends_as_one_that_finished_and_its_chunk_agrees_with_the_providers()
    {
        var writer = NewWriter("""{"prompt":"Hi","model":"fast","stream":true,"stream_options":{"include_usage":true}}""");
        Pass(writer, 0, """{"id":"","model":"","created":0,"choices":[]}""");
        Pass(writer, 1, """{"id":"x","created":42,"model":"gpt-5-nano","choices":[{"index":0,"delta":{"content":"A"}}]}""");
        var frames = Write(writer, 2, new GenerationEvent { Kind = EventKind.Stopped, StopReason = "requested", Usage = new Usage { InputTokens = 1, OutputTokens = 1 } });
        frames.Select(f => f.Id).ShouldBe([$"{Generation}.2.1", $"{Generation}.2.2", $"{Generation}.2"]);
        frames[0].Data.ShouldBe($$"""{"id":"{{ChunkId}}","object":"chat.completion.chunk","created":42,"model":"gpt-5-nano","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}""");
        JsonNode.Parse(frames[1].Data)!["usage"]!["total_tokens"]!.GetValue<int>().ShouldBe(2);
        frames[2].Data.ShouldBe("[DONE]");
    }

    [Fact]
    public void A_stream_stopped_before_its_first_word_ends_properly_too()
    {
        var frames = Write(NewWriter("""{"prompt":"Hi","stream":true}"""), 0, new GenerationEvent { Kind = EventKind.Stopped });
        frames.Count.ShouldBe(2);
        Reason(frames[0]).ShouldBe("stop");
        JsonNode.Parse(frames[0].Data)!["choices"]![0]!["delta"]!["role"]!.GetValue<string>().ShouldBe("assistant");
        frames[1].Data.ShouldBe("[DONE]");
    }

    [Theory]
    [InlineData(EventKind.Failed, true)]
    [InlineData(EventKind.Failed, false)]
    [InlineData(EventKind.Interrupted, false)] // a fresh writer after a crash
    public void A_failure_is_an_error_frame_and_nothing_that_looks_like_completion(EventKind kind, bool afterPayloads)
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true}""");
        if (afterPayloads) Pass(writer, 0, EventReaderTests.Delta("""{"content":"A"}"""));
        Write(writer, 5, new GenerationEvent { Kind = kind, Error = _error })
            .ShouldBe([new Frame("", """{"error":{"message":"Try again.","type":"server_error","param":null,"code":"provider_unavailable"}}""", $"{Generation}.5")]);
    }

    [Fact]
    public void A_whole_answer_of_the_provider_has_our_id()
    {
        var writer = NewWriter("""{"prompt":"Hi"}""");
        var output = new ArrayBufferWriter<byte>();
        writer.WritePayload(default, """{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"content":"A"}}],"extra":1.0}"""u8, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Finished }, Id(1), output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe($$$"""{"id":"{{{ChunkId}}}","object":"chat.completion","choices":[{"index":0,"message":{"content":"A"}}],"extra":1.0}""");
    }

    /// <summary>What was read comes out of the writer as what would be read as the same again: streamed, and whole.</summary>
    [Theory]
    [InlineData("a signature", """{"reasoning_content":"Hm"}""", """{"reasoning_details":[{"type":"reasoning.text","text":"","signature":"s\/="}]}""")]
    [InlineData("encrypted reasoning", """{"reasoning_details":[{"type":"reasoning.encrypted","data":"xyz"}]}""", """{"content":"A"}""")]
    [InlineData("a signed call", """{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"sig"}}}]}""")]
    [InlineData("a source", """{"content":"A"}""", """{"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example/\"","title":"T","content":"Q","start_index":0,"end_index":1}}]}""")]
    [InlineData("an image", """{"content":"See:"}""", """{"images":[{"type":"image_url","image_url":{"url":"data:image\/webp;base64,AA\/="}}]}""")]
    [InlineData("log probabilities", """{"content":"A"}""")]
    public void What_one_provider_says_is_said_again(string what, params string[] deltas)
    {
        var list = new EventList();
        var reader = new ChatCompletionsEventReader(1);
        foreach (var delta in deltas) reader.Read(default, Encoding.UTF8.GetBytes(EventReaderTests.Delta(delta)), list);
        reader.Read(default, Encoding.UTF8.GetBytes(EventReaderTests.Finish("stop")), list);

        var streamed = new EventList();
        var second = new ChatCompletionsEventReader(1);
        var writer = NewWriter("""{"prompt":"Hi","stream":true}""");
        var wholeWriter = NewWriter("""{"prompt":"Hi"}""");
        var document = new ArrayBufferWriter<byte>();
        var offset = 0;
        foreach (var json in list.Json)
        {
            var read = Penstock.Protocols.Native.NativeEventReader.Read(Encoding.UTF8.GetBytes(json));
            wholeWriter.Write(read, Id(0), document);
            foreach (var frame in Write(writer, offset++, read)) second.Read(default, Encoding.UTF8.GetBytes(frame.Data), streamed);
        }

        second.Read(default, "[DONE]"u8, streamed);
        streamed.Json.ShouldBe(list.Json, what);

        wholeWriter.Write(new GenerationEvent { Kind = EventKind.Finished, Reason = FinishReason.Stop }, Id(0), document);
        var whole = new EventList();
        new ChatCompletionsEventReader(1).ReadWhole(document.WrittenSpan, whole);
        string.Concat(whole.Json.Where(j => !j.Contains("block_", StringComparison.Ordinal)).Select(Content).Order(StringComparer.Ordinal))
            .ShouldBe(string.Concat(list.Json.Where(j => !j.Contains("block_", StringComparison.Ordinal)).Select(Content).Order(StringComparer.Ordinal)), what);

        static string Content(string json)
        {
            var read = Penstock.Protocols.Native.NativeEventReader.Read(Encoding.UTF8.GetBytes(json));
            return $"{JsonText.ToText(read.Text)}{JsonText.ToText(read.Signature)}{Encoding.UTF8.GetString(read.Citation)}";
        }
    }

    [Fact]
    public void A_call_without_arguments_gets_an_empty_object_for_clients_parse_it()
    {
        var writer = NewWriter("""{"prompt":"Hi","stream":true}""");
        Write(writer, 0, new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.ToolCall, Id = "a", Name = "f" });
        Write(writer, 1, new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 }).ShouldHaveSingleItem().Data.ShouldContain("""{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}""");
    }

    [Theory]
    [InlineData(EventKind.Finished, "tool_calls")]
    [InlineData(EventKind.Stopped, "stop")]
    public void A_whole_answer_is_gathered_from_events(EventKind ending, string reason)
    {
        var writer = NewWriter("""{"prompt":"Hi","model":"fast"}""");
        var output = new ArrayBufferWriter<byte>();
        writer.Write(new GenerationEvent { Kind = EventKind.Started, Model = "gpt-5" }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Text }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "void"u8 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Reset }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 1, BlockKind = BlockKind.Reasoning }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 1, Text = "Hm"u8 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 2, BlockKind = BlockKind.Text }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 2, Text = "A\\ud83d"u8 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 2, Text = "\\ude00"u8 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 3, BlockKind = BlockKind.ToolCall, Id = "a", Name = "f" }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 3, Text = "{\\\"x\\\":1}"u8 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = 3 }, Id(0), output);
        writer.Write(new GenerationEvent { Kind = EventKind.Usage, Usage = new Usage { InputTokens = 1, OutputTokens = 2, TotalTokens = 3 } }, Id(0), output);
        output.WrittenCount.ShouldBe(0);
        writer.Write(new GenerationEvent { Kind = ending, Reason = ending == EventKind.Finished ? FinishReason.ToolCalls : FinishReason.Stop }, Id(0), output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(
            """{"id":"CHUNK","object":"chat.completion","created":1700000000,"model":"fast","choices":[{"index":0,"message":{"role":"assistant","content":"A\ud83d\ude00","refusal":null,"reasoning_content":"Hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},"logprobs":null,"finish_reason":"REASON"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""".Replace("CHUNK", ChunkId, StringComparison.Ordinal).Replace("REASON", reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(EventKind.Failed)]
    [InlineData(EventKind.Interrupted)]
    public void A_whole_answer_that_failed_is_no_answer(EventKind kind)
    {
        var output = new ArrayBufferWriter<byte>();
        NewWriter("""{"prompt":"Hi"}""").Write(new GenerationEvent { Kind = kind, Error = _error }, Id(0), output);
        output.WrittenCount.ShouldBe(0);
    }

    [Fact]
    public void Any_text_goes_through_reader_and_writer_and_reader_unchanged() => Prop.ForAll(JsonTextTests.Texts, text =>
    {
        var escaped = Encoding.UTF8.GetString(JsonTextTests.Escape(text));
        var list = new EventList();
        var reader = new ChatCompletionsEventReader(1);
        foreach (var payload in (string[])[EventReaderTests.Delta($$"""{"reasoning":"{{escaped}}"}"""), EventReaderTests.Delta($$"""{"content":"{{escaped}}"}"""), EventReaderTests.Delta($$"""{"refusal":"{{escaped}}"}"""), EventReaderTests.Delta(EventReaderTests.Call("0", $"\"i{escaped}\"", "f" + escaped, $"\"{escaped}\"")), "[DONE]"])
            reader.Read(default, Encoding.UTF8.GetBytes(payload), list);

        var writer = NewWriter("""{"prompt":"Hi","stream":true}""");
        var again = new EventList();
        var second = new ChatCompletionsEventReader(1);
        var offset = 0;
        foreach (var json in list.Json)
        {
            foreach (var frame in Write(writer, offset++, Penstock.Protocols.Native.NativeEventReader.Read(Encoding.UTF8.GetBytes(json))))
                second.Read(default, Encoding.UTF8.GetBytes(frame.Data), again);
        }

        second.Read(default, "[DONE]"u8, again);
        if (text.Length == 0) return again.Text(BlockKind.ToolCall) == "{}"; // what is parsed must be JSON
        return again.Json.SequenceEqual(list.Json) && again.Text(BlockKind.Text) == text && again.Text(BlockKind.ToolCall) == text;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_recording_comes_through_equal_but_for_its_id()
    {
        foreach (var file in Recordings.Find("openai-chat"))
        {
            var writer = NewWriter("""{"prompt":"Hi","stream":true,"stream_options":{"include_usage":true}}""");
            var reader = new ChatCompletionsEventReader(1);
            var list = new EventList();
            var expected = new StringBuilder();
            var offset = 0;
            foreach (var payload in File.ReadLines(file).Where(l => l.Length > 0))
            {
                var frame = Pass(writer, offset++, payload).ShouldHaveSingleItem(file);
                var sent = JsonNode.Parse(payload)!;
                sent["id"] = ChunkId;
                JsonNode.DeepEquals(JsonNode.Parse(frame.Data), sent).ShouldBeTrue($"{file}: {payload}");
                reader.Read(default, Encoding.UTF8.GetBytes(payload), list);
                if (sent["choices"]!.AsArray() is [JsonObject choice, ..] && choice["delta"]?["content"] is System.Text.Json.Nodes.JsonValue text && text.GetValueKind() == JsonValueKind.String)
                    expected.Append(text.GetValue<string>());
            }

            list.Text(BlockKind.Text).ShouldBe(expected.ToString(), file);
            reader.Finished.ShouldBeTrue(file);
            reader.Error.ShouldBeNull(file);
            if (file.Contains("tool-call", StringComparison.Ordinal))
            {
                reader.Reason.ShouldBe(FinishReason.ToolCalls, file);
                JsonDocument.Parse(list.Text(BlockKind.ToolCall)).Dispose();
            }
        }
    }

    private static EventWriter NewWriter(string body) =>
        ClientProtocols.ChatCompletions.NewEventWriter(ClientProtocols.ChatCompletions.ReadRequest(Encoding.UTF8.GetBytes(body)), Generation, _createdAt);

    private static EventId Id(long offset) => new(Generation, offset);

    private static List<Frame> Write(EventWriter writer, long offset, in GenerationEvent generationEvent)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.Write(generationEvent, Id(offset), output);
        return Frame.All(output.WrittenSpan);
    }

    private static List<Frame> Pass(EventWriter writer, long offset, string payload)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.WritePayload(default, Encoding.UTF8.GetBytes(payload), Id(offset), output);
        return Frame.All(output.WrittenSpan);
    }

    private static int Index(Frame frame) => JsonNode.Parse(frame.Data)!["choices"]![0]!["index"]!.GetValue<int>();

    private static string Reason(Frame frame) => JsonNode.Parse(frame.Data)!["choices"]![0]!["finish_reason"]!.GetValue<string>();
}
