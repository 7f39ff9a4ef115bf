using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Native;

namespace Penstock.Tests.Protocols.Responses;

/// <summary>Streams that real providers sent.</summary>
public sealed class RecordingTests
{
    [Fact]
    public void A_recording_passed_on_is_equal_but_for_the_response_id()
    {
        foreach (var file in Recordings.Find("openai-responses"))
        {
            var payloads = Lines(file).Where(p => !IsFailure(p)).ToList();
            var writer = Answer.NewWriter();
            var frames = new List<Frame>();
            for (var i = 0; i < payloads.Count; i++) frames.AddRange(Answer.Pass(writer, i, payloads[i]));
            if (payloads[^1].Contains("\"response.completed\"", StringComparison.Ordinal))
            {
                frames.Count.ShouldBe(payloads.Count - 1); // the ending is held back
                frames.AddRange(Answer.Write(writer, payloads.Count, new GenerationEvent { Kind = EventKind.Finished }));
            }

            frames.Count.ShouldBe(payloads.Count, file);
            for (var i = 0; i < payloads.Count; i++)
            {
                var sent = JsonNode.Parse(payloads[i])!;
                if (sent["response"] is { } response) response["id"] = Answer.ResponseId;
                JsonNode.DeepEquals(frames[i].Json(), sent).ShouldBeTrue($"{file} {i}: {frames[i].Data}");
                frames[i].Event.ShouldBe((string)sent["type"]!);
            }
        }
    }

    [Fact]
    public void A_recording_is_read_whole()
    {
        foreach (var file in Recordings.Find("openai-responses"))
        {
            var payloads = Lines(file);
            var (events, reader) = Answer.Read(payloads);
            events.Text(BlockKind.Text).ShouldBe(Deltas(payloads, "response.output_text.delta"), file);
            events.Text(BlockKind.Reasoning).ShouldBe(Deltas(payloads, "response.reasoning_summary_text.delta") + Deltas(payloads, "response.reasoning_text.delta"), file);
            var calls = payloads.Select(p => JsonNode.Parse(p)!).Where(p => (string?)p["type"] == "response.output_item.done" && (string?)p["item"]!["type"] == "function_call").Select(p => p["item"]!);
            events.Text(BlockKind.ToolCall).Replace("""{"input":"SELECT * FROM users WHERE age > 25"}""", "", StringComparison.Ordinal)
                .ShouldBe(string.Concat(calls.Select(c => (string?)c["arguments"])), file);
            Starts(events, BlockKind.ToolCall).Where(s => s.Name != "write_sql").ShouldBe(calls.Select(c => ((string?)c["call_id"], (string?)c["name"])), file);
            events.Json.Count(e => e.Contains("\"block_start\"", StringComparison.Ordinal)).ShouldBe(events.Json.Count(e => e.Contains("\"block_stop\"", StringComparison.Ordinal)), file);
            var last = JsonNode.Parse(payloads[^1])!["response"]!;
            if (payloads.Any(IsFailure))
            {
                reader.Error!.Code.ShouldBe("insufficient_quota");
                reader.Finished.ShouldBeFalse();
                continue;
            }

            reader.Finished.ShouldBeTrue(file);
            reader.Model.ShouldNotBeNull(file);
            reader.Usage!.InputTokens.ShouldBe((long?)last["usage"]!["input_tokens"], file);
            reader.Usage.OutputTokens.ShouldBe((long?)last["usage"]!["output_tokens"], file);
            var calling = last["output"]!.AsArray().Any(i => (string?)i!["type"] is "function_call" or "custom_tool_call");
            reader.Reason.ShouldBe(calling ? FinishReason.ToolCalls : FinishReason.Stop, file);
        }
    }

    [Fact]
    public void A_recording_without_its_stream_is_read_from_its_last_event()
    {
        foreach (var file in Recordings.Find("openai-responses"))
        {
            var payloads = Lines(file);
            if (payloads.Any(IsFailure) || payloads.Count(p => p.Contains("\"response.created\"", StringComparison.Ordinal)) > 1) continue;
            if (file.Contains("phase", StringComparison.Ordinal)) continue; // most of its deltas were cut out of the recording
            var (streamed, _) = Answer.Read(payloads);
            var (skipped, reader) = Answer.Read([payloads[0], payloads[^1]]);
            var (whole, wholeReader) = (new EventList(), new Penstock.Protocols.Responses.ResponsesEventReader());
            wholeReader.ReadWhole(Encoding.UTF8.GetBytes(JsonDocument.Parse(payloads[^1]).RootElement.GetProperty("response").GetRawText()), whole);
            foreach (var kind in (BlockKind[])[BlockKind.Text, BlockKind.Reasoning, BlockKind.ToolCall])
            {
                skipped.Text(kind).ShouldBe(streamed.Text(kind), file);
                whole.Text(kind).ShouldBe(streamed.Text(kind), file);
            }

            reader.Finished.ShouldBeTrue();
            wholeReader.Finished.ShouldBeTrue();
        }
    }

    [Fact]
    public void A_recording_written_anew_says_the_same_in_a_complete_stream()
    {
        foreach (var file in Recordings.Find("openai-responses"))
        {
            var payloads = Lines(file);
            if (payloads.Any(IsFailure)) continue;
            var (events, reader) = Answer.Read(payloads);
            var writer = Answer.NewWriter();
            var frames = Answer.Play(writer, ["""{"type":"started","model":"m"}""", .. events.Json]);
            frames.AddRange(Answer.Write(writer, 9999, new GenerationEvent { Kind = EventKind.Usage, Usage = reader.Usage }));
            frames.AddRange(Answer.Write(writer, 10000, new GenerationEvent { Kind = EventKind.Finished, Reason = reader.Reason }));
            frames.ShouldBeGapless();
            string Said(string type) => Deltas(frames.Select(f => f.Data), type);
            Said("response.output_text.delta").ShouldBe(events.Text(BlockKind.Text), file);
            Said("response.reasoning_summary_text.delta").ShouldBe(events.Text(BlockKind.Reasoning), file);
            Said("response.function_call_arguments.delta").ShouldBe(events.Text(BlockKind.ToolCall), file);
            var (again, second) = Answer.Read(frames.Select(f => f.Data));
            again.Json.ShouldBe(events.Json, file);
            if (reader.Reason == FinishReason.ToolCalls) second.Reason.ShouldBe(reader.Reason);
            second.Usage.ShouldBe(reader.Usage);
            // The items that were streamed are those of the whole.
            var done = frames.Where(f => f.Type() == "response.output_item.done").OrderBy(f => (int)f.Json()["output_index"]!).Select(f => f.Json()["item"]!.ToJsonString());
            frames[^1].Json()["response"]!["output"]!.AsArray().Select(i => i!.ToJsonString()).ShouldBe(done);
        }
    }

    private static IEnumerable<(string? Id, string? Name)> Starts(EventList events, BlockKind kind)
    {
        foreach (var json in events.Json)
        {
            var read = NativeEventReader.Read(Encoding.UTF8.GetBytes(json));
            if (read.Kind == EventKind.BlockStart && read.BlockKind == kind) yield return (read.Id, read.Name);
        }
    }

    private static string Deltas(IEnumerable<string> payloads, string type) =>
        string.Concat(payloads.Select(p => JsonNode.Parse(p)!).Where(p => (string?)p["type"] == type).Select(p => (string?)p["delta"]));

    private static bool IsFailure(string payload) => (string?)JsonNode.Parse(payload)!["type"] is "error" or "response.failed";

    private static List<string> Lines(string file) => [.. File.ReadLines(file).Where(l => l.Length > 0)];
}
