using System.Globalization;
using System.Text.Json;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Protocols.Native;

/// <summary>Reads a native body: a Chat Completions body with <c>background</c> and <c>onDisconnect</c> beside.</summary>
internal static class NativeRequestReader
{
    /// <summary>The longest grace that a request may ask for, in seconds: a day.</summary>
    public const int MaxGraceSeconds = 86_400;

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, """{"prompt": "Hello"}""");
        var root = document.RootElement;
        var background = RequestJson.Boolean(root, "background", "background") ?? false;
        return ChatCompletionsRequestReader.Read(root, body, NativeProtocol.ProtocolName, background, ReadOnDisconnect(root));
    }

    private static string? ReadOnDisconnect(JsonElement root)
    {
        var policy = RequestJson.String(root, "onDisconnect", "onDisconnect");
        if (policy is null or "detach" or "cancel" or "grace") return policy;
        if (policy.StartsWith("grace ", StringComparison.Ordinal)
            && int.TryParse(policy.AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= MaxGraceSeconds)
            return policy;
        throw RequestJson.Error("invalid_value", "onDisconnect",
            $"'onDisconnect' is '{policy}': use \"detach\", \"cancel\", \"grace\" or \"grace <seconds>\" with at most {MaxGraceSeconds} seconds.");
    }
}
