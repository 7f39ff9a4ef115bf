using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes a conversation of another protocol as <c>messages</c>.</summary>
internal sealed class ChatCompletionsMessagesWriter(Utf8JsonWriter json, DroppedFields dropped)
{
    public void Write(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            dropped.DropCacheControl(message.Parts);
            // A result is a message of its own here, and comes before what the user says beside it.
            foreach (var result in message.Parts.OfType<ToolResultPart>()) WriteResult(result);
            var rest = message.Parts.Where(p => p is not ToolResultPart).ToList();
            if (rest.Count > 0) WriteMessage(message.Role, rest);
        }
    }

    private void WriteMessage(Role role, List<Part> parts)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, role switch { Role.System => "system"u8, Role.Developer => "developer"u8, Role.Assistant => "assistant"u8, _ => "user"u8 });
        if (role == Role.Assistant) WriteAnswer(parts);
        else WriteContent(parts);
        json.WriteEndObject();
    }

    private void WriteAnswer(List<Part> parts)
    {
        var text = string.Concat(parts.OfType<TextPart>().Where(t => !t.IsRefusal).Select(t => t.Text));
        var calls = parts.OfType<ToolCallPart>().ToList();
        var refusal = string.Concat(parts.OfType<TextPart>().Where(t => t.IsRefusal).Select(t => t.Text));
        if (text.Length > 0 || (calls.Count == 0 && refusal.Length == 0)) json.Text("content"u8, text);
        else json.WriteNull("content"u8);
        if (refusal.Length > 0) json.Text("refusal"u8, refusal);
        foreach (var media in parts.OfType<MediaPart>()) dropped.Drop(media.Path); // an assistant's message holds text only
        WriteReasoning([.. parts.OfType<ReasoningPart>()]);
        if (calls.Count == 0) return;
        json.WriteStartArray("tool_calls"u8);
        foreach (var call in calls) WriteCall(call);
        json.WriteEndArray();
    }

    // OpenAI ignores it and compatible servers differ; where signatures matter they go with it.
    private void WriteReasoning(List<ReasoningPart> thoughts)
    {
        var text = string.Concat(thoughts.Select(t => t.Text));
        if (text.Length > 0) json.Text("reasoning_content"u8, text);
        if (thoughts.TrueForAll(t => t.Signature is null)) return;
        json.WriteStartArray("reasoning_details"u8);
        foreach (var thought in thoughts)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, thought.IsRedacted ? "reasoning.encrypted"u8 : "reasoning.text"u8);
            if (thought.IsRedacted)
            {
                json.Text("data"u8, thought.Signature ?? "");
            }
            else
            {
                json.Text("text"u8, thought.Text);
                if (thought.Signature is { } signature) json.Text("signature"u8, signature);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteCall(ToolCallPart call)
    {
        json.WriteStartObject();
        json.Text("id"u8, call.Id);
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.Text("name"u8, call.Name);
        json.Text("arguments"u8, call.Arguments.Length == 0 ? "{}" : call.Arguments);
        json.WriteEndObject();
        if (call.Signature is { } signature)
        {
            json.WriteStartObject("extra_content"u8);
            json.WriteStartObject("google"u8);
            json.Text("thought_signature"u8, signature);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteResult(ToolResultPart result)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, "tool"u8);
        json.Text("tool_call_id"u8, result.Id);
        json.Text("content"u8, result.Text);
        json.WriteEndObject();
        if (result.IsError) dropped.Drop($"{result.Path}.is_error"); // the text says it
        foreach (var media in result.Content.OfType<MediaPart>()) throw DroppedFields.Refuse(media.Path, ChatCompletionsProtocol.ProtocolName);
    }

    private void WriteContent(List<Part> parts)
    {
        if (parts is [TextPart only])
        {
            json.Text("content"u8, only.Text);
            return;
        }

        json.WriteStartArray("content"u8);
        foreach (var part in parts)
        {
            switch (part)
            {
                case TextPart text:
                    json.WriteStartObject();
                    json.WriteString("type"u8, "text"u8);
                    json.Text("text"u8, text.Text);
                    json.WriteEndObject();
                    break;
                case MediaPart media:
                    WriteMedia(media);
                    break;
                case ToolCallPart or ReasoningPart:
                    dropped.Drop(part.Path); // nobody but an assistant says such a thing
                    break;
            }
        }

        json.WriteEndArray();
    }

    private void WriteMedia(MediaPart media)
    {
        if (media.FileId is not null) throw DroppedFields.Refuse(media.Path, ChatCompletionsProtocol.ProtocolName); // a file at another provider
        if (media.Url is not null && media.Kind != MediaKind.Image) throw DroppedFields.Refuse(media.Path, ChatCompletionsProtocol.ProtocolName);
        json.WriteStartObject();
        switch (media.Kind)
        {
            case MediaKind.Image:
                json.WriteString("type"u8, "image_url"u8);
                json.WriteStartObject("image_url"u8);
                json.Text("url"u8, media.Url ?? DataUrl.Write(media, "image/png"));
                if (media.Detail is { } detail) json.Text("detail"u8, detail);
                break;
            case MediaKind.Audio:
                json.WriteString("type"u8, "input_audio"u8);
                json.WriteStartObject("input_audio"u8);
                json.WriteString("data"u8, media.Data.Span);
                json.Text("format"u8, media.MediaType is "audio/mpeg" or "audio/mp3" ? "mp3" : media.MediaType?.Split('/')[^1] ?? "wav");
                break;
            default:
                json.WriteString("type"u8, "file"u8);
                json.WriteStartObject("file"u8);
                json.Text("filename"u8, media.FileName ?? "file");
                json.Text("file_data"u8, DataUrl.Write(media, "application/pdf"));
                break;
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
