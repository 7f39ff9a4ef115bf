using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Gemini;

namespace Penstock.Tests.Protocols.Gemini;

/// <summary>Bodies of Gemini clients.</summary>
public sealed class RequestTests
{
    [Fact]
    public void A_conversation_is_read_with_its_calls_thoughts_and_media()
    {
        var request = Read("""
            {"systemInstruction":{"parts":[{"text":"Be short."},{"text":"Be kind."}]},"contents":[
              {"role":"user","parts":[{"text":"What?"},{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"fileData":{"fileUri":"https://a.example/b.pdf","mimeType":"application/pdf"}},{"fileData":{"fileUri":"gs://bucket/x"}}]},
              {"role":"model","parts":[{"text":"H","thought":true},{"text":"m","thought":true,"thoughtSignature":"s1"},{"text":"Look.","thoughtSignature":"s2"},{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"s3"},{"functionCall":{"name":"f"}},{"functionCall":{"id":"x","name":"g","args":{}}}]},
              {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"one"}}},{"functionResponse":{"id":"x","name":"g","response":{"error":"bad"}}},{"functionResponse":{"name":"f","response":{"b":2},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]},
              {"parts":{"text":"So?"}}]}
            """);
        request.Messages.Select(m => m.Role).ShouldBe([Role.System, Role.User, Role.Assistant, Role.Tool, Role.User]);
        request.Messages[0].Parts.Count.ShouldBe(2);
        var media = request.Messages[1].Parts.OfType<MediaPart>().ToList();
        Encoding.ASCII.GetString(media[0].Data.Span).ShouldBe("AA==");
        media[1].Url.ShouldBe("https://a.example/b.pdf");
        media[2].FileId.ShouldBe("gs://bucket/x");
        var answer = request.Messages[2].Parts;
        answer[0].ShouldBeOfType<ReasoningPart>().ShouldSatisfyAllConditions(r => r.Text.ShouldBe("Hm"), r => r.Signature.ShouldBe("s1"));
        answer[1].ShouldBeOfType<TextPart>().Text.ShouldBe("Look.");
        answer[2].ShouldBeOfType<ReasoningPart>().ShouldSatisfyAllConditions(r => r.Text.ShouldBe(""), r => r.Signature.ShouldBe("s2"), r => r.IsRedacted.ShouldBeFalse());
        answer[3].ShouldBeOfType<ToolCallPart>().ShouldSatisfyAllConditions(c => c.Signature.ShouldBe("s3"), c => c.Arguments.ShouldBe("""{"a":1}"""));
        var calls = answer.OfType<ToolCallPart>().Select(c => c.Id).ToList();
        calls.Distinct().Count().ShouldBe(3);
        var results = request.Messages[3].Parts.Cast<ToolResultPart>().ToList();
        results.Select(r => r.Id).ShouldBe([calls[0], "x", calls[1]]);
        results.Select(r => r.Text).ShouldBe(["one", "bad", """{"b":2}"""]);
        results.Select(r => r.IsError).ShouldBe([false, true, false]);
        results[2].Content.OfType<MediaPart>().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("""{"name":"f","content":"one"}""", "one")]
    [InlineData("""{"name":"f","content":{"a":1}}""", """{"name":"f","content":{"a":1}}""")]
    [InlineData("""{"name":"f","content":"one","b":2}""", """{"name":"f","content":"one","b":2}""")]
    public void A_result_is_taken_out_of_the_ai_sdks_wrapping(string response, string text) =>
        Read($$$"""{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{{{response}}}}}]}]}""")
            .Messages[1].Parts.Cast<ToolResultPart>().Single().Text.ShouldBe(text);

    [Fact]
    public void The_chunks_of_a_streamed_answer_that_a_chat_sends_back_are_one_turn()
    {
        var parts = Read("""
            {"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"H","thought":true}]},{"role":"model","parts":[{"text":"m","thought":true}]},
             {"role":"model","parts":[{"text":"He"}]},{"role":"model","parts":[{"text":"llo"}]},{"role":"model","parts":[{"text":"","thoughtSignature":"s"}]},{"role":"user","parts":[{"text":"Again"}]}]}
            """).Messages[1].Parts;
        parts.OfType<TextPart>().ShouldHaveSingleItem().Text.ShouldBe("Hello");
        parts.OfType<ReasoningPart>().Select(r => (r.Text, r.Signature)).ShouldBe([("Hm", null), ("", "s")]);
    }

