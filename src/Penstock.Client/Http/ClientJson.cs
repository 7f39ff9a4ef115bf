using System.Text.Json.Serialization;

namespace Penstock.Client.Http;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(GenerationSnapshot))]
[JsonSerializable(typeof(GenerationList))]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class ClientJson : JsonSerializerContext;

internal sealed record GenerationList(IReadOnlyList<GenerationSnapshot> Data);

internal sealed record ErrorBody(WireError? Error);

internal sealed record WireError(string? Code, string? Message, string? Param);
