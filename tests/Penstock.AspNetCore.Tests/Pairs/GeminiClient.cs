using System.Text.Json.Nodes;
using Penstock.Testing;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A client of Gemini.</summary>
internal sealed class GeminiClient : ClientWire
{
    public override string Name => "gemini";

    public override string Path(Ask ask) => $"v1beta/models/{ask.Model}:{ask.Way switch { "stream" => "streamGenerateContent?alt=sse", "array" => "streamGenerateContent", _ => "generateContent" }}";

    public override JsonObject Body(Ask ask)
    {
        var contents = new JsonArray();
        foreach (var turn in ask.Turns)
        {
            var (role, parts) = Content(turn);
            if (role == "user" && contents.LastOrDefault() is JsonObject last && last["role"].Str() == "user")
            {
                foreach (var part in parts) last["parts"]!.AsArray().Add(part.DeepClone());
            }
            else
            {
                contents.Add(new JsonObject { ["role"] = role, ["parts"] = new JsonArray([.. parts]) });
            }
        }

        var body = new JsonObject { ["contents"] = contents };
        if (ask.System.Length > 0) body["systemInstruction"] = J($$$"""{"parts":[{"text":{{{Q(ask.System)}}}}]}""");
        if (ask.Tools.Count > 0)
        {
            var declarations = ask.Tools.Select(t => J($$"""{"name":{{Q(t)}},"description":"A tool.","parametersJsonSchema":{{Ask.CitySchema}}}"""));
            body["tools"] = new JsonArray(new JsonObject { ["functionDeclarations"] = new JsonArray([.. declarations]) });
        }

        if (ask.Structured) body["generationConfig"] = J($$"""{"responseMimeType":"application/json","responseJsonSchema":{{Ask.CitySchema}}}""");
        return body;
    }

    public override Answer ReadStream(IReadOnlyList<SseEvent> events, bool strict = true)
    {
        var answer = new Answer { Stop = null, Complete = false };
        var parts = new List<JsonNode>();
        var sources = new List<string>();
        string? id = null;
        foreach (var e in events)
        {
            var chunk = e.Json();
            if (strict)
            {
                e.Name.ShouldBe("message");
                (answer.Complete || answer.Error is not null).ShouldBeFalse($"after the end: {e.Data}");
            }

            if (chunk["error"] is not null)
            {
                answer = answer with { Error = ReadErrorObject(chunk) };
                continue;
            }

            if (strict)
            {
                chunk["responseId"].Str().ShouldNotBeEmpty();
                chunk["responseId"].Str().ShouldBe(id ??= chunk["responseId"].Str());
                chunk["modelVersion"].Str().ShouldNotBeEmpty();
                chunk["candidates"].ShouldBeOfType<JsonArray>().Count.ShouldBe(1);
            }

            var candidate = chunk["candidates"].Items().FirstOrDefault();
            if (strict && candidate.At("content") is { } content) content["role"].Str().ShouldBe("model");
            parts.AddRange(candidate.At("content", "parts").Items());
            sources.AddRange(candidate.At("groundingMetadata", "groundingChunks").Items().Select(c => c.At("web", "uri").Str()));
            if (chunk["usageMetadata"] is JsonObject usage) answer = answer with { Usage = ReadUsage(usage) };
            if (candidate.At("finishReason").StrOrNull() is { } reason) answer = answer with { Stop = reason, Complete = true };
        }

        if (strict)
        {
            foreach (var call in parts.Select(p => p["functionCall"]).OfType<JsonNode>()) call["args"].ShouldBeOfType<JsonObject>();
            foreach (var part in parts) part.AsObject().Count(m => m.Key is "text" or "functionCall" or "inlineData").ShouldBe(part["thoughtSignature"] is not null && part["text"] is null && part["functionCall"] is null ? 0 : 1, part.ToJsonString());
        }

        var said = ReadParts(parts);
        return said with
        {
            Stop = StopOf(answer.Stop, said),
            Complete = answer.Complete,
            Error = answer.Error,
            Usage = answer.Complete ? answer.Usage : null,
            Sources = sources,
        };
    }

