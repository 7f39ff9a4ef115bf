using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Client;

namespace Penstock.Server.Commands.Output;

/// <summary>Snapshots on one line, in the words of the API.</summary>
internal static class SnapshotJson
{
    private static readonly SnapshotContext _context = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Write(GenerationSnapshot snapshot) => JsonSerializer.Serialize(snapshot, _context.GenerationSnapshot);
}

[JsonSerializable(typeof(GenerationSnapshot))]
internal sealed partial class SnapshotContext : JsonSerializerContext;
