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
    /// <param name="write">Takes each member, but for the tools, and for the choice among them where that must not be sent.</param>
    /// <param name="writeTools">Writes the tools: the client's own, if it named any, and ours.</param>
    /// <param name="choice">How the choice among tools is called.</param>
    public static ReadOnlyMemory<byte> Write(GenerationRequest request, MemberWriter write, Action<JsonElement, Utf8JsonWriter> writeTools, params ReadOnlySpan<string> choice)
    {
        using var document = JsonDocument.Parse(request.Body, _deep);
        var output = new ArrayBufferWriter<byte>(request.Body.Length + 1024);
        using (var json = JsonOutput.New(output))
        {
            var (hasTools, forced) = (false, IsForced(request));
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.NameEquals("tools"u8))
                {
                    hasTools = true;
                    writeTools(member.Value, json);
                }
                else if (!(forced && IsOneOf(member, choice)) && !write(member, json))
                {
                    json.WritePropertyName(RequestJson.Name(member));
                    Raw(member.Value, json);
                }
            }

            if (!hasTools) writeTools(default, json);
            json.WriteEndObject();
        }

        return output.WrittenMemory;
    }

    /// <summary>Writes the list of tools.</summary>
    /// <param name="own">The client's.</param>
    /// <param name="request">The request.</param>
    /// <param name="json">Takes the list.</param>
    /// <param name="write">Writes one of ours.</param>
    /// <param name="mayBeEmpty">Whether the provider takes an empty list.</param>
    public static void WriteTools(JsonElement own, GenerationRequest request, Utf8JsonWriter json, Action<Tool, Utf8JsonWriter> write, bool mayBeEmpty = false)
    {
        var left = own.ValueKind == JsonValueKind.Array ? own.GetArrayLength() - request.ToolServers.Count : 0;
        if (left + request.Offered.Count == 0 && !mayBeEmpty) return;
        json.WriteStartArray("tools"u8);
        WriteItems(own, "tools", request, json);
        foreach (var tool in request.Offered) write(tool, json);
        json.WriteEndArray();
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

    private static bool IsOneOf(JsonProperty member, ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (member.NameEquals(name)) return true;
        }

        return false;
    }

    public static void Raw(JsonElement value, Utf8JsonWriter json) => json.WriteRawValue(JsonParts.Raw(value), skipInputValidation: true);
}
