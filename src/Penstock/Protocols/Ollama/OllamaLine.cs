using System.Buffers;
using System.Globalization;
using System.Text;

namespace Penstock.Protocols.Ollama;

/// <summary>Writes one object of Ollama's: a piece of an answer, or the whole of one.</summary>
/// <param name="model">The model, as the client named it.</param>
/// <param name="createdAt">When the generation was asked for.</param>
/// <param name="isChat">Whether the text stands in a <c>message</c>, or in <c>response</c>.</param>
internal sealed class OllamaLine(string model, DateTimeOffset createdAt, bool isChat)
{
    private readonly byte[] _head = Head(model, createdAt);

    /// <summary>Writes a piece of the text, of the thoughts, or of both; JSON-escaped.</summary>
    public void WriteText(ReadOnlySpan<byte> text, ReadOnlySpan<byte> thinking, IBufferWriter<byte> output)
    {
        Begin(text, thinking, output);
        if (isChat) output.Write("}"u8);
        output.Write(",\"done\":false}"u8);
    }

    /// <summary>Writes a piece that is one tool call.</summary>
    /// <param name="call">The call, as <see cref="WriteCall"/> writes it.</param>
    /// <param name="output">Takes the JSON.</param>
    public void WriteCalls(ReadOnlySpan<byte> call, IBufferWriter<byte> output)
    {
        Begin(default, default, output);
        if (isChat) Calls(call, output);
        output.Write(",\"done\":false}"u8);
    }

    /// <summary>Writes the last object.</summary>
    /// <param name="text">The text, where it was not written before.</param>
    /// <param name="thinking">The thoughts, likewise.</param>
    /// <param name="calls">The calls, likewise, with commas between them.</param>
    /// <param name="reason">Why it is done.</param>
    /// <param name="usage">The tokens.</param>
    /// <param name="output">Takes the JSON.</param>
    public void WriteDone(ReadOnlySpan<byte> text, ReadOnlySpan<byte> thinking, ReadOnlySpan<byte> calls, ReadOnlySpan<byte> reason, Usage? usage, IBufferWriter<byte> output)
    {
        Begin(text, thinking, output);
        if (isChat && !calls.IsEmpty) Calls(calls, output);
        else if (isChat) output.Write("}"u8);
        output.Write(",\"done\":true,\"done_reason\":\""u8);
        output.Write(reason);
        output.Write("\""u8);
        JsonText.WriteNumber(",\"prompt_eval_count\":"u8, usage?.InputTokens, output);
        JsonText.WriteNumber(",\"eval_count\":"u8, usage?.OutputTokens, output);
        output.Write("}"u8);
    }

    /// <summary>Writes a call. Ollama's arguments are an object; what is none is left out.</summary>
    /// <param name="name">The function.</param>
    /// <param name="arguments">The arguments, JSON.</param>
    /// <param name="output">Takes the JSON.</param>
    public static void WriteCall(string? name, ReadOnlySpan<byte> arguments, IBufferWriter<byte> output)
    {
        output.Write("{\"function\":{\"name\":"u8);
        JsonText.WriteString(name ?? "", output);
        output.Write(",\"arguments\":"u8);
        var line = new byte[arguments.Length];
        var writer = new SpanWriter(line);
        if (JsonValue.IsWholeObject(arguments)) writer.AppendOnOneLine(arguments);
        output.Write(writer.Length == 0 ? "{}"u8 : writer.Written);
        output.Write("}}"u8);
    }

    public static void WriteError(string message, IBufferWriter<byte> output)
    {
        output.Write("{\"error\":"u8);
        JsonText.WriteString(message, output);
        output.Write("}"u8);
    }

    public static ReadOnlySpan<byte> Reason(FinishReason reason) => reason == FinishReason.Length ? "length"u8 : "stop"u8;

    private void Begin(ReadOnlySpan<byte> text, ReadOnlySpan<byte> thinking, IBufferWriter<byte> output)
    {
        output.Write(_head);
        output.Write(isChat ? ",\"message\":{\"role\":\"assistant\",\"content\":\""u8 : ",\"response\":\""u8);
        output.Write(text);
        output.Write("\""u8);
        if (thinking.IsEmpty) return;
        output.Write(",\"thinking\":\""u8);
        output.Write(thinking);
        output.Write("\""u8);
    }

    private static void Calls(ReadOnlySpan<byte> calls, IBufferWriter<byte> output)
    {
        output.Write(",\"tool_calls\":["u8);
        output.Write(calls);
        output.Write("]}"u8);
    }

    private static byte[] Head(string model, DateTimeOffset createdAt)
    {
        var head = new ArrayBufferWriter<byte>();
        head.Write("{\"model\":"u8);
        JsonText.WriteString(model, head);
        head.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $",\"created_at\":\"{createdAt.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}\"")));
        return head.WrittenSpan.ToArray();
    }
}
