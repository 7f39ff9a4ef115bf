using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes chunks of our own making.</summary>
internal sealed class GeminiChunk(GenerationRequest request, string generationId)
{
    private string? _model = request.Model;
    private byte[]? _tail;

    /// <summary>The members that end every chunk.</summary>
    public ReadOnlySpan<byte> Tail => _tail ??= BuildTail();

    /// <summary>The model that answers, where the client named none.</summary>
    public void TakeModel(string? model) => _model ??= model;

    /// <summary>Writes the beginning of a candidate, up to its parts.</summary>
    public static void BeginCandidate(IBufferWriter<byte> output) => output.Write("{\"content\":{\"parts\":["u8);

    /// <summary>Writes what follows the parts, up to where more members may come.</summary>
    public static void EndParts(int choice, IBufferWriter<byte> output)
    {
        output.Write("],\"role\":\"model\"},\"index\":"u8);
        JsonText.WriteNumber(choice, output);
    }

    /// <summary>Writes the members that stand beside the candidates, after the first.</summary>
    public void WriteTail(Usage? usage, IBufferWriter<byte> output)
    {
        GeminiUsage.WriteMember(usage, output);
        output.Write(Tail);
    }

    private byte[] BuildTail()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(",\"modelVersion\":"u8);
        JsonText.WriteString(_model ?? "", buffer);
        buffer.Write(",\"responseId\":"u8);
        JsonText.WriteString(generationId, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
