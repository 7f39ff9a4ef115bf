using System.Text.Json.Nodes;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Chat Completions as OpenAI says it; reasoning as DeepSeek, its signatures as OpenRouter, those of calls as Gemini's compatible endpoint.</summary>
internal sealed class ChatProvider : ProviderWire
{
    public override string Name => "chat-completions";

    public override string Recordings => "openai-chat";

    public override IEnumerable<string> Stream(Answer answer)
    {
        yield return Chunk("""{"role":"assistant","content":""}""");
        foreach (var piece in Words(answer.Reasoning)) yield return Chunk($$"""{"reasoning_content":{{Q(piece)}}}""");
        if (answer.ReasoningSignature is { } signature)
            yield return Chunk($$"""{"reasoning_details":[{"type":"reasoning.text","text":"","signature":{{Q(signature)}},"index":0}]}""");
        if (answer.Redacted is { } redacted) yield return Chunk($$"""{"reasoning_details":[{"type":"reasoning.encrypted","data":{{Q(redacted)}},"index":0}]}""");
        foreach (var piece in Words(answer.Text)) yield return Chunk($$"""{"content":{{Q(piece)}}}""");
        foreach (var url in answer.Sources)
            yield return Chunk($$$"""{"annotations":[{"type":"url_citation","url_citation":{"url":{{{Q(url)}}},"title":"A title","start_index":0,"end_index":3}}]}""");
        foreach (var piece in Words(answer.Refusal)) yield return Chunk($$"""{"refusal":{{Q(piece)}}}""");
        if (answer.Image is { } image)
            yield return Chunk($$$"""{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{image}}}"}}]}""");
        for (var i = 0; i < answer.Calls.Count; i++)
        {
            var call = answer.Calls[i];
            var extra = call.Signature is null ? "" : $$$""","extra_content":{"google":{"thought_signature":{{{Q(call.Signature)}}}}}""";
            yield return Chunk($$$"""{"tool_calls":[{"index":{{{i}}},"id":{{{Q(call.Id)}}},"type":"function","function":{"name":{{{Q(call.Name)}}},"arguments":""}{{{extra}}}}]}""");
            foreach (var piece in Pieces(call.Arguments)) yield return Chunk($$$"""{"tool_calls":[{"index":{{{i}}},"function":{"arguments":{{{Q(piece)}}}}}]}""");
        }

        yield return Chunk("{}", FinishReason(answer.Stop));
        if (answer.Usage is { } usage)
            yield return $$"""{"id":"chatcmpl-up","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[],"usage":{{UsageOf(usage)}}}""";
        yield return "[DONE]";
    }

    public override string Whole(Answer answer)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = answer.Text.Length > 0 ? answer.Text : null };
        if (answer.Refusal.Length > 0) message["refusal"] = answer.Refusal;
        if (answer.Reasoning.Length > 0) message["reasoning_content"] = answer.Reasoning;
        var details = new JsonArray();
        if (answer.ReasoningSignature is { } signature)
            details.Add(new JsonObject { ["type"] = "reasoning.text", ["text"] = answer.Reasoning, ["signature"] = signature });
        if (answer.Redacted is { } redacted) details.Add(new JsonObject { ["type"] = "reasoning.encrypted", ["data"] = redacted });
        if (details.Count > 0) message["reasoning_details"] = details;
        if (answer.Sources.Count > 0)
            message["annotations"] = new JsonArray([.. answer.Sources.Select(url => JsonNode.Parse($$$"""{"type":"url_citation","url_citation":{"url":{{{Q(url)}}},"title":"A title","start_index":0,"end_index":3}}"""))]);
        if (answer.Image is { } image)
            message["images"] = new JsonArray(JsonNode.Parse($$$"""{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{image}}}"}}"""));
        if (answer.Calls.Count > 0) message["tool_calls"] = new JsonArray([.. answer.Calls.Select(CallOf)]);
        var usage = answer.Usage is { } tokens ? $",\"usage\":{UsageOf(tokens)}" : "";
        return $$"""{"id":"chatcmpl-up","object":"chat.completion","created":1700000000,"model":"scripted-1","choices":[{"index":0,"message":{{message.ToJsonString()}},"finish_reason":{{Q(FinishReason(answer.Stop))}}}]{{usage}}}""";
    }

    public override string ErrorBody(int status, string message) =>
        $$$"""{"error":{"message":{{{Q(message)}}},"type":"{{{(status == 429 ? "rate_limit_exceeded" : "some_error")}}}","param":null,"code":null}}""";

    public override IEnumerable<string> StreamError(string message) =>
        [$$$"""{"error":{"message":{{{Q(message)}}},"type":"server_error","param":null,"code":"server_error"}}"""];

    public override Ask ReadRequest(JsonNode body)
    {
        var turns = new List<Turn>();
        var system = "";
        var names = new Dictionary<string, string>();
        foreach (var message in body["messages"].Items())
        {
            var text = TextOf(message["content"]);
            switch (message["role"].Str())
            {
                case "system" or "developer":
                    system += text;
                    break;
                case "user":
                    turns.Add(new UserTurn(text) { Image = message["content"].Items().Select(p => p.At("image_url", "url").StrOrNull()).FirstOrDefault(u => u is not null)?.Split("base64,")[^1] });
                    break;
                case "assistant":
                    var said = ChatClient.ReadMessage(message);
                    foreach (var call in said.Calls) names[call.Id] = call.Name;
                    turns.Add(new AssistantTurn(said));
                    break;
                case "tool":
                    var id = message["tool_call_id"].Str();
                    turns.Add(new ResultTurn(id, names[id], text));
                    break;
            }
        }

        return new Ask
        {
            Model = body["model"].Str(),
            System = system,
            Turns = turns,
            Tools = [.. body["tools"].Items().Select(t => t.At("function", "name").Str())],
            Structured = Canonical(body.At("response_format", "json_schema", "schema")) == Canonical(JsonNode.Parse(Ask.CitySchema)),
        };
    }

    internal static JsonNode? CallOf(Call call)
    {
        var json = JsonNode.Parse($$$"""{"id":{{{Q(call.Id)}}},"type":"function","function":{"name":{{{Q(call.Name)}}},"arguments":{{{Q(call.Arguments)}}}}}""")!;
        if (call.Signature is { } signature) json["extra_content"] = JsonNode.Parse($$$"""{"google":{"thought_signature":{{{Q(signature)}}}}}""");
        return json;
    }

    private static string TextOf(JsonNode? content) => content is JsonArray parts ? string.Concat(parts.Select(p => p!["text"].Str())) : content.Str();

    private static string Chunk(string delta, string? finish = null) =>
        $$"""{"id":"chatcmpl-up","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{Q(finish)}}}]}""";

    private static string FinishReason(string? stop) => stop switch { "length" => "length", "calls" => "tool_calls", "filter" => "content_filter", _ => "stop" };

    private static string UsageOf(Tokens usage) =>
        $$$"""{"prompt_tokens":{{{usage.Input}}},"completion_tokens":{{{usage.Output}}},"total_tokens":{{{usage.Input + usage.Output}}},"prompt_tokens_details":{"cached_tokens":{{{usage.Cached}}}},"completion_tokens_details":{"reasoning_tokens":{{{usage.Reasoning}}}}}""";
}
