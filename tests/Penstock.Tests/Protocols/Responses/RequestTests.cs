using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.Tests.Protocols.Responses;

public sealed class RequestTests
{
    private static readonly ProviderProtocol _provider = ProviderProtocols.New("responses", new Uri("https://api.example.com/v1"), version: null);

    [Fact]
    public void A_conversation_is_read_as_messages()
    {
        var request = Read("""
            {"instructions":"Be brief.","input":[
              {"role":"developer","content":"Be kind."},
              {"role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"low"},
                {"type":"input_image","image_url":"https://a.example/b"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,BB=="},{"type":"input_file","file_url":"https://a.example/c"}]},
              {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"e"},
              {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Let me look.","annotations":[]},{"type":"refusal","refusal":"No."}]},
              {"type":"function_call","call_id":"a","name":"look","arguments":"{}"},
              {"type":"function_call","call_id":"b","name":"look","arguments":"{\"x\":1}","extra_content":{"google":{"thought_signature":"s"}}},
              {"type":"function_call_output","call_id":"a","output":"1"},
              {"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"2"},{"type":"input_image","file_id":"f"}]},
              {"role":"user","content":"So?"}]}
            """);
        request.Messages.Select(m => m.Role).ShouldBe([Role.System, Role.Developer, Role.User, Role.Assistant, Role.Tool, Role.User]);
        request.Messages[0].Text.ShouldBe("Be brief.");
        var media = request.Messages[2].Parts.OfType<MediaPart>().ToList();
        media.Select(m => (m.Kind, m.MediaType, m.Url, m.FileName, m.Detail, Data: Encoding.ASCII.GetString(m.Data.Span))).ShouldBe(
        [
            (MediaKind.Image, "image/png", null, null, "low", "AA=="),
            (MediaKind.Image, null, "https://a.example/b", null, null, ""),
            (MediaKind.File, "application/pdf", null, "a.pdf", null, "BB=="),
            (MediaKind.File, null, "https://a.example/c", null, null, ""),
        ]);
        var answer = request.Messages[3].Parts;
        answer[0].ShouldBeOfType<ReasoningPart>().ShouldSatisfyAllConditions(r => r.Text.ShouldBe("Hm"), r => r.Signature.ShouldBe("e"), r => r.IsRedacted.ShouldBeFalse());
        answer[1].ShouldBeOfType<TextPart>().Text.ShouldBe("Let me look.");
        answer[2].ShouldBeOfType<TextPart>().IsRefusal.ShouldBeTrue();
        answer[4].ShouldBeOfType<ToolCallPart>().ShouldSatisfyAllConditions(c => c.Id.ShouldBe("b"), c => c.Arguments.ShouldBe("""{"x":1}"""), c => c.Signature.ShouldBe("s"));
        request.Messages[4].Parts.Cast<ToolResultPart>().Select(r => (r.Id, r.Text)).ShouldBe([("a", "1"), ("b", "2")]);
        request.OwnFields.ShouldBeEmpty();
    }

    [Fact]
    public void The_settings_are_read_as_all_protocols_know_them()
    {
        var request = Read("""
            {"model":"m","input":"Hi","stream":true,"max_output_tokens":9,"temperature":0.5,"top_p":0.9,"parallel_tool_calls":false,"metadata":{"a":"b"},"safety_identifier":"u",
             "reasoning":{"effort":"low","summary":"auto"},"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},
             "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"web_search"}],"tool_choice":{"type":"function","name":"f"},
             "include":["reasoning.encrypted_content","file_search_call.results"],"truncation":"auto","service_tier":"flex","prompt_cache_key":"k"}
            """);
        var settings = request.Settings;
        settings.MaxOutputTokens!.Value.Value.ShouldBe(9);
        settings.Temperature!.Value.Value.ShouldBe(0.5);
        settings.ParallelToolCalls!.Value.Value.ShouldBeFalse();
        settings.User!.Value.Value.ShouldBe("u");
        settings.Reasoning!.Value.Value.ShouldBe(new ReasoningSettings { Effort = "low", Show = true });
        settings.Format!.Value.Value.Name.ShouldBe("n");
        settings.Format.Value.Value.Strict.ShouldBe(true);
        settings.ToolChoice!.Value.Value.Names.ShouldBe(["f"]);
        request.Tools.ShouldHaveSingleItem().Strict.ShouldBe(true);
        request.Store.ShouldBe(true);
        request.OwnFields.ShouldBe(
        [
            new OwnField("tools[1] (web_search)", true), new OwnField("text.verbosity", false), new OwnField("include (file_search_call.results)", false),
            new OwnField("truncation", false), new OwnField("service_tier", false), new OwnField("prompt_cache_key", false),
        ], ignoreOrder: true);
    }

