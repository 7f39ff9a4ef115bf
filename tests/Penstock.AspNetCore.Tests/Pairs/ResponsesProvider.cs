using System.Text.Json.Nodes;
using static Penstock.AspNetCore.Tests.Pairs.Js;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Responses as OpenAI says it.</summary>
internal sealed class ResponsesProvider : ProviderWire
{
    public override string Name => "responses";

    public override string Recordings => "openai-responses";

    public override string Frames(IEnumerable<string> payloads) => NamedFrames(payloads);

    public override IEnumerable<string> Stream(Answer answer)
    {
        var number = 0;
        string Event(string type, string members) => $$"""{"type":"{{type}}","sequence_number":{{number++}},{{members}}}""";
        var empty = Response(answer with { Usage = null }, "in_progress", []);
        yield return Event("response.created", $"\"response\":{empty}");
        yield return Event("response.in_progress", $"\"response\":{empty}");
        var items = Items(answer).ToList();
        for (var i = 0; i < items.Count; i++)
        {
            foreach (var (type, members) in ItemEvents(items[i], i)) yield return Event(type, members);
        }

        var (status, ending) = answer.Stop is "length" or "filter" ? ("incomplete", "response.incomplete") : ("completed", "response.completed");
        yield return Event(ending, $"\"response\":{Response(answer, status, items)}");
    }

    public override string Whole(Answer answer) => Response(answer, answer.Stop is "length" or "filter" ? "incomplete" : "completed", [.. Items(answer)]);

    public override string ErrorBody(int status, string message) => new ChatProvider().ErrorBody(status, message);

    public override IEnumerable<string> StreamError(string message) =>
        [$$"""{"type":"error","sequence_number":99,"code":"server_error","message":{{Q(message)}},"param":null}"""];

    public override Ask ReadRequest(JsonNode body)
    {
        var turns = new List<Turn>();
        var system = body["instructions"].Str();
        var names = new Dictionary<string, string>();
        foreach (var item in body["input"].Items())
        {
            switch (item["type"].StrOrNull() ?? "message")
            {
                case "message" when item["role"].Str() is "system" or "developer":
                    system += TextOf(item["content"]);
                    break;
                case "message" when item["role"].Str() == "user":
                    turns.Add(new UserTurn(TextOf(item["content"])) { Image = item["content"].Items().Select(p => p["image_url"].StrOrNull()).FirstOrDefault(u => u is not null)?.Split("base64,")[^1] });
                    break;
                case "function_call_output":
                    turns.Add(new ResultTurn(item["call_id"].Str(), names[item["call_id"].Str()], item["output"] is JsonArray ? TextOf(item["output"]) : item["output"].Str()));
                    break;
                default:
                    if (item["type"].Str() == "function_call") names[item["call_id"].Str()] = item["name"].Str();
                    var before = turns.LastOrDefault() as AssistantTurn;
                    if (before is not null) turns.RemoveAt(turns.Count - 1);
                    turns.Add(new AssistantTurn(ResponsesClient.AddItem(before?.Said ?? new Answer(), item)));
                    break;
            }
        }

        return new Ask
        {
            Model = body["model"].Str(),
            System = system,
            Turns = turns,
            Tools = [.. body["tools"].Items().Select(t => t["name"].Str())],
            Structured = Canonical(body.At("text", "format", "schema")) == Canonical(JsonNode.Parse(Ask.CitySchema)),
        };
    }

    /// <summary>The items that an answer has.</summary>
    internal static IEnumerable<JsonNode> Items(Answer answer)
    {
        if (answer.Redacted is { } redacted) yield return JsonNode.Parse($$"""{"id":"rs_0","type":"reasoning","summary":[],"encrypted_content":{{Q(redacted)}}}""")!;
        if (answer.Reasoning.Length > 0)
        {
            var item = JsonNode.Parse($$"""{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":{{Q(answer.Reasoning)}}}]}""")!;
            if (answer.ReasoningSignature is { } signature) item["encrypted_content"] = signature;
            yield return item;
        }

        if (answer.Text.Length > 0 || answer.Refusal.Length > 0)
        {
            var content = new JsonArray();
            if (answer.Text.Length > 0)
            {
                var sources = answer.Sources.Select(url => JsonNode.Parse($$"""{"type":"url_citation","url":{{Q(url)}},"title":"A title","start_index":0,"end_index":3}"""));
                content.Add(new JsonObject { ["type"] = "output_text", ["text"] = answer.Text, ["annotations"] = new JsonArray([.. sources]), ["logprobs"] = new JsonArray() });
            }

            if (answer.Refusal.Length > 0) content.Add(new JsonObject { ["type"] = "refusal", ["refusal"] = answer.Refusal });
            yield return new JsonObject { ["id"] = "msg_1", ["type"] = "message", ["status"] = "completed", ["role"] = "assistant", ["content"] = content };
        }

        if (answer.Image is { } image) yield return JsonNode.Parse($$"""{"id":"ig_1","type":"image_generation_call","status":"completed","output_format":"png","result":"{{image}}"}""")!;
        foreach (var call in answer.Calls)
            yield return JsonNode.Parse($$"""{"id":"fc_{{call.Id}}","type":"function_call","status":"completed","call_id":{{Q(call.Id)}},"name":{{Q(call.Name)}},"arguments":{{Q(call.Arguments)}}}""")!;
    }

