using System.Buffers;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;
using Penstock.Protocols.Gemini;
using Penstock.Protocols.Messages;
using Penstock.Protocols.Native;
using Penstock.Testing;
using Penstock.Tests.Protocols.ChatCompletions;

namespace Penstock.Tests.Protocols;

/// <summary>A token on its way through allocates nothing.</summary>
public sealed class AllocationTests
{
    private static readonly EventId _id = new("gen_0123456789abcdef0123456789abcdef", 12345);

    [Theory]
    [InlineData("""{"content":" word"}""")]
    [InlineData("""{"content":null,"reasoning_content":" \u00e9"}""")]
    [InlineData("""{"tool_calls":[{"index":0,"function":{"arguments":"\"x"}}]}""")]
    public void Reading_a_chunk_and_passing_it_on_allocates_nothing(string delta)
    {
        var payload = Encoding.UTF8.GetBytes(EventReaderTests.Delta(delta).Replace("}]}", "}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}", StringComparison.Ordinal));
        var reader = new ChatCompletionsEventReader(1);
        var output = new ArrayBufferWriter<byte>(4096);
        var sink = new NativeSink(output);
        var writer = ClientProtocols.ChatCompletions.NewEventWriter(ClientProtocols.ChatCompletions.ReadRequest("""{"prompt":"Hi","stream":true}"""u8.ToArray()), _id.Generation, DateTimeOffset.UnixEpoch);
        Allocations.Of(() =>
        {
            output.ResetWrittenCount();
            reader.Read(default, payload, sink);
            writer.WritePayload(default, payload, _id, output);
        }).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""", """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" w\u00f6rd"}}""")]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}""", """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" word"}}""")]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}""", """{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x"}}""")]
    public void Reading_an_event_of_Messages_and_passing_it_on_allocates_nothing(string start, string delta)
    {
        var payload = Encoding.UTF8.GetBytes(delta);
        var reader = new MessagesEventReader();
        var output = new ArrayBufferWriter<byte>(4096);
        var sink = new NativeSink(output);
        var request = new GenerationRequest { Protocol = "messages", Body = default, Messages = [], Stream = true };
        var writer = ClientProtocols.Messages.NewEventWriter(request, _id.Generation, DateTimeOffset.UnixEpoch);
        reader.Read(default, Encoding.UTF8.GetBytes(start), sink);
        Allocations.Of(() =>
        {
            output.ResetWrittenCount();
            reader.Read("content_block_delta"u8, payload, sink);
            writer.WritePayload("content_block_delta"u8, payload, _id, output);
        }).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"text":" w\u00f6rd"}""")]
    [InlineData("""{"text":" word","thought":true}""")]
    public void Reading_a_chunk_of_Gemini_and_passing_it_on_allocates_nothing(string part)
    {
        var payload = Encoding.UTF8.GetBytes($$$"""{"candidates":[{"content":{"parts":[{{{part}}}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1},"modelVersion":"g"}""");
        var reader = new GeminiEventReader(1);
        var output = new ArrayBufferWriter<byte>(4096);
        var sink = new NativeSink(output);
        var request = new GenerationRequest { Protocol = "gemini", Body = default, Messages = [], Stream = true };
        var writer = ClientProtocols.Gemini.NewEventWriter(request, _id.Generation, DateTimeOffset.UnixEpoch);
        Allocations.Of(() =>
        {
            output.ResetWrittenCount();
            reader.Read(default, payload, sink);
            writer.WritePayload(default, payload, _id, output);
        }).ShouldBe(0);
    }

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("messages")]
    [InlineData("gemini")]
    [InlineData("text-query")]
    [InlineData("text-chat")]
    public void Showing_a_delta_in_another_protocol_allocates_nothing(string protocol)
    {
        var client = ClientProtocols.Find(protocol)!;
        var request = new GenerationRequest { Protocol = protocol, Body = default, Messages = [], Stream = true };
        var writer = client.NewEventWriter(request, _id.Generation, DateTimeOffset.UnixEpoch);
        var output = new ArrayBufferWriter<byte>(4096);
        writer.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Text }, _id, output);
        Allocations.Of(() =>
        {
            output.ResetWrittenCount();
            writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = " w\\u00f6rd\\n"u8 }, _id, output);
        }).ShouldBe(0);
        output.WrittenCount.ShouldBeGreaterThan(0);
    }

    private sealed class NativeSink(ArrayBufferWriter<byte> output) : IEventSink
    {
        public void Write(in GenerationEvent generationEvent) => NativeEventWriter.Write(generationEvent, output);
    }
}
