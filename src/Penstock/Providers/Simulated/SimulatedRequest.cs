using System.Text.Json;
using Penstock.Protocols;

namespace Penstock.Providers.Simulated;

/// <summary>What the simulated provider looks at in a Chat Completions request.</summary>
internal sealed class SimulatedRequest
{
    public required SimulatedModel Model { get; init; }

    /// <summary>The text of the last user message.</summary>
    public required string Prompt { get; init; }

    /// <summary>What the model is to go on with, its own last message; empty for none.</summary>
    public required string Prefix { get; init; }

    /// <summary>What the tools called in the last step returned; empty if the last message is no tool's.</summary>
    public required IReadOnlyList<(string Tool, string Text)> ToolResults { get; init; }

    /// <summary>The functions to call, all offered by the request.</summary>
    public required IReadOnlyList<(string Name, JsonElement Parameters)> Calls { get; init; }

    public required bool Stream { get; init; }

    public required bool IncludeUsage { get; init; }

    public required int Choices { get; init; }

    public required int? MaxTokens { get; init; }

    /// <summary>About four characters a token.</summary>
    public required int PromptTokens { get; init; }

    /// <exception cref="RequestException">The request is not what the protocol says.</exception>
    public static SimulatedRequest Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Parse(document.RootElement.Clone());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: half a surrogate pair
        {
            throw new RequestException("The body is not JSON in valid Unicode.");
        }
    }

    private static SimulatedRequest Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new RequestException("The body is not a JSON object.");
        var messages = Get(root, "messages") is { ValueKind: JsonValueKind.Array } array
            ? array.EnumerateArray().ToList()
            : throw new RequestException("'messages' is not an array.") { Param = "messages" };
        var prefix = messages is [.., var last] && String(last, "role") == "assistant" ? Text(last) : "";
        var results = messages.AsEnumerable().Reverse().Skip(prefix.Length > 0 ? 1 : 0).TakeWhile(m => String(m, "role") == "tool").Reverse().ToList();
        var prompt = Text(messages.FindLast(m => String(m, "role") == "user"));
        return new SimulatedRequest
        {
            Model = SimulatedModel.Parse(String(root, "model") ?? "chat"),
            Prompt = prompt,
            Prefix = prefix,
            ToolResults = [.. results.Select(m => (Name(messages, String(m, "tool_call_id")), Text(m)))],
            Calls = SimulatedTools.Choose(root, prompt, Steps(messages)),
            Stream = Get(root, "stream").ValueKind == JsonValueKind.True,
            IncludeUsage = Get(Get(root, "stream_options"), "include_usage").ValueKind == JsonValueKind.True,
            Choices = Math.Clamp(Number(root, "n") ?? 1, 1, 128),
            MaxTokens = Number(root, "max_completion_tokens") ?? Number(root, "max_tokens"),
            PromptTokens = (messages.Sum(m => Text(m).Length) + 3) / 4,
        };
    }

    /// <summary>How often tools were called since the user spoke.</summary>
    private static int Steps(List<JsonElement> messages) => messages
        .Skip(messages.FindLastIndex(m => String(m, "role") == "user") + 1)
        .Count(m => Get(m, "tool_calls") is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0);

    /// <summary>A member, or an undefined element where there is none.</summary>
    internal static JsonElement Get(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    internal static string? String(JsonElement element, string name) =>
        Get(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static int? Number(JsonElement element, string name) =>
        Get(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) && number > 0 ? number : null;

    private static string Text(JsonElement message) => Get(message, "content") switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!,
        { ValueKind: JsonValueKind.Array } parts => string.Join(' ', parts.EnumerateArray().Select(p => String(p, "text")).Where(t => t is not null)),
        _ => "",
    };

    private static string Name(List<JsonElement> messages, string? callId)
    {
        foreach (var message in messages)
        {
            if (Get(message, "tool_calls") is not { ValueKind: JsonValueKind.Array } calls) continue;
            foreach (var call in calls.EnumerateArray())
            {
                if (String(call, "id") == callId && String(Get(call, "function"), "name") is { } name) return name;
            }
        }

        return "tool";
    }
}
