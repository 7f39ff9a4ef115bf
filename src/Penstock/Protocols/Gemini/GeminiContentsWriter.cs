using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes a conversation of another protocol as <c>systemInstruction</c> and <c>contents</c>.</summary>
/// <param name="json">Takes the members.</param>
/// <param name="dropped">Takes the names of what is left out.</param>
/// <param name="needsCallSignatures">Whether the model refuses calls without a signature.</param>
internal sealed class GeminiContentsWriter(Utf8JsonWriter json, DroppedFields dropped, bool needsCallSignatures)
{
    // For calls that come from another model, or whose signature the client lost.
    // https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
    private const string NoSignature = "skip_thought_signature_validator";

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private string? _role;
    private bool _afterText; // the part before is the model's text

    public void Write(IReadOnlyList<Message> messages)
    {
        var head = messages.TakeWhile(m => m.Role is Role.System or Role.Developer).ToList();
        if (head.Count == messages.Count) head = []; // there must be contents
        if (head.Count > 0) WriteSystem(head);
        json.WriteStartArray("contents"u8);
        foreach (var message in messages) dropped.DropCacheControl(message.Parts);
        WriteContents(messages.Skip(head.Count));
        json.WriteEndArray();
    }

    /// <summary>Writes the contents alone.</summary>
    public void WriteContents(IEnumerable<Message> messages)
    {
        foreach (var message in messages) WriteMessage(message);
        EndContent();
    }

