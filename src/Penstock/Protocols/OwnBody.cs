using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>
/// Puts the tools that we run, and what came of them, into a client's own body for a provider of the same protocol: everything
/// else in it stays as the client wrote it.
/// </summary>
internal static class OwnBody
{
    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = JsonValue.MaxDepth };

    /// <summary>Writes one member of the body, or leaves it alone.</summary>
    /// <returns>False to have the member written as it is.</returns>
    public delegate bool MemberWriter(JsonProperty member, Utf8JsonWriter json);

    /// <summary>Copies the body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="write">Takes each member.</param>
    /// <param name="end">Writes what the body has no member for.</param>
    public static ReadOnlyMemory<byte> Write(GenerationRequest request, MemberWriter write, Action<Utf8JsonWriter> end)
    {
        using var document = JsonDocument.Parse(request.Body, _deep);
        var output = new ArrayBufferWriter<byte>(request.Body.Length + 1024);
        using (var json = JsonOutput.New(output))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (write(member, json)) continue;
                json.WritePropertyName(RequestJson.Name(member));
                Raw(member.Value, json);
            }

            end(json);
            json.WriteEndObject();
        }

        return output.WrittenMemory;
    }

    /// <summary>Writes the items of a list, or a lone item, as they are, but for those that name servers of ours, or that the model is not sent.</summary>
    /// <param name="list">The list.</param>
    /// <param name="path">Its name.</param>
    /// <param name="request">The request.</param>
    /// <param name="json">Takes the items.</param>
    /// <param name="write">Writes messages of ours there, which stand for what the model is not sent.</param>
    public static void WriteItems(JsonElement list, string path, GenerationRequest request, Utf8JsonWriter json, Action<IReadOnlyList<Message>>? write = null)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            if (list.ValueKind == JsonValueKind.Object) Raw(list, json);
            return;
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (request.Trimmed?.LeavesOut(path, index) is true) write?.Invoke(request.Trimmed.InPlaceOf(index));
            else if (!IsOurs(request, $"{path}[{index}]")) Raw(item, json);
            index++;
        }
    }

    /// <summary>Whether the client wrote there which of our servers' tools it wants.</summary>
    public static bool IsOurs(GenerationRequest request, string path)
    {
        foreach (var server in request.ToolServers)
        {
            if (server.Path == path) return true;
        }

        return false;
    }

    /// <summary>A model that must call a tool must not have to in every step: it would never answer.</summary>
    public static bool IsForced(GenerationRequest request) => request.Added.Count > 0 && request.Settings.ToolChoice is { Value.Mode: ToolChoiceMode.Required };

    public static void Raw(JsonElement value, Utf8JsonWriter json) => json.WriteRawValue(JsonParts.Raw(value), skipInputValidation: true);
}