    private static IEnumerable<(string Type, string Members)> ItemEvents(JsonNode item, int index)
    {
        var place = $"\"item_id\":{Q(item["id"].Str())},\"output_index\":{index}";
        var added = item.DeepClone().AsObject();
        if (added.ContainsKey("status")) added["status"] = "in_progress";
        if (added.ContainsKey("content")) added["content"] = new JsonArray();
        if (added.ContainsKey("summary")) added["summary"] = new JsonArray();
        if (added.ContainsKey("arguments")) added["arguments"] = "";
        if (added.ContainsKey("result")) added["result"] = null;
        yield return ("response.output_item.added", $"\"output_index\":{index},\"item\":{added.ToJsonString()}");
        var part = 0;
        foreach (var summary in item["summary"].Items())
        {
            var text = summary["text"].Str();
            yield return ("response.reasoning_summary_part.added", $$"""{{place}},"summary_index":{{part}},"part":{"type":"summary_text","text":""}""");
            foreach (var piece in Words(text)) yield return ("response.reasoning_summary_text.delta", $"{place},\"summary_index\":{part},\"delta\":{Q(piece)}");
            yield return ("response.reasoning_summary_text.done", $"{place},\"summary_index\":{part},\"text\":{Q(text)}");
            yield return ("response.reasoning_summary_part.done", $"{place},\"summary_index\":{part},\"part\":{summary.ToJsonString()}");
            part++;
        }

        foreach (var content in item["content"].Items())
        {
            var here = $"{place},\"content_index\":{part}";
            var (name, member) = content["type"].Str() == "refusal" ? ("refusal", "refusal") : ("output_text", "text");
            var text = content[member].Str();
            var begun = content.DeepClone();
            begun[member] = "";
            if (begun["annotations"] is not null) begun["annotations"] = new JsonArray();
            var logprobs = member == "text" ? ",\"logprobs\":[]" : "";
            yield return ("response.content_part.added", $"{here},\"part\":{begun.ToJsonString()}");
            foreach (var piece in Words(text)) yield return ($"response.{name}.delta", $"{here},\"delta\":{Q(piece)}{logprobs}");
            var source = 0;
            foreach (var annotation in content["annotations"].Items())
                yield return ("response.output_text.annotation.added", $"{here},\"annotation_index\":{source++},\"annotation\":{annotation.ToJsonString()}");
            yield return ($"response.{name}.done", $"{here},\"{member}\":{Q(text)}{logprobs}");
            yield return ("response.content_part.done", $"{here},\"part\":{content.ToJsonString()}");
            part++;
        }

        if (item["type"].Str() == "function_call")
        {
            var arguments = item["arguments"].Str();
            foreach (var piece in Pieces(arguments)) yield return ("response.function_call_arguments.delta", $"{place},\"delta\":{Q(piece)}");
            yield return ("response.function_call_arguments.done", $"{place},\"name\":{Q(item["name"].Str())},\"arguments\":{Q(arguments)}");
        }

        yield return ("response.output_item.done", $"\"output_index\":{index},\"item\":{item.ToJsonString()}");
    }

    private static string Response(Answer answer, string status, IReadOnlyList<JsonNode> items)
    {
        var reason = answer.Stop == "length" ? "max_output_tokens" : "content_filter";
        var incomplete = status == "incomplete" ? $$"""{"reason":"{{reason}}"}""" : "null";
        var usage = answer.Usage is { } u
            ? $$$"""{"input_tokens":{{{u.Input}}},"input_tokens_details":{"cached_tokens":{{{u.Cached}}}},"output_tokens":{{{u.Output}}},"output_tokens_details":{"reasoning_tokens":{{{u.Reasoning}}}},"total_tokens":{{{u.Input + u.Output}}}}"""
            : "null";
        var output = string.Join(',', items.Select(i => i.ToJsonString()));
        return $$"""{"id":"resp_up","object":"response","created_at":1700000000,"status":"{{status}}","error":null,"incomplete_details":{{incomplete}},"model":"scripted-1","output":[{{output}}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{{usage}}}""";
    }

    private static string TextOf(JsonNode? content) => content is JsonArray parts ? string.Concat(parts.Select(p => p!["text"].Str())) : content.Str();
}
