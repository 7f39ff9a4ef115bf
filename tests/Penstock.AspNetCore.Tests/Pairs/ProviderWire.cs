using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>A provider of a protocol: says an answer as the real one would, and reads what it was asked.</summary>
internal abstract class ProviderWire
{
    public static readonly IReadOnlyList<ProviderWire> All = [new ChatProvider(), new ResponsesProvider(), new MessagesProvider(), new GeminiProvider()];

    /// <summary>Where this stands in a text, a token ends; it is not said.</summary>
    public const string Split = "\u001f";

    /// <summary>The protocol, as configuration and docs name it.</summary>
    public abstract string Name { get; }

    /// <summary>The folder of its recordings.</summary>
    public abstract string Recordings { get; }

    public static ProviderWire Of(string protocol) => All.Single(p => p.Name == protocol);

    /// <summary>The payloads of a streamed answer.</summary>
    public abstract IEnumerable<string> Stream(Answer answer);

    /// <summary>The answer as one document.</summary>
    public abstract string Whole(Answer answer);

    /// <summary>An error's HTTP body with this message in it.</summary>
    public abstract string ErrorBody(int status, string message);

    /// <summary>The payloads that end a stream by an error.</summary>
    public abstract IEnumerable<string> StreamError(string message);

    /// <summary>What a request asks.</summary>
    public abstract Ask ReadRequest(JsonNode body);

    /// <summary>The bytes of the frames that hold the payloads.</summary>
    public virtual string Frames(IEnumerable<string> payloads) => string.Concat(payloads.Select(p => $"data: {p}\n\n"));

    /// <summary>Whether a request asks for a stream.</summary>
    public virtual bool Streams(UpstreamCall call) => call.Streams;

    /// <summary>Plays an answer in the form that is asked for.</summary>
    public UpstreamScript Script(Answer answer) => call => Streams(call) ? call.Write(Frames(Stream(answer))) : call.Json(200, Whole(answer));

    /// <summary>The payloads up to the one that holds these words.</summary>
    public IEnumerable<string> Until(Answer answer, string words)
    {
        foreach (var payload in Stream(answer))
        {
            yield return payload;
            if (payload.Contains(words, StringComparison.Ordinal)) yield break;
        }
    }

    protected static string NamedFrames(IEnumerable<string> payloads) =>
        string.Concat(payloads.Select(p => $"event: {(string)JsonNode.Parse(p)!["type"]!}\ndata: {p}\n\n"));

    /// <summary>A text as a model says it: word by word.</summary>
    protected static IEnumerable<string> Words(string text)
    {
        for (int from = 0, next; from < text.Length; from = next)
        {
            next = text.IndexOfAny([' ', Split[0]], from) + 1;
            if (next == 0) next = text.Length;
            yield return text[from..next].TrimEnd(Split[0]);
        }
    }

    /// <summary>The JSON of arguments in pieces.</summary>
    protected static IEnumerable<string> Pieces(string text)
    {
        for (var from = 0; from < text.Length; from += 5) yield return text[from..Math.Min(from + 5, text.Length)];
    }
}
