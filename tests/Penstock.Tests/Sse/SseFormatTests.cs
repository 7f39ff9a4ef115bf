using Penstock.Sse;

namespace Penstock.Tests.Sse;

/// <summary>
/// The cases of the web-platform-tests' eventsource/format-* files that concern the parser
/// (https://github.com/web-platform-tests/wpt/tree/master/eventsource), each read whole, cut at every offset, and byte by byte.
/// </summary>
public sealed class SseFormatTests
{
    [Fact]
    public void One_leading_byte_order_mark_is_dropped() =>
        Check("\uFEFFdata:1\n\n\uFEFFdata:2\n\ndata:3\n\n", new Frame("1"), new Frame("3"));

    [Fact]
    public void A_second_byte_order_mark_belongs_to_the_field_name() =>
        Check("\uFEFF\uFEFFdata:1\n\ndata:2\n\ndata:3\n\n", new Frame("2"), new Frame("3"));

    [Fact]
    public void Comments_are_skipped_whatever_they_hold()
    {
        var x = new string('x', 300);
        Check($"data:1\r:\0\n:\r\ndata:2\n:{x}\rdata:3\n:data:fail\r:{x}\ndata:4\n\n", new Frame("1\n2\n3\n4"));
    }

    [Fact]
    public void A_frame_cut_by_the_end_is_discarded_and_its_id_too() =>
        Check("retry:1000\ndata:test1\n\nid:test\ndata:test2", [new Frame("test1")], lastEventId: "", retry: 1000);

    [Fact]
    public void A_frame_whose_last_line_ended_but_no_blank_line_came_is_discarded() =>
        Check("data:test1\n\nid:test\ndata:test2\n", [new Frame("test1")], lastEventId: "");

    [Fact]
    public void Data_alone_is_an_empty_line() =>
        Check("data:\n\ndata\ndata\n\ndata:test\n\n", new Frame(""), new Frame("\n"), new Frame("test"));

    [Fact]
    public void An_event_name_counts_for_its_frame_only() =>
        Check("event:test\ndata:x\n\ndata:x\n\n", new Frame("x", "test"), new Frame("x"));

    [Fact]
    public void An_empty_event_name_is_none() => Check("event: \ndata:data\n\n", new Frame("data"));

    [Fact]
    public void A_name_is_forgotten_with_a_frame_that_has_no_data() => Check("event:lost\n\ndata:x\n\n", new Frame("x"));

    [Fact]
    public void The_last_of_several_event_names_counts() => Check("event:a\nevent:b\ndata:x\n\n", new Frame("x", "b"));

    [Fact]
    public void An_id_beyond_ascii_is_kept() =>
        Check("id: …\ndata: hello\n\ndata: …\n\n", new Frame("hello", "", "…"), new Frame("…", "", "…"));

    [Fact]
    public void An_id_persists() => Check("id: 1\ndata: a\n\ndata: b\n\n", new Frame("a", "", "1"), new Frame("b", "", "1"));

    [Fact]
    public void An_id_changes_and_persists() => Check(
        "id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n", new Frame("a", "", "1"), new Frame("b", "", "2"), new Frame("c", "", "2"));

    [Theory]
    [InlineData("id")]
    [InlineData("id:")]
    [InlineData("id: ")]
    public void An_empty_id_resets(string line) =>
        Check($"id: 1\ndata: a\n\n{line}\ndata: b\n\ndata: c\n\n", new Frame("a", "", "1"), new Frame("b"), new Frame("c"));

    [Theory]
    [InlineData("\0\0")]
    [InlineData("x\0")]
    [InlineData("\0x")]
    [InlineData("x\0x")]
    [InlineData(" \0")]
    public void An_id_with_a_null_character_is_ignored(string id) =>
        Check($"id:y\ndata:a\n\nid:{id}\ndata:b\n\n", new Frame("a", "", "y"), new Frame("b", "", "y"));

    [Fact]
    public void An_id_without_data_counts_though_nothing_is_dispatched() =>
        Check("id: 7\n\n", [], lastEventId: "7");

    [Fact]
    public void Field_names_are_exact_and_case_sensitive() => Check(
        "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        new Frame("\0\n 2\n1\n3\n\n4"));

    [Fact]
    public void Unknown_fields_are_ignored() => Check(
        "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacomment\ndata:test\n\n", new Frame("test\n\ntest"));

    [Fact]
    public void One_space_after_the_colon_is_dropped_and_nothing_else() =>
        Check("data:\ttest\rdata: \ndata:test\ndata:  two\n\n", new Frame("\ttest\n\ntest\n two"));

    [Fact]
    public void Every_kind_of_line_end_ends_a_line() => Check("data:test\r\ndata\ndata:test\r\n\r\n", new Frame("test\n\ntest"));

    [Fact]
    public void Line_ends_mix() => Check("data:test\r\ndata\ndata:test\r\n\r", new Frame("test\n\ntest"));

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    public void Each_kind_of_line_end_serves_alone(string end) => Check(
        $"event: e{end}data: 1{end}{end}data: 2{end}{end}{end}:{end}data: 3{end}id: i{end}{end}",
        new Frame("1", "e"), new Frame("2"), new Frame("3", "", "i"));

    [Fact]
    public void A_null_character_is_data() => Check("data:\0\n\n", new Frame("\0"));

    [Theory]
    [InlineData("retry:3000", 3000)]
    [InlineData("retry: 03000", 3000)]
    [InlineData("retry:2000\nretry:1000x", 2000)]
    [InlineData("retry:2000\nretry:", 2000)]
    [InlineData("retry:2000\nretry", 2000)]
    [InlineData("retry:2000\nretry:-5", 2000)]
    [InlineData("retry:2000\nretry:1.5", 2000)]
    [InlineData("retry:2000\nretry:99999999999999999999", 2000)]
    [InlineData("retry:1000\nretry:2000", 2000)]
    public void Retry_takes_digits_only(string lines, int expected) =>
        Check($"{lines}\ndata:test\n\n", [new Frame("test")], retry: expected);

    [Fact]
    public void A_character_may_be_cut_anywhere() => Check("data:ok…\n\ndata: 好，世界 😀\n\n", new Frame("ok…"), new Frame("好，世界 😀"));

    [Fact]
    public void A_comment_never_surfaces() => Check(
        ": PROCESSING\n\ndata: a\n: PROCESSING\n\n:\n\n: ping\n: ping\n\ndata: b\n\n: tail", new Frame("a"), new Frame("b"));

    [Fact]
    public void An_id_and_a_name_may_stand_behind_the_data() =>
        Check("data: a\ndata: b\nevent: e\nid: 1\n\n", new Frame("a\nb", "e", "1"));

    private static void Check(string stream, params Frame[] expected) => Check(stream, expected, lastEventId: null);

    private static void Check(string stream, Frame[] expected, string? lastEventId = null, long? retry = null)
    {
        foreach (var pieces in SseFeed.Cuts(SseFeed.Bytes(stream)))
        {
            var cut = pieces.Length switch { 1 => "whole", 2 => $"cut at {pieces[0].Length}", _ => "byte by byte" };
            using var reader = new SseReader();
            SseFeed.Read(reader, pieces).ShouldBe(expected, ignoreOrder: false, cut);
            if (lastEventId is not null) SseFeed.Text(reader.LastEventId).ShouldBe(lastEventId, cut);
            if (retry is not null) reader.Retry.ShouldBe(retry, cut);
        }
    }
}
