using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Protocols.Responses;

namespace Penstock.Tests.Protocols.Responses;

/// <summary>Plays events and payloads to the writers, and keeps a stream's law: each number follows the last.</summary>
internal static class Answer
{
    public const string Generation = "gen_0123456789abcdef0123456789abcdef";
    public const string ResponseId = "resp_0123456789abcdef0123456789abcdef";
    public static readonly DateTimeOffset CreatedAt = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    public static EventWriter NewWriter(string body = """{"input":"Hi","stream":true}""")
    {
        var protocol = new ResponsesProtocol();
        return protocol.NewEventWriter(protocol.ReadRequest(Encoding.UTF8.GetBytes(body)), Generation, CreatedAt);
    }

    public static List<Frame> Write(EventWriter writer, long offset, in GenerationEvent generationEvent)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.Write(generationEvent, new EventId(Generation, offset), output);
        return Frame.All(output.WrittenSpan);
    }

    public static List<Frame> Pass(EventWriter writer, long offset, string payload)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.WritePayload([], Encoding.UTF8.GetBytes(payload), new EventId(Generation, offset), output);
        return Frame.All(output.WrittenSpan);
    }

    /// <summary>The frames that a writer makes of native events, one JSON object each.</summary>
    public static List<Frame> Play(EventWriter writer, IEnumerable<string> events)
    {
        var frames = new List<Frame>();
        var offset = 0;
        foreach (var json in events) frames.AddRange(Write(writer, offset++, NativeEventReader.Read(Encoding.UTF8.GetBytes(json))));
        return frames;
    }

    public static JsonNode Json(this Frame frame) => JsonNode.Parse(frame.Data)!;

    public static string Type(this Frame frame) => (string)frame.Json()["type"]!;

    public static void ShouldBeGapless(this IEnumerable<Frame> frames, long from = 0)
    {
        foreach (var frame in frames)
        {
            frame.Event.ShouldBe(frame.Type());
            ((long)frame.Json()["sequence_number"]!).ShouldBe(from++, frame.Data);
        }
    }

    public static (EventList Events, ResponsesEventReader Reader) Read(IEnumerable<string> payloads)
    {
        var events = new EventList();
        var reader = new ResponsesEventReader();
        foreach (var payload in payloads) reader.Read([], Encoding.UTF8.GetBytes(payload), events);
        return (events, reader);
    }
}
