using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>A block of an answer while it is gathered: this protocol shows calls, images and the like whole.</summary>
internal sealed class GeminiBlock(BlockKind kind, int choice, string? id, string? name)
{
    public BlockKind Kind => kind;

    public int Choice => choice;

    /// <summary>The inside of a JSON string.</summary>
    public ArrayBufferWriter<byte> Text { get; } = new();

    /// <summary>The inside of a JSON string.</summary>
    public ArrayBufferWriter<byte> Signature { get; } = new();

    /// <summary>Whether it is shown once it is whole, not piece by piece.</summary>
    public bool IsGathered => kind is BlockKind.ToolCall or BlockKind.Image or BlockKind.Other;

    /// <summary>It is reasoning that only the signature holds.</summary>
    public bool IsRedacted => kind == BlockKind.Reasoning && name == "redacted";

    /// <summary>Whether the protocol can show a block: for what the server's tools do it has no words, and a call in its own clients would run.</summary>
    public static bool CanShow(BlockKind kind) => kind is not (BlockKind.ServerToolCall or BlockKind.ToolResult);

    public void Take(in GenerationEvent delta)
    {
        Text.Write(delta.Text);
        Signature.Write(delta.Signature);
    }

    /// <summary>Writes the block as one part; false, and nothing, where the protocol has no words for it.</summary>
    /// <param name="output">Takes the JSON.</param>
    /// <param name="malformed">It is a call whose arguments are not a JSON object.</param>
    public bool TryWrite(IBufferWriter<byte> output, out bool malformed)
    {
        malformed = false;
        switch (kind)
        {
            case BlockKind.ToolCall:
                return TryWriteCall(output, out malformed);
            case BlockKind.Image:
                output.Write("{\"inlineData\":{\"mimeType\":"u8);
                JsonText.WriteString(name ?? "image/png", output);
                output.Write(",\"data\":\""u8);
                output.Write(Text.WrittenSpan);
                output.Write("\"}"u8);
                EndPart(Signature.WrittenSpan, output);
                return true;
            case BlockKind.Other:
                return TryWriteOther(output);
            default:
                if (Text.WrittenCount == 0 && Signature.WrittenCount == 0) return false;
                WriteText(kind, IsRedacted, Text.WrittenSpan, Signature.WrittenSpan, output);
                return true;
        }
    }

    /// <summary>Writes a part of text or thought.</summary>
    public static void WriteText(BlockKind kind, bool redacted, ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature, IBufferWriter<byte> output)
    {
        if (redacted && text.IsEmpty)
        {
            output.Write("{\"thought\":true"u8);
        }
        else
        {
            output.Write("{\"text\":\""u8);
            output.Write(text);
            output.Write("\""u8);
            if (kind == BlockKind.Reasoning) output.Write(",\"thought\":true"u8);
        }

        EndPart(signature, output);
    }

    private static void EndPart(ReadOnlySpan<byte> signature, IBufferWriter<byte> output)
    {
        if (!signature.IsEmpty)
        {
            output.Write(",\"thoughtSignature\":\""u8);
            output.Write(signature);
            output.Write("\""u8);
        }

        output.Write("}"u8);
    }

    private bool TryWriteCall(IBufferWriter<byte> output, out bool malformed)
    {
        var arguments = Unescape();
        malformed = !IsObject(arguments);
        if (malformed) return false;
        output.Write("{\"functionCall\":{"u8);
        if (id is not null)
        {
            output.Write("\"id\":"u8);
            JsonText.WriteString(id, output);
            output.Write(","u8);
        }

        output.Write("\"name\":"u8);
        JsonText.WriteString(name ?? "", output);
        output.Write(",\"args\":"u8);
        WriteOnOneLine(arguments, output);
        output.Write("}"u8);
        EndPart(Signature.WrittenSpan, output);
        return true;
    }

    // What this protocol's own reader found: the part itself. What other protocols call theirs means nothing here.
    private bool TryWriteOther(IBufferWriter<byte> output)
    {
        var part = Unescape();
        if (!IsObject(part)) return false;
        var reader = new Utf8JsonReader(part, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (JsonText.ToText(reader.ValueSpan) == name)
            {
                WriteOnOneLine(part, output);
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    private ReadOnlySpan<byte> Unescape()
    {
        var text = new ArrayBufferWriter<byte>(Text.WrittenCount + 8);
        JsonText.Unescape(Text.WrittenSpan, '\0', text);
        var json = text.WrittenSpan.Trim(" \t\r\n"u8);
        return json.IsEmpty || json.SequenceEqual("null"u8) ? "{}"u8 : json;
    }

    private static bool IsObject(ReadOnlySpan<byte> json)
    {
        if (!JsonValue.IsObject(json)) return false;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
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

    private static void WriteOnOneLine(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(json.Length));
        writer.AppendOnOneLine(json);
        output.Advance(writer.Length);
    }
}
