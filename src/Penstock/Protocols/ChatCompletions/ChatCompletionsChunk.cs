using System.Buffers;
using System.Text;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes chunks of our own making: what is the same in all of them is encoded once.</summary>
internal sealed class ChatCompletionsChunk(GenerationRequest request, string chunkId, DateTimeOffset createdAt)
{
    private byte[]? _head;
    private byte[]? _model; // both the provider's, or ours where it is to be written
    private byte[]? _created;

    /// <summary>Our id as raw JSON.</summary>
    public byte[] Id { get; } = Encoding.ASCII.GetBytes($"\"{chunkId}\"");

    /// <summary>The model that answers, where the client named none.</summary>
    public void TakeModel(string? model)
    {
        if (request.Model is null && model is not null) _model = JsonText.ToJson(model);
    }

    /// <summary>Takes over what the provider's own chunks say, so that ours agree with them.</summary>
    public void TakeFrom(in ChatCompletionsPayload payload)
    {
        if (payload.Model.Length <= 2) return; // Azure's first chunk has an empty model and created 0
        _model = payload.Model.ToArray();
        if (!payload.Created.IsEmpty) _created = payload.Created.ToArray();
    }

    /// <summary>Writes one chunk with one choice as a frame.</summary>
    /// <param name="choice">The choice's index.</param>
    /// <param name="before">The delta's JSON up to the text, e.g. <c>{"content":"</c>.</param>
    /// <param name="text">JSON-escaped text.</param>
    /// <param name="after">The delta's JSON after the text.</param>
    /// <param name="logProbs">Raw JSON, or empty for null.</param>
    /// <param name="finishReason">Raw JSON, or empty for null.</param>
    /// <param name="id">The frame's id.</param>
    /// <param name="output">Takes the frame.</param>
    public void WriteChoice(
        int choice,
        ReadOnlySpan<byte> before,
        ReadOnlySpan<byte> text,
        ReadOnlySpan<byte> after,
        ReadOnlySpan<byte> logProbs,
        ReadOnlySpan<byte> finishReason,
        EventId id,
        IBufferWriter<byte> output)
    {
        var head = _head ??= BuildHead();
        var writer = new SpanWriter(output.GetSpan(head.Length + before.Length + text.Length + after.Length + logProbs.Length + finishReason.Length + 128));
        writer.Append(head);
        writer.Append("{\"index\":"u8);
        writer.Append(choice);
        writer.Append(",\"delta\":"u8);
        writer.Append(before);
        writer.Append(text);
        writer.Append(after);
        writer.Append(",\"logprobs\":"u8);
        writer.AppendOnOneLine(logProbs.IsEmpty ? "null"u8 : logProbs);
        writer.Append(",\"finish_reason\":"u8);
        writer.Append(finishReason.IsEmpty ? "null"u8 : finishReason);
        writer.Append(request.IncludeUsage ? "}],\"usage\":null}\n"u8 : "}]}\n"u8);
        output.Advance(writer.Length);
        EndFrame(id, output);
    }

    /// <summary>Writes the chunk that holds usage and no choices.</summary>
    public void WriteUsage(Usage usage, EventId id, IBufferWriter<byte> output)
    {
        output.Write(_head ??= BuildHead());
        output.Write("],\"usage\":"u8);
        ChatCompletionsUsage.Write(usage, output);
        output.Write("}\n"u8);
        EndFrame(id, output);
    }

    /// <summary>Writes the members that a chunk and a whole answer share, without the opening brace.</summary>
    public void WriteHeadMembers(ReadOnlySpan<byte> objectName, IBufferWriter<byte> output)
    {
        output.Write("\"id\":"u8);
        output.Write(Id);
        output.Write(",\"object\":\""u8);
        output.Write(objectName);
        output.Write("\",\"created\":"u8);
        output.Write(_created ??= Encoding.ASCII.GetBytes($"{createdAt.ToUnixTimeSeconds()}"));
        output.Write(",\"model\":"u8);
        output.Write(_model ??= JsonText.ToJson(request.Model ?? ""));
    }

    public static void EndFrame(EventId id, IBufferWriter<byte> output)
    {
        id.WriteLine(output);
        Sse.SseWriter.End(output);
    }

    private byte[] BuildHead()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write("data: {"u8);
        WriteHeadMembers("chat.completion.chunk"u8, buffer);
        buffer.Write(",\"choices\":["u8);
        return buffer.WrittenSpan.ToArray();
    }
}
