using System.Text;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

/// <summary>What the store refused was never said: the ending is that of what is stored.</summary>
public sealed class EventRecorderTests
{
    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    private static readonly Usage _usage = new() { InputTokens = 1, OutputTokens = 2, Source = UsageSource.Provider };

    [Fact]
    public async Task A_first_batch_that_was_refused_leaves_a_generation_that_never_started()
    {
        await using var log = NewLog();
        var recorder = await NewRecorderAsync(log);
        Say(recorder, block: 0, length: 3000);
        await RefusedAsync(recorder);
        recorder.Started.ShouldBeFalse();
        recorder.OutputBytes.ShouldBe(0);

        await recorder.EndAsync(usage: null, Failure());
        (await TypesAsync(log)).ShouldBe(["failed"]);
    }

    [Fact]
    public async Task Blocks_usage_and_text_of_a_refused_batch_are_forgotten_and_those_before_it_are_not()
    {
        await using var log = NewLog();
        var recorder = await NewRecorderAsync(log);
        Say(recorder, block: 0, length: 10);
        await recorder.CommitAsync();

        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 });
        Say(recorder, block: 1, length: 3000);
        recorder.EndPayload([], "{}"u8, _usage);
        await RefusedAsync(recorder);
        recorder.Started.ShouldBeTrue();
        recorder.OutputBytes.ShouldBe(10);

        await recorder.EndAsync(_usage, Failure());
        (await TypesAsync(log)).ShouldBe(["started", "block_start", "delta", "block_stop", "usage", "failed"]);
    }

    [Fact]
    public async Task A_refused_batch_may_be_followed_by_one_that_fits()
    {
        await using var log = NewLog();
        var recorder = await NewRecorderAsync(log);
        Say(recorder, block: 0, length: 3000);
        await RefusedAsync(recorder);
        Say(recorder, block: 0, length: 5);
        await recorder.CommitAsync();
        recorder.OutputBytes.ShouldBe(5);
        (await TypesAsync(log)).ShouldBe(["started", "block_start", "delta"]);
    }

    [Fact]
    public async Task A_refused_batch_leaves_no_gap_in_the_numbers_of_Responses()
    {
        await using var log = NewLog(maxBytes: 8 * 1024);
        var recorder = await NewRecorderAsync(log, ClientProtocols.Responses);
        Say(recorder, block: 0, length: 10);
        await recorder.CommitAsync();
        recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "too"u8 });
        recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = Encoding.ASCII.GetBytes(new string('x', 8000)) });
        await RefusedAsync(recorder);
        recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "next"u8 });
        await recorder.CommitAsync();

        var frames = new List<byte>();
        using var reader = (await log.OpenReaderAsync(Id)).ShouldNotBeNull();
        while (reader.TryRead(out var record)) frames.AddRange(EventRecord.Frames(record.Data));
        var numbers = new SseEvents().Feed(frames.ToArray()).Select(e => (int)e.Json()["sequence_number"]!).ToList();
        numbers.Count.ShouldBeGreaterThan(5);
        numbers.ShouldBe(Enumerable.Range(0, numbers.Count));
    }

    [Fact]
    public async Task A_call_that_came_without_an_id_gets_one_that_leads_back_to_it()
    {
        await using var log = NewLog();
        var recorder = await NewRecorderAsync(log);
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 3, BlockKind = BlockKind.ToolCall, Name = "f" });
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = 4, BlockKind = BlockKind.ToolCall, Name = "g", Id = "c1" });
        await recorder.CommitAsync();

        using var reader = (await log.OpenReaderAsync(Id, 1)).ShouldNotBeNull();
        reader.TryRead(out var first).ShouldBeTrue();
        CallId.TryParse(NativeEventReader.Read(EventRecord.Json(first.Data)).Id, out var generation, out var block).ShouldBeTrue();
        (generation, block).ShouldBe((Id, 3));
        reader.TryRead(out var second).ShouldBeTrue();
        NativeEventReader.Read(EventRecord.Json(second.Data)).Id.ShouldBe("c1");
    }

    [Fact]
    public async Task What_goes_on_after_a_crash_is_shown_by_one_writer_however_many_providers_are_asked()
    {
        await using var log = NewLog();
        using var router = new ModelRouter(
            new RoutingOptions { DefaultModel = "s/chat", Providers = new Dictionary<string, ProviderOptions>(StringComparer.Ordinal) { ["s"] = new() { Protocol = "simulated" } } },
            TimeProvider.System);
        var stream = await log.CreateAsync(Id, new StreamOptions());
        var protocol = ClientProtocols.Find("chat-completions").ShouldNotBeNull();
        EventWriter NewWriter() => protocol.NewEventWriter(new GenerationRequest { Protocol = protocol.Name, Body = default, Messages = [], Stream = true }, Id, default);
        var writer = NewWriter();
        var before = new RecordedState();
        foreach (var kind in (EventKind[])[EventKind.Started, EventKind.BlockStart])
        {
            var said = new GenerationEvent { Kind = kind, BlockKind = BlockKind.Text };
            before.Add(said, 0);
            writer.Replay(said, [], new System.Buffers.ArrayBufferWriter<byte>());
        }

        var recorder = new EventRecorder(stream, writer, Id, "s/chat", protocol.Name, passthrough: false);
        recorder.Resume(before);
        await recorder.GoOnAsync(new GenerationEvent { Kind = EventKind.Attempt, Attempt = 2 });
        await recorder.BeginAttemptAsync(new GenerationEvent { Kind = EventKind.Attempt, Attempt = 3 }, router.Target("s/chat"), NewWriter());
        Say(recorder, block: 0, length: 5);
        recorder.EndPayload([], """{"role":"again"}"""u8, usage: null);
        await recorder.CommitAsync();

        using var reader = (await log.OpenReaderAsync(Id)).ShouldNotBeNull();
        var shown = "";
        while (reader.TryRead(out var record)) shown += Encoding.UTF8.GetString(EventRecord.Frames(record.Data));
        shown.ShouldContain("xxxxx");
        shown.ShouldNotContain("again");
    }

    private static MemoryStreamLog NewLog(int maxBytes = 1024) => new(new StreamStoreOptions { MaxStreamBytes = maxBytes }, new ManualTimeProvider());

    private static async Task<EventRecorder> NewRecorderAsync(IStreamLog log, ClientProtocol? protocol = null)
    {
        protocol ??= ClientProtocols.Native;
        var stream = await log.CreateAsync(Id, new StreamOptions());
        var request = new GenerationRequest { Protocol = protocol.Name, Body = default, Messages = [], Stream = true };
        return new EventRecorder(stream, protocol.NewEventWriter(request, Id, default), Id, "up/m", protocol.Name, passthrough: false);
    }

    private static void Say(EventRecorder recorder, int block, int length)
    {
        recorder.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = block, BlockKind = BlockKind.Text });
        recorder.Write(new GenerationEvent { Kind = EventKind.Delta, Block = block, Text = Encoding.ASCII.GetBytes(new string('x', length)) });
    }

    private static GenerationEvent Failure() => new() { Kind = EventKind.Failed, Error = GenerationErrors.Internal };

    private static async Task RefusedAsync(EventRecorder recorder)
    {
        await Should.ThrowAsync<StreamStorageException>(async () => await recorder.CommitAsync());
        recorder.Discard();
    }

    private static async Task<List<string>> TypesAsync(IStreamLog log)
    {
        using var reader = (await log.OpenReaderAsync(Id)).ShouldNotBeNull();
        var end = (await log.GetAsync(Id)).ShouldNotBeNull().NextOffset;
        var types = new List<string>();
        while (reader.NextOffset < end)
        {
            if (reader.TryRead(out var record)) types.Add(TypeOf(record));
            else await reader.WaitAsync();
        }

        return types;
    }

    private static string TypeOf(StreamEvent record) =>
        Encoding.UTF8.GetString(NativeEventWriter.TypeOf(EventRecord.Json(record.Data)));
}
