using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>Gemini as Google's own API speaks it. https://ai.google.dev/api/generate-content</summary>
internal sealed class GeminiProviderProtocol : ProviderProtocol
{
    public override string Name => GeminiProtocol.ProtocolName;

    public override string Path(string model, bool stream) => MethodPath(model, stream ? "streamGenerateContent?alt=sse" : "generateContent");

    public override (string Name, string Value) Credential(string apiKey) => ("x-goog-api-key", apiKey);

    public override void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped) =>
        GeminiRequestWriter.Write(request, model, output, dropped);

    public override bool SignsCalls => true;

    public override EventReader NewEventReader(int choices = 1) => new GeminiEventReader(choices);

    public override GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        ProviderErrorReader.Read(body, status, retryAfter);

    public override string? CountTokensPath(string model) => MethodPath(model, "countTokens");

    public override string TokenCountMember => "totalTokens";

    public override void WriteCountRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        GeminiRequestWriter.WriteCounting(request, model, output);

    public override void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output) =>
        GeminiRequestWriter.WriteCountOfRequest(request, model, output);

    /// <summary>The path of one of a model's methods. The name comes from strangers: whatever it holds, it stays one segment.</summary>
    public static string MethodPath(string model, string method)
    {
        const string Tuned = "tunedModels/";
        return model.StartsWith(Tuned, StringComparison.Ordinal)
            ? $"{Tuned}{Uri.EscapeDataString(model[Tuned.Length..])}:{method}"
            : $"models/{Uri.EscapeDataString(model)}:{method}";
    }
}
