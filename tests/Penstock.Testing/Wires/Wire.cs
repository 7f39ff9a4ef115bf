using System.Text.Json.Nodes;

namespace Penstock.Testing.Wires;

/// <summary>How a provider speaks: the frames of an answer, and what a request says, in one protocol.</summary>
public abstract class Wire
{
    public static IReadOnlyList<Wire> All { get; } = [new ChatCompletionsWire(), new ResponsesWire(), new MessagesWire(), new GeminiWire()];

    /// <summary>The protocol's name in configuration.</summary>
    public abstract string Protocol { get; }

    public virtual string Model(UpstreamCall call) => call.Model;

    public virtual bool Streams(UpstreamCall call) => call.Streams;

    /// <summary>The results of tools at the conversation's end, each by the name of the tool whose call it answers.</summary>
    public abstract IReadOnlyList<WireResult> ToolResults(JsonNode request);

    /// <summary>The signatures of reasoning in the conversation.</summary>
    public abstract IReadOnlyList<string> Signatures(JsonNode request);

    /// <summary>The names of the tools that the request offers.</summary>
    public abstract IReadOnlyList<string> Tools(JsonNode request);

    /// <summary>The JSON schema that the answer must follow, or null.</summary>
    public abstract JsonNode? Schema(JsonNode request);

    /// <summary>The answer as a stream's frames.</summary>
    public abstract IEnumerable<string> Frames(WireAnswer answer);

    /// <summary>The answer as one document.</summary>
    public abstract JsonNode Document(WireAnswer answer);

    /// <summary>The body of an error.</summary>
    public abstract JsonNode Error(int status, string message);

    /// <summary>An error inside a stream.</summary>
    public virtual string ErrorFrame(string message) => Frame(Error(500, message));

    /// <summary>A reply to what is not a call for an answer (counting tokens, say), or null.</summary>
    public virtual JsonNode? Other(UpstreamCall call) => null;

    /// <summary>Plays the answer: as a stream or as a document, as the call asks.</summary>
    public async Task PlayAsync(UpstreamCall call, WireAnswer answer)
    {
        if (!Streams(call))
        {
            await call.Json(200, Document(answer).ToJsonString());
            return;
        }

        using var timer = answer.Pace > TimeSpan.Zero ? new PeriodicTimer(answer.Pace) : null;
        foreach (var frame in Frames(answer))
        {
            await call.Write(frame);
            if (timer is not null) await timer.WaitForNextTickAsync();
        }
    }

    protected static string Frame(JsonNode data) => $"data: {data.ToJsonString()}\n\n";

    /// <summary>A frame that is named for its data's type.</summary>
    protected static string NamedFrame(JsonNode data) => $"event: {data["type"]}\ndata: {data.ToJsonString()}\n\n";

    protected static IEnumerable<string> Pieces(string text) => text.Chunk(5).Select(c => new string(c));

    /// <summary>The items of an array member that may be missing.</summary>
    protected static IEnumerable<JsonNode> Items(JsonNode? array) => array is JsonArray items ? items.Select(i => i!) : [];

    /// <summary>A text that may be a string or a list of parts.</summary>
    protected static string Text(JsonNode? content) =>
        content is JsonArray parts ? string.Concat(parts.Select(p => (string?)p!["text"])) : (string?)content ?? "";
}