    [Theory]
    [InlineData("""{"topK":3,"maxOutputTokens":9,"candidateCount":2,"stopSequences":["x"],"seed":7,"presencePenalty":0.5,"thinkingConfig":{"thinkingBudget":-1,"includeThoughts":true},"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"enum":["a"]}},"propertyOrdering":["type"],"minProperties":"1"}}""")]
    [InlineData("""{"top_k":3,"max_output_tokens":9,"candidate_count":2,"stop_sequences":["x"],"seed":7,"presence_penalty":0.5,"thinking_config":{"thinking_budget":-1,"include_thoughts":true},"response_mime_type":"application/json","response_schema":{"type":"object","properties":{"type":{"type":"string","nullable":true,"enum":["a"]}},"property_ordering":["type"],"min_properties":1}}""")]
    public void Settings_are_read_in_either_spelling(string config)
    {
        var request = Read($$$"""{"contents":"Hi","generation{{{(config.Contains('_', StringComparison.Ordinal) ? "_config" : "Config")}}}":{{{config}}}}""");
        var settings = request.Settings;
        settings.TopK.ShouldBe(new("generationConfig.topK", 3));
        settings.MaxOutputTokens!.Value.Value.ShouldBe(9);
        request.Choices.ShouldBe(2);
        settings.StopSequences!.Value.Value.ShouldBe(["x"]);
        settings.Seed!.Value.Value.ShouldBe(7);
        settings.PresencePenalty!.Value.Value.ShouldBe(0.5);
        settings.Reasoning!.Value.Value.ShouldBe(new ReasoningSettings { BudgetTokens = -1, Show = true });
        Encoding.UTF8.GetString(settings.Format!.Value.Value.Schema.Span)
            .ShouldBe("""{"type":"object","properties":{"type":{"type":["string","null"],"enum":["a",null]}},"minProperties":1}""");
        request.OwnFields.ShouldBeEmpty();
    }

    [Fact]
    public void Tools_are_read_in_either_language_of_schemas()
    {
        var request = Read("""
            {"contents":"Hi","tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"INTEGER"},"minItems":"1"}}}},{"name":"g","parametersJsonSchema":{"type":"object"},"behavior":"BLOCKING"}]},{"googleSearch":{}}],
             "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},"safetySettings":[],"cachedContent":"c","labels":{"a":"b"}}
            """);
        request.Tools.Select(t => (t.Name, t.Description, Encoding.UTF8.GetString(t.Parameters.Span))).ShouldBe(
        [
            ("f", "d", """{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"},"minItems":1}}}"""),
            ("g", null, """{"type":"object"}"""),
        ]);
        request.Settings.ToolChoice!.Value.Value.ShouldSatisfyAllConditions(c => c.Mode.ShouldBe(ToolChoiceMode.Required), c => c.Names.ShouldBe(["f"]));
        request.OwnFields.ShouldBe(
        [
            new OwnField("tools[0].functionDeclarations[1].behavior", false), new OwnField("tools[1] (googleSearch)", true),
            new OwnField("safetySettings", false), new OwnField("cachedContent", true),
        ], ignoreOrder: true);
    }

    [Theory]
    [InlineData("""{}""", "contents")]
    [InlineData("""{"contents":[]}""", "contents")]
    [InlineData("""{"contents":[{"parts":[{"text":" "}]}]}""", "contents")]
    [InlineData("""{"contents":[{"role":"assistant","parts":[{"text":"a"}]}]}""", "contents[0].role")]
    [InlineData("""{"contents":[{"parts":[{"text":1}]}]}""", "contents[0].parts[0].text")]
    [InlineData("""{"contents":[{"parts":["a"]}]}""", "contents[0].parts[0]")]
    [InlineData("""{"contents":[{"parts":[{"inlineData":{}}]}]}""", "contents[0].parts[0].inlineData.data")]
    [InlineData("""{"contents":[{"parts":[{"functionCall":{}}]}]}""", "contents[0].parts[0].functionCall.name")]
    [InlineData("""{"contents":"a","generationConfig":{"maxOutputTokens":0}}""", "generationConfig.maxOutputTokens")]
    [InlineData("""{"contents":"a","generationConfig":{"temperature":"hot"}}""", "generationConfig.temperature")]
    [InlineData("""{"contents":"a","tools":[{"functionDeclarations":[{}]}]}""", "tools[0].functionDeclarations[0].name")]
    public void What_is_wrong_is_named(string body, string param) =>
        Should.Throw<RequestException>(() => Read(body)).Param.ShouldBe(param);

    [Fact]
    public void A_provider_of_the_same_protocol_gets_the_body_untouched()
    {
        const string Body = """{"contents" : [{"parts":[{"text":"\u0048i","new":1}]}],"model":"models/x","new_field":[1.50]}""";
        var output = new ArrayBufferWriter<byte>();
        new GeminiProviderProtocol().WriteRequest(Read(Body), "m", stream: true, output, new DroppedFields());
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("""{"contents" : [{"parts":[{"text":"\u0048i","new":1}]}],"new_field":[1.50]}""");
    }

    [Theory]
    [InlineData("gemini-2.5-flash", true, "models/gemini-2.5-flash:streamGenerateContent?alt=sse")]
    [InlineData("gemini-2.5-flash", false, "models/gemini-2.5-flash:generateContent")]
    [InlineData("tunedModels/a/../b", false, "tunedModels/a%2F..%2Fb:generateContent")]
    [InlineData("../x?y#z", false, "models/..%2Fx%3Fy%23z:generateContent")]
    public void The_path_names_the_model_and_a_name_stays_one_segment(string model, bool stream, string path) =>
        new GeminiProviderProtocol().Path(model, stream).ShouldBe(path);

    [Fact]
    public void A_thought_that_was_redacted_stays_so() =>
        Read("""{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"thought":true,"thoughtSignature":"s"}]}]}""").Messages[1].Parts[0]
            .ShouldBeOfType<ReasoningPart>().IsRedacted.ShouldBeTrue();

    private static GenerationRequest Read(string body) => GeminiRequestReader.Read(Encoding.UTF8.GetBytes(body), "m", stream: true);
}
