using System.Buffers;
using System.Text;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols;

/// <summary>What a provider may say that is odd: an error of the provider's is told in our words, and an ending can always be written.</summary>
public sealed class OddAnswerTests
{
    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    private static readonly string _deep = new string('[', 100) + new string(']', 100);

    [Theory]
    [InlineData("responses", "error", """{"type":"server_error","message":"SECRET"}""")]
    [InlineData("responses", "", """{"type":"response.error","error":{"message":"SECRET"}}""")]
    [InlineData("responses", "", """{"type":"response.failed","error":{"message":"SECRET"}}""")]
    [InlineData("responses", "response.failed", """{"message":"SECRET"}""")]
    [InlineData("responses", "", """{"type":"server_error","error":{"message":"SECRET"}}""")]
    [InlineData("chat-completions", "", """{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"SECRET"}}]}""")]
    [InlineData("chat-completions", "", """{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}""")]
    [InlineData("chat-completions", "error", """{"message":"SECRET"}""")]
    [InlineData("messages", "error", """{"message":"SECRET"}""")]
    [InlineData("chat-completions", "", """{"detail":"SECRET"}""")]
    [InlineData("responses", "", """{"detail":[{"msg":"SECRET"}]}""")]
    [InlineData("messages", "", """{"detail":"SECRET"}""")]
    [InlineData("gemini", "", """{"detail":"SECRET"}""")]
    [InlineData("gemini", "error", """{"message":"SECRET"}""")]
    public void An_error_in_any_shape_ends_the_answer_in_our_words(string protocol, string eventName, string payload)
    {
        var reader = NewReader(protocol);
        reader.Read(Encoding.UTF8.GetBytes(eventName), Encoding.UTF8.GetBytes(payload), new NoSink());
        reader.Finished.ShouldBeFalse();
        reader.Error.ShouldNotBeNull();
        reader.Error.Message.ShouldNotContain("SECRET");
    }

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("responses")]
    [InlineData("messages")]
    [InlineData("gemini")]
    public void A_whole_answer_that_is_only_a_detail_is_an_error(string protocol)
    {
        var reader = NewReader(protocol);
        reader.ReadWhole("""{"detail":"SECRET: rate limit"}"""u8, new NoSink());
        reader.Error!.Code.ShouldBe("rate_limited");
        reader.Error.Message.ShouldNotContain("SECRET");
    }

    [Fact]
    public void A_whole_answer_whose_choice_is_an_error_is_one()
    {
        var reader = NewReader("chat-completions");
        reader.ReadWhole("""{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"error","error":{"code":429,"message":"SECRET"}}]}"""u8, new NoSink());
        reader.Error!.Code.ShouldBe("rate_limited");
    }

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("responses")]
    [InlineData("messages")]
    [InlineData("gemini")]
    public void A_name_with_half_a_surrogate_pair_is_the_providers_fault(string protocol)
    {
        var payload = """{"\ud800typeaaaaaaaaaaaaaa":1,"\ud800":{}}"""u8.ToArray();
        Should.Throw<ProviderFormatException>(() => NewReader(protocol).Read([], payload, new NoSink()));
        Should.Throw<ProviderFormatException>(() => NewReader(protocol).ReadWhole(payload, new NoSink()));
        ProviderProtocols.New(protocol, new Uri("https://up.example/v1/"), version: null).ReadError(500, payload, retryAfter: null).Status.ShouldBe(502);
    }

    [Theory]
    [InlineData(EventKind.Stopped)]
    [InlineData(EventKind.Failed)]
    [InlineData(EventKind.Interrupted)]
    public void A_response_nested_deeply_and_named_oddly_still_gets_its_ending(EventKind kind)
    {
        var writer = ClientProtocols.Responses.NewEventWriter(NewRequest("responses"), Id, default);
        var output = new ArrayBufferWriter<byte>();
        foreach (var payload in (string[])[
            $$$"""{"type":"response.created","sequence_number":0,"response":{"id":"r","status":"in_progress","output":[],"x\ud800":1,"tools":{{{_deep}}}}}""",
            $$$"""{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"w","type":"web_search_call","x\ud800":1,"action":{{{_deep}}}}}""",
        ]) writer.WritePayload([], Encoding.UTF8.GetBytes(payload), new EventId(Id, 0), output);

        output.ResetWrittenCount();
        writer.Write(new GenerationEvent { Kind = kind, Error = kind == EventKind.Stopped ? null : GenerationErrors.Internal }, new EventId(Id, 1), output);
        var ending = Frame.All(output.WrittenSpan)[^1];
        ending.Data.ShouldContain(_deep);
        ending.Event.ShouldBe(kind == EventKind.Stopped ? "response.incomplete" : "response.failed");
    }

    [Theory]
    [InlineData("responses")]
    [InlineData("gemini")]
    [InlineData("chat-completions")]
    [InlineData("messages")]
    public void A_providers_own_item_nested_deeply_or_holding_half_a_pair_is_no_fault_of_ours(string client)
    {
        var events = new EventList();
        var reader = NewReader("responses");
        foreach (var odd in (string[])[_deep, """{"query":"\ud800"}""", """{"x\ud800":"y"}"""])
        {
            reader = NewReader("responses");
            reader.ReadWhole(Encoding.UTF8.GetBytes($$$"""{"status":"completed","output":[{"id":"w","type":"web_search_call","status":"completed","action":{{{odd}}}}]}"""), events);
            reader.Finished.ShouldBeTrue();
        }

        foreach (var stream in (bool[])[true, false])
        {
            var writer = ClientProtocols.Find(client)!.NewEventWriter(NewRequest(client) with { Stream = stream }, Id, default);
            var output = new ArrayBufferWriter<byte>();
            writer.Write(new GenerationEvent { Kind = EventKind.Started, Model = "m" }, new EventId(Id, 0), output);
            foreach (var json in events.Json.Where(e => e.Contains("\"block\":0", StringComparison.Ordinal)))
                writer.Write(Penstock.Protocols.Native.NativeEventReader.Read(Encoding.UTF8.GetBytes(json)), new EventId(Id, 1), output);
            writer.Write(new GenerationEvent { Kind = EventKind.Finished }, new EventId(Id, 2), output);
            output.WrittenCount.ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public void Mistrals_word_for_a_model_that_ran_out_of_room_is_length()
    {
        var reader = NewReader("chat-completions");
        reader.Read([], """{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"model_length"}]}"""u8, new NoSink());
        reader.Reason.ShouldBe(FinishReason.Length);
    }

    private static EventReader NewReader(string protocol) => ProviderProtocols.New(protocol, new Uri("https://up.example/v1/"), version: null).NewEventReader();

    private static GenerationRequest NewRequest(string protocol) => new() { Protocol = protocol, Body = default, Messages = [], Stream = true };
}
