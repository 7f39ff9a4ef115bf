using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Protocols;
using Penstock.Protocols.Native;

namespace Penstock.Tests.Protocols.Native;

public sealed class NativeEventTests
{
    public static TheoryData<string> Events =>
    [
        """{"type":"started"}""",
        """{"type":"started","model":"a \"quoted\" model"}""",
        """{"type":"block_start","block":0,"kind":"text"}""",
        """{"type":"block_start","block":3,"kind":"reasoning","choice":1}""",
        """{"type":"block_start","block":2,"kind":"tool_call","id":"call_1","name":"weather"}""",
        """{"type":"block_start","block":4,"kind":"refusal"}""",
        """{"type":"block_start","block":4,"kind":"other"}""",
        """{"type":"delta","block":0,"text":"Hi \ud83d"}""",
        """{"type":"delta","block":1,"text":"","signature":"abc\/="}""",
        """{"type":"delta","block":0,"text":"Hi","logprobs":{"content":[{"token":"Hi","logprob":-0.10}],"refusal":null}}""",
        """{"type":"block_stop","block":17}""",
        """{"type":"usage","inputTokens":0,"outputTokens":7,"totalTokens":7,"cachedInputTokens":0,"reasoningTokens":3,"source":"provider"}""",
        """{"type":"usage","outputTokens":7,"source":"estimated"}""",
        """{"type":"usage","source":"partial"}""",
        """{"type":"attempt","attempt":2,"reason":"server_died","model":"a/b"}""",
        """{"type":"reset","attempt":2,"reason":"server_died"}""",
        """{"type":"raw"}""",
        """{"type":"block_start","block":2,"kind":"server_tool_call","id":"call_1","name":"weather","server":"city"}""",
        """{"type":"block_start","block":3,"kind":"tool_result","id":"call_1","name":"weather","server":"city","call":2}""",
        """{"type":"block_start","block":3,"kind":"tool_result","server":"city","call":0,"isError":true}""",
        """{"type":"step","step":2,"inputTokens":7,"outputTokens":0,"source":"provider"}""",
        """{"type":"tool_run","block":2}""",
        """{"type":"approval","block":2,"state":"asked","id":"call_1","name":"weather"}""",
        """{"type":"approval","block":2,"state":"approved"}""",
        """{"type":"approval","block":2,"state":"denied"}""",
        """{"type":"finished","reason":"stop"}""",
        """{"type":"finished","reason":"length","reasons":["length","tool_calls","content_filter","other"]}""",
        """{"type":"stopped","reason":"requested"}""",
        """{"type":"stopped","reason":"disconnected"}""",
        """{"type":"failed","error":{"code":"rate_limited","message":"Wait.","status":429,"retryAfterMs":1500}}""",
        """{"type":"interrupted","error":{"code":"interrupted","message":"Gone.","status":500}}""",
    ];

    [Theory]
    [MemberData(nameof(Events))]
    public void An_event_that_is_read_is_written_as_it_was(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var output = new ArrayBufferWriter<byte>();
        NativeEventWriter.Write(NativeEventReader.Read(bytes), output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(json);
        Encoding.UTF8.GetString(NativeEventWriter.TypeOf(bytes)).ShouldBe(json.Split('"')[3]);
    }

    [Fact]
    public void Members_from_a_later_version_are_passed_over()
    {
        var read = NativeEventReader.Read("""{"type":"delta","new":{"block":9,"x":[1]},"block":2,"text":"a"}"""u8);
        read.Block.ShouldBe(2);
        Encoding.UTF8.GetString(read.Text).ShouldBe("a");
    }

    [Theory]
    [InlineData("""{"type":"party"}""")]
    [InlineData("""{"block":1}""")]
    [InlineData("")]
    public void What_is_no_event_is_refused(string json) =>
        Should.Throw<FormatException>(() => { NativeEventReader.Read(Encoding.UTF8.GetBytes(json)); });

    [Fact]
    public void Log_probabilities_over_several_lines_are_written_on_one()
    {
        var output = new ArrayBufferWriter<byte>();
        NativeEventWriter.Write(new GenerationEvent { Kind = EventKind.Delta, Text = "a"u8, LogProbs = "{\n\"content\":\r\n[]}"u8 }, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("""{"type":"delta","block":0,"text":"a","logprobs":{ "content":  []}}""");
    }

    [Fact]
    public void Any_name_and_any_text_survive() => Prop.ForAll(JsonTextTests.Texts, text =>
    {
        var output = new ArrayBufferWriter<byte>();
        NativeEventWriter.Write(new GenerationEvent { Kind = EventKind.BlockStart, BlockKind = BlockKind.ToolCall, Id = text, Name = text }, output);
        var start = NativeEventReader.Read(output.WrittenSpan);
        output.Clear();
        NativeEventWriter.Write(new GenerationEvent { Kind = EventKind.Delta, Text = JsonTextTests.Escape(text) }, output);
        return start.Id == text && start.Name == text && JsonText.ToText(NativeEventReader.Read(output.WrittenSpan).Text) == text;
    }).QuickCheckThrowOnFailure();
}
