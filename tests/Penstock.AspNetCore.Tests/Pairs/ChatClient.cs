using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A client of Chat Completions.</summary>
internal sealed class ChatClient : ClientWire
{
    public override string Name => "chat-completions";

    public override string Path(Ask ask) => "v1/chat/completions";

    public override JsonObject Body(Ask ask)
    {
        var messages = new JsonArray();
        if (ask.System.Length > 0) messages.Add(new JsonObject { ["role"] = "system", ["content"] = ask.System });
        foreach (var turn in ask.Turns) messages.Add(Message(turn));
        var body = new JsonObject { ["model"] = ask.Model, ["messages"] = messages };
        if (ask.Stream)
        {
            body["stream"] = true;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        if (ask.Tools.Count > 0)
            body["tools"] = new JsonArray([.. ask.Tools.Select(t => J($$$"""{"type":"function","function":{"name":{{{Q(t)}}},"description":"A tool.","parameters":{{{Ask.CitySchema}}}}}"""))]);
        if (ask.Structured)
            body["response_format"] = J($$$"""{"type":"json_schema","json_schema":{"name":"city","strict":true,"schema":{{{Ask.CitySchema}}}}}""");
        return body;
    }

    public override Answer ReadStream(IReadOnlyList<SseEvent> events, bool strict = true)
    {
        var answer = new Answer { Stop = null, Complete = false };
        var calls = new List<WildCall>();
        string? id = null;
        for (var i = 0; i < events.Count; i++)
        {
            var e = events[i];
            if (strict) (answer.Complete || answer.Error is not null).ShouldBeFalse($"after the end: {e.Data}");
            if (e.Data == "[DONE]")
            {
                answer = answer with { Complete = true };
                continue;
            }

            var chunk = e.Json();
            if (chunk["error"] is { } error)
            {
                if (strict) new[] { "message", "type", "param", "code" }.ShouldBeSubsetOf(error.AsObject().Select(m => m.Key));
                answer = answer with { Error = error["message"].Str() };
                continue;
            }

            if (strict)
            {
                e.Name.ShouldBe("message");
                chunk["object"].Str().ShouldBe("chat.completion.chunk");
                chunk["id"].Str().ShouldStartWith("chatcmpl-");
                chunk["id"].Str().ShouldBe(id ??= chunk["id"].Str());
                chunk["created"].Num().ShouldBeGreaterThan(0);
                chunk["model"].Str().ShouldNotBeEmpty();
                chunk["choices"].ShouldBeOfType<JsonArray>().Count.ShouldBeLessThan(2);
                if (i == 0) chunk.At("choices")![0].At("delta", "role").Str().ShouldBe("assistant");
            }

            if (chunk["usage"] is JsonObject usage) answer = answer with { Usage = ReadUsage(usage) };
            if (chunk["choices"].Items().FirstOrDefault() is not { } choice) continue;
            if (strict) answer.Stop.ShouldBeNull("a choice after finish_reason");
            answer = Add(answer, choice["delta"]!, calls);
            if (choice["finish_reason"] is null) continue;
            choice["finish_reason"].Str().ShouldBeOneOf("stop", "length", "tool_calls", "content_filter");
            answer = answer with { Stop = StopOf(choice["finish_reason"].Str()) };
        }

        if (strict && answer.Complete) answer.Stop.ShouldNotBeNull("no finish_reason");
        if (strict && answer.Error is not null) answer.Stop.ShouldBeNull("an error after finish_reason");
        foreach (var call in calls.Where(c => strict && answer.Complete && c.Arguments.Length > 0)) JsonNode.Parse(call.Arguments.ToString()).ShouldBeOfType<JsonObject>();
        return answer with { Calls = [.. calls.Select(c => new Call(c.Id, c.Name, c.Arguments.ToString()) { Signature = c.Signature })] };
    }

    public override Answer ReadWhole(JsonNode body)
    {
        body["object"].Str().ShouldBe("chat.completion");
        body["id"].Str().ShouldStartWith("chatcmpl-");
        var choice = body["choices"].Items().ShouldHaveSingleItem();
        choice["message"]!["role"].Str().ShouldBe("assistant");
        return ReadMessage(choice["message"]!) with
        {
            Stop = StopOf(choice["finish_reason"].Str()),
            Usage = body["usage"] is JsonObject usage ? ReadUsage(usage) : null,
        };
    }

    public override string ReadError(int status, JsonNode body)
    {
        var error = body["error"].ShouldBeOfType<JsonObject>();
        new[] { "message", "type", "param", "code" }.ShouldBeSubsetOf(error.Select(m => m.Key));
        return error["message"].Str();
    }

    /// <summary>What an assistant's message says.</summary>
    public static Answer ReadMessage(JsonNode message)
    {
        var answer = new Answer
        {
            Text = message["content"] is JsonArray parts ? string.Concat(parts.Select(p => p!["text"].Str())) : message["content"].Str(),
            Refusal = message["refusal"].Str() + string.Concat(message["content"].Items().Select(p => p["refusal"].Str())),
            Reasoning = message["reasoning_content"].StrOrNull() ?? message["reasoning"].Str(),
            Sources = [.. message["annotations"].Items().Select(a => a.At("url_citation", "url").Str())],
            Image = message["images"].Items().FirstOrDefault().At("image_url", "url").StrOrNull()?.Split("base64,")[^1],
            Calls = [.. message["tool_calls"].Items().Select(c => new Call(c["id"].Str(), c.At("function", "name").Str(), c.At("function", "arguments").Str())
            {
                Signature = c.At("extra_content", "google", "thought_signature").StrOrNull(),
            })],
        };
        foreach (var detail in message["reasoning_details"].Items()) answer = AddDetail(answer, detail);
        return answer;
    }

    private static Answer Add(Answer answer, JsonNode delta, List<WildCall> calls)
    {
        var content = delta["content"];
        answer = answer with
        {
            Text = answer.Text + content.Str() + string.Concat(content.Items().Select(p => p["text"].Str())),
            Reasoning = answer.Reasoning + (delta["reasoning_content"].StrOrNull() ?? delta["reasoning"].Str())
                + string.Concat(content.Items().SelectMany(p => p["thinking"].Items()).Select(p => p["text"].Str())),
            Refusal = answer.Refusal + delta["refusal"].Str(),
            Sources = [.. answer.Sources, .. delta["annotations"].Items().Select(a => a.At("url_citation", "url").Str())],
            Image = delta["images"].Items().FirstOrDefault().At("image_url", "url").StrOrNull()?.Split("base64,")[^1] ?? answer.Image,
        };
        foreach (var detail in delta["reasoning_details"].Items()) answer = AddDetail(answer, detail);
        foreach (var piece in delta["tool_calls"].Items())
        {
            var index = piece["index"].Num();
            var call = calls.LastOrDefault(c => c.Index == index);
            if (call is null || piece["id"].Str() is { Length: > 0 } newId && newId != call.Id) calls.Add(call = new WildCall(index));
            call.Id = piece["id"].StrOrNull() ?? call.Id;
            call.Name = piece.At("function", "name").StrOrNull() ?? call.Name;
            call.Arguments.Append(piece.At("function", "arguments").Str());
            call.Signature = piece.At("extra_content", "google", "thought_signature").StrOrNull() ?? call.Signature;
        }

        return answer;
    }

    private static Answer AddDetail(Answer answer, JsonNode detail) => detail["type"].Str() switch
    {
        "reasoning.encrypted" => answer with { Redacted = detail["data"].Str() },
        "reasoning.text" => answer with
        {
            Reasoning = detail["text"].StrOrNull() is { } text && answer.Reasoning.Length == 0 ? text : answer.Reasoning,
            ReasoningSignature = detail["signature"].StrOrNull() ?? answer.ReasoningSignature,
        },
        var other => throw new InvalidOperationException($"reasoning_details of type {other}"),
    };

    private static Tokens ReadUsage(JsonNode usage)
    {
        var (input, output, reasoning) = (usage["prompt_tokens"].Num(), usage["completion_tokens"].Num(), usage.At("completion_tokens_details", "reasoning_tokens").Num());
        if (usage["total_tokens"].Num() == input + output + reasoning) output += reasoning; // xAI
        return new Tokens(input, output) { Cached = usage.At("prompt_tokens_details", "cached_tokens").Num(), Reasoning = reasoning };
    }

    private static string StopOf(string reason) => reason switch { "tool_calls" => "calls", "content_filter" => "filter", _ => reason };

    private static JsonObject Message(Turn turn)
    {
        switch (turn)
        {
            case UserTurn { Image: { } image } user:
                var url = image.StartsWith("http", StringComparison.Ordinal) ? image : $"data:image/png;base64,{image}";
                return new JsonObject
                {
                    ["role"] = "user",
                    ["content"] = new JsonArray(J($$"""{"type":"text","text":{{Q(user.Text)}}}"""), J($$$"""{"type":"image_url","image_url":{"url":{{{Q(url)}}}}}""")),
                };
            case UserTurn user:
                return new JsonObject { ["role"] = "user", ["content"] = user.Text };
            case ResultTurn result:
                return new JsonObject { ["role"] = "tool", ["tool_call_id"] = result.Id, ["content"] = result.Output };
            case AssistantTurn { Said: var said }:
                return JsonNode.Parse(new ChatProvider().Whole(said))!["choices"]![0]!["message"]!.DeepClone().AsObject();
            default:
                throw new NotSupportedException();
        }
    }

    private sealed class WildCall(long index)
    {
        public long Index => index;

        public string Id { get; set; } = "";

        public string Name { get; set; } = "";

        public StringBuilder Arguments { get; } = new();

        public string? Signature { get; set; }
    }
}
