using System.Text;
using Penstock.Sse;

namespace Penstock.Tests.Sse;

/// <summary>What the reader promises beyond the format: caps, memory, no copies.</summary>
public sealed class SseReaderTests
{
    [Fact]
    public void A_frame_that_lies_in_the_input_is_a_slice_of_it_and_costs_no_allocation()
    {
        var bytes = SseFeed.Bytes("data: {\"a\":1}\n\nevent: e\r\ndata: 2\r\n\r\n");
        using var reader = new SseReader();
        ReadAll(bytes, reader); // the JIT's allocations are not ours

        var before = GC.GetAllocatedBytesForCurrentThread();
        ReadAll(bytes, reader);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        static void ReadAll(byte[] bytes, SseReader reader)
        {
            ReadOnlySpan<byte> input = bytes;
            while (reader.TryRead(ref input, out var frame))
            {
                bytes.AsSpan().Overlaps(frame.Data).ShouldBeTrue();
                reader.HoldsBuffers.ShouldBeFalse();
            }
        }
    }

    [Theory]
    [InlineData("data: a\n\n")]
    [InlineData("data: a\ndata: b\nid: 1\nevent: e\n\n")]
    [InlineData("id: 1\n\n")]
    [InlineData("event: e\n\n")]
    [InlineData(": comment\n")]
    public void A_reader_between_frames_holds_no_buffers(string frame)
    {
        foreach (var pieces in SseFeed.Cuts(SseFeed.Bytes(frame)))
        {
            using var reader = new SseReader();
            SseFeed.Read(reader, pieces);
            reader.HoldsBuffers.ShouldBeFalse();
        }
    }

    [Fact]
    public void A_disposed_reader_holds_no_buffers()
    {
        var reader = new SseReader();
        SseFeed.Read(reader, SseFeed.Bytes("event: e\nid: 1\ndata: a\ndata: b"));
        reader.HoldsBuffers.ShouldBeTrue();
        reader.Dispose();
        reader.HoldsBuffers.ShouldBeFalse();
        reader.Dispose();
    }

    [Fact]
    public void A_line_of_4_MB_passes_however_it_comes()
    {
        var payload = new string('x', 4_000_000);
        var bytes = SseFeed.Bytes($"data: {payload}\n\ndata: next\n\n");
        foreach (var size in new[] { bytes.Length, 16 * 1024, 4_000_006, 1_999 })
        {
            SseFeed.Read(bytes.Chunk(size)).ShouldBe([new Frame(payload), new Frame("next")]);
        }
    }

    [Fact]
    public void A_line_without_end_ends_in_an_error_and_not_in_memory()
    {
        var chunk = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
        var fed = 0L;
        using var reader = new SseReader();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Should.Throw<SseLineTooLongException>(() =>
        {
            while (fed < 64 * 1024 * 1024)
            {
                ReadOnlySpan<byte> input = chunk;
                reader.TryRead(ref input, out _);
                fed += chunk.Length;
            }
        }).Message.ShouldContain("8388608");

        fed.ShouldBe(SseReader.DefaultMaxLineLength);
        reader.HoldsBuffers.ShouldBeFalse();
        // Doubling up to the cap: 16 MiB, unless the pool has some of it.
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(4L * SseReader.DefaultMaxLineLength);
    }

    [Theory]
    [InlineData("data:45678", "data:456789")] // one line
    [InlineData(":2345678 0", ":2345678 01")] // a comment is a line too
    [InlineData("data:12\ndata:45\ndata:\ndata:890", "data:12\ndata:45\ndata:\ndata:8901")] // the data of one frame
    [InlineData("data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata", "data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata")]
    public void The_cap_falls_at_the_same_byte_however_the_stream_is_cut(string within, string beyond)
    {
        foreach (var pieces in SseFeed.Cuts(SseFeed.Bytes(within + "\n\n")))
        {
            using var reader = new SseReader(maxLineLength: 10);
            SseFeed.Read(reader, pieces).Count.ShouldBe(within[0] == ':' ? 0 : 1);
        }

        foreach (var pieces in SseFeed.Cuts(SseFeed.Bytes(beyond + "\n\n")))
        {
            using var reader = new SseReader(maxLineLength: 10);
            Should.Throw<SseLineTooLongException>(() => SseFeed.Read(reader, pieces));
        }
    }

    [Fact]
    public void Endless_comments_in_an_unfinished_frame_take_no_memory()
    {
        using var reader = new SseReader(maxLineLength: 64);
        SseFeed.Read(reader, SseFeed.Bytes("data: a\n"));
        for (var i = 0; i < 1000; i++) SseFeed.Read(reader, SseFeed.Bytes(": PROCESSING\n"));
        SseFeed.Read(reader, SseFeed.Bytes("\n")).ShouldBe([new Frame("a")]);
    }

    [Fact]
    public void Nothing_in_gives_nothing_out()
    {
        SseFeed.Read([], [], SseFeed.Bytes("data: a\r"), [], SseFeed.Bytes("\n\r"), [], SseFeed.Bytes("\ndata: b\n\n"))
            .ShouldBe([new Frame("a"), new Frame("b")]);
    }
}
