using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>One reading of a Responses stream: what it says by its deltas, each checked against what the done events and the final object say.</summary>
internal sealed class ResponsesReading(bool strict)
{
    private readonly Dictionary<string, string> _texts = []; // by kind, item and part
    private readonly Dictionary<long, string> _open = []; // item ids by output_index
    private readonly List<(long Index, JsonNode Item)> _done = []; // as they ended
    private Answer _answer = new() { Stop = null, Complete = false };
    private string _id = "";
    private bool _errorSeen;

    public Answer Read(IReadOnlyList<SseEvent> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            var e = events[i];
            var json = e.Json();
            var type = json["type"].Str();
            if (strict)
            {
                e.Name.ShouldBe(type);
                ((long?)json["sequence_number"]).ShouldBe(i, e.Data);
                _answer.Complete.ShouldBeFalse($"after the end: {e.Data}");
                (_answer.Error is not null && !(_errorSeen && type == "response.failed")).ShouldBeFalse($"after the end: {e.Data}");
                if (i == 0) type.ShouldBeOneOf("response.created", "error");
                if (i == 1) type.ShouldBeOneOf("response.in_progress", "response.queued", "error", "response.failed");
            }

            Take(type, json);
        }

        if (strict && _answer.Complete) _open.ShouldBeEmpty();
        return _answer with { Raw = [.. Items().Select(i => i.DeepClone())] };
    }

    // By output_index: a call that the server runs ends after others that began later. A recording may hold several responses.
    private IEnumerable<JsonNode> Items() => (strict ? _done.OrderBy(d => d.Index) : _done.AsEnumerable()).Select(d => d.Item);

    private void Take(string type, JsonNode json)
    {
        switch (type)
        {
            case "response.created":
                _id = json.At("response", "id").Str();
                if (!strict) break;
                _id.ShouldStartWith("resp_");
                json.At("response", "object").Str().ShouldBe("response");
                json.At("response", "output").ShouldBeOfType<JsonArray>().ShouldBeEmpty();
                break;
            case "response.output_item.added":
                if (strict) json["output_index"].Num().ShouldBe(_open.Count + _done.Count, "output_index");
                _open[json["output_index"].Num()] = json.At("item", "id").Str();
                if (strict) json.At("item", "id").Str().ShouldNotBeEmpty();
                break;
            case "response.content_part.added" or "response.reasoning_summary_part.added":
                if (strict) _texts.ShouldNotContainKey(Key(json));
                _texts[Key(json)] = "";
                break;
            case "response.output_text.delta":
                Append(json);
                _answer = _answer with { Text = _answer.Text + json["delta"].Str() };
                break;
            case "response.refusal.delta":
                Append(json);
                _answer = _answer with { Refusal = _answer.Refusal + json["delta"].Str() };
                break;
            case "response.reasoning_summary_text.delta" or "response.reasoning_text.delta":
                Append(json);
                _answer = _answer with { Reasoning = _answer.Reasoning + json["delta"].Str() };
                break;
            case "response.mcp_call_arguments.delta" or "response.function_call_arguments.delta" or "response.custom_tool_call_input.delta":
                Append(json);
                break;
            case "response.output_text.done" or "response.reasoning_summary_text.done" or "response.reasoning_text.done" or "response.refusal.done"
                or "response.function_call_arguments.done" or "response.mcp_call_arguments.done":
                if (strict) (json["text"] ?? json["refusal"] ?? json["arguments"]).Str().ShouldBe(_texts.GetValueOrDefault(Key(json), ""), type);
                break;
            case "response.content_part.done" or "response.reasoning_summary_part.done":
                if (strict) (json.At("part", "text") ?? json.At("part", "refusal")).Str().ShouldBe(_texts[Key(json)], type);
                break;
            case "response.output_item.done":
                ItemDone(json);
                break;
            case "response.completed" or "response.incomplete":
                End(type, json["response"]!);
                break;
            case "error":
                _errorSeen = true;
                _answer = _answer with { Error = (json["message"] ?? json.At("error", "message")).Str() };
                if (strict) json.AsObject().ContainsKey("code").ShouldBeTrue("error.code");
                break;
            case "response.failed":
                _answer = _answer with { Error = json.At("response", "error", "message").Str() };
                if (!strict) break;
                json.At("response", "id").Str().ShouldNotBeEmpty();
                json.At("response", "status").Str().ShouldBe("failed");
                json.At("response", "error", "code").Str().ShouldNotBeEmpty();
                break;
        }
    }

    private void ItemDone(JsonNode json)
    {
        var item = json["item"]!;
        if (strict)
        {
            _open.ShouldContainKey(json["output_index"].Num());
            item["id"].Str().ShouldBe(_open[json["output_index"].Num()]);
            var texts = item["summary"].Items().Concat(item["content"].Items()).Select(p => (p["text"] ?? p["refusal"]).Str()).ToList();
            if (item["arguments"] is { } arguments && arguments.Str().Length > 0) texts.Add(arguments.Str());
            string.Concat(texts).ShouldBe(string.Concat(_texts.Where(t => t.Key.StartsWith(item["id"].Str() + " ", StringComparison.Ordinal)).Select(t => t.Value)), "item.done");
        }

        _open.Remove(json["output_index"].Num());
        _done.Add((json["output_index"].Num(), item));
        // Texts were taken from the deltas; the rest only an item has.
        var whole = ResponsesClient.AddItem(new Answer(), item);
        _answer = _answer with
        {
            ReasoningSignature = whole.ReasoningSignature ?? _answer.ReasoningSignature,
            Redacted = whole.Redacted ?? _answer.Redacted,
            Calls = [.. _answer.Calls, .. whole.Calls],
            ServerCalls = [.. _answer.ServerCalls, .. whole.ServerCalls],
            Image = whole.Image ?? _answer.Image,
            Sources = [.. _answer.Sources, .. whole.Sources],
        };
    }

    private void End(string type, JsonNode response)
    {
        if (strict)
        {
            response["id"].Str().ShouldBe(_id);
            response["object"].Str().ShouldBe("response");
            response["status"].Str().ShouldBe(type["response.".Length..]);
            Js.Canonical(response["output"]).ShouldBe(Js.Canonical(new JsonArray([.. Items().Select(d => d.DeepClone())])), "completed.output");
            if (response["usage"] is JsonObject usage)
            {
                foreach (var name in new[] { "input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens" }) usage.ContainsKey(name).ShouldBeTrue(name);
            }
        }

        _answer = _answer with
        {
            Complete = true,
            Stop = ResponsesClient.StopOf(response, response["output"].Items().Any(i => i["type"].Str() is "function_call" or "custom_tool_call")),
            Usage = response["usage"] is JsonObject u ? ResponsesClient.ReadUsage(u) : null,
        };
    }

    private void Append(JsonNode json)
    {
        var key = Key(json);
        if (strict)
        {
            _open.GetValueOrDefault(json["output_index"].Num()).ShouldBe(json["item_id"].Str());
            if (json["content_index"] is not null || json["summary_index"] is not null) _texts.ShouldContainKey(key);
        }

        _texts[key] = _texts.GetValueOrDefault(key, "") + json["delta"].Str();
    }

    private static string Key(JsonNode json) => $"{json["item_id"].Str()} {(json["summary_index"] is not null ? "summary" : "content")} {(json["summary_index"] ?? json["content_index"]).Num()}";
}
