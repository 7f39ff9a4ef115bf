using System.Text.Json.Nodes;
using Penstock.Testing;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Gemini as Google says it: calls whole and without ids, usage in every chunk.</summary>
internal sealed class GeminiProvider : ProviderWire
{
    public override string Name => "gemini";

    public override string Recordings => "gemini";

    public override bool Streams(UpstreamCall call) => call.Path.Contains(":streamGenerateContent", StringComparison.Ordinal);

    public override IEnumerable<string> Stream(Answer answer)
    {
        foreach (var part in Parts(answer))
        {
            if (part["text"].Str() is { Length: > 0 } text)
            {
                foreach (var piece in Words(text))
                {
                    var small = part.DeepClone();
                    small["text"] = piece;
                    small.AsObject().Remove("thoughtSignature");
                    yield return Chunk(small.ToJsonString(), answer);
                }

                // The signature comes last, alone.
                if (part["thoughtSignature"] is { } signature)
                {
                    var thought = part["thought"] is null ? "" : ",\"thought\":true";
                    yield return Chunk($$"""{"text":"","thoughtSignature":{{Q(signature.Str())}}{{thought}}}""", answer);
                }
            }
            else
            {
                yield return Chunk(part.ToJsonString(), answer);
            }
        }

        yield return Chunk("""{"text":""}""", answer, last: true);
    }

    public override string Whole(Answer answer) => Chunk(string.Join(',', Parts(answer).Select(p => p.ToJsonString())), answer, last: true);

    public override string ErrorBody(int status, string message) =>
        $$$"""{"error":{"code":{{{status}}},"message":{{{Q(message)}}},"status":"{{{(status == 429 ? "RESOURCE_EXHAUSTED" : "SOME")}}}"}}""";

    public override IEnumerable<string> StreamError(string message) => [$$$"""{"error":{"code":503,"message":{{{Q(message)}}},"status":"UNAVAILABLE"}}"""];

    public override Ask ReadRequest(JsonNode body)
    {
        var turns = new List<Turn>();
        foreach (var content in body["contents"].Items())
        {
            var parts = content["parts"].Items().ToList();
            if (content["role"].Str() == "model")
            {
                turns.Add(new AssistantTurn(GeminiClient.ReadParts(parts)));
                continue;
            }

            foreach (var result in parts.Select(p => p["functionResponse"]).OfType<JsonNode>())
            {
                var response = result["response"]!.AsObject();
                turns.Add(new ResultTurn(result["id"].Str(), result["name"].Str(), response.Count == 1 ? (response["result"] ?? response["output"]) is { } only ? only.Str().Length > 0 ? only.Str() : only.ToJsonString() : response.ToJsonString() : response.ToJsonString()));
            }

            var text = string.Concat(parts.Select(p => p["text"].Str()));
            var image = parts.Select(p => p.At("inlineData", "data") ?? p.At("fileData", "fileUri")).FirstOrDefault(i => i is not null).StrOrNull();
            if (text.Length > 0 || image is not null) turns.Add(new UserTurn(text) { Image = image });
        }

        var config = body["generationConfig"];
        return new Ask
        {
            System = string.Concat(body.At("systemInstruction", "parts").Items().Select(p => p["text"].Str())),
            Turns = turns,
            Tools = [.. body["tools"].Items().SelectMany(t => t["functionDeclarations"].Items()).Select(f => f["name"].Str())],
            Structured = Canonical(config.At("responseJsonSchema") ?? config.At("responseSchema")) == Canonical(JsonNode.Parse(Ask.CitySchema)),
        };
    }

    /// <summary>The parts that an answer has.</summary>
    internal static IEnumerable<JsonNode> Parts(Answer answer, bool ids = false)
    {
        if (answer.Reasoning.Length > 0 || answer.ReasoningSignature is not null)
        {
            var thought = new JsonObject { ["text"] = answer.Reasoning, ["thought"] = true };
            if (answer.ReasoningSignature is { } signature) thought["thoughtSignature"] = signature;
            yield return thought;
        }

        if (answer.Text.Length > 0)
        {
            var text = new JsonObject { ["text"] = answer.Text };
            if (answer.TextSignature is { } signature) text["thoughtSignature"] = signature;
            yield return text;
        }

        if (answer.Image is { } image) yield return JsonNode.Parse($$$"""{"inlineData":{"mimeType":"image/png","data":"{{{image}}}"}}""")!;
        foreach (var call in answer.Calls)
        {
            var function = new JsonObject { ["name"] = call.Name, ["args"] = JsonNode.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments) };
            if (ids && call.Id.Length > 0) function["id"] = call.Id;
            var part = new JsonObject { ["functionCall"] = function };
            if (call.Signature is { } signature) part["thoughtSignature"] = signature;
            yield return part;
        }
    }

    private static string Chunk(string parts, Answer answer, bool last = false)
    {
        var finish = !last ? "" : $",\"finishReason\":\"{answer.Stop switch { "length" => "MAX_TOKENS", "filter" => "SAFETY", _ => "STOP" }}\"";
        var sources = answer.Sources.Select(url => $$$"""{"web":{"uri":{{{Q(url)}}},"title":"A title"}}""");
        var supports = answer.Sources.Select((_, i) => $$$"""{"segment":{"startIndex":0,"endIndex":3,"text":"One"},"groundingChunkIndices":[{{{i}}}]}""");
        if (last && answer.Sources.Count > 0) finish += $$$""","groundingMetadata":{"groundingChunks":[{{{string.Join(',', sources)}}}],"groundingSupports":[{{{string.Join(',', supports)}}}]}""";
        var usage = answer.Usage is { } u
            ? $$$""","usageMetadata":{"promptTokenCount":{{{u.Input}}},"candidatesTokenCount":{{{(last ? u.Output - u.Reasoning : Math.Min(1, u.Output))}}},"thoughtsTokenCount":{{{u.Reasoning}}},"cachedContentTokenCount":{{{u.Cached}}},"totalTokenCount":{{{u.Input + u.Output}}}}"""
            : "";
        return $$$"""{"candidates":[{"content":{"parts":[{{{parts}}}],"role":"model"}{{{finish}}},"index":0}]{{{usage}}},"modelVersion":"scripted-1","responseId":"resp-up"}""";
    }
}