    [Theory]
    [InlineData("{}", "input")]
    [InlineData("""{"input":""}""", "input")]
    [InlineData("""{"input":[]}""", "input")]
    [InlineData("""{"input":[1]}""", "input[0]")]
    [InlineData("""{"input":[{}]}""", "input[0].type")]
    [InlineData("""{"input":[{"role":"robot","content":"x"}]}""", "input[0].role")]
    [InlineData("""{"input":[{"role":"user"}]}""", "input[0].content")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image"}]}]}""", "input[0].content[0].image_url")]
    [InlineData("""{"input":[{"type":"function_call_output","output":"x"}]}""", "input[0].call_id")]
    [InlineData("""{"input":"x","tools":[{"type":"function"}]}""", "tools[0].name")]
    [InlineData("""{"input":"x","max_output_tokens":0}""", "max_output_tokens")]
    [InlineData("""{"input":"x","conversation":5}""", "conversation")]
    [InlineData("""{"input":"x","background":true,"store":false}""", "background")]
    public void What_is_wrong_is_named(string body, string param) =>
        Should.Throw<RequestException>(() => Read(body)).Param.ShouldBe(param);

    [Fact]
    public void A_provider_of_the_same_protocol_gets_the_body_as_it_came()
    {
        const string Members = """
            "input":[{"role":"user","content":"Hi","own":1}],"tools":[{"type":"web_search"}],"own":{ "a" : [ 1.0 ] },"store":true,"stream_options":{"include_obfuscation":false}
            """;
        var (body, dropped) = Write(Read($$"""{"model":"x","stream":true,"background":true,{{Members.Trim()}}}"""));
        body.ShouldBe($$"""{"model":"m","stream":true,{{Members.Trim()}}}""");
        dropped.ShouldBeEmpty();
    }

    [Fact]
    public void A_conversation_that_goes_on_loses_what_its_provider_cannot_know()
    {
        var earlier = Encoding.UTF8.GetBytes("""{"input":"One?"}""");
        var response = Encoding.UTF8.GetBytes("""
            {"output":[{"id":"rs_1","type":"reasoning","summary":[]},{"id":"rs_2","type":"reasoning","summary":[],"encrypted_content":"e","status":"completed"},{"id":"ws_1","type":"web_search_call","status":"completed"},
             {"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"commentary","content":[]},{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"}]}
            """);
        var joined = ResponsesConversation.Join(Encoding.UTF8.GetBytes("""{"input":[{"type":"function_call_output","call_id":"c","output":"2"}],"previous_response_id":"resp_1","own":1}"""), [earlier, ResponsesConversation.OutputOf(response)]);
        var request = new ResponsesProtocol().ReadRequest(joined);
        request.Messages.Select(m => m.Role).ShouldBe([Role.User, Role.Assistant, Role.Tool]);
        JsonNode.DeepEquals(JsonNode.Parse(Write(request).Body), JsonNode.Parse("""
            {"model":"m","stream":true,"own":1,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"One?"}]},
             {"type":"reasoning","summary":[],"encrypted_content":"e"},{"type":"message","role":"assistant","phase":"commentary","content":[]},
             {"type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"},{"type":"function_call_output","call_id":"c","output":"2"}]}
            """)).ShouldBeTrue(Write(request).Body);
    }

    [Fact]
    public void A_request_of_another_protocol_is_said_in_this_one()
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
                new Message(Role.User, [new TextPart("What?"), new MediaPart(MediaKind.Image) { Data = "AA=="u8.ToArray(), MediaType = "image/webp", Detail = "low" }, new MediaPart(MediaKind.File) { Url = "https://a.example/b" }]),
                new Message(Role.Assistant, [new ReasoningPart("Hm") { Signature = "sig" }, new ReasoningPart("Hm") { Path = "x.reasoning" }, new TextPart("Let me look."), new ToolCallPart("", "look", ""), new ToolCallPart("b", "look", """{"x":1}""")]),
                new Message(Role.User, [new ToolResultPart("", [new TextPart("1"), new TextPart("2")]) { Name = "look" }, new ToolResultPart("b", [new TextPart("no"), new MediaPart(MediaKind.Image) { Url = "https://a.example/i" }]), new TextPart("So?") { CacheControl = "{}"u8.ToArray(), Path = "p" }]),
            ],
            Tools = [new Tool("look", "Looks.", schema) { Strict = true }, new Tool("stop", null, default)],
            Settings = new GenerationSettings
            {
                MaxOutputTokens = new("m", 9),
                Temperature = new("t", 0.5),
                TopK = new("top_k", 3),
                LogProbs = new("logprobs", 2),
                ToolChoice = new("tool_choice", new ToolChoice(ToolChoiceMode.Auto, ["look"])),
                ParallelToolCalls = new("p", false),
                Format = new("f", new AnswerFormat(schema) { Name = "n", Strict = true }),
                Reasoning = new("thinking", new ReasoningSettings { BudgetTokens = 2000 }),
                Metadata = new("metadata", new Dictionary<string, string> { ["a"] = "b" }),
                User = new("user", "u"),
            },
            OwnFields = [new OwnField("cosmetic", ChangesAnswer: false)],
        });
        JsonNode.DeepEquals(JsonNode.Parse(body), JsonNode.Parse("""
            {"model":"m","stream":true,"instructions":"Be short.","input":[
              {"type":"message","role":"developer","content":[{"type":"input_text","text":"Be kind."}]},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","detail":"low","image_url":"data:image/webp;base64,AA=="},{"type":"input_file","file_url":"https://a.example/b"}]},
              {"type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"sig"},
              {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Let me look."}]},
              {"type":"function_call","call_id":"call_0","name":"look","arguments":"{}"},
              {"type":"function_call","call_id":"b","name":"look","arguments":"{\"x\":1}"},
              {"type":"function_call_output","call_id":"call_0","output":"12"},
              {"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"no"},{"type":"input_image","detail":"auto","image_url":"https://a.example/i"}]},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"So?"}]}],
             "tools":[{"type":"function","name":"look","description":"Looks.","parameters":{"type":"object"},"strict":true},{"type":"function","name":"stop","parameters":null,"strict":false}],
             "max_output_tokens":9,"temperature":0.5,"top_logprobs":2,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"look"}]},"parallel_tool_calls":false,
             "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},"reasoning":{"effort":"medium","summary":"auto"},
             "safety_identifier":"u","metadata":{"a":"b"},"include":["reasoning.encrypted_content","message.output_text.logprobs"],"store":false}
            """)).ShouldBeTrue(body);
        dropped.ShouldBe(["cosmetic", "x.reasoning", "p.cache_control", "top_k"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("n")]
    [InlineData("stop")]
    public void What_cannot_be_said_and_changes_the_answer_is_refused(string name)
    {
        var request = new GenerationRequest
        {
            Protocol = "other",
            Body = default,
            Messages = [],
            Settings = name == "n" ? new GenerationSettings { Choices = new("n", 2) } : new GenerationSettings { StopSequences = new("stop", ["x"]) },
        };
        Should.Throw<RequestException>(() => Write(request)).Param.ShouldBe(name);
    }

    private static GenerationRequest Read(string body) => new ResponsesProtocol().ReadRequest(Encoding.UTF8.GetBytes(body));

    private static (string Body, IReadOnlyList<string> Dropped) Write(GenerationRequest request)
    {
        var output = new ArrayBufferWriter<byte>();
        var dropped = new DroppedFields();
        _provider.WriteRequest(request, "m", stream: true, output, dropped);
        return (Encoding.UTF8.GetString(output.WrittenSpan), dropped.Names);
    }
}
