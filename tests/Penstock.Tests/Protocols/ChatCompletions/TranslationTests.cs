using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols.ChatCompletions;

/// <summary>Requests of other protocols, written for a Chat Completions provider.</summary>
public sealed class TranslationTests
{
    private static readonly ProviderProtocol _protocol = ProviderProtocols.New("chat-completions", new Uri("https://api.example.com/v1"), version: null);

    [Fact]
    public void What_both_can_say_is_said()
    {
        var schema = Encoding.UTF8.GetBytes("""{"type":"object"}""");
        var (body, dropped) = Write(new GenerationRequest
        {
            Protocol = "other",
            Body = default,
            Messages =
            [
                new Message(Role.System, [new TextPart("Be short.")]),
                new Message(Role.Developer, [new TextPart("Be kind.")]),
                new Message(Role.User, [new TextPart("What?"), new MediaPart(MediaKind.Image) { Data = "AA=="u8.ToArray(), MediaType = "image/webp", Detail = "low" }, new MediaPart(MediaKind.Image) { Url = "https://a.example/b" }]),
                new Message(Role.Assistant, [new ReasoningPart("Hm") { Signature = "sig" }, new TextPart("Let me look."), new ToolCallPart("a", "look", "") { Signature = "s" }, new ToolCallPart("b", "look", """{"x":1}""")]),
                new Message(Role.User, [new ToolResultPart("a", [new TextPart("1"), new TextPart("2")]), new ToolResultPart("b", [new TextPart("no")]) { IsError = true, Path = "r" }, new TextPart("So?")]),
            ],
            Tools = [new Tool("look", "Looks.", schema) { Strict = true }, new Tool("stop", null, default)],
            Settings = new GenerationSettings
            {
                MaxOutputTokens = new("m", 9),
                Temperature = new("t", 0.5),
                TopK = new("top_k", 3),
                StopSequences = new("s", ["x", "y"]),
                ToolChoice = new("tool_choice", new ToolChoice(ToolChoiceMode.Required, ["look"])),
                ParallelToolCalls = new("p", false),
                Format = new("f", new AnswerFormat(schema) { Name = "n", Strict = true }),
                Reasoning = new("thinking", new ReasoningSettings { BudgetTokens = 2000 }),
            },
            OwnFields = [new OwnField("cosmetic", ChangesAnswer: false)],
        });

        JsonNode.DeepEquals(JsonNode.Parse(body), JsonNode.Parse("""
            {"model":"m","messages":[
              {"role":"system","content":"Be short."},{"role":"developer","content":"Be kind."},
              {"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/webp;base64,AA==","detail":"low"}},{"type":"image_url","image_url":{"url":"https://a.example/b"}}]},
              {"role":"assistant","content":"Let me look.","reasoning_content":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm","signature":"sig"}],"tool_calls":[
                {"id":"a","type":"function","function":{"name":"look","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}},
                {"id":"b","type":"function","function":{"name":"look","arguments":"{\"x\":1}"}}]},
              {"role":"tool","tool_call_id":"a","content":"12"},{"role":"tool","tool_call_id":"b","content":"no"},
              {"role":"user","content":"So?"}],
             "tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"stop"}}],
             "max_tokens":9,"temperature":0.5,"stop":["x","y"],"tool_choice":{"type":"function","function":{"name":"look"}},"parallel_tool_calls":false,
             "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},"reasoning_effort":"medium",
             "stream":true,"stream_options":{"include_usage":true}}
            """)).ShouldBeTrue(body);
        dropped.ShouldBe(["cosmetic", "r.is_error", "top_k"]);
    }

    [Fact]
    public void What_the_answer_depends_on_and_cannot_be_said_is_refused_by_name()
    {
        Should.Throw<RequestException>(() => Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [], OwnFields = [new OwnField("tools[0] (web_search)", ChangesAnswer: true)] }))
            .Param.ShouldBe("tools[0] (web_search)");
        Should.Throw<RequestException>(() => Write(new GenerationRequest
        {
            Protocol = "other",
            Body = default,
            Messages = [new Message(Role.User, [new MediaPart(MediaKind.File) { FileId = "file-1", Path = "input[0]" }])],
        })).Param.ShouldBe("input[0]");
    }

    [Fact]
    public void Half_a_surrogate_pair_goes_as_it_came() =>
        Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [new Message(Role.User, [new TextPart("a\ud83d")])] })
            .Body.ShouldContain("""{"role":"user","content":"a\ud83d"}""");

    [Theory]
    [InlineData("https://api.openai.com/v1", "max_completion_tokens")]
    [InlineData("https://mine.openai.azure.com/openai/v1", "max_completion_tokens")]
    [InlineData("http://localhost:11434/v1", "max_tokens")]
    public void The_limit_has_the_name_that_the_provider_knows(string baseUrl, string name)
    {
        var output = new ArrayBufferWriter<byte>();
        ProviderProtocols.New("chat-completions", new Uri(baseUrl), version: null).WriteRequest(
            new GenerationRequest { Protocol = "other", Body = default, Messages = [], Settings = new GenerationSettings { MaxOutputTokens = new("m", 9) } }, "m", stream: false, output, new DroppedFields());
        JsonNode.Parse(output.WrittenSpan)![name]!.GetValue<int>().ShouldBe(9);
    }

    [Fact]
    public void Azure_is_asked_in_its_own_way()
    {
        var azure = ProviderProtocols.New("chat-completions", new Uri("https://mine.openai.azure.com/openai/deployments/d/"), "2025-01-01-preview");
        azure.Path("m", stream: true).ShouldBe("chat/completions?api-version=2025-01-01-preview");
        azure.Credential("k").ShouldBe(("api-key", "k"));
    }

    private static (string Body, IReadOnlyList<string> Dropped) Write(GenerationRequest request)
    {
        var output = new ArrayBufferWriter<byte>();
        var dropped = new DroppedFields();
        _protocol.WriteRequest(request, "m", stream: true, output, dropped);
        return (Encoding.UTF8.GetString(output.WrittenSpan), dropped.Names);
    }
}
