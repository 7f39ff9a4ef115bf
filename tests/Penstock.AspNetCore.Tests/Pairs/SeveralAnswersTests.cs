using System.Text.Json.Nodes;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Several answers at once, in the pairs that can: each arrives whole, with its own ending, whatever order their pieces come in.</summary>
public sealed class SeveralAnswersTests(PairHost pairs)
{
    private static readonly string[] _able = ["chat-completions", "gemini"];

    public static TheoryData<string, string, string> Cases =>
        [.. from client in _able from provider in _able from way in PairData.WaysOf(client) select (client, provider, way)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Each_answer_is_read_to_its_end(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        var (stream, whole) = provider == "gemini" ? GeminiSays() : ChatSays();
        var ask = pairs.Prepare(wire, call => wire.Streams(call) ? call.Write(wire.Frames(stream)) : call.Json(200, whole), new Ask { Way = way });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask, body =>
        {
            if (client == "gemini") body["generationConfig"] = new JsonObject { ["candidateCount"] = 3 };
            else body["n"] = 3;
        });
        reply.Status.ShouldBe(200, reply.Body);
        var documents = way == "document" ? [JsonNode.Parse(reply.Body)!] : reply.Events.Where(e => e.Data != "[DONE]").Select(e => JsonNode.Parse(e.Data)!).ToList();
        Read(documents).ShouldBe(["0: One two. (stop)", "1: Three four (length)", "2: Five. (stop)"], reply.Body);
        documents[^1].At(client == "gemini" ? "usageMetadata" : "usage").ShouldNotBeNull(reply.Body);
    }

    private static (string[] Stream, string Whole) ChatSays()
    {
        const string Head = """{"id":"chatcmpl-up","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[""";
        string Choice(int index, string delta, string finish = "null") => $$"""{{Head}}{"index":{{index}},"delta":{{delta}},"finish_reason":{{finish}}}]}""";
        string Text(int index, string text) => Choice(index, $$"""{"content":"{{text}}"}""");
        const string Usage = "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}";
        string Message(int index, string text, string finish) => $$"""{"index":{{index}},"message":{"role":"assistant","content":"{{text}}"},"finish_reason":"{{finish}}"}""";
        return (
            [
                Choice(1, """{"role":"assistant","content":""}"""), Choice(0, """{"role":"assistant","content":""}"""), Text(0, "One "), Text(1, "Three "), Text(2, "Five."), Text(0, "two."),
                Choice(2, "{}", "\"stop\""), Text(1, "four"), Choice(0, "{}", "\"stop\""), Choice(1, "{}", "\"length\""), $"{Head}],{Usage}}}", "[DONE]",
            ],
            $$"""{"id":"chatcmpl-up","object":"chat.completion","created":1700000000,"model":"scripted-1","choices":[{{Message(0, "One two.", "stop")}},{{Message(1, "Three four", "length")}},{{Message(2, "Five.", "stop")}}],{{Usage}}}""");
    }

    private static (string[] Stream, string Whole) GeminiSays()
    {
        const string Tail = ""","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5,"totalTokenCount":8},"modelVersion":"scripted-1","responseId":"resp-up"}""";
        string Candidate(int index, string text, string finish = "") => $$"""{"content":{"parts":[{"text":"{{text}}"}],"role":"model"}{{(finish.Length > 0 ? $",\"finishReason\":\"{finish}\"" : "")}},"index":{{index}}}""";
        string Chunk(params string[] candidates) => $$"""{"candidates":[{{string.Join(',', candidates)}}]{{Tail}}""";
        return (
            [Chunk(Candidate(0, "One "), Candidate(1, "Three ")), Chunk(Candidate(2, "Five.", "STOP")), Chunk(Candidate(1, "four", "MAX_TOKENS"), Candidate(0, "two.", "STOP"))],
            Chunk(Candidate(0, "One two.", "STOP"), Candidate(1, "Three four", "MAX_TOKENS"), Candidate(2, "Five.", "STOP")));
    }

    private static IEnumerable<string> Read(List<JsonNode> documents)
    {
        var texts = new SortedDictionary<long, string>();
        var endings = new Dictionary<long, string>();
        foreach (var choice in documents.SelectMany(d => d["choices"].Items().Concat(d["candidates"].Items())))
        {
            var index = choice["index"].Num();
            endings.ShouldNotContainKey(index, "it goes on after its end");
            var text = choice.At("delta", "content").Str() + choice.At("message", "content").Str() + string.Concat(choice.At("content", "parts").Items().Select(p => p["text"].Str()));
            texts[index] = texts.GetValueOrDefault(index) + text;
            if ((choice["finish_reason"] ?? choice["finishReason"]).StrOrNull() is { } finish) endings[index] = finish is "length" or "MAX_TOKENS" ? "length" : finish.ToLowerInvariant();
        }

        return texts.Select(t => $"{t.Key}: {t.Value} ({endings.GetValueOrDefault(t.Key)})");
    }
}
