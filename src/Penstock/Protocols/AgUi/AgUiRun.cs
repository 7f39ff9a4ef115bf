using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.AgUi;

/// <summary>The client's names for what it asks, which the answer repeats.</summary>
internal readonly record struct AgUiRun(string ThreadId, string RunId)
{
    /// <summary>As it was asked; a generation that was asked for in another protocol is a run, and a thread, of its own name.</summary>
    public static AgUiRun Of(GenerationRequest request, string generationId)
    {
        if (request.Protocol != AgUiProtocol.ProtocolName || request.Echo.IsEmpty) return new(generationId, generationId);
        using var document = JsonDocument.Parse(request.Echo);
        return new(RequestJson.String(document.RootElement, "threadId", "threadId") ?? generationId, RequestJson.String(document.RootElement, "runId", "runId") ?? generationId);
    }

    public ReadOnlyMemory<byte> ToEcho()
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write("{\"threadId\":"u8);
        JsonText.WriteString(ThreadId, output);
        output.Write(",\"runId\":"u8);
        JsonText.WriteString(RunId, output);
        output.Write("}"u8);
        return output.WrittenMemory;
    }
}