    private void WriteSystem(List<Message> messages)
    {
        json.WriteStartObject("systemInstruction"u8);
        json.WriteStartArray("parts"u8);
        foreach (var part in messages.SelectMany(m => m.Parts))
        {
            if (part is TextPart { Text: var text }) WriteText(text);
            else dropped.Drop(part.Path);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteMessage(Message message)
    {
        if (message.Role == Role.Assistant)
        {
            WriteAnswer(message.Parts);
            return;
        }

        _afterText = false;

        // The results of parallel calls stand together, and before what the user says beside them.
        foreach (var result in message.Parts.OfType<ToolResultPart>())
        {
            BeginContent("function");
            WriteResult(result);
        }

        foreach (var part in message.Parts)
        {
            if (part is ToolResultPart) continue;
            BeginContent("user");
            if (part is TextPart text) WriteText(text.Text);
            else if (part is MediaPart media) WriteMedia(media);
            else dropped.Drop(part.Path); // nobody but the model says such a thing
        }
    }

    private void WriteAnswer(IReadOnlyList<Part> parts)
    {
        var signed = false;
        for (var i = 0; i < parts.Count; i++)
        {
            var afterText = _afterText;
            _afterText = false;
            switch (parts[i])
            {
                case TextPart { Text.Length: > 0 } text:
                    BeginContent("model");
                    WriteText(text.Text);
                    _afterText = true;
                    break;
                case MediaPart media:
                    BeginContent("model");
                    WriteMedia(media);
                    break;
                case ReasoningPart thought when !BelongsToCall(parts, i):
                    BeginContent("model");
                    WriteThought(thought, afterText);
                    break;
                case ToolCallPart call:
                    var signature = call.Signature ?? SignatureBeside(parts, i);
                    // The first call of a turn carries it for all.
                    if (signature is null && needsCallSignatures && !signed) signature = NoSignature;
                    signed |= signature is not null;
                    BeginContent("model");
                    WriteCall(call, signature);
                    break;
            }
        }
    }

    // Where a protocol has no place for a call's signature, it stands beside the call as a thought that is nothing else.
    private static string? SignatureBeside(IReadOnlyList<Part> parts, int call)
    {
        if (call > 0 && IsBare(parts[call - 1])) return ((ReasoningPart)parts[call - 1]).Signature;
        var after = call + 1 < parts.Count && IsBare(parts[call + 1]) && (call + 2 == parts.Count || parts[call + 2] is not ToolCallPart { Signature: null });
        return after ? ((ReasoningPart)parts[call + 1]).Signature : null;
    }

    private static bool BelongsToCall(IReadOnlyList<Part> parts, int thought) =>
        IsBare(parts[thought])
        && ((thought + 1 < parts.Count && parts[thought + 1] is ToolCallPart { Signature: null }) || (thought > 0 && parts[thought - 1] is ToolCallPart { Signature: null }));

    private static bool IsBare(Part part) => part is ReasoningPart { Text.Length: 0, Signature: not null };

    // A signature without a thought is one of the text before it. Responses has only encrypted reasoning to say it as.
    private void WriteThought(ReasoningPart thought, bool afterText)
    {
        var redacted = thought.IsRedacted && !afterText;
        json.WriteStartObject();
        if (!redacted) json.Text("text"u8, thought.Text);
        if (redacted || thought.Text.Length > 0) json.WriteBoolean("thought"u8, true);
        if (thought.Signature is { } signature) json.Text("thoughtSignature"u8, signature);
        json.WriteEndObject();
    }

    private void WriteCall(ToolCallPart call, string? signature)
    {
        _names[call.Id] = call.Name;
        json.WriteStartObject();
        json.WriteStartObject("functionCall"u8);
        if (call.Id.Length > 0) json.Text("id"u8, call.Id);
        json.Text("name"u8, call.Name);
        json.WritePropertyName("args"u8);
        if (IsObject(call.Arguments))
        {
            json.WriteRawValue(call.Arguments, skipInputValidation: true);
        }
        else
        {
            // A model once wrote what is no JSON: it is shown, since the conversation goes on from there.
            json.WriteStartObject();
            if (call.Arguments.Trim() is not ("" or "null")) json.Text("arguments"u8, call.Arguments);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        if (signature is not null) json.Text("thoughtSignature"u8, signature);
        json.WriteEndObject();
    }

    private void WriteResult(ToolResultPart result)
    {
        var name = result.Name ?? _names.GetValueOrDefault(result.Id)
            ?? throw RequestJson.Error("invalid_value", result.Path, $"'{result.Path}' answers the call '{result.Id}', which the conversation does not hold: send the call's message before it.");
        json.WriteStartObject();
        json.WriteStartObject("functionResponse"u8);
        if (result.Id.Length > 0) json.Text("id"u8, result.Id);
        json.Text("name"u8, name);
        json.WritePropertyName("response"u8);
        var text = result.Text;
        if (!result.IsError && IsObject(text))
        {
            json.WriteRawValue(text, skipInputValidation: true);
        }
        else
        {
            json.WriteStartObject();
            json.Text(result.IsError ? "error"u8 : "output"u8, text);
            json.WriteEndObject();
        }

        if (result.Content.OfType<MediaPart>().Any())
        {
            json.WriteStartArray("parts"u8);
            foreach (var media in result.Content.OfType<MediaPart>()) WriteMedia(media);
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteMedia(MediaPart media)
    {
        if (media.FileId is not null) throw DroppedFields.Refuse(media.Path, GeminiProtocol.ProtocolName); // a file at another provider
        if (media.Detail is not (null or "auto")) dropped.Drop($"{media.Path}.detail");
        json.WriteStartObject();
        if (media.Url is { } url)
        {
            json.WriteStartObject("fileData"u8);
            if ((media.MediaType ?? GuessType(url, media.Kind)) is { } type) json.Text("mimeType"u8, type);
            json.Text("fileUri"u8, url);
        }
        else
        {
            json.WriteStartObject("inlineData"u8);
            json.Text("mimeType"u8, media.MediaType ?? media.Kind switch { MediaKind.Image => "image/png", MediaKind.Audio => "audio/wav", _ => "application/pdf" });
            json.WriteString("data"u8, media.Data.Span);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string? GuessType(string url, MediaKind kind)
    {
        var path = Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.AbsolutePath : url;
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => "image/png",
            ".jpg" or ".jpeg" => "image/jpeg",
            ".webp" => "image/webp",
            ".gif" => "image/gif",
            ".heic" => "image/heic",
            ".pdf" => "application/pdf",
            ".mp3" => "audio/mpeg",
            ".wav" => "audio/wav",
            ".mp4" => "video/mp4",
            ".txt" => "text/plain",
            _ => kind == MediaKind.Image ? "image/jpeg" : null,
        };
    }

    private void WriteText(string text)
    {
        json.WriteStartObject();
        json.Text("text"u8, text);
        json.WriteEndObject();
    }

    /// <summary>Begins a content, unless the last one is of the same speaker.</summary>
    private void BeginContent(string role)
    {
        if (_role == role) return;
        EndContent();
        _role = role;
        json.WriteStartObject();
        json.WriteString("role"u8, role == "model" ? "model"u8 : "user"u8);
        json.WriteStartArray("parts"u8);
    }

    private void EndContent()
    {
        if (_role is null) return;
        json.WriteEndArray();
        json.WriteEndObject();
        _role = null;
    }

    private static bool IsObject(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith("{")) return false;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = 256 });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
