using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads the body of <c>generateContent</c> and <c>streamGenerateContent</c>, in either spelling of its names.</summary>
/// <remarks>
/// It checks what this server acts on. What only the provider understands is left to the provider, which gets it untouched.
/// https://ai.google.dev/api/generate-content
/// </remarks>
internal static class GeminiRequestReader
{
    public const string Example = """{"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}""";

    private static readonly string[] _known = ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "labels", "model"];

    /// <summary>Reads a request.</summary>
    /// <param name="body">The body.</param>
    /// <param name="model">The model that the address names, or null for the default.</param>
    /// <param name="stream">Whether the address asks for a stream.</param>
    public static GenerationRequest Read(ReadOnlyMemory<byte> body, string? model, bool stream)
    {
        using var document = RequestJson.Parse(body, Example);
        return Read(document.RootElement, body, model, stream);
    }

    public static GenerationRequest Read(JsonElement root, ReadOnlyMemory<byte> body, string? model, bool stream)
    {
        var ownFields = new List<OwnField>();
        var settings = new GeminiSettings(ownFields).Read(root);
        var tools = new GeminiTools(ownFields);
        var request = new GenerationRequest
        {
            Protocol = GeminiProtocol.ProtocolName,
            Body = body,
            Model = model,
            Messages = new GeminiContents(ownFields).Read(root),
            Tools = tools.Read(root),
            ToolServers = tools.Servers,
            Settings = settings,
            OwnFields = ownFields,
            Stream = stream,
            IncludeUsage = true,
            Choices = settings.Choices?.Value ?? 1,
        };
        foreach (var (name, _) in GeminiJson.Members(root))
        {
            // What is cached is a part of the conversation that only Google has.
            if (!_known.Contains(name, StringComparer.Ordinal)) ownFields.Add(new OwnField(name, ChangesAnswer: name == "cachedContent"));
        }

        return request;
    }
}
