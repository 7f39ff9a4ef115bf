using System.Text.Json.Nodes;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Something that a request can say: how a client of each protocol says it, and how to see it in what reaches a provider.</summary>
/// <param name="Name">Its row in docs/protocols.md.</param>
internal sealed record RequestFeature(string Name)
{
    /// <summary>How each protocol's client says it; a protocol that is missing has no word for it.</summary>
    public Dictionary<string, Action<JsonObject>> Say { get; } = [];

    /// <summary>How to see it in the body that a provider of each protocol gets.</summary>
    public Dictionary<string, Func<JsonNode, bool>> See { get; } = [];

    public bool NeedsTools { get; init; }

    /// <summary>A member with a value of JSON, by its path.</summary>
    private RequestFeature Member(string protocol, string path, string json) => With(
        protocol,
        body => Set(body, path, json),
        body => Js.Canonical(body.At(path.Split('.'))) == Js.Canonical(JsonNode.Parse(json)));

    private RequestFeature With(string protocol, Action<JsonObject> say, Func<JsonNode, bool> see)
    {
        Say[protocol] = say;
        See[protocol] = see;
        return this;
    }

    private static RequestFeature Of(string name, string? chat = null, string? responses = null, string? messages = null, string? gemini = null, bool tools = false)
    {
        var feature = new RequestFeature(name) { NeedsTools = tools };
        foreach (var (protocol, member) in new[] { ("chat-completions", chat), ("responses", responses), ("messages", messages), ("gemini", gemini) })
        {
            if (member is null) continue;
            var cut = member.IndexOf('=');
            feature.Member(protocol, member[..cut], member[(cut + 1)..]);
        }

        return feature;
    }

    private RequestFeature Seen(string protocol, Func<JsonNode, bool> see)
    {
        See[protocol] = see;
        return this;
    }

    private const string Chat = "chat-completions", Responses = "responses", Messages = "messages", Gemini = "gemini";
    private const string Pdf = "JVBERi0xLjQ=", Wav = "UklGRg==", PdfUrl = "https://example.com/a.pdf";

