using System.Text.Json.Nodes;

namespace Penstock.Testing.Wires;

public sealed class ResponsesWire : Wire
{
    public override string Protocol => "responses";

    public override JsonNode? Other(UpstreamCall call) =>
        call.Path.EndsWith("/input_tokens", StringComparison.Ordinal) ? new JsonObject { ["object"] = "response.input_tokens", ["input_tokens"] = 42 } : null;

    public override IReadOnlyList<WireResult> ToolResults(JsonNode request)
    {
        var items = Items(request["input"]).ToList();
        var names = items.Where(i => (string?)i["type"] == "function_call").ToDictionary(i => (string)i["call_id"]!, i => (string)i["name"]!);
        return [.. items.Where(i => (string?)i["type"] == "function_call_output").Select(i => new WireResult(names[(string)i["call_id"]!], Text(i["output"])))];
    }

    public override IReadOnlyList<string> Signatures(JsonNode request) => [.. Items(request["input"]).Select(i => (string?)i["encrypted_content"]).OfType<string>()];

    public override IReadOnlyList<string> Tools(JsonNode request) => [.. Items(request["tools"]).Select(t => (string)t["name"]!)];

    public override JsonNode? Schema(JsonNode request) => request["text"]?["format"]?["schema"];

    public override IEnumerable<string> Frames(WireAnswer answer)
    {
        var sequence = 0;
        string Event(string type, params (string Name, JsonNode? Value)[] members)
        {
            var data = new JsonObject { ["type"] = type, ["sequence_number"] = sequence++ };
            foreach (var (name, value) in members) data[name] = value?.DeepClone();
            return NamedFrame(data);
        }

        yield return Event("response.created", ("response", Response(answer, "in_progress", [])));
        yield return Event("response.in_progress", ("response", Response(answer, "in_progress", [])));
        List<JsonObject> output = [];
        if (answer.Reasoning.Count > 0)
        {
            var item = Reasoning(answer);
            var begun = (JsonObject)item.DeepClone();
            begun["summary"] = new JsonArray();
            var text = string.Concat(answer.Reasoning);
            var place = new (string, JsonNode?)[] { ("item_id", "rs_1"), ("output_index", 0), ("summary_index", 0) };
            yield return Event("response.output_item.added", ("output_index", 0), ("item", begun));
            yield return Event("response.reasoning_summary_part.added", [.. place, ("part", Summary(""))]);
            foreach (var piece in answer.Reasoning) yield return Event("response.reasoning_summary_text.delta", [.. place, ("delta", piece)]);
            yield return Event("response.reasoning_summary_text.done", [.. place, ("text", text)]);
            yield return Event("response.reasoning_summary_part.done", [.. place, ("part", Summary(text))]);
            yield return Event("response.output_item.done", ("output_index", 0), ("item", item));
            output.Add(item);
        }

        if (answer.Text.Any())
        {
            var begun = Message("", "in_progress");
            begun["content"] = new JsonArray();
            var place = new (string, JsonNode?)[] { ("item_id", "msg_1"), ("output_index", output.Count), ("content_index", 0) };
            yield return Event("response.output_item.added", ("output_index", output.Count), ("item", begun));
            yield return Event("response.content_part.added", [.. place, ("part", OutputText(""))]);
            foreach (var piece in answer.Text) yield return Event("response.output_text.delta", [.. place, ("delta", piece), ("logprobs", new JsonArray())]);
            if (answer.IsCut) yield break;
            var text = string.Concat(answer.Text);
            var item = Message(text, answer.IsTooLong ? "incomplete" : "completed");
            yield return Event("response.output_text.done", [.. place, ("text", text), ("logprobs", new JsonArray())]);
            yield return Event("response.content_part.done", [.. place, ("part", OutputText(text))]);
            yield return Event("response.output_item.done", ("output_index", output.Count), ("item", item));
            output.Add(item);
        }

        foreach (var call in answer.Calls)
        {
            var item = Call(call);
            var begun = (JsonObject)item.DeepClone();
            begun["arguments"] = "";
            begun["status"] = "in_progress";
            var place = new (string, JsonNode?)[] { ("item_id", item["id"]), ("output_index", output.Count) };
            yield return Event("response.output_item.added", ("output_index", output.Count), ("item", begun));
            foreach (var piece in Pieces((string)item["arguments"]!)) yield return Event("response.function_call_arguments.delta", [.. place, ("delta", piece)]);
            yield return Event("response.function_call_arguments.done", [.. place, ("name", call.Name), ("arguments", item["arguments"])]);
            yield return Event("response.output_item.done", ("output_index", output.Count), ("item", item));
            output.Add(item);
        }

        var response = Document(answer);
        yield return Event($"response.{response["status"]}", ("response", response));
    }

    public override JsonNode Document(WireAnswer answer)
    {
        List<JsonObject> output = [];
        if (answer.Reasoning.Count > 0) output.Add(Reasoning(answer));
        if (answer.Text.Any()) output.Add(Message(string.Concat(answer.Text), answer.IsTooLong ? "incomplete" : "completed"));
        output.AddRange(answer.Calls.Select(Call));
        return Response(answer, answer.IsTooLong ? "incomplete" : "completed", output);
    }

    public override JsonNode Error(int status, string message) => JsonNode.Parse(Chat.Error(message))!;

    public override string ErrorFrame(string message) => NamedFrame(new JsonObject
    {
        ["type"] = "error",
        ["code"] = "server_error",
        ["message"] = message,
        ["param"] = null,
        ["sequence_number"] = 90,
    });

    private static JsonObject Response(WireAnswer answer, string status, List<JsonObject> output) => new()
    {
        ["id"] = "resp_upstream",
        ["object"] = "response",
        ["created_at"] = 1700000000,
        ["status"] = status,
        ["background"] = false,
        ["error"] = null,
        ["incomplete_details"] = status == "incomplete" ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
        ["instructions"] = null,
        ["metadata"] = new JsonObject(),
        ["model"] = "scripted-1",
        ["output"] = new JsonArray([.. output]),
        ["parallel_tool_calls"] = true,
        ["temperature"] = 1,
        ["tool_choice"] = "auto",
        ["tools"] = new JsonArray(),
        ["top_p"] = 1,
        ["usage"] = status == "in_progress" ? null : new JsonObject
        {
            ["input_tokens"] = WireAnswer.InputTokens,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = WireAnswer.CachedTokens },
            ["output_tokens"] = answer.OutputTokens,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = answer.Reasoning.Count },
            ["total_tokens"] = WireAnswer.InputTokens + answer.OutputTokens,
        },
    };

    private static JsonObject Summary(string text) => new() { ["type"] = "summary_text", ["text"] = text };

    private static JsonObject OutputText(string text) =>
        new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray() };

    private static JsonObject Reasoning(WireAnswer answer)
    {
        var item = new JsonObject { ["id"] = "rs_1", ["type"] = "reasoning", ["summary"] = new JsonArray(Summary(string.Concat(answer.Reasoning))) };
        if (answer.Signature is { } signature) item["encrypted_content"] = signature;
        return item;
    }

    private static JsonObject Message(string text, string status) =>
        new() { ["id"] = "msg_1", ["type"] = "message", ["status"] = status, ["role"] = "assistant", ["content"] = new JsonArray(OutputText(text)) };

    private static JsonObject Call(WireCall call) => new()
    {
        ["id"] = $"fc_{call.Id}",
        ["type"] = "function_call",
        ["status"] = "completed",
        ["call_id"] = call.Id,
        ["name"] = call.Name,
        ["arguments"] = call.Arguments.Length == 0 ? "{}" : call.Arguments,
    };
}
