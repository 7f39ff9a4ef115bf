using System.Text;
using Penstock.Bench.Load;

namespace Penstock.Tests.Bench;

public sealed class ResponseReaderTests
{
    const string Response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n00A\r\n, streams!\r\n0\r\n\r\n";

    static string Read(ResponseReader reader, params IEnumerable<string> pieces)
    {
        var text = new StringBuilder();
        foreach (var piece in pieces)
        {
            ReadOnlySpan<byte> bytes = Encoding.ASCII.GetBytes(piece);
            while (reader.TryRead(ref bytes, out var body)) text.Append(Encoding.ASCII.GetString(body));
        }

        return text.ToString();
    }

    [Fact]
    public void A_chunked_reply_is_read_wherever_it_is_cut()
    {
        for (var cut = 0; cut <= Response.Length; cut++)
        {
            var reader = new ResponseReader();
            Read(reader, Response[..cut], Response[cut..]).ShouldBe("Hello, streams!", $"cut at {cut}");
            reader.IsComplete.ShouldBeTrue($"cut at {cut}");
        }
    }

    [Fact]
    public void A_reply_cut_short_is_not_complete()
    {
        for (var length = 0; length < Response.Length; length++)
        {
            var reader = new ResponseReader();
            Read(reader, Response[..length]);
            reader.IsComplete.ShouldBeFalse($"cut at {length}");
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")]
    public void Anything_but_a_chunked_200_fails(string response)
    {
        var reader = new ResponseReader();
        Read(reader, response);
        reader.IsFailed.ShouldBeTrue();
    }
}
