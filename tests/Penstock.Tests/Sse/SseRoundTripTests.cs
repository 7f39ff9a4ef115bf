using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Sse;

namespace Penstock.Tests.Sse;

/// <summary>Properties: what the writer writes the reader reads, and the reader agrees with a slow and simple one.</summary>
public sealed class SseRoundTripTests
{
    private static readonly Gen<string> _text = Gen.Elements(
        "a", " ", ":", "\n", "\r", "\r\n", "好", "😀", "\0", "\uFEFF", "data", "id: 1", "{\"x\":1}", "a longer piece of text, for the vectors").ListOf().Select(string.Concat);

    private static readonly Gen<string> _word = Gen.Elements("", "token", "a b", "好", ":", "x:y");

    [Fact]
    public void Frames_written_and_cut_at_random_places_read_back_equal()
    {
        var frames = (from data in _text from name in _word from id in Gen.Elements("g.1", "g.2.1", "", "好") select new Frame(data, name, id)).ListOf();
        var cases = from list in frames from cuts in Gen.Choose(0, 1000).ListOf() select (list, cuts);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var expected = c.list.Select(f => f with { Data = f.Data.ReplaceLineEndings("\n") });
            SseFeed.Read(Cut(Write(c.list), c.cuts)).ShouldBe(expected);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_bytes_cut_at_random_places_read_as_a_simple_reader_reads_them()
    {
        var piece = Gen.Elements("data", "data:", "data: ", "event:", "id:", "id: 5", "retry:", "77", ":", "\n", "\n\n", "\r", "\r\n", "\r\r", "\uFEFF", "\0", "好", " ", "x");
        var cases = from pieces in piece.ListOf() from cuts in Gen.Choose(0, 200).ListOf() select (text: string.Concat(pieces), cuts);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            SseFeed.Read(Cut(SseFeed.Bytes(c.text), c.cuts)).ShouldBe(SimpleSseReader.Read(c.text));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(60));
    }

    [Fact]
    public void A_comment_and_a_retry_leave_no_frame()
    {
        var output = new ArrayBufferWriter<byte>();
        SseWriter.Retry(output, 1500);
        SseWriter.Comment(output, "ping"u8);
        SseWriter.End(output);
        output.WrittenSpan.SequenceEqual("retry: 1500\n: ping\n\n"u8).ShouldBeTrue();
        using var reader = new SseReader();
        SseFeed.Read(reader, output.WrittenSpan.ToArray()).ShouldBeEmpty();
        reader.Retry.ShouldBe(1500);
    }

    private static byte[] Write(IEnumerable<Frame> frames)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var frame in frames)
        {
            if (frame.Event.Length > 0) SseWriter.Event(output, SseFeed.Bytes(frame.Event));
            SseWriter.Text(output, SseFeed.Bytes(frame.Data));
            SseWriter.Line(output, "id: "u8, SseFeed.Bytes(frame.Id));
            SseWriter.End(output);
        }

        return output.WrittenSpan.ToArray();
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes, IEnumerable<int> cuts)
    {
        var from = 0;
        foreach (var at in cuts.Where(c => c <= bytes.Length).Order())
        {
            yield return bytes[from..at];
            from = at;
        }

        yield return bytes[from..];
    }
}
