using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Penstock.AspNetCore.Replies;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;
using EventId = Penstock.Protocols.EventId;

namespace Penstock.AspNetCore.Tests.Replies;

/// <summary>Who joins at any event of an answer, in any protocol, has in the end what one has who was there from the beginning.</summary>
public sealed partial class LateJoinTests
{
    private static readonly string _finished = """{"type":"finished","reason":"stop"}""";

    private static readonly Dictionary<string, string[]> _scripts = new()
    {
        ["text"] = [Started, Start(0, "text"), Delta(0, "One "), Delta(0, "two\\n"), Delta(0, "three 好"), Stop(0), Usage(3), _finished],
        ["signed reasoning"] =
        [
            Started, Start(0, "reasoning"), Delta(0, "I "), Delta(0, "think"), Signed(0, "", "c2lnLTE="), Stop(0),
            Start(1, "reasoning", name: "redacted"), Signed(1, "", "ZW5j"), Stop(1), Start(2, "text"), Delta(2, "Yes"), Delta(2, "."), Stop(2), Usage(5), _finished,
        ],
        ["thoughts between"] =
        [
            Started, Start(0, "text"), Delta(0, "Hm."), Stop(0), Start(1, "reasoning"), Delta(1, "I "), Delta(1, "think "), Delta(1, "so"), Signed(1, "", "c2lnLTE="), Stop(1), Start(2, "text"), Delta(2, "Yes."), Stop(2),
            Usage(5), _finished,
        ],
        ["parallel tool calls"] =
        [
            Started, Start(0, "text"), Delta(0, "I look."), Stop(0), Start(1, "tool_call", "call_1", "weather"), Delta(1, "{\\\"city\\\":"), Start(2, "tool_call", "call_2", "time"),
            Delta(2, "{\\\"zone\\\":"), Delta(1, "\\\"Oslo\\\"}"), Signed(1, "", "c2lnLTM="), Delta(2, "1}"), Stop(1), Stop(2), Start(3, "tool_call", "call_3", "now"), Stop(3),
            Usage(9), """{"type":"finished","reason":"tool_calls"}""",
        ],
        ["several choices"] =
        [
            Started, Start(0, "text"), Start(1, "text", choice: 1), Delta(0, "A"), Delta(1, "B"), Delta(1, "b"), Delta(0, "a"), Stop(1), Start(2, "tool_call", "call_1", "f", choice: 1),
            Delta(2, "{}"), Delta(0, "aa"), Stop(2), Stop(0), Usage(4), """{"type":"finished","reason":"stop","reasons":["stop","tool_calls"]}""",
        ],
        ["halves of a pair"] = [Started, Start(0, "text"), Delta(0, "See \\ud83d"), Delta(0, "\\ude00"), Stop(0), Usage(2), _finished],
        ["sources"] =
        [
            Started, Start(0, "text"), Delta(0, "See"), """{"type":"delta","block":0,"text":"","citation":{"url":"https://example.com/a"}}""", Delta(0, " and"),
            """{"type":"delta","block":0,"text":" more","citation":{"url":"https://example.org/"}}""", """{"type":"delta","block":0,"text":".","logprobs":{"content":[{"token":".","logprob":-1}]}}""",
            Stop(0), Usage(4), _finished,
        ],
        ["refusal and image"] = [Started, Start(0, "refusal"), Delta(0, "I can"), Delta(0, "not."), Stop(0), Start(1, "image", name: "image/png"), Delta(1, "iVBOR"), Delta(1, "w0KGgo="), Stop(1), Usage(2), _finished],
        ["stopped"] = [Started, Start(0, "text"), Delta(0, "One "), Delta(0, "two"), Cut(0), Usage(2), """{"type":"stopped","reason":"requested"}"""],
        ["failed in a call"] =
        [
            Started, Start(0, "text"), Delta(0, "I look."), Stop(0), Start(1, "tool_call", "call_1", "f"), Delta(1, "{\\\"a\\\":"), Cut(1), Usage(2),
            """{"type":"failed","error":{"code":"provider_disconnected","message":"Gone.","status":502}}""",
        ],
        ["another attempt"] =
        [
            """{"type":"attempt","attempt":2,"reason":"provider_timeout","model":"up/b"}""", Started, Start(0, "text"), Delta(0, "One "),
            """{"type":"attempt","attempt":3,"reason":"server_died"}""", Delta(0, "two"), Stop(0), Start(1, "text"), Delta(1, " three"), Stop(1), Usage(2), _finished,
        ],
        ["begun anew"] =
        [
            Started, Start(0, "text"), Delta(0, "Void"), """{"type":"reset","attempt":2,"reason":"server_died","model":"up/b"}""", Started, Start(1, "text"), Delta(1, "One "), Delta(1, "two"),
            Stop(1), Usage(2), """{"type":"finished","reason":"stop","resetAt":3}""",
        ],
    };