    public override Answer ReadWhole(JsonNode body)
    {
        var candidate = body["candidates"].Items().ShouldHaveSingleItem();
        body["responseId"].Str().ShouldNotBeEmpty();
        var said = ReadParts(candidate.At("content", "parts").Items());
        return said with
        {
            Stop = StopOf(candidate["finishReason"].Str(), said),
            Usage = body["usageMetadata"] is JsonObject usage ? ReadUsage(usage) : null,
            Sources = [.. candidate.At("groundingMetadata", "groundingChunks").Items().Select(c => c.At("web", "uri").Str())],
        };
    }

    public override string ReadError(int status, JsonNode body)
    {
        body["error"]!["code"].Num().ShouldBe(status);
        return ReadErrorObject(body);
    }

    /// <summary>What the parts of a model's content say.</summary>
    public static Answer ReadParts(IEnumerable<JsonNode> parts)
    {
        var answer = new Answer { Raw = [.. parts.Select(p => p.DeepClone())] };
        foreach (var part in parts)
        {
            var signature = part["thoughtSignature"].StrOrNull();
            if (part["functionCall"] is JsonObject piece && piece["name"] is null && answer.Calls.Count > 0)
                answer = answer with { Calls = [.. answer.Calls.SkipLast(1), Continue(answer.Calls[^1], piece)] };
            else if (part["functionCall"] is { } call)
                answer = answer with { Calls = [.. answer.Calls, new Call(call["id"].Str(), call["name"].Str(), call["args"]?.ToJsonString() ?? "") { Signature = signature }] };
            else if (part["inlineData"] is { } data)
                answer = answer with { Image = data["data"].Str() };
            else if ((bool?)part["thought"] == true)
                answer = answer with { Reasoning = answer.Reasoning + part["text"].Str(), ReasoningSignature = signature ?? answer.ReasoningSignature };
            else
                answer = answer with { Text = answer.Text + part["text"].Str(), TextSignature = signature ?? answer.TextSignature };
        }

        return answer;
    }

    /// <summary>Arguments may come in pieces, of strings in these tests: <c>{"partialArgs":[{"jsonPath":"$.id","stringValue":"A"}]}</c>.</summary>
    private static Call Continue(Call call, JsonObject piece)
    {
        var arguments = JsonNode.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments)!;
        foreach (var partial in piece["partialArgs"].Items())
        {
            var name = partial["jsonPath"].Str()["$.".Length..];
            arguments[name] = arguments[name].Str() + partial["stringValue"].Str();
        }

        return call with { Arguments = arguments.ToJsonString() };
    }

    private static string? StopOf(string? reason, Answer said) => reason switch
    {
        "STOP" => said.Calls.Count > 0 ? "calls" : "stop",
        "MAX_TOKENS" => "length",
        "SAFETY" or "PROHIBITED_CONTENT" => "filter",
        _ => reason,
    };

    private static Tokens ReadUsage(JsonNode usage) => new(usage["promptTokenCount"].Num(), usage["candidatesTokenCount"].Num() + usage["thoughtsTokenCount"].Num())
    {
        Cached = usage["cachedContentTokenCount"].Num(),
        Reasoning = usage["thoughtsTokenCount"].Num(),
    };

    private static string ReadErrorObject(JsonNode body)
    {
        body.At("error", "status").Str().ShouldBe(body.At("error", "status").Str().ToUpperInvariant());
        body.At("error", "code").Num().ShouldBeInRange(400, 599);
        return body.At("error", "message").Str();
    }

    private static (string Role, IEnumerable<JsonNode> Parts) Content(Turn turn)
    {
        switch (turn)
        {
            case UserTurn user:
                var parts = new List<JsonNode> { new JsonObject { ["text"] = user.Text } };
                if (user.Image is { } image)
                {
                    parts.Add(image.StartsWith("http", StringComparison.Ordinal)
                        ? J($$$"""{"fileData":{"mimeType":"image/png","fileUri":{{{Q(image)}}}}}""")!
                        : J($$$"""{"inlineData":{"mimeType":"image/png","data":{{{Q(image)}}}}}""")!);
                }

                return ("user", parts);
            case ResultTurn result:
                var response = new JsonObject { ["id"] = result.Id, ["name"] = result.Name, ["response"] = new JsonObject { ["result"] = result.Output } };
                if (result.Id.Length == 0) response.Remove("id");
                return ("user", [new JsonObject { ["functionResponse"] = response }]);
            case AssistantTurn { Said: var said }:
                return ("model", said.Raw?.Select(p => p!.DeepClone()) ?? GeminiProvider.Parts(said, ids: true));
            default:
                throw new NotSupportedException();
        }
    }
}
