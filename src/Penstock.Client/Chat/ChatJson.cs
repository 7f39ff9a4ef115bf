using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace Penstock.Client.Chat;

/// <summary>What applications put into messages and options, as JSON: as the abstractions write it, on one line.</summary>
internal static class ChatJson
{
    private static readonly JsonSerializerOptions _options = NewOptions();

    public static string Write(object value) => JsonSerializer.Serialize(value, _options.GetTypeInfo(value.GetType()));

    public static JsonNode? ToNode(object value) => JsonSerializer.SerializeToNode(value, _options.GetTypeInfo(value.GetType()));

    /// <summary>The arguments of a tool call.</summary>
    public static IDictionary<string, object?>? ReadArguments(string json) =>
        JsonSerializer.Deserialize(json, (JsonTypeInfo<IDictionary<string, object?>>)_options.GetTypeInfo(typeof(IDictionary<string, object?>)));

    public static string WriteArguments(IDictionary<string, object?> arguments) => JsonSerializer.Serialize(arguments, _options.GetTypeInfo(typeof(IDictionary<string, object?>)));

    private static JsonSerializerOptions NewOptions()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
        options.MakeReadOnly();
        return options;
    }
}
