using System.Text;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Tests.Generations;

public sealed class EventRecordTests
{
    [Fact]
    public void A_record_holds_the_native_json_and_the_frames_apart()
    {
        using var batch = new StreamBatch();
        batch.Add("before"u8);
        EventRecord.Begin(batch, new GenerationEvent { Kind = EventKind.Delta, Block = 3, Text = "Hi"u8 });
        "data: Hi\n\n"u8.CopyTo(batch.GetSpan(10));
        batch.Advance(10);
        batch.EndEvent();

        Encoding.UTF8.GetString(EventRecord.Json(batch[1])).ShouldBe("""{"type":"delta","block":3,"text":"Hi"}""");
        Encoding.UTF8.GetString(EventRecord.Frames(batch[1])).ShouldBe("data: Hi\n\n");
    }

    [Theory]
    [InlineData(0, "data: a\nid: g.0.1\n\ndata: b\nid: g.0\n\n")]
    [InlineData(1, "data: b\nid: g.0\n\n")]
    [InlineData(2, "")]
    [InlineData(3, "")]
    public void Frames_that_a_client_has_are_skipped(int count, string rest) =>
        Encoding.UTF8.GetString(EventRecord.SkipFrames("data: a\nid: g.0.1\n\ndata: b\nid: g.0\n\n"u8, count)).ShouldBe(rest);
}
