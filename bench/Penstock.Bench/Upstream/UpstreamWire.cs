namespace Penstock.Bench.Upstream;

/// <summary>A protocol as the scripted upstream speaks it: what stands around the tokens' texts, as the real providers write it.</summary>
abstract class UpstreamWire
{
    static readonly UpstreamWire _chatCompletions = new ChatCompletionsWire(), _responses = new ResponsesWire(), _messages = new MessagesWire(), _gemini = new GeminiWire();

    /// <summary>The protocol of a request, by its path; null for none.</summary>
    public static UpstreamWire? Of(ReadOnlySpan<char> path) =>
        path.EndsWith("/chat/completions", StringComparison.Ordinal) ? _chatCompletions
        : path.EndsWith("/responses", StringComparison.Ordinal) ? _responses
        : path.EndsWith("/messages", StringComparison.Ordinal) ? _messages
        : path.Contains(":streamGenerateContent", StringComparison.Ordinal) ? _gemini
        : null;

    /// <summary>The model that the path names, where the body does not.</summary>
    public virtual string? ModelIn(string path) => null;

    /// <summary>The frames before the first token; empty for none.</summary>
    public abstract string Start(string model);

    /// <summary>A token's frame up to its number, or, where events have none, up to the text.</summary>
    public abstract string BeforeToken(string model);

    /// <summary>What stands between the number and the text; null where events have no number.</summary>
    public virtual string? AfterNumber => null;

    /// <summary>The number of the first token's event.</summary>
    public virtual int FirstNumber => 0;

    /// <summary>What follows the text, to the frame's end.</summary>
    public abstract string AfterToken(string model);

    /// <summary>The frames after the last token.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">How many there were.</param>
    /// <param name="text">All of them.</param>
    /// <param name="usage">Whether usage was asked for, where it must be.</param>
    public abstract string End(string model, int tokens, string text, bool usage);

    static string Frame(string name, string data) => $"event: {name}\ndata: {{\"type\":\"{name}\",{data}}}\n\n";

    sealed class ChatCompletionsWire : UpstreamWire
    {
        public override string Start(string model) => $"{Head(model)}[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}},\"finish_reason\":null}}]}}\n\n";

        public override string BeforeToken(string model) => $"{Head(model)}[{{\"index\":0,\"delta\":{{\"content\":\"";

        public override string AfterToken(string model) => "\"},\"finish_reason\":null}]}\n\n";

        public override string End(string model, int tokens, string text, bool usage)
        {
            var counts = usage ? $"{Head(model)}[],\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":{tokens},\"total_tokens\":{tokens + 3}}}}}\n\n" : "";
            return $"{Head(model)}[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n{counts}data: [DONE]\n\n";
        }

        static string Head(string model) => $$"""data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"{{model}}","choices":""";
    }

    sealed class MessagesWire : UpstreamWire
    {
        public override string Start(string model) =>
            Frame("message_start", $$$""" "message":{"id":"msg_bench","type":"message","role":"assistant","model":"{{{model}}}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}""")
            + Frame("content_block_start", """ "index":0,"content_block":{"type":"text","text":""}""")
            + "event: ping\ndata: {\"type\": \"ping\"}\n\n";

        public override string BeforeToken(string model) =>
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"";

        public override string AfterToken(string model) => "\"}}\n\n";

        public override string End(string model, int tokens, string text, bool usage) =>
            Frame("content_block_stop", "\"index\":0")
            + Frame("message_delta", $$$""" "delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":{{{tokens}}}}""")
            + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    }

    sealed class GeminiWire : UpstreamWire
    {
        public override string? ModelIn(string path)
        {
            var name = path[(path.LastIndexOf('/') + 1)..];
            return Uri.UnescapeDataString(name[..name.IndexOf(':', StringComparison.Ordinal)]);
        }

        public override string Start(string model) => "";

        public override string BeforeToken(string model) => "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"";

        public override string AfterToken(string model) => Tail(model, "", 1);

        public override string End(string model, int tokens, string text, bool usage) => BeforeToken(model) + Tail(model, ",\"finishReason\":\"STOP\"", tokens);

        static string Tail(string model, string finish, int tokens) =>
            "\"" + $$$"""}],"role":"model"}{{{finish}}},"index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":{{{tokens}}},"totalTokenCount":{{{tokens + 3}}}},"modelVersion":"{{{model}}}","responseId":"bench"}""" + "\r\n\r\n";
    }

    sealed class ResponsesWire : UpstreamWire
    {
        const int BeforeTokens = 4; // events

        const string Place = "\"item_id\":\"msg_bench\",\"output_index\":0,\"content_index\":0,";

        public override string Start(string model) =>
            Frame("response.created", $"\"sequence_number\":0,\"response\":{Response(model, "in_progress", "", "null")}")
            + Frame("response.in_progress", $"\"sequence_number\":1,\"response\":{Response(model, "in_progress", "", "null")}")
            + Frame("response.output_item.added", $"\"sequence_number\":2,\"output_index\":0,\"item\":{Item("in_progress", "")}")
            + Frame("response.content_part.added", $"\"sequence_number\":3,{Place}\"part\":{Part("")}");

        public override string BeforeToken(string model) => "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":";

        public override string AfterNumber => $",{Place}\"delta\":\"";

        public override string AfterToken(string model) => "\",\"logprobs\":[]}\n\n";

        public override int FirstNumber => BeforeTokens;

        public override string End(string model, int tokens, string text, bool usage)
        {
            var number = BeforeTokens + tokens;
            var counts = $$$"""{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":{{{tokens}}},"output_tokens_details":{"reasoning_tokens":0},"total_tokens":{{{tokens + 3}}}}""";
            return Frame("response.output_text.done", $"\"sequence_number\":{number},{Place}\"text\":\"{text}\",\"logprobs\":[]")
                + Frame("response.content_part.done", $"\"sequence_number\":{number + 1},{Place}\"part\":{Part(text)}")
                + Frame("response.output_item.done", $"\"sequence_number\":{number + 2},\"output_index\":0,\"item\":{Item("completed", Part(text))}")
                + Frame("response.completed", $"\"sequence_number\":{number + 3},\"response\":{Response(model, "completed", Item("completed", Part(text)), counts)}");
        }

        static string Part(string text) => $$"""{"type":"output_text","text":"{{text}}","annotations":[],"logprobs":[]}""";

        static string Item(string status, string content) => $$"""{"id":"msg_bench","type":"message","status":"{{status}}","role":"assistant","content":[{{content}}]}""";

        static string Response(string model, string status, string output, string usage) =>
            $$"""{"id":"resp_bench","object":"response","created_at":1700000000,"status":"{{status}}","error":null,"incomplete_details":null,"model":"{{model}}","output":[{{output}}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{{usage}}}""";
    }
}
