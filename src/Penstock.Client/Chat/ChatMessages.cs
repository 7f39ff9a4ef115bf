using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Penstock.Client.Chat;

/// <summary>Writes the messages of a conversation as Chat Completions has them.</summary>
internal static class ChatMessages
{
    public static JsonArray Write(string? instructions, IEnumerable<ChatMessage> messages)
    {
        var written = new JsonArray();
        if (!string.IsNullOrEmpty(instructions)) written.Add((JsonNode)NewMessage(ChatRole.System, instructions));
        foreach (var message in messages)
        {
            // Each result is a message of its own there.
            foreach (var result in message.Contents.OfType<FunctionResultContent>()) written.Add((JsonNode)ResultOf(result));
            if (message.Contents.Any(c => c is not FunctionResultContent) || message.Contents.Count == 0) written.Add((JsonNode)WriteMessage(message));
        }

        return written;
    }

    private static JsonObject WriteMessage(ChatMessage message)
    {
        if (message.Role == ChatRole.Assistant) return WriteAnswer(message);
        var parts = new JsonArray([.. message.Contents.Select(PartOf).OfType<JsonNode>()]);
        var written = NewMessage(message.Role, IsOneText(message) ? message.Text : parts);
        if (message.AuthorName is { } name) written["name"] = name;
        return written;
    }

    private static JsonObject WriteAnswer(ChatMessage message)
    {
        var written = NewMessage(ChatRole.Assistant, message.Text.Length > 0 ? message.Text : null);
        var calls = message.Contents.OfType<FunctionCallContent>().Select(CallOf).ToArray<JsonNode>();
        if (calls.Length > 0) written["tool_calls"] = new JsonArray(calls);
        // Only what is sealed means anything to the provider that wrote it.
        var thoughts = message.Contents.OfType<TextReasoningContent>().Where(r => r.ProtectedData is not null).Select(ThoughtOf).ToArray<JsonNode>();
        if (thoughts.Length > 0) written["reasoning_details"] = new JsonArray(thoughts);
        if (message.Contents.OfType<ErrorContent>().FirstOrDefault(e => e.ErrorCode == "refusal") is { } refusal) written["refusal"] = refusal.Message;
        return written;
    }

    private static bool IsOneText(ChatMessage message) => message.Contents.Count(c => c is not FunctionResultContent) == 1 && message.Contents.Any(c => c is TextContent);

    private static JsonObject NewMessage(ChatRole role, JsonNode? content) => new() { ["role"] = role.Value, ["content"] = content };

    private static JsonObject? PartOf(AIContent content) => content switch
    {
        TextContent text => new JsonObject { ["type"] = "text", ["text"] = text.Text },
        DataContent data when data.HasTopLevelMediaType("image") => ImageOf(data.Uri),
        DataContent data when data.HasTopLevelMediaType("audio") => new JsonObject
        {
            ["type"] = "input_audio",
            ["input_audio"] = new JsonObject { ["data"] = data.Base64Data.ToString(), ["format"] = data.MediaType is "audio/mpeg" or "audio/mp3" ? "mp3" : data.MediaType["audio/".Length..] },
        },
        DataContent data => new JsonObject { ["type"] = "file", ["file"] = new JsonObject { ["filename"] = data.Name ?? "file", ["file_data"] = data.Uri } },
        UriContent uri when uri.HasTopLevelMediaType("image") => ImageOf(uri.Uri.AbsoluteUri),
        HostedFileContent file => new JsonObject { ["type"] = "file", ["file"] = new JsonObject { ["file_id"] = file.FileId } },
        UriContent uri => throw new NotSupportedException($"Penstock's IChatClient takes images by address, but not {uri.MediaType}: send its bytes as a DataContent."),
        _ => null,
    };

    private static JsonObject ImageOf(string url) => new() { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } };

    private static JsonObject CallOf(FunctionCallContent call)
    {
        var arguments = call.Arguments is null ? "{}" : ChatJson.WriteArguments(call.Arguments);
        var written = new JsonObject
        {
            ["id"] = call.CallId,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = arguments },
        };
        if (call.AdditionalProperties?.TryGetValue(ChatUpdates.Signature, out var signature) == true && signature?.ToString() is { } seal)
            written["extra_content"] = new JsonObject { ["google"] = new JsonObject { ["thought_signature"] = seal } };
        return written;
    }

    private static JsonObject ThoughtOf(TextReasoningContent thought)
    {
        var isRedacted = thought.AdditionalProperties?.ContainsKey(ChatUpdates.Redacted) == true;
        return isRedacted
            ? new JsonObject { ["type"] = "reasoning.encrypted", ["data"] = thought.ProtectedData }
            : new JsonObject { ["type"] = "reasoning.text", ["text"] = thought.Text, ["signature"] = thought.ProtectedData };
    }

    private static JsonObject ResultOf(FunctionResultContent result) => new()
    {
        ["role"] = ChatRole.Tool.Value,
        ["tool_call_id"] = result.CallId,
        ["content"] = TextOf(result),
    };

    private static string TextOf(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception is { } e ? $"Error: {e.Message}" : "",
        string text => text,
        TextContent text => text.Text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        var other => ChatJson.Write(other),
    };
}
