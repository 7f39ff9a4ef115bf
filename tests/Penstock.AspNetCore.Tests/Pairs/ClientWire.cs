using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A client of a protocol, written from the protocol's own words and sharing nothing with the product.</summary>
internal abstract class ClientWire
{
    public static readonly IReadOnlyList<ClientWire> All = [new ChatClient(), new ResponsesClient(), new MessagesClient(), new GeminiClient()];

    /// <summary>The protocol, as configuration and docs name it.</summary>
    public abstract string Name { get; }

    public static ClientWire Of(string protocol) => All.Single(c => c.Name == protocol);

    /// <summary>The body that asks.</summary>
    public abstract JsonObject Body(Ask ask);

    /// <summary>The path to post it to.</summary>
    public abstract string Path(Ask ask);

    public RawRequest Request(Api api, Ask ask, Action<JsonObject>? change = null)
    {
        var body = Body(ask);
        change?.Invoke(body);
        return api.Post(Path(ask), body);
    }

    /// <summary>Reads a stream, holding it to the protocol's grammar.</summary>
    /// <param name="events">All of it.</param>
    /// <param name="strict">Whether the grammar is checked: what real providers send is not always by it.</param>
    public abstract Answer ReadStream(IReadOnlyList<SseEvent> events, bool strict = true);

    /// <summary>Reads an answer that came as one document.</summary>
    public abstract Answer ReadWhole(JsonNode body);

    /// <summary>Checks that a body is an error as the protocol writes them, and returns its message.</summary>
    public abstract string ReadError(int status, JsonNode body);

    protected static JsonNode? J(string json) => JsonNode.Parse(json);
}
