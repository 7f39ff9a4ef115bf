using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>The payloads of a Messages stream, for scripted upstreams.</summary>
public static class Anthropic
{
    public static string Start(int input = 7) =>
        $$$$"""{"type":"message_start","message":{"id":"msg_upstream","type":"message","role":"assistant","model":"scripted-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":{{{{input}}}},"output_tokens":1}}}""";

    public static string Block(int index, string block) => $$"""{"type":"content_block_start","index":{{index}},"content_block":{{block}}}""";

    public static string TextBlock(int index) => Block(index, """{"type":"text","text":""}""");

    public static string ToolBlock(int index, string id, string name) => Block(index, $$$"""{"type":"tool_use","id":"{{{id}}}","name":"{{{name}}}","input":{}}""");

    public static string Text(int index, string text) => Delta(index, new JsonObject { ["type"] = "text_delta", ["text"] = text });

    public static string Thinking(int index, string text) => Delta(index, new JsonObject { ["type"] = "thinking_delta", ["thinking"] = text });

    public static string Signature(int index, string signature) => Delta(index, new JsonObject { ["type"] = "signature_delta", ["signature"] = signature });

    public static string Arguments(int index, string json) => Delta(index, new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = json });

    public static string BlockStop(int index) => $$"""{"type":"content_block_stop","index":{{index}}}""";

    public static string Finish(int output, string reason = "end_turn") =>
        $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{reason}}}","stop_sequence":null},"usage":{"output_tokens":{{{output}}}}}""";

    public static string Stop => """{"type":"message_stop"}""";

    public static string Error(string type, string message) => new JsonObject
    {
        ["type"] = "error",
        ["error"] = new JsonObject { ["type"] = type, ["message"] = message },
        ["request_id"] = "req_upstream",
    }.ToJsonString();

    /// <summary>The whole stream of an answer in one block of text.</summary>
    public static IEnumerable<string> Answer(IEnumerable<string> tokens, int input = 7) =>
        [Start(input), TextBlock(0), .. tokens.Select(t => Text(0, t)), BlockStop(0), Finish(tokens.Count()), Stop];

    /// <summary>Payloads as frames, each under the name of its type.</summary>
    public static string Frames(IEnumerable<string> payloads) =>
        string.Concat(payloads.Select(p => $"event: {(string)JsonNode.Parse(p)!["type"]!}\ndata: {p}\n\n"));

    private static string Delta(int index, JsonObject delta) =>
        new JsonObject { ["type"] = "content_block_delta", ["index"] = index, ["delta"] = delta }.ToJsonString();
}
