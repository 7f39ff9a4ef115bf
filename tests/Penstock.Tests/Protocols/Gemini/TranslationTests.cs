using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols.Gemini;

/// <summary>Requests of other protocols, written for a Gemini provider.</summary>
public sealed class TranslationTests
{
    private static readonly ProviderProtocol _protocol = ProviderProtocols.New("gemini", new Uri("https://api.example.com/v1beta"), version: null);

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
                new Message(Role.User, [new TextPart("What?"), new MediaPart(MediaKind.Image) { Data = "AA=="u8.ToArray(), MediaType = "image/webp", Detail = "low", Path = "d" }, new MediaPart(MediaKind.Image) { Url = "https://a.example/b.png?x=1" }]),
                new Message(Role.Assistant, [new ReasoningPart("Hm") { Signature = "sig" }, new TextPart(""), new TextPart("Let me look."), new ToolCallPart("a", "look", "") { Signature = "s" }, new ToolCallPart("b", "look", """{"x":1}""")]),
                new Message(Role.Tool, [new ToolResultPart("a", [new TextPart("1"), new TextPart("2")])]),
                new Message(Role.Tool, [new ToolResultPart("b", [new TextPart("no")]) { IsError = true }]),
                new Message(Role.User, [new TextPart("So?")]),
            ],
            Tools = [new Tool("look", "Looks.", schema) { Strict = true }, new Tool("stop", null, default)],
            Settings = new GenerationSettings
            {
                MaxOutputTokens = new("m", 9),
                Temperature = new("t", 0.5),
                TopK = new("top_k", 3),
                StopSequences = new("s", ["x", "y"]),
                ToolChoice = new("tool_choice", new ToolChoice(ToolChoiceMode.Required, ["look"])),
                ParallelToolCalls = new("parallel", false),
                Format = new("f", new AnswerFormat(schema) { Name = "n", Strict = true }),
                Reasoning = new("thinking", new ReasoningSettings { BudgetTokens = 2000 }),
                User = new("user", "u"),
                LogProbs = new("logprobs", 2),
            },
            OwnFields = [new OwnField("cosmetic", ChangesAnswer: false)],
        });

        JsonNode.DeepEquals(JsonNode.Parse(body), JsonNode.Parse("""
            {"systemInstruction":{"parts":[{"text":"Be short."},{"text":"Be kind."}]},"contents":[
              {"role":"user","parts":[{"text":"What?"},{"inlineData":{"mimeType":"image/webp","data":"AA=="}},{"fileData":{"mimeType":"image/png","fileUri":"https://a.example/b.png?x=1"}}]},
              {"role":"model","parts":[{"text":"Hm","thought":true,"thoughtSignature":"sig"},{"text":"Let me look."},{"functionCall":{"id":"a","name":"look","args":{}},"thoughtSignature":"s"},{"functionCall":{"id":"b","name":"look","args":{"x":1}}}]},
              {"role":"user","parts":[{"functionResponse":{"id":"a","name":"look","response":{"output":"12"}}},{"functionResponse":{"id":"b","name":"look","response":{"error":"no"}}}]},
              {"role":"user","parts":[{"text":"So?"}]}],
             "tools":[{"functionDeclarations":[{"name":"look","description":"Looks.","parametersJsonSchema":{"type":"object"}},{"name":"stop"}]}],
             "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["look"]}},
             "generationConfig":{"temperature":0.5,"topK":3,"maxOutputTokens":9,"stopSequences":["x","y"],"responseMimeType":"application/json","responseJsonSchema":{"type":"object"},"thinkingConfig":{"thinkingBudget":2000,"includeThoughts":true}}}
            """)).ShouldBeTrue(body);
        dropped.ShouldBe(["cosmetic", "d.detail", "tools[0].strict", "parallel", "logprobs", "user"]);
    }

    [Theory]
    [InlineData("gemini-2.5-flash", "low", """{"thinkingBudget":1024,"includeThoughts":true}""")]
    [InlineData("gemini-2.5-flash", "xhigh", """{"thinkingBudget":24576,"includeThoughts":true}""")]
    [InlineData("gemini-2.5-flash", "none", """{"thinkingBudget":0,"includeThoughts":false}""")]
    [InlineData("gemini-3-pro-preview", "medium", """{"thinkingLevel":"medium","includeThoughts":true}""")]
    [InlineData("gemini-3-pro-preview", "none", """{"thinkingLevel":"minimal","includeThoughts":false}""")]
    public void An_effort_is_a_budget_or_a_level_as_the_model_takes_it(string model, string effort, string config)
    {
        var settings = new GenerationSettings { Reasoning = new("e", new ReasoningSettings { Effort = effort }) };
        var (body, _) = Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [Hi], Settings = settings }, model);
        JsonNode.Parse(body)!["generationConfig"]!["thinkingConfig"]!.ToJsonString().ShouldBe(config);
    }

    [Fact]
    public void The_third_generation_gets_a_signature_for_a_call_that_has_none()
    {
        GenerationRequest Request(params Part[] answer) => new() { Protocol = "other", Body = default, Messages = [Hi, new Message(Role.Assistant, answer)] };
        Signatures(Request(new ToolCallPart("a", "f", ""), new ToolCallPart("b", "f", "")), "gemini-3-flash").ShouldBe(["skip_thought_signature_validator", null]);
        Signatures(Request(new ToolCallPart("a", "f", "")), "gemini-2.5-flash").ShouldBe([null]);
        // Where another protocol has no place for a call's signature, it stands beside it as a thought.
        Signatures(Request(new ReasoningPart("") { Signature = "s" }, new ToolCallPart("a", "f", ""), new ToolCallPart("b", "f", "")), "gemini-3-flash").ShouldBe(["s", null]);
        Signatures(Request(new ToolCallPart("a", "f", ""), new ReasoningPart("") { Signature = "s" }), "gemini-3-flash").ShouldBe(["s"]);
        Signatures(Request(new TextPart("x"), new ReasoningPart("") { Signature = "s" }), "gemini-3-flash").ShouldBe([null, "s"]);
    }

    [Fact]
    public void A_choice_among_some_tools_mentions_no_others()
    {
        var settings = new GenerationSettings { ToolChoice = new("c", new ToolChoice(ToolChoiceMode.Auto, ["g"])) };
        var (body, _) = Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [Hi], Tools = [new Tool("f", null, default), new Tool("g", null, default)], Settings = settings });
        body.ShouldContain("""{"functionDeclarations":[{"name":"g"}]}""");
        body.ShouldContain("""{"mode":"AUTO"}""");
    }

    [Fact]
    public void What_the_answer_depends_on_and_cannot_be_said_is_refused_by_name()
    {
        Should.Throw<RequestException>(() => Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [Hi], OwnFields = [new OwnField("tools[0] (web_search)", ChangesAnswer: true)] }))
            .Param.ShouldBe("tools[0] (web_search)");
        Should.Throw<RequestException>(() => Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [new Message(Role.User, [new MediaPart(MediaKind.File) { FileId = "file-1", Path = "input[0]" }])] }))
            .Param.ShouldBe("input[0]");
        Should.Throw<RequestException>(() => Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [new Message(Role.Tool, [new ToolResultPart("x", []) { Path = "messages[0]" }])] }))
            .Param.ShouldBe("messages[0]");
    }

    [Fact]
    public void Instructions_alone_are_said_as_contents_and_half_a_surrogate_pair_goes_as_it_came() =>
        Write(new GenerationRequest { Protocol = "other", Body = default, Messages = [new Message(Role.System, [new TextPart("a\ud83d")])] })
            .Body.ShouldStartWith("""{"contents":[{"role":"user","parts":[{"text":"a\ud83d"}]}]""");

    private static Message Hi => new(Role.User, [new TextPart("Hi")]);

    private static IEnumerable<string?> Signatures(GenerationRequest request, string model) =>
        JsonNode.Parse(Write(request, model).Body)!["contents"]![1]!["parts"]!.AsArray().Select(p => (string?)p!["thoughtSignature"]);

    private static (string Body, IReadOnlyList<string> Dropped) Write(GenerationRequest request, string model = "m")
    {
        var output = new ArrayBufferWriter<byte>();
        var dropped = new DroppedFields();
        _protocol.WriteRequest(request, model, stream: true, output, dropped);
        return (Encoding.UTF8.GetString(output.WrittenSpan), dropped.Names);
    }
}
