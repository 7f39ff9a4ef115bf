using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>
/// Streams that real providers sent, replayed: a client of the same protocol gets them equal, one of another protocol
/// understands what they hold. Skipped where the recordings are not there.
/// </summary>
public sealed class RecordingPairTests(PairHost pairs)
{
    private static readonly IReadOnlyList<(string Provider, string File)> _files =
    [
        .. from provider in ProviderWire.All
           let folder = Repository.Recordings(provider.Recordings)
           where folder is not null
           from file in Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal)
           select (provider.Name, Path.GetFileName(file)),
    ];

    public static TheoryData<string, string, string> Same =>
        _files.Count == 0 ? [("(no recordings)", "", "")] : [.. from file in _files from bytes in new[] { "whole", "split" } select (file.Provider, file.File, bytes)];

    public static TheoryData<string, string, string, string, string> Others => _files.Count == 0 ? [("(no recordings)", "", "", "", "")] :
    [
        .. from file in _files
           from client in PairData.Protocols
           where client != file.Provider
           from form in new[] { ("stream", "whole"), ("stream", "split"), ("document", "whole") }
           select (client, file.Provider, file.File, form.Item1, form.Item2),
    ];

    [Theory]
    [MemberData(nameof(Same))]
    public async Task In_its_own_protocol_a_recording_is_equal_event_by_event(string provider, string file, string bytes)
    {
        var payloads = Read(provider, file);
        var seed = Random.Shared.Next();
        var ask = pairs.Prepare(ProviderWire.Of(provider), Script(provider, payloads, bytes == "split" ? seed : null));
        var reply = await pairs.AskAsync(ClientWire.Of(provider), ask);
        var expected = Understand(provider, payloads);
        var got = reply.Events.Where(e => e.Data != "[DONE]").ToList();
        if (expected.Error is not null)
        {
            // The ending is Penstock's own: one frame, or two in Responses, as OpenAI writes it.
            ClientWire.Of(provider).ReadStream(reply.Events).Error.ShouldNotBeNullOrEmpty();
            got.RemoveRange(got.Count - (provider == "responses" ? 2 : 1), provider == "responses" ? 2 : 1);
            payloads.RemoveRange(got.Count, payloads.Count - got.Count);
            payloads.ShouldNotContain(p => p.Contains("\"error\":{", StringComparison.Ordinal));
        }

        got.Count.ShouldBe(payloads.Count, $"seed {seed}");
        for (var i = 0; i < got.Count; i++)
        {
            Bare(got[i].Json()).ShouldBe(Bare(JsonNode.Parse(payloads[i])!), $"event {i}, seed {seed}");
            if (provider is "messages" or "responses") got[i].Name.ShouldBe(got[i].Json()["type"].Str());
        }

        if (expected.Error is null) ClientWire.Of(provider).ReadStream(reply.Events, strict: false).ToString().ShouldBe(expected.ToString());
    }

    [Theory]
    [MemberData(nameof(Others))]
    public async Task In_another_protocol_a_recording_says_what_it_holds(string client, string provider, string file, string way, string bytes)
    {
        var payloads = Read(provider, file);
        var seed = Random.Shared.Next();
        var ask = pairs.Prepare(ProviderWire.Of(provider), Script(provider, payloads, bytes == "split" ? seed : null), new Ask { Way = way });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask);
        var held = Understand(provider, payloads);
        if (held.Error is not null && reply.Status != 200)
        {
            reply.Error().ShouldNotBeEmpty();
            return;
        }

        AnswerTests.ShouldHaveIds(reply.Answer(), client);
        // A tool that takes free text is one of JSON in the other protocols.
        held = held with { Calls = [.. held.Calls.Select(c => c.Arguments.Length == 0 || c.Arguments.StartsWith('{') ? c : c with { Arguments = new JsonObject { ["input"] = c.Arguments }.ToJsonString() })] };
        Compared(reply.Answer(), client, provider).ShouldBe(Compared(LossTable.Understood(held, client), client, provider), $"seed {seed}\n{reply.Body}");
    }

    /// <summary>What issue and docs promise across protocols: text, reasoning, calls with arguments, stop reason, usage.</summary>
    private static string Compared(Answer answer, string client, string provider)
    {
        // Gemini has no word of its own for an answer that ends in calls.
        var stop = client == "gemini" && answer.Stop == "stop" && answer.Calls.Count > 0 ? "calls" : answer.Stop;
        return (AnswerTests.Masked(answer, client, provider) with { Stop = stop, ReasoningSignature = null, TextSignature = null, Redacted = null, Sources = [] }).ToString();
    }

    /// <summary>What a recording holds, read by a plain client of its own protocol.</summary>
    private static Answer Understand(string provider, IReadOnlyList<string> payloads)
    {
        var frames = Encoding.UTF8.GetBytes(Frames(provider, payloads));
        return ClientWire.Of(provider).ReadStream([.. new SseEvents().Feed(frames)], strict: false);
    }

    private static UpstreamScript Script(string provider, IReadOnlyList<string> payloads, int? seed) => async call =>
    {
        var bytes = Encoding.UTF8.GetBytes(Frames(provider, payloads));
        if (seed is null)
        {
            await call.Write(bytes);
            return;
        }

        var random = new Random(seed.Value);
        for (var at = 0; at < bytes.Length;)
        {
            var size = Math.Min(random.Next(1, 700), bytes.Length - at);
            await call.Write(bytes.AsMemory(at, size));
            at += size;
        }
    };

    private static string Frames(string provider, IReadOnlyList<string> payloads) =>
        ProviderWire.Of(provider).Frames(provider == "chat-completions" ? payloads.Append("[DONE]") : payloads);

    /// <summary>Without the ids, which are Penstock's own.</summary>
    private static string Bare(JsonNode json)
    {
        var bare = json.DeepClone();
        foreach (var owner in new[] { bare, bare["response"], bare["message"] }.OfType<JsonObject>())
        {
            if (owner["object"] is not null || owner["model"] is not null) owner.Remove("id");
            owner.Remove("responseId");
        }

        return Js.Canonical(bare);
    }

    private static List<string> Read(string provider, string file)
    {
        if (_files.Count == 0) Assert.Skip("There are no recordings at ../shared/recordings.");
        return [.. File.ReadLines(Path.Combine(Repository.Recordings(ProviderWire.Of(provider).Recordings)!, file)).Where(l => l.Length > 0)];
    }
}
