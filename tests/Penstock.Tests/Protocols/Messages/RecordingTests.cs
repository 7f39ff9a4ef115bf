using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Messages;

namespace Penstock.Tests.Protocols.Messages;

/// <summary>What real providers sent is passed on equal, is read whole, and written anew says the same.</summary>
public sealed class RecordingTests
{
    private const string Generation = "gen_0123456789abcdef0123456789abcdef";

    private static readonly MessagesProtocol _protocol = new();

    [Fact]
    public void Recordings_are_passed_on_equal_but_for_the_id()
    {
        foreach (var file in Recordings.Find("anthropic"))
        {
            var writer = _protocol.NewEventWriter(Request(stream: true), Generation, default);
            foreach (var payload in Payloads(file).SkipLast(1))
            {
                var buffer = new ArrayBufferWriter<byte>();
                writer.WritePayload(default, Encoding.UTF8.GetBytes(payload), EventId.None with { Generation = Generation }, buffer);
                var frame = Frame.All(buffer.WrittenSpan).ShouldHaveSingleItem();
                var (got, sent) = (JsonNode.Parse(frame.Data)!, JsonNode.Parse(payload)!);
                frame.Event.ShouldBe((string)sent["type"]!);
                if (sent["message"] is { } message) message["id"] = "msg_0123456789abcdef0123456789abcdef";
                JsonNode.DeepEquals(got, sent).ShouldBeTrue(Path.GetFileName(file));
            }
        }
    }

    [Fact]
    public void Recordings_are_read_whole_and_written_anew_say_the_same()
    {
        foreach (var file in Recordings.Find("anthropic"))
        {
            var sent = Assemble(Payloads(file));
            foreach (var stream in new[] { true, false })
            {
                var reader = new MessagesEventReader();
                var sink = new WritingSink(_protocol.NewEventWriter(Request(stream), Generation, default));
                sink.Write(new GenerationEvent { Kind = EventKind.Started, Model = "m" });
                foreach (var payload in Payloads(file)) reader.Read(default, Encoding.UTF8.GetBytes(payload), sink);
                (reader.Finished, reader.Done).ShouldBe((true, true));
                sink.Write(new GenerationEvent { Kind = EventKind.Finished, Reason = reader.Reason, Usage = reader.Usage });

                var got = stream ? Assemble(Frame.All(Encoding.UTF8.GetBytes(sink.Written)).Select(f => f.Data)) : JsonNode.Parse(sink.Written)!;
                Plain(got).ShouldBe(Plain(sent), Path.GetFileName(file));
                ((string)got["stop_reason"]!).ShouldBe((string)sent["stop_reason"]!);
                foreach (var count in new[] { "input_tokens", "output_tokens" }) ((long)got["usage"]![count]!).ShouldBe((long)sent["usage"]![count]!, Path.GetFileName(file));
            }
        }
    }

    private static GenerationRequest Request(bool stream) => new() { Protocol = "messages", Body = default, Messages = [], Stream = stream };

    private static IEnumerable<string> Payloads(string file) => File.ReadLines(file).Where(l => l.Length > 0);

    /// <summary>The content without what cannot be compared: where in its source a citation stands.</summary>
    private static string Plain(JsonNode message)
    {
        foreach (var citation in message["content"]!.AsArray().SelectMany(b => b!["citations"] as JsonArray ?? []))
        {
            foreach (var own in citation!.AsObject().Select(m => m.Key).Except(["cited_text", "url", "title"]).ToList()) citation.AsObject().Remove(own);
        }

        return string.Join('\n', message["content"]!.AsArray().Select(b => string.Join(", ", b!.AsObject()
            .Where(m => m.Value is not (null or JsonArray { Count: 0 })).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Key}={m.Value!.ToJsonString()}"))));
    }

    /// <summary>What an SDK makes of a stream.</summary>
    private static JsonNode Assemble(IEnumerable<string> payloads)
    {
        JsonObject message = [];
        var inputs = new Dictionary<JsonNode, string>();
        foreach (var payload in payloads.Select(p => JsonNode.Parse(p)!))
        {
            var content = message["content"]?.AsArray();
            switch ((string)payload["type"]!)
            {
                case "message_start":
                    message = payload["message"]!.DeepClone().AsObject();
                    break;
                case "content_block_start":
                    content!.Count.ShouldBe((int)payload["index"]!);
                    content.Add(payload["content_block"]!.DeepClone());
                    break;
                case "content_block_delta":
                    var (block, delta) = (content![(int)payload["index"]!]!, payload["delta"]!);
                    if (delta["text"] is { } text) block["text"] = (string)block["text"]! + (string)text!;
                    if (delta["thinking"] is { } thinking) block["thinking"] = (string)block["thinking"]! + (string)thinking!;
                    if (delta["signature"] is { } signature) block["signature"] = (string)signature!;
                    if (delta["partial_json"] is { } json) inputs[block] = inputs.GetValueOrDefault(block, "") + (string)json!;
                    if (delta["citation"] is { } citation) (block["citations"] ??= new JsonArray()).AsArray().Add(citation.DeepClone());
                    break;
                case "message_delta":
                    message["stop_reason"] = (string)payload["delta"]!["stop_reason"]!;
                    foreach (var (name, value) in payload["usage"]!.AsObject()) message["usage"]![name] = value?.DeepClone();
                    break;
            }
        }

        foreach (var (block, json) in inputs) block["input"] = json.Length == 0 ? new JsonObject() : JsonNode.Parse(json);
        return message;
    }

    private sealed class WritingSink(EventWriter writer) : IEventSink
    {
        private readonly ArrayBufferWriter<byte> _output = new();
        private int _count;

        public string Written => Encoding.UTF8.GetString(_output.WrittenSpan);

        public void Write(in GenerationEvent generationEvent) => writer.Write(generationEvent, new EventId(Generation, _count++), _output);
    }
}
