using Penstock.Protocols.ChatCompletions;

namespace Penstock.Protocols.Native;

/// <summary>Reads a native body: a Chat Completions body with <c>background</c> and <c>onDisconnect</c> beside.</summary>
internal static class NativeRequestReader
{
    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, """{"prompt": "Hello"}""");
        var root = document.RootElement;
        var background = RequestJson.Boolean(root, "background", "background") ?? false;
        return ChatCompletionsRequestReader.Read(root, body, NativeProtocol.ProtocolName, background, RequestJson.String(root, "onDisconnect", "onDisconnect"));
    }
}
