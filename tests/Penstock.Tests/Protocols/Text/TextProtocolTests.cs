using System.Buffers;
using System.Text;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols.Text;

public sealed class TextProtocolTests
{
    private const string Generation = "gen_1";

    [Theory]
    [InlineData("text-query", "{\"prompt\":\"Hi\"}", "", "")]
    [InlineData("text-chat", "{\"prompt\":\"Hi\"}", "token", "done")]
    [InlineData("text-ask", "{\"query\":\"Hi\"}", "", "done")]
    [InlineData("text-stream", "{\"query\":\"Hi\"}", "", "")]
    public void Each_endpoint_names_its_frames_as_its_clients_expect(string protocol, string body, string tokenEvent, string doneEvent)
    {
        var writer = NewWriter(protocol, body);
        Delta(writer, 2, " Hi").ShouldBe([new Frame(tokenEvent, " Hi", "gen_1.2")]);
        Write(writer, 3, new GenerationEvent { Kind = EventKind.Finished }).ShouldBe([new Frame(doneEvent, "[DONE]", "gen_1.3")]);
        Write(writer, 3, new GenerationEvent { Kind = EventKind.Stopped }).ShouldBe([new Frame(doneEvent, "[DONE]", "gen_1.3")]);
        Write(writer, 3, new GenerationEvent { Kind = EventKind.Failed, Error = new("x", "Try\nagain.") }).ShouldBe([new Frame("error", "Try\nagain.", "gen_1.3")]);
        Write(NewWriter(protocol, body), 3, new GenerationEvent { Kind = EventKind.Interrupted, Error = new("x", "Gone.") }).ShouldBe([new Frame("error", "Gone.", "gen_1.3")]);
    }

