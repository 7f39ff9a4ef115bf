using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Writes a conversation of another protocol as <c>input</c> items.</summary>
internal sealed class ResponsesInputWriter(Utf8JsonWriter json, DroppedFields dropped)
{
    // Ids for calls that came without one, by function, for their results to take in order.
    private readonly List<(string Name, string Id)> _unnamed = [];
    private int _calls;

    public void Write(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            dropped.DropCacheControl(message.Parts);
            // A result is an item of its own here, and comes before what the user says beside it.
            foreach (var result in message.Parts.OfType<ToolResultPart>()) WriteResult(result);
            if (message.Role == Role.Assistant) WriteAnswer(message.Parts);
            else WriteMessage(message.Role, [.. message.Parts.Where(p => p is TextPart or MediaPart)]);
        }
    }

    private void WriteMessage(Role role, List<Part> parts)
    {
        if (parts.Count == 0) return;
        json.WriteStartObject();
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, role switch { Role.System => "system"u8, Role.Developer => "developer"u8, _ => "user"u8 });
        json.WriteStartArray("content"u8);
        foreach (var part in parts) WriteContent(part);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteAnswer(IReadOnlyList<Part> parts)
    {
        var texts = new List<TextPart>();
        foreach (var part in parts)
        {
            if (part is TextPart text)
            {
                texts.Add(text);
                continue;
            }

            WriteTexts(texts);
            if (part is ReasoningPart reasoning) WriteReasoning(reasoning);
            else if (part is ToolCallPart call) WriteCall(call);
            else if (part is MediaPart) dropped.Drop(part.Path); // an assistant's message holds text only
        }

        WriteTexts(texts);
    }

    private void WriteTexts(List<TextPart> texts)
    {
        texts.RemoveAll(t => t.Text.Length == 0);
        if (texts.Count == 0) return;
        json.WriteStartObject();
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteStartArray("content"u8);
        foreach (var text in texts)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, text.IsRefusal ? "refusal"u8 : "output_text"u8);
            json.Text(text.IsRefusal ? "refusal"u8 : "text"u8, text.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        texts.Clear();
    }

    // A thought counts only with its encrypted self: nothing of it is stored there.
    private void WriteReasoning(ReasoningPart reasoning)
    {
        if (reasoning.Signature is not { } encrypted)
        {
            dropped.Drop(reasoning.Path);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type"u8, "reasoning"u8);
        json.WriteStartArray("summary"u8);
        if (reasoning.Text.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "summary_text"u8);
            json.Text("text"u8, reasoning.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Text("encrypted_content"u8, encrypted);
        json.WriteEndObject();
    }

    private void WriteCall(ToolCallPart call)
    {
        var id = call.Id;
        if (id.Length == 0)
        {
            id = $"call_{_calls++}";
            _unnamed.Add((call.Name, id));
        }

        json.WriteStartObject();
        json.WriteString("type"u8, "function_call"u8);
        json.Text("call_id"u8, id);
        json.Text("name"u8, call.Name);
        json.Text("arguments"u8, call.Arguments.Length == 0 ? "{}" : call.Arguments);
        json.WriteEndObject();
        if (call.Signature is not null) dropped.Drop($"{call.Path} (signature)"); // another provider's
    }

    private void WriteResult(ToolResultPart result)
    {
        if (result.IsError) dropped.Drop($"{result.Path}.is_error"); // the text says it
        json.WriteStartObject();
        json.WriteString("type"u8, "function_call_output"u8);
        json.Text("call_id"u8, result.Id.Length > 0 ? result.Id : TakeUnnamed(result.Name));
        if (result.Content.All(p => p is TextPart))
        {
            json.Text("output"u8, result.Text);
        }
        else
        {
            json.WriteStartArray("output"u8);
            foreach (var part in result.Content) WriteContent(part);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private string TakeUnnamed(string? name)
    {
        var found = _unnamed.FindIndex(c => name is null || c.Name == name);
        if (found < 0) return $"call_{_calls++}"; // the provider will say that there is no such call
        var id = _unnamed[found].Id;
        _unnamed.RemoveAt(found);
        return id;
    }

    private void WriteContent(Part part)
    {
        switch (part)
        {
            case TextPart text:
                json.WriteStartObject();
                json.WriteString("type"u8, "input_text"u8);
                json.Text("text"u8, text.Text);
                json.WriteEndObject();
                break;
            case MediaPart media:
                WriteMedia(media);
                break;
        }
    }

    private void WriteMedia(MediaPart media)
    {
        // A file at another provider; a recording, which only audio models of other endpoints hear.
        if (media.FileId is not null || media.Kind == MediaKind.Audio) throw DroppedFields.Refuse(media.Path, ResponsesProtocol.ProtocolName);
        json.WriteStartObject();
        if (media.Kind == MediaKind.Image)
        {
            json.WriteString("type"u8, "input_image"u8);
            json.Text("detail"u8, media.Detail ?? "auto");
            json.Text("image_url"u8, media.Url ?? DataUrl.Write(media, "image/png"));
        }
        else if (media.Url is { } url)
        {
            json.WriteString("type"u8, "input_file"u8);
            json.Text("file_url"u8, url);
        }
        else
        {
            json.WriteString("type"u8, "input_file"u8);
            json.Text("filename"u8, media.FileName ?? "file");
            json.Text("file_data"u8, DataUrl.Write(media, "application/pdf"));
        }

        json.WriteEndObject();
    }
}
