using System.Text.Json.Nodes;

namespace Penstock.Testing.Wires;

public sealed class GeminiWire : Wire
{
    public override string Protocol => "gemini";

    // …/models/NAME:streamGenerateContent?alt=sse
    public override string Model(UpstreamCall call) => Uri.UnescapeDataString(call.Path.Split("/models/")[1].Split(':')[0]);

    public override bool Streams(UpstreamCall call) => call.Path.Contains(":streamGenerateContent", StringComparison.Ordinal);

    public override IReadOnlyList<WireResult> ToolResults(JsonNode request) =>
        [.. Parts(request).Select(p => p["functionResponse"]).OfType<JsonObject>().Select(r => new WireResult((string)r["name"]!, ResultText(r["response"]!.AsObject())))];

    public override IReadOnlyList<string> Signatures(JsonNode request) => [.. Parts(request).Select(p => (string?)p["thoughtSignature"]).OfType<string>()];

    public override IReadOnlyList<string> Tools(JsonNode request) =>
        [.. Items(request["tools"]).SelectMany(t => Items(t["functionDeclarations"])).Select(f => (string)f["name"]!)];

    public override JsonNode? Schema(JsonNode request) =>
        request["generationConfig"]?["responseJsonSchema"] ?? request["generationConfig"]?["responseSchema"];

    public override JsonNode? Other(UpstreamCall call) =>
        call.Path.Contains(":countTokens", StringComparison.Ordinal) ? new JsonObject { ["totalTokens"] = 42 } : null;

    public override IEnumerable<string> Frames(WireAnswer answer)
    {
        foreach (var piece in answer.Reasoning) yield return Sse(Chunk(answer, new JsonObject { ["text"] = piece, ["thought"] = true }));
        foreach (var piece in answer.Text) yield return Sse(Chunk(answer, new JsonObject { ["text"] = piece }));
        if (answer.IsCut) yield break;
        foreach (var call in Calls(answer)) yield return Sse(Chunk(answer, call));
        var last = Chunk(answer, new JsonObject { ["text"] = "" });
        last["candidates"]![0]!["finishReason"] = FinishReason(answer);
        yield return Sse(last);
    }

    public override JsonNode Document(WireAnswer answer)
    {
        List<JsonObject> parts = [];
        if (answer.Reasoning.Count > 0) parts.Add(new JsonObject { ["text"] = string.Concat(answer.Reasoning), ["thought"] = true });
        if (answer.Text.Any()) parts.Add(new JsonObject { ["text"] = string.Concat(answer.Text) });
        var document = Chunk(answer, [.. parts, .. Calls(answer)]);
        document["candidates"]![0]!["finishReason"] = FinishReason(answer);
        return document;
    }

    public override JsonNode Error(int status, string message) => new JsonObject
    {
        ["error"] = new JsonObject
        {
            ["code"] = status,
            ["message"] = message,
            ["status"] = status switch { 401 => "UNAUTHENTICATED", 429 => "RESOURCE_EXHAUSTED", _ => "INTERNAL" },
        },
    };

    private static IEnumerable<JsonNode> Parts(JsonNode request) => Items(request["contents"]).SelectMany(c => Items(c["parts"]));

    // Whatever object the result was put into, its one text.
    private static string ResultText(JsonObject response) =>
        response.Count == 1 && response.First().Value is JsonValue value && value.TryGetValue<string>(out var text) ? text
        : response["content"] is JsonValue content && content.TryGetValue<string>(out var inner) ? inner
        : response.ToJsonString();

    // The signature goes with the first call, as Gemini 3 has it.
    private static IEnumerable<JsonObject> Calls(WireAnswer answer)
    {
        var first = true;
        foreach (var call in answer.Calls)
        {
            var arguments = JsonNode.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            var part = new JsonObject { ["functionCall"] = new JsonObject { ["name"] = call.Name, ["args"] = arguments } };
            if (first && answer.Signature is { } signature) part["thoughtSignature"] = signature;
            first = false;
            yield return part;
        }
    }

    private static string FinishReason(WireAnswer answer) => answer.IsTooLong ? "MAX_TOKENS" : "STOP";

    private static JsonObject Chunk(WireAnswer answer, params JsonObject[] parts) => new()
    {
        ["candidates"] = new JsonArray(new JsonObject { ["content"] = new JsonObject { ["parts"] = new JsonArray([.. parts]), ["role"] = "model" }, ["index"] = 0 }),
        ["usageMetadata"] = new JsonObject
        {
            ["promptTokenCount"] = WireAnswer.InputTokens,
            ["cachedContentTokenCount"] = WireAnswer.CachedTokens,
            ["candidatesTokenCount"] = answer.OutputTokens - answer.Reasoning.Count, // without the thoughts, in this protocol
            ["thoughtsTokenCount"] = answer.Reasoning.Count,
            ["totalTokenCount"] = WireAnswer.InputTokens + answer.OutputTokens,
        },
        ["modelVersion"] = "scripted-1",
        ["responseId"] = "upstream",
    };

    private static string Sse(JsonNode data) => $"data: {data.ToJsonString()}\r\n\r\n";
}