    public static readonly IReadOnlyDictionary<string, RequestFeature> All = new RequestFeature[]
    {
        Of("limit of output", "max_completion_tokens=5000", "max_output_tokens=5000", "max_tokens=5000", "generationConfig.maxOutputTokens=5000")
            .Seen(Chat, b => (b["max_completion_tokens"] ?? b["max_tokens"]).Num() == 5000),
        Of("temperature", "temperature=0.5", "temperature=0.5", "temperature=0.5", "generationConfig.temperature=0.5"),
        Of("top_p", "top_p=0.5", "top_p=0.5", "top_p=0.5", "generationConfig.topP=0.5"),
        Of("top_k", null, null, "top_k=7", "generationConfig.topK=7"),
        Of("frequency penalty", "frequency_penalty=0.5", null, null, "generationConfig.frequencyPenalty=0.5"),
        Of("presence penalty", "presence_penalty=0.5", null, null, "generationConfig.presencePenalty=0.5"),
        Of("seed", "seed=42", null, null, "generationConfig.seed=42"),
        Of("stop sequences", """stop=["END"]""", null, """stop_sequences=["END"]""", """generationConfig.stopSequences=["END"]"""),
        Of("several answers", "n=2", null, null, "generationConfig.candidateCount=2"),
        new RequestFeature("log probabilities")
            .With(Chat, b => { b["logprobs"] = true; b["top_logprobs"] = 2; }, b => (bool?)b["logprobs"] == true && b["top_logprobs"].Num() == 2)
            .With(Responses, b => { b["include"]!.AsArray().Add("message.output_text.logprobs"); b["top_logprobs"] = 2; }, b => b["top_logprobs"].Num() == 2)
            .Seen(Gemini, b => b.At("generationConfig", "logprobs").Num() == 2),
        Of("reasoning effort or budget", "reasoning_effort=\"low\"", "reasoning.effort=\"low\"", """thinking={"type":"enabled","budget_tokens":1024}""", "generationConfig.thinkingConfig.thinkingBudget=1024")
            .Seen(Messages, b => b.At("thinking", "type").Str() is "enabled" or "adaptive"),
        Of("JSON of any kind", """response_format={"type":"json_object"}""", """text={"format":{"type":"json_object"}}""", null, "generationConfig.responseMimeType=\"application/json\"")
            .Seen(Messages, b => b["system"].Items().Any(s => s["text"].Str().Contains("JSON", StringComparison.Ordinal))),
        Of("a tool must be called", "tool_choice=\"required\"", "tool_choice=\"required\"", """tool_choice={"type":"any"}""", "toolConfig.functionCallingConfig.mode=\"ANY\"", tools: true),
        Of("no tool may be called", "tool_choice=\"none\"", "tool_choice=\"none\"", """tool_choice={"type":"none"}""", "toolConfig.functionCallingConfig.mode=\"NONE\"", tools: true),
        Of("one named tool must be called", """tool_choice={"type":"function","function":{"name":"time"}}""", """tool_choice={"type":"function","name":"time"}""", """tool_choice={"type":"tool","name":"time"}""",
            """toolConfig.functionCallingConfig={"mode":"ANY","allowedFunctionNames":["time"]}""", tools: true),
        Of("tools to choose from", """tool_choice={"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"time"}},{"type":"function","function":{"name":"plan"}}]}}""",
            """tool_choice={"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"time"},{"type":"function","name":"plan"}]}""", null,
            """toolConfig.functionCallingConfig={"mode":"ANY","allowedFunctionNames":["time","plan"]}""", tools: true)
            .Seen(Messages, b => b["tools"].Items().Select(t => t["name"].Str()).SequenceEqual(["time", "plan"])),
        Of("one tool at a time", "parallel_tool_calls=false", "parallel_tool_calls=false", """tool_choice={"type":"auto","disable_parallel_tool_use":true}""", tools: true),
        new RequestFeature("a file in base64")
            .With(Chat, b => Add(b, "messages", "content", $$$"""{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,{{{Pdf}}}"}}"""), b => Holds(b, Pdf))
            .With(Responses, b => Add(b, "input", "content", $$"""{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,{{Pdf}}"}"""), b => Holds(b, Pdf))
            .With(Messages, b => Add(b, "messages", "content", $$$"""{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"{{{Pdf}}}"}}"""), b => Holds(b, Pdf))
            .With(Gemini, b => Add(b, "contents", "parts", $$$"""{"inlineData":{"mimeType":"application/pdf","data":"{{{Pdf}}}"}}"""), b => Holds(b, Pdf)),
        new RequestFeature("the address of a file")
            .With(Responses, b => Add(b, "input", "content", $$"""{"type":"input_file","file_url":"{{PdfUrl}}"}"""), b => Holds(b, PdfUrl))
            .With(Messages, b => Add(b, "messages", "content", $$$"""{"type":"document","source":{"type":"url","url":"{{{PdfUrl}}}"}}"""), b => Holds(b, PdfUrl))
            .With(Gemini, b => Add(b, "contents", "parts", $$$"""{"fileData":{"mimeType":"application/pdf","fileUri":"{{{PdfUrl}}}"}}"""), b => Holds(b, PdfUrl)),
        new RequestFeature("a sound recording")
            .With(Chat, b => Add(b, "messages", "content", $$$"""{"type":"input_audio","input_audio":{"format":"wav","data":"{{{Wav}}}"}}"""), b => Holds(b, Wav))
            .With(Gemini, b => Add(b, "contents", "parts", $$$"""{"inlineData":{"mimeType":"audio/wav","data":"{{{Wav}}}"}}"""), b => Holds(b, Wav)),
        new RequestFeature("marks for the prompt cache")
            .With(Messages, b => b["messages"]!.AsArray()[^1]!["content"]![0]!["cache_control"] = JsonNode.Parse("""{"type":"ephemeral"}"""), b => Holds(b, "ephemeral")),
        new RequestFeature("a tool's result that is an error")
            .With(Messages, b => b["messages"] = JsonNode.Parse(
                """[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"time","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","is_error":true,"content":"No clock."}]}]"""),
                b => b["messages"]!.AsArray()[^1]!["content"]![0] is var r && (bool?)r!["is_error"] == true && r.ToJsonString().Contains("No clock.", StringComparison.Ordinal))
            .With(Gemini, b => b["contents"] = JsonNode.Parse(
                """[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"time","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"time","response":{"error":"No clock."}}}]}]"""),
                b => b["contents"]!.AsArray()[^1]!["parts"]![0].At("functionResponse", "response", "error").Str() == "No clock."),
        Of("metadata", """metadata={"a":"b"}""", """metadata={"a":"b"}"""),
        Of("user", "user=\"u-1\"", "safety_identifier=\"u-1\"", "metadata.user_id=\"u-1\""),
    }.ToDictionary(f => f.Name);

    /// <summary>The text stands there as it is, not in the bytes of something else.</summary>
    private static bool Holds(JsonNode body, string text) =>
        body.ToJsonString() is var json && (json.Contains($"\"{text}\"", StringComparison.Ordinal) || json.Contains($";base64,{text}\"", StringComparison.Ordinal))
        && !json.Contains("base64,https:", StringComparison.Ordinal) && !json.Contains("\"data\":\"https:", StringComparison.Ordinal);

    private static void Set(JsonObject body, string path, string json)
    {
        var names = path.Split('.');
        foreach (var name in names[..^1])
        {
            if (body[name] is not JsonObject inner) body[name] = inner = [];
            body = inner;
        }

        body[names[^1]] = JsonNode.Parse(json);
    }

    /// <summary>Adds a part to the last turn, whose content may be a string.</summary>
    private static void Add(JsonObject body, string turns, string content, string part)
    {
        var turn = body[turns]!.AsArray()[^1]!;
        if (turn[content] is not JsonArray parts) turn[content] = parts = [new JsonObject { ["type"] = "text", ["text"] = turn[content].Str() }];
        parts.Add(JsonNode.Parse(part));
    }
}