    private const string Started = """{"type":"started","model":"up/m"}""";

    public static TheoryData<string, string> Cases =>
        [.. from script in _scripts.Keys from protocol in (string[])["chat-completions", "responses", "messages", "gemini", "text-chat", "text-query"] select (script, protocol)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_snapshot_and_what_follows_say_what_all_events_say(string script, string protocol)
    {
        await using var log = await WriteAsync(script);
        var records = _scripts[script];
        var valid = Array.FindLastIndex(records, r => r.Contains("\"reset\"", StringComparison.Ordinal)) + 1;
        var whole = await JoinAsync(log, protocol, 0, valid);
        var expected = Understood(protocol, whole, script);
        for (var joined = valid + 1; joined < records.Length; joined++)
        {
            var got = await JoinAsync(log, protocol, joined, joined);
            Understood(protocol, got, script).ShouldBe(expected, $"joined before event {joined}:\n{got}");
            // What follows is the same as for the one who was there, place for place: so whoever is cut comes back with either's id.
            Numbers().Replace(Tail(got, joined), "").ShouldBe(Numbers().Replace(Tail(whole, joined), ""), $"joined before event {joined}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task One_cut_within_the_snapshot_gets_the_rest_of_it(string script, string protocol)
    {
        await using var log = await WriteAsync(script);
        for (var joined = 1; joined < _scripts[script].Length; joined++)
        {
            var frames = Encoding.UTF8.GetString((await FoldAsync(log, protocol, joined, 0)).Beginning.Span).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
            for (var had = 0; had < frames.Length; had++)
            {
                var id = frames[had].Split("id: ")[1];
                EventId.TryParse(id, out var seen).ShouldBeTrue(id);
                (seen.Offset, seen.InSnapshot, seen.Part).ShouldBe(had == frames.Length - 1 ? (joined - 1, false, 0) : (joined - 1, true, had + 1));
                if (!seen.InSnapshot) continue;
                var rest = (await FoldAsync(log, protocol, (int)seen.Offset + 1, seen.Part)).Beginning;
                Encoding.UTF8.GetString(rest.Span).ShouldBe(string.Concat(frames.Skip(had + 1).Select(f => f + "\n\n")));
            }
        }
    }

    [Fact]
    public async Task A_snapshot_is_as_short_as_can_be()
    {
        await using var log = await WriteAsync("text");
        var frames = Encoding.UTF8.GetString((await FoldAsync(log, "messages", 5, 0)).Beginning.Span).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        frames.Select(f => f.Split('\n')[0]).ShouldBe(["event: message_start", "event: content_block_start", "event: content_block_delta"]);
        frames[2].ShouldContain("\"text\":\"One two\\nthree 好\"");
    }

    private static string Understood(string protocol, string frames, string script)
    {
        var events = new SseEvents().Feed(Encoding.UTF8.GetBytes(frames)).ToList();
        if (protocol.StartsWith("text", StringComparison.Ordinal))
            return string.Concat(events.Where(e => e.Data != "[DONE]").Select(e => e.Data)) + string.Concat(events.TakeLast(1).Select(e => $"|{e.Name}|{e.Data}"));
        if (script is not ("several choices" or "halves of a pair")) return ClientWire.Of(protocol).ReadStream(events, strict: script != "stopped").ToString();
        // Our own reader knows of choices, and of halves.
        var sink = new Blocks();
        var reader = ProviderProtocols.New(protocol, new Uri("http://localhost"), null).NewEventReader(choices: script == "several choices" ? 2 : 1);
        foreach (var e in events) reader.Read(Encoding.UTF8.GetBytes(e.Name), Encoding.UTF8.GetBytes(e.Data), sink);
        return $"{sink}; {string.Join(',', reader.Reasons ?? [reader.Reason])}; {reader.Usage}";
    }

    /// <summary>The frames of one who joins before an event: the snapshot, if there is one, and what follows.</summary>
    private static async Task<string> JoinAsync(MemoryStreamLog log, string protocol, int joined, int first)
    {
        var (view, beginning) = await FoldAsync(log, protocol, joined, 0);
        var output = new ArrayBufferWriter<byte>();
        output.Write(beginning.Span);
        using var from = new Subscription(Id, (await log.OpenReaderAsync(Id, first))!, generation: null);
        while (from.Reader.TryRead(out var record)) view.Write(from, record, 0, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static async Task<(ProtocolView View, ReadOnlyMemory<byte> Beginning)> FoldAsync(MemoryStreamLog log, string protocol, int joined, int skip)
    {
        var info = (await log.GetAsync(Id))!;
        var view = new ProtocolView(ClientProtocols.Find(protocol)!, GenerationMetadata.Read(info.Metadata), Id, info.CreatedAt);
        if (joined == 0) return (view, default);
        using var reader = (await log.OpenReaderAsync(Id))!;
        return (view, view.Fold(await GenerationSnapshot.ReadAsync(Id, info, joined, reader), skip));
    }

    private static async Task<MemoryStreamLog> WriteAsync(string script)
    {
        var log = new MemoryStreamLog(new StreamStoreOptions(), TimeProvider.System);
        var metadata = new GenerationMetadata("native", true, true, script == "several choices" ? 2 : 1, "up/m", "up/m");
        var writer = await log.CreateAsync(Id, new StreamOptions { Metadata = metadata.ToBytes() });
        using var batch = new StreamBatch();
        foreach (var json in _scripts[script])
        {
            EventRecord.Begin(batch, NativeEventReader.Read(Encoding.UTF8.GetBytes(json)));
            batch.EndEvent();
        }

        await writer.AppendAsync(batch, close: true);
        return log;
    }

    // What was shown for the events from a place on.
    private static string Tail(string frames, int offset) => string.Concat(
        new SseEvents().Feed(Encoding.UTF8.GetBytes(frames)).Where(e => e.Id is { } id && EventId.TryParse(id, out var parsed) && parsed.Offset >= offset).Select(e => e.Raw));

    [GeneratedRegex("\"sequence_number\":\\d+,", RegexOptions.NonBacktracking)]
    private static partial Regex Numbers();

    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    private static string Start(int block, string kind, string? id = null, string? name = null, int choice = 0)
    {
        var json = new ArrayBufferWriter<byte>();
        var start = new GenerationEvent { Kind = EventKind.BlockStart, Block = block, BlockKind = NativeNames.BlockKindOf(Encoding.UTF8.GetBytes(kind)), Id = id, Name = name, Choice = choice };
        NativeEventWriter.Write(start, json);
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private static string Delta(int block, string escaped) => $$"""{"type":"delta","block":{{block}},"text":"{{escaped}}"}""";

    private static string Signed(int block, string escaped, string signature) => $$"""{"type":"delta","block":{{block}},"text":"{{escaped}}","signature":"{{signature}}"}""";

    private static string Stop(int block) => $$"""{"type":"block_stop","block":{{block}}}""";

    private static string Cut(int block) => $$"""{"type":"block_stop","block":{{block}},"cut":true}""";

    private static string Usage(int output) => $$"""{"type":"usage","inputTokens":7,"outputTokens":{{output}},"totalTokens":{{7 + output}},"source":"provider"}""";

    /// <summary>What each block says.</summary>
    private sealed class Blocks : IEventSink
    {
        private readonly SortedDictionary<int, StringBuilder> _blocks = [];

        public void Write(in GenerationEvent e)
        {
            if (e.Kind == EventKind.BlockStart) _blocks[e.Block] = new StringBuilder($"{e.Choice} {e.BlockKind} {e.Id} {e.Name}: ");
            else if (e.Kind == EventKind.Delta) _blocks[e.Block].Append(Encoding.UTF8.GetString(e.Text)).Append(Encoding.UTF8.GetString(e.Signature));
        }

        // A reader numbers blocks as they come, which is not the same for who joins late.
        public override string ToString() => string.Join("; ", _blocks.Values.Select(b => b.ToString()).Order(StringComparer.Ordinal));
    }
}
