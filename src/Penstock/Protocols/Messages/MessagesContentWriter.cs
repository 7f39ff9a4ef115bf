using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// Writes a conversation of another protocol as <c>system</c> and <c>messages</c>: instructions apart, turns of the same
/// side joined, the results of tools before what the user says beside them, and no text that is empty, which the API refuses.
/// </summary>
internal sealed class MessagesContentWriter(Utf8JsonWriter json, DroppedFields dropped)
{
    private readonly MessagesCallIds _ids = new();

    /// <param name="messages">The conversation.</param>
    /// <param name="instruction">One of our own to end the instructions with, or null.</param>
    public void Write(IReadOnlyList<Message> messages, string? instruction)
    {
        var system = messages.Where(IsInstruction).SelectMany(m => m.Parts).OfType<TextPart>().Where(IsText).ToList();
        if (instruction is not null) system.Add(new TextPart(instruction));
        var turns = Turns(messages);
        if (turns.Count == 0)
        {
            // Instructions alone: somebody must ask.
            turns.Add((Role.User, [.. system]));
            system.Clear();
        }

        if (system.Count > 0)
        {
            json.WriteStartArray("system"u8);
            foreach (var text in system) WriteText(text, text.Text);
            json.WriteEndArray();
        }

        json.WriteStartArray("messages"u8);
        if (turns is [(Role.Assistant, _), ..]) WriteTurn(Role.User, [new TextPart(".")]); // the first turn is the user's
        if (turns is [.., (Role.Assistant, [.., TextPart end])])
            turns[^1].Parts[^1] = end with { Text = end.Text.TrimEnd() }; // the last turn must not end in white space
        foreach (var (role, parts) in turns) WriteTurn(role, parts);
        json.WriteEndArray();
    }

    /// <summary>Writes turns that follow others.</summary>
    public void WriteTurns(IReadOnlyList<Message> messages)
    {
        foreach (var (role, parts) in Turns(messages)) WriteTurn(role, parts);
    }

    private static bool IsInstruction(Message message) => message.Role is Role.System or Role.Developer;

    // The API refuses white space alone as well.
    private static bool IsText(TextPart text) => !string.IsNullOrWhiteSpace(text.Text);

    private List<(Role Role, List<Part> Parts)> Turns(IReadOnlyList<Message> messages)
    {
        var turns = new List<(Role Role, List<Part> Parts)>();
        foreach (var message in messages)
        {
            if (IsInstruction(message)) continue;
            var role = message.Role == Role.Assistant ? Role.Assistant : Role.User;
            var parts = message.Parts.Where(p => CanSay(p, role));
            if (!parts.Any()) continue;
            if (turns.Count == 0 || turns[^1].Role != role) turns.Add((role, []));
            turns[^1].Parts.AddRange(parts);
        }

        return turns;
    }

    private bool CanSay(Part part, Role role)
    {
        var can = part switch
        {
            TextPart text => IsText(text),
            ReasoningPart thought => role == Role.Assistant && thought.Signature is not null,
            ToolCallPart => role == Role.Assistant,
            ToolResultPart => role == Role.User,
            MediaPart => role == Role.User,
            _ => false,
        };
        if (!can && part is not (TextPart or OtherPart)) dropped.Drop(part.Path);
        return can;
    }

    private void WriteTurn(Role role, List<Part> parts)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, role == Role.Assistant ? "assistant"u8 : "user"u8);
        json.WriteStartArray("content"u8);
        foreach (var result in parts.OfType<ToolResultPart>()) WriteResult(result);
        foreach (var part in parts) WritePart(part);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WritePart(Part part)
    {
        switch (part)
        {
            case TextPart text:
                WriteText(text, text.Text);
                break;
            case MediaPart media:
                if (media.Detail is not (null or "auto")) dropped.Drop($"{media.Path}.detail");
                MessagesMedia.Write(media, json);
                break;
            case ReasoningPart { IsRedacted: true } redacted:
                json.WriteStartObject();
                json.WriteString("type"u8, "redacted_thinking"u8);
                json.Text("data"u8, redacted.Signature ?? "");
                json.WriteEndObject();
                break;
            case ReasoningPart thought:
                json.WriteStartObject();
                json.WriteString("type"u8, "thinking"u8);
                json.Text("thinking"u8, thought.Text);
                json.Text("signature"u8, thought.Signature ?? "");
                json.WriteEndObject();
                break;
            case ToolCallPart call:
                WriteCall(call);
                break;
        }
    }

    private void WriteText(TextPart part, string text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.Text("text"u8, text);
        WriteMark(part);
        json.WriteEndObject();
    }

    private void WriteCall(ToolCallPart call)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "tool_use"u8);
        json.Text("id"u8, _ids.OfCall(call));
        json.Text("name"u8, call.Name);
        json.WritePropertyName("input"u8);
        var arguments = Encoding.UTF8.GetBytes(call.Arguments);
        if (call.Arguments.Length == 0)
        {
            json.WriteRawValue("{}"u8, skipInputValidation: true);
        }
        else if (JsonValue.IsWholeObject(arguments))
        {
            json.WriteRawValue(arguments, skipInputValidation: true);
        }
        else
        {
            // The model wrote no JSON object, and was told so by the result; the API takes nothing else.
            json.WriteStartObject();
            json.Text("arguments"u8, call.Arguments);
            json.WriteEndObject();
        }

        WriteMark(call);
        json.WriteEndObject();
    }

    private void WriteResult(ToolResultPart result)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "tool_result"u8);
        json.Text("tool_use_id"u8, _ids.OfResult(result));
        var content = result.Content.Where(p => p is MediaPart || (p is TextPart text && IsText(text))).ToList();
        if (content is [TextPart only])
        {
            json.Text("content"u8, only.Text);
        }
        else if (content.Count > 0)
        {
            json.WriteStartArray("content"u8);
            foreach (var part in content) WritePart(part);
            json.WriteEndArray();
        }

        if (result.IsError) json.WriteBoolean("is_error"u8, true);
        WriteMark(result);
        json.WriteEndObject();
    }

    private void WriteMark(Part part)
    {
        if (!part.CacheControl.IsEmpty) json.Raw("cache_control"u8, part.CacheControl);
    }
}
