using System.Text;
using Penstock.Testing;

namespace Penstock.Tests.Testing;

public sealed class SseEventsTests
{
    [Fact]
    public void It_reads_as_a_browser_does()
    {
        const string Stream = "\uFEFFdata: a\r\ndata:b\r\rid: 1\nevent: x\n: note\ndata\n\nretry: 5\n\nid: 2\n\ndata: cut";
        var parser = new SseEvents();
        var events = Encoding.UTF8.GetBytes(Stream).SelectMany(b => parser.Feed(new[] { b })).ToList();
        events.Select(e => (e.Id, e.Name, e.Data)).ShouldBe([(null, "message", "a\nb"), ("1", "x", "")]);
        parser.Comments.ShouldBe(["note"]);
        parser.Retry.ShouldBe(5);
        parser.LastEventId.ShouldBe("2");
    }
}
