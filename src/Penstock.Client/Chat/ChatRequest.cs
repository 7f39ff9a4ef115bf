using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Penstock.Client.Chat;

/// <summary>Writes a conversation and its options as the native body, which is a Chat Completions body.</summary>
/// <remarks><see cref="ChatOptions.RawRepresentationFactory"/> may give a <see cref="JsonObject"/> to begin with, whose members are kept.</remarks>
internal static class ChatRequest
{
    public static JsonObject Write(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (options?.ConversationId is not null)
            throw new NotSupportedException("Penstock keeps no conversation for an IChatClient: send the messages, and leave ConversationId null.");
        var body = options?.RawRepresentationFactory?.Invoke(null!) as JsonObject ?? [];
        body["messages"] ??= ChatMessages.Write(options?.Instructions, messages);
        if (options is null) return body;

        Set(body, "model", options.ModelId);
        Set(body, "temperature", options.Temperature);
        Set(body, "max_completion_tokens", options.MaxOutputTokens);
        Set(body, "top_p", options.TopP);
        Set(body, "top_k", options.TopK);
        Set(body, "frequency_penalty", options.FrequencyPenalty);
        Set(body, "presence_penalty", options.PresencePenalty);
        Set(body, "seed", options.Seed);
        Set(body, "stop", options.StopSequences is { Count: > 0 } stops ? new JsonArray([.. stops.Select(s => (JsonNode)s)]) : null);
        Set(body, "reasoning_effort", EffortOf(options.Reasoning?.Effort));
        Set(body, "response_format", FormatOf(options.ResponseFormat));
        if (options.Tools is { Count: > 0 } tools)
        {
            Set(body, "tools", new JsonArray([.. tools.Select(ToolOf)]));
            Set(body, "tool_choice", ChoiceOf(options.ToolMode));
            Set(body, "parallel_tool_calls", options.AllowMultipleToolCalls);
        }

        foreach (var (name, value) in options.AdditionalProperties ?? [])
        {
            if (value is not null) Set(body, name, ChatJson.ToNode(value));
        }

        return body;
    }

    private static void Set(JsonObject body, string name, JsonNode? value)
    {
        if (value is not null && !body.ContainsKey(name)) body[name] = value;
    }

    private static string? EffortOf(ReasoningEffort? effort) => effort switch
    {
        ReasoningEffort.None => "none",
        ReasoningEffort.Low => "low",
        ReasoningEffort.Medium => "medium",
        ReasoningEffort.High => "high",
        ReasoningEffort.ExtraHigh => "xhigh",
        _ => null,
    };

    private static JsonObject? FormatOf(ChatResponseFormat? format)
    {
        if (format is not ChatResponseFormatJson json) return null;
        if (json.Schema is not { } schema) return new JsonObject { ["type"] = "json_object" };
        var described = new JsonObject { ["name"] = json.SchemaName ?? "answer", ["schema"] = ToNode(schema) };
        if (json.SchemaDescription is { } description) described["description"] = description;
        return new JsonObject { ["type"] = "json_schema", ["json_schema"] = described };
    }

    private static JsonNode ToolOf(AITool tool)
    {
        if (tool is not AIFunctionDeclaration function)
            throw new NotSupportedException($"The tool '{tool.Name}' is a {tool.GetType().Name}; Penstock's IChatClient takes functions only.");
        var described = new JsonObject { ["name"] = function.Name, ["parameters"] = ToNode(function.JsonSchema) };
        if (function.Description is { Length: > 0 } description) described["description"] = description;
        if (function.AdditionalProperties.TryGetValue("strict", out var strict) && strict is bool isStrict) described["strict"] = isStrict;
        return new JsonObject { ["type"] = "function", ["function"] = described };
    }

    private static JsonNode? ChoiceOf(ChatToolMode? mode) => mode switch
    {
        AutoChatToolMode => "auto",
        NoneChatToolMode => "none",
        RequiredChatToolMode { RequiredFunctionName: { } name } => new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = name } },
        RequiredChatToolMode => "required",
        _ => null,
    };

    private static JsonNode? ToNode(JsonElement element) => element.ValueKind == JsonValueKind.Object ? JsonObject.Create(element.Clone()) : JsonNode.Parse(element.GetRawText());
}
