using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Reads a Messages body.</summary>
/// <remarks>
/// It checks what this server acts on. What only the provider understands is left to the provider, which gets it untouched.
/// https://docs.claude.com/en/api/messages
/// </remarks>
internal static class MessagesRequestReader
{
    public const string Example = """{"max_tokens": 1024, "messages": [{"role": "user", "content": "Hello"}]}""";

    private static readonly string[] _known = ["model", "messages", "system", "stream", "tools", .. MessagesSettings.Names];

    // What no other protocol has a word for, and the answer depends on (or where it is made).
    private static readonly string[] _needed = ["mcp_servers", "container", "inference_geo"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body) => Read(body, counting: false);

    /// <summary>Reads a body of <c>count_tokens</c>, which is that of a message but for <c>max_tokens</c>.</summary>
    public static GenerationRequest ReadCounting(ReadOnlyMemory<byte> body) => Read(body, counting: true);

    private static GenerationRequest Read(ReadOnlyMemory<byte> body, bool counting)
    {
        using var document = RequestJson.Parse(body, Example);
        var root = document.RootElement;
        RefuseThread(root);
        var ownFields = new List<OwnField>();
        var servers = new List<ToolServer>();
        var settings = MessagesSettings.Read(root, ownFields);
        if (settings.MaxOutputTokens is null && !counting)
            throw RequestJson.Error("missing_required_parameter", "max_tokens", "'max_tokens' is missing: say how many tokens the answer may have at most, such as 1024.");
        var conversation = new MessagesConversation(ownFields);
        var request = new GenerationRequest
        {
            Protocol = MessagesProtocol.ProtocolName,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = conversation.Read(root),
            Tools = MessagesTools.Read(root, ownFields, servers),
            ToolServers = servers,
            Settings = settings,
            OwnFields = ownFields,
            Stream = RequestJson.Boolean(root, "stream", "stream") ?? false,
            HoldsServerCalls = conversation.HoldsServerCalls,
        };
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (IsNothing(member.Value) || _known.Contains(name, StringComparer.Ordinal)) continue;
            ownFields.Add(new OwnField(name, ChangesAnswer: _needed.Contains(name, StringComparer.Ordinal)));
        }

        return request;
    }

    // The provider's thread stands under an id that its client never sees. Told so, the SDK sends the whole conversation instead.
    private static void RefuseThread(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "thread", out var thread) || thread.ValueKind == JsonValueKind.Null) return;
        throw RequestJson.Error(MessagesErrorWriter.ThreadUnsupported, "thread", "This server holds no threads: leave 'thread' out, and send the whole conversation.");
    }

    private static bool IsNothing(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
}
