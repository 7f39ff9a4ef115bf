using System.Net.Http;
using System.Text;
using Penstock.Testing;
using Penstock.Transport;
using Penstock.Transport.Http;

namespace Penstock.Tests.Transport.Http;

/// <summary>A reply means the same wherever it is split, and however large the buffer is that it is read into.</summary>
public sealed class ReplySplitTests
{
    private const string Chunks =
        "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nx-folded: a\r\n\tb\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5;ext=\"1\"\r\nhello\r\n1\r\n,\r\n00011 \r\n sixteen bytes..\n\r\n0;end\r\nTrailer: t\r\n\r\n";

    private const string Length = "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\nhello, sixteen bytes..";

    public static TheoryData<string, string> Replies => new() { { Chunks, "hello, sixteen bytes..\n" }, { Length, "hello, sixteen bytes.." } };

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task It_may_be_split_at_any_byte(string reply, string body)
    {
        for (var at = 1; at < reply.Length; at++)
        {
            foreach (var size in new[] { 1, 3, 4096 }) (await ReadAsync(Split(reply, [at]), size)).ShouldBe(body, $"split at {at}, read by {size}");
        }
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task It_may_be_split_anyhow(string reply, string body)
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var cuts = Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(1, reply.Length)).Distinct().Order();
            (await ReadAsync(Split(reply, [.. cuts]), random.Next(1, 40))).ShouldBe(body, $"seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task It_may_be_cut_at_any_byte_and_never_looks_whole(string reply, string body)
    {
        for (var length = 0; length < reply.Length; length++)
        {
            var read = ReadAsync([Encoding.Latin1.GetBytes(reply[..length])], 4096);
            var failure = await Should.ThrowAsync<Exception>(read, $"cut at {length} of {body}");
            (failure is HttpRequestException or HttpIOException).ShouldBeTrue();
        }
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task A_byte_that_is_changed_never_brings_down_more_than_its_reply(string reply, string body)
    {
        body.ShouldNotBeEmpty();
        for (var seed = 0; seed < 5000; seed++)
        {
            var random = new Random(seed);
            var bytes = Encoding.Latin1.GetBytes(reply);
            for (var i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)" \r\n\0:;0a9fF\t\u00ff"[random.Next(13)];
            try
            {
                await ReadAsync([bytes], 4096);
            }
            catch (Exception e) when (e is HttpRequestException or HttpIOException)
            {
                // Told.
            }
        }
    }

    private static async Task<string> ReadAsync(byte[][] parts, int bufferSize)
    {
        var pool = new ConnectionPool(new EpollConnector(EpollLoops.Shared!), default, new HttpPoolOptions(), TimeProvider.System);
        pool.Dispose(); // it keeps nothing
        var connection = new HttpConnection(pool, null!, new Parts(parts), pool.Time.GetTimestamp());
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://provider/");
        using var reply = await connection.ReceiveAsync(request, connection.SendAsync(request, new RequestTarget(request.RequestUri!, pool), default, default), default);
        await using var body = await reply.Content.ReadAsStreamAsync();
        var text = new StringBuilder();
        var buffer = new byte[bufferSize];
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0) text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        return text.ToString();
    }

    private static byte[][] Split(string text, int[] cuts)
    {
        var ends = cuts.Append(text.Length);
        return [.. cuts.Prepend(0).Zip(ends, (from, to) => Encoding.Latin1.GetBytes(text[from..to]))];
    }

    /// <summary>A connection that gives one part a read, and then ends.</summary>
    private sealed class Parts(byte[][] parts) : MemoryStream
    {
        private int _part;
        private int _at;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty) return 0;
            if (_part % 2 == 0) await Task.Yield();
            if (_part == parts.Length) return 0;
            var count = Math.Min(buffer.Length, parts[_part].Length - _at);
            parts[_part].AsSpan(_at, count).CopyTo(buffer.Span);
            _at += count;
            if (_at == parts[_part].Length) (_part, _at) = (_part + 1, 0);
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;
    }
}
