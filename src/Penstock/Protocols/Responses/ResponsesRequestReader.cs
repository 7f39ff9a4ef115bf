using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads a Responses body.</summary>
/// <remarks>
/// It checks what this server acts on. What only the provider understands is left to the provider, which gets it untouched.
/// What a conversation holds, or an earlier response that is gone on from, is put into <c>input</c> before it comes here.
/// https://platform.openai.com/docs/api-reference/responses/create
/// </remarks>
internal static class ResponsesRequestReader
{
    /// <summary>The member that says whether a conversation may be sent without its oldest part.</summary>
    public const string Truncation = "truncation";

    public const string Example = """{"input": "Hello"}""";

    private static readonly string[] _known =
    [
        "model", "input", "instructions", "stream", "stream_options", "tools", "tool_choice", "store", "background", "previous_response_id", "conversation", "include",
        Truncation, .. ResponsesSettings.Names,
    ];

    // What no other protocol has a word for, and the answer depends on.
    private static readonly string[] _needed = ["prompt"];

    public static GenerationRequest Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        var root = document.RootElement;
        var ownFields = new List<OwnField>();
        var background = RequestJson.Boolean(root, "background", "background") ?? false;
        var store = RequestJson.Boolean(root, "store", "store") ?? true;
        if (background && !store)
            throw RequestJson.Error("invalid_value", "background", "'background' needs a response that is kept: leave 'store' out, or set it to true.");
        var tools = new ResponsesTools(ownFields, store);
        var approvals = new ResponsesApprovals();
        var request = new GenerationRequest
        {
            Protocol = ResponsesProtocol.ProtocolName,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = ReadConversation(root, ownFields, approvals),
            Decided = approvals.Read(),
            Tools = tools.Read(root),
            ToolServers = tools.Servers,
            Settings = ResponsesSettings.Read(root, ownFields),
            OwnFields = ownFields,
            // Whoever comes back for a background response may ask for its stream.
            Stream = (RequestJson.Boolean(root, "stream", "stream") ?? false) || background,
            Background = background,
            Store = store,
            MayTrim = ReadTruncation(root),
            Echo = ResponsesEcho.Write(root),
        };
        RequestJson.String(root, "previous_response_id", "previous_response_id");
        ResponsesConversation.ReadConversationId(root);
        ReadIncluded(root, ownFields);
        if (request.MayTrim is true) ownFields.Add(new OwnField(Truncation, ChangesAnswer: false));
        foreach (var member in root.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind == JsonValueKind.Null || _known.Contains(name, StringComparer.Ordinal)) continue;
            ownFields.Add(new OwnField(name, ChangesAnswer: _needed.Contains(name, StringComparer.Ordinal)));
        }

        return request;
    }

    /// <summary>Whether a body that was read asks for a stream itself.</summary>
    public static bool WantsStream(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        return RequestJson.Boolean(document.RootElement, "stream", "stream") ?? false;
    }

    private static IReadOnlyList<Message> ReadConversation(JsonElement root, List<OwnField> ownFields, ResponsesApprovals approvals)
    {
        var messages = new List<Message>();
        if (RequestJson.String(root, "instructions", "instructions") is { Length: > 0 } instructions)
            messages.Add(new Message(Role.System, [new TextPart(instructions) { Path = "instructions" }]));
        if (RequestJson.TryGet(root, "input", out var input)) return new ResponsesInput(messages, ownFields, approvals).Read(input);
        return RequestJson.TryGet(root, "prompt", out _)
            ? messages // the provider has it
            : throw RequestJson.Error("missing_required_parameter", "input", $"'input' is missing: send a string or a list of items, such as {Example}.");
    }

    private static bool? ReadTruncation(JsonElement root) => RequestJson.String(root, Truncation, Truncation) switch
    {
        null => null,
        "auto" => true,
        "disabled" => false,
        var other => throw RequestJson.Error("invalid_value", Truncation, $"'{Truncation}' is '{other}': use auto or disabled."),
    };

    private static void ReadIncluded(JsonElement root, List<OwnField> ownFields)
    {
        if (!RequestJson.TryGet(root, "include", out var include)) return;
        if (include.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType("include", "a list", include);
        foreach (var item in include.EnumerateArray())
        {
            // Encrypted reasoning is included wherever there is some.
            if (item.ValueKind != JsonValueKind.String || RequestJson.Text(item) is "reasoning.encrypted_content" or ResponsesSettings.LogProbsInclude) continue;
            ownFields.Add(new OwnField($"include ({RequestJson.Text(item)})", ChangesAnswer: false));
        }
    }
}