    [Fact]
    public void A_token_of_several_lines_is_one_frame_of_several_lines()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = NewWriter("text-query", "{\"prompt\":\"Hi\"}");
        writer.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = " a\\n\\n b\\r\\nc\\n"u8 }, new EventId(Generation, 2), output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("data:  a\ndata: \ndata:  b\ndata: c\ndata: \nid: gen_1.2\n\n");
    }

    [Fact]
    public void A_character_cut_in_two_is_shown_whole_with_its_second_half()
    {
        var writer = NewWriter("text-query", "{\"prompt\":\"Hi\"}");
        Delta(writer, 2, "\\ud83d").ShouldBeEmpty();
        Delta(writer, 3, "\\ude00!").ShouldBe([new Frame("", "😀!", "gen_1.3")]);
        Delta(writer, 4, "好\\u597d\\ud83d").ShouldBe([new Frame("", "好好", "gen_1.4")]);
        Delta(writer, 5, "x").ShouldBe([new Frame("", "\uFFFDx", "gen_1.5")]);
        Delta(writer, 6, "\\ud83d").ShouldBeEmpty();
        Write(writer, 7, new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 }).ShouldBe([new Frame("", "\uFFFD", "gen_1.7")]);
    }

    [Fact]
    public void A_model_that_says_DONE_does_not_end_the_stream() =>
        Delta(NewWriter("text-query", "{\"prompt\":\"Hi\"}"), 2, "[DONE]").ShouldBe([new Frame("", "[", "gen_1.2.1"), new Frame("", "DONE]", "gen_1.2")]);

    [Fact]
    public void Only_the_text_of_the_first_choice_is_shown()
    {
        var writer = NewWriter("text-query", "{\"prompt\":\"Hi\"}");
        Write(writer, 0, new GenerationEvent { Kind = EventKind.Started, Model = "m" }).ShouldBeEmpty();
        Write(writer, 1, new GenerationEvent { Kind = EventKind.BlockStart, Block = 1, BlockKind = BlockKind.Reasoning }).ShouldBeEmpty();
        Write(writer, 2, new GenerationEvent { Kind = EventKind.Delta, Block = 1, Text = "Hm"u8 }).ShouldBeEmpty();
        Write(writer, 3, new GenerationEvent { Kind = EventKind.BlockStart, Block = 2, BlockKind = BlockKind.Text, Choice = 1 }).ShouldBeEmpty();
        Write(writer, 4, new GenerationEvent { Kind = EventKind.Delta, Block = 2, Text = "B"u8 }).ShouldBeEmpty();
        Write(writer, 5, new GenerationEvent { Kind = EventKind.BlockStart, Block = 3, BlockKind = BlockKind.ToolCall, Name = "f" }).ShouldBeEmpty();
        Write(writer, 6, new GenerationEvent { Kind = EventKind.Delta, Block = 3, Text = "{}"u8 }).ShouldBeEmpty();
        Delta(writer, 7, "").ShouldBeEmpty();
    }

    [Fact]
    public void A_request_is_read()
    {
        var request = ClientProtocols.TextAsk.ReadRequest("""{"query":"Why?","uuid":"A-1.b_c","model":"fast","other":[1]}"""u8.ToArray());
        request.Messages.ShouldHaveSingleItem().Text.ShouldBe("Why?");
        request.JobId.ShouldBe("A-1.b_c");
        request.Model.ShouldBe("fast");
        request.Stream.ShouldBeTrue();
        request.Protocol.ShouldBe("text-ask");
    }

    public static TheoryData<string, string, string?, string> Bodies => new()
    {
        { "text-query", "", null, "invalid_json" },
        { "text-query", "Hi", null, "invalid_json" },
        { "text-query", "[]", null, "invalid_type" },
        { "text-query", "{}", "prompt", "missing_required_parameter" },
        { "text-query", "{\"query\":\"Hi\"}", "prompt", "missing_required_parameter" },
        { "text-query", "{\"prompt\":null}", "prompt", "missing_required_parameter" },
        { "text-query", "{\"prompt\":[]}", "prompt", "invalid_type" },
        { "text-query", "{\"prompt\":\"\"}", "prompt", "invalid_value" },
        { "text-query", "{\"prompt\":\"Hi\",\"model\":1}", "model", "invalid_type" },
        { "text-chat", $"{{\"prompt\":\"{new string('好', 5001)}\"}}", "prompt", "string_above_max_length" },
        { "text-stream", "{\"prompt\":\"Hi\"}", "query", "missing_required_parameter" },
        { "text-ask", "{\"query\":\"\\t\"}", "query", "invalid_value" },
        { "text-ask", "{\"query\":\"Hi\",\"uuid\":7}", "uuid", "invalid_type" },
        { "text-ask", "{\"query\":\"Hi\",\"uuid\":\"\"}", "uuid", "invalid_value" },
        { "text-ask", "{\"query\":\"Hi\",\"uuid\":\"a b\"}", "uuid", "invalid_value" },
        { "text-ask", $"{{\"query\":\"Hi\",\"uuid\":\"{new string('a', 129)}\"}}", "uuid", "invalid_value" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void A_body_that_cannot_be_taken_is_answered_with_the_field_and_the_mend(string protocol, string body, string? param, string code)
    {
        var client = ClientProtocols.Find(protocol)!;
        var error = Should.Throw<RequestException>(() => client.ReadRequest(Encoding.UTF8.GetBytes(body)));
        error.Param.ShouldBe(param);
        error.Code.ShouldBe(code);
        var output = new ArrayBufferWriter<byte>();
        client.WriteError(error, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldStartWith($$"""{"error":{"code":"{{code}}","message":""");
    }

    private static EventWriter NewWriter(string protocol, string body)
    {
        var client = ClientProtocols.Find(protocol)!;
        var writer = client.NewEventWriter(client.ReadRequest(Encoding.UTF8.GetBytes(body)), Generation, DateTimeOffset.UnixEpoch);
        Write(writer, 0, new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Text });
        return writer;
    }

    private static List<Frame> Delta(EventWriter writer, long offset, string escaped) =>
        Write(writer, offset, new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = Encoding.UTF8.GetBytes(escaped) });

    private static List<Frame> Write(EventWriter writer, long offset, in GenerationEvent generationEvent)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.Write(generationEvent, new EventId(Generation, offset), output);
        return Frame.All(output.WrittenSpan);
    }
}
