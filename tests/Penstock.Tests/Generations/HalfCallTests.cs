using System.Text;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;
using Penstock.Tests.Protocols;

namespace Penstock.Tests.Generations;

/// <summary>An answer that is cut or stopped in the midst of a call: clients run what looks like a whole call, so this must not.</summary>
public sealed class HalfCallTests
{
    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    public static TheoryData<string, EventKind, string> Cases()
    {
        var cases = new TheoryData<string, EventKind, string>();
        foreach (var client in (string[])["chat-completions", "responses", "messages", "gemini"])
        {
            foreach (var kind in (EventKind[])[EventKind.Failed, EventKind.Interrupted, EventKind.Stopped])
            {
                cases.Add(client, kind, "");
                cases.Add(client, kind, "{\\\"path\\\":");
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_half_call_never_looks_whole_in_a_stream(string client, EventKind kind, string arguments)
    {
        var frames = Frame.All(await WriteAsync(client, stream: true, kind, arguments));
        frames.ShouldNotContain(f => f.Data.Contains("function_call_arguments.done", StringComparison.Ordinal));
        frames.ShouldNotContain(f => f.Data.Contains("\"arguments\":\"{}\"", StringComparison.Ordinal) || f.Data.Contains("\"partial_json\":\"{}\"", StringComparison.Ordinal));
        frames.ShouldNotContain(f => f.Event == "response.output_item.done" && f.Data.Contains("function_call", StringComparison.Ordinal));
        frames.ShouldNotContain(f => f.Data.Contains("functionCall", StringComparison.Ordinal));
        if (client == "responses") frames[^1].Data.ShouldContain("\"type\":\"function_call\",\"status\":\"incomplete\"");
        string.Concat(frames.Select(f => f.Data)).ShouldContain("Hello");
        if (client != "messages" || kind != EventKind.Stopped) return;
        frames.Count(f => f.Event == "content_block_stop").ShouldBe(1); // the text's
        frames[^1].Event.ShouldBe("message_stop");
    }

    [Theory]
    [InlineData("chat-completions", "tool_calls")]
    [InlineData("messages", "tool_use")]
    [InlineData("gemini", "functionCall")]
    public async Task A_document_that_was_stopped_leaves_a_half_call_out(string client, string call)
    {
        var document = Encoding.UTF8.GetString(await WriteAsync(client, stream: false, EventKind.Stopped, "{\\\"path\\\":"));
        document.ShouldContain("Hello");
        document.ShouldNotContain(call);
    }

    [Fact]
    public async Task A_response_that_was_stopped_says_that_its_call_is_incomplete() =>
        Encoding.UTF8.GetString(await WriteAsync("responses", stream: false, EventKind.Stopped, "")).ShouldContain("\"type\":\"function_call\",\"status\":\"incomplete\"");

    private static async Task<byte[]> WriteAsync(string client, bool stream, EventKind kind, string arguments)
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions(), new ManualTimeProvider());
        var request = new GenerationRequest { Protocol = client, Body = default, Messages = [], Stream = stream };
        var writer = ClientProtocols.Find(client)!.NewEventWriter(request, Id, default);
        var recorder = new EventRecorder(await log.CreateAsync(Id, new StreamOptions()), writer, Id, "up/m", client, passthrough: false);
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Text });
        recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "Hello"u8 });
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 });
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 1, BlockKind = BlockKind.ToolCall, Id = "c", Name = "delete" });
        if (arguments.Length > 0) recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 1, Text = Encoding.UTF8.GetBytes(arguments) });
        await recorder.CommitAsync();
        await recorder.EndAsync(usage: null, new GenerationEvent { Kind = kind, Error = kind == EventKind.Stopped ? null : GenerationErrors.Internal });

        var frames = new List<byte>();
        var native = new List<string>();
        var info = (await log.GetAsync(Id))!;
        using var reader = (await log.OpenReaderAsync(Id))!;
        await StoredEvents.ReadAsync(reader, info.NextOffset, record =>
        {
            frames.AddRange(EventRecord.Frames(record.Data));
            native.Add(Encoding.UTF8.GetString(EventRecord.Json(record.Data)));
        });
        native.ShouldContain("""{"type":"block_stop","block":1,"cut":true}"""); // our own words say what it is
        return [.. frames];
    }
}
