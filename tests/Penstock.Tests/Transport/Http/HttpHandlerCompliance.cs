using System.Net;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using Penstock.Testing;
using Penstock.Transport;
using Penstock.Transport.Http;

namespace Penstock.Tests.Transport.Http;

/// <summary>HTTP/1.1 as a client speaks it, over our handler and over the framework's.</summary>
public abstract class HttpHandlerCompliance : IDisposable
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

    private HttpMessageInvoker? _client;

    public static TheoryData<string, string> Bodies => new()
    {
        { "Content-Length: 5\r\n\r\nhello", "hello" },
        { "content-length:5\r\ncontent-length: 5\r\n\r\nhello", "hello" },
        { "Content-Length: 0\r\n\r\n", "" },
        { "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello" },
        { "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "" },
        { "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0003\r\nell\r\n1\r\no\r\n00\r\n\r\n", "hello" },
        { "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d;e\"\r\nhello\r\nA \r\n0123456789\r\n0 ;last\r\nTrailer: x\r\nOther: y\r\n\r\n", "hello0123456789" },
        { "Transfer-Encoding: chunked\r\n\r\n5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n" },
    };

    public static TheoryData<string> Malformed => new()
    {
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "",
    };

    public static TheoryData<string> BadBodies => new()
    {
        "Content-Length: 5\r\n\r\nhell",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n",
        "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\ng\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
    };

    [Fact]
    public async Task A_request_is_sent_as_it_was_made()
    {
        var seen = new TaskCompletionSource<(string Head, byte[] Body)>();
        await using var server = RawServer.Start(async request =>
        {
            seen.SetResult((request.Head, await request.BodyAsync()));
            await request.SendAsync(Ok + "Content-Length: 0\r\n\r\n");
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Url) { Content = new RequestContent("""{"a":"ä"}"""u8.ToArray()) };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer key");
        request.Headers.TryAddWithoutValidation("x-many", ["1", "2"]);
        using var reply = await Client.SendAsync(request, default);
        var (head, body) = await seen.Task;
        var lines = head.Split("\r\n");
        lines[0].ShouldBe("POST /v1/answer?a=b%20c HTTP/1.1");
        lines.Count(line => line.StartsWith("Content-Length", StringComparison.OrdinalIgnoreCase)).ShouldBe(1);
        lines.ShouldContain($"Host: 127.0.0.1:{server.Url.Port}");
        lines.ShouldContain("Authorization: Bearer key");
        lines.ShouldContain("Content-Type: application/json");
        lines.ShouldContain("Content-Length: 10");
        head.Replace("x-many: 1\r\nx-many: 2", "x-many: 1, 2", StringComparison.Ordinal).ShouldContain("x-many: 1, 2\r\n");
        Encoding.UTF8.GetString(body).ShouldBe("""{"a":"ä"}""");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64 * 1024)]
    [InlineData((64 * 1024) + 1)]
    [InlineData(16 * 1024 * 1024)]
    public async Task A_body_arrives_whole(int length)
    {
        var seen = new TaskCompletionSource<byte[]>();
        await using var server = RawServer.Start(async request =>
        {
            seen.SetResult(await request.BodyAsync());
            await request.SendAsync(Ok + "Content-Length: 0\r\n\r\n");
        });
        var body = RandomNumberGenerator.GetBytes(length);
        using var reply = await PostAsync(server, body: new RequestContent(body));
        (await seen.Task).AsSpan().SequenceEqual(body).ShouldBeTrue();
    }

    [Fact]
    public async Task A_reply_has_its_status_and_headers()
    {
        await using var server = RawServer.Always(
            "HTTP/1.1 429 Slow down\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After:\t7  \r\nx-twice: a\r\nX-Twice: b\r\nx-empty:\r\nx-folded: a\r\n  b\r\nx-latin: \u00e9\r\nContent-Length: 2\r\n\r\n{}");
        using var reply = await PostAsync(server);
        reply.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        reply.ReasonPhrase.ShouldBe("Slow down");
        reply.Version.ShouldBe(HttpVersion.Version11);
        reply.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        reply.Content.Headers.ContentLength.ShouldBe(2);
        reply.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(7));
        reply.Headers.GetValues("x-twice").ShouldBe(["a", "b"]);
        reply.Headers.GetValues("x-empty").ShouldBe([""]);
        reply.Headers.GetValues("x-folded").Single().Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["a", "b"]);
        reply.Headers.GetValues("x-latin").ShouldBe(["\u00e9"]);
        (await reply.Content.ReadAsStringAsync()).ShouldBe("{}");
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_is_read_to_its_end_and_the_connection_is_used_again(string rest, string body)
    {
        await using var server = RawServer.Always(Ok + rest);
        for (var i = 0; i < 3; i++) (await GetTextAsync(server)).ShouldBe(body);
        server.Accepted.ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_reply_may_come_byte_by_byte(string rest, string body)
    {
        await using var server = RawServer.Start(request => request.SendByteByByteAsync("HTTP/1.1 100 Continue\r\n\r\n" + Ok + rest));
        for (var i = 0; i < 3; i++) (await GetTextAsync(server)).ShouldBe(body);
        server.Accepted.ShouldBe(1);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")]
    public async Task A_body_may_end_with_its_connection(string head)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(head + "all ");
            await request.SendAsync("that there is");
            request.Close();
        });
        for (var i = 0; i < 2; i++) (await GetTextAsync(server)).ShouldBe("all that there is");
        server.Accepted.ShouldBe(2);
    }

    [Fact]
    public async Task A_connection_that_is_to_be_closed_takes_no_second_request()
    {
        await using var server = RawServer.Always("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi");
        for (var i = 0; i < 2; i++) (await GetTextAsync(server)).ShouldBe("hi");
        server.Accepted.ShouldBe(2);
        await Eventually.Is(() => server.Open == 0, "both are closed");
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")]
    public async Task Interim_replies_are_passed_over(string interim)
    {
        await using var server = RawServer.Always(interim + Ok + "Content-Length: 2\r\n\r\nhi");
        (await GetTextAsync(server)).ShouldBe("hi");
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task A_status_without_a_body_has_none(int status)
    {
        await using var server = RawServer.Always($"HTTP/1.1 {status} X\r\n\r\n");
        for (var i = 0; i < 2; i++)
        {
            using var reply = await PostAsync(server);
            ((int)reply.StatusCode).ShouldBe(status);
            (await reply.Content.ReadAsStringAsync()).ShouldBeEmpty();
        }

        server.Accepted.ShouldBe(1);
    }

    [Fact]
    public async Task Many_requests_at_once_have_a_connection_each_and_then_share_them()
    {
        await using var server = RawServer.Always(Ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        for (var round = 0; round < 5; round++)
            (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => GetTextAsync(server)))).ShouldAllBe(text => text == "hi");
        server.Accepted.ShouldBeLessThanOrEqualTo(20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_kept_connection_that_has_died_is_not_used(bool reset)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.BodyAsync();
            await request.SendAsync(Ok + "Content-Length: 2\r\n\r\nhi");
            if (reset) request.Reset();
            else request.Close();
        });
        for (var i = 1; i <= 5; i++)
        {
            (await GetTextAsync(server)).ShouldBe("hi");
            var count = i;
            await Eventually.Is(() => server.Accepted == count && server.Open == 0, "it has died");
            await Task.Delay(20); // its end travels
        }
    }

    [Theory]
    [InlineData("Content-Length: 2\r\n\r\nhi", "more")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    public async Task What_comes_behind_a_reply_is_no_reply_to_the_next_request(string rest, string unasked)
    {
        await using var server = RawServer.Always(Ok + rest + unasked);
        for (var i = 0; i < 3; i++)
        {
            (await GetTextAsync(server)).ShouldBe("hi");
            await Task.Delay(20);
        }

        server.Accepted.ShouldBe(3);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_head_that_is_none_fails_the_request(string reply)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(reply);
            request.Close();
        });
        await Should.ThrowAsync<HttpRequestException>(PostAsync(server).WaitAsync(Eventually.Limit));
        await Eventually.Is(() => server.Open == 0, "the connection is closed");
    }

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task A_body_that_is_cut_or_broken_fails_the_read(string rest)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(Ok + rest);
            request.Close();
        });
        using var reply = await PostAsync(server);
        await using var body = await reply.Content.ReadAsStreamAsync();
        await Should.ThrowAsync<IOException>(ReadAsync(body).WaitAsync(Eventually.Limit));
        await Eventually.Is(() => server.Open == 0, "the connection is closed");
    }

    [Fact]
    public async Task A_reset_within_a_body_fails_the_read()
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(Ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await request.BodyAsync();
            request.Reset();
        });
        using var reply = await PostAsync(server);
        await using var body = await reply.Content.ReadAsStreamAsync();
        await Should.ThrowAsync<IOException>(ReadAsync(body).WaitAsync(Eventually.Limit));
    }

    [Fact]
    public async Task An_endless_head_is_refused()
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\n");
            while (true) await request.SendAsync($"x-{Guid.NewGuid()}: {new string('a', 1000)}\r\n");
        });
        await Should.ThrowAsync<HttpRequestException>(PostAsync(server).WaitAsync(Eventually.Limit));
        await Eventually.Is(() => server.Open == 0, "the connection is closed");
    }

    [Fact]
    public async Task A_request_that_is_given_up_closes_its_connection()
    {
        TaskCompletionSource arrived = new(), closed = new();
        await using var server = RawServer.Start(async request =>
        {
            arrived.SetResult();
            await request.ClosedAsync();
            closed.SetResult();
        });
        using var stop = new CancellationTokenSource();
        var sending = PostAsync(server, stop.Token);
        await Eventually.Completes(arrived.Task, "it was sent");
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending.WaitAsync(Eventually.Limit));
        await Eventually.Completes(closed.Task, "the server learns of it");
    }

    [Theory]
    [InlineData(100)]
    public async Task A_read_that_is_given_up_closes_its_connection(int length)
    {
        var closed = new TaskCompletionSource();
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(Ok + "Content-Length: 10\r\n\r\nhello");
            await request.ClosedAsync();
            closed.SetResult();
        });
        using var stop = new CancellationTokenSource();
        using var reply = await PostAsync(server);
        await using (var body = await reply.Content.ReadAsStreamAsync())
        {
            await body.ReadExactlyAsync(new byte[5]);
            var reading = body.ReadAsync(new byte[length], stop.Token).AsTask();
            await stop.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(reading.WaitAsync(Eventually.Limit));
        }

        await Eventually.Completes(closed.Task, "the server learns of it");
    }

    [Fact]
    public async Task A_body_that_is_left_just_before_its_end_leaves_its_connection_usable()
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(Ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await request.SendAsync("0\r\n\r\n");
        });
        for (var i = 0; i < 3; i++)
        {
            using (var reply = await PostAsync(server))
            {
                await using var body = await reply.Content.ReadAsStreamAsync();
                await body.ReadExactlyAsync(new byte[5]);
            }

            await Task.Delay(50); // the last chunk is waited for behind our back
        }

        server.Accepted.ShouldBe(1);
    }

    [Fact]
    public async Task A_body_may_be_refused_before_it_was_sent()
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 413 Too large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
            await request.ClosedAsync(); // having read some of it
        });
        using var reply = await PostAsync(server, body: new RequestContent(new byte[64 * 1024 * 1024])).WaitAsync(Eventually.Limit);
        reply.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await reply.Content.ReadAsStringAsync()).ShouldBe("big");
    }

    [Fact]
    public async Task Nobody_at_the_address_is_said_to_be_so()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Ports.Free()}/");
        (await Should.ThrowAsync<HttpRequestException>(Client.SendAsync(request, default))).HttpRequestError.ShouldBe(HttpRequestError.ConnectionError);
    }

    [Fact]
    public async Task Tls_carries_a_stream_and_the_next_request()
    {
        await using var server = RawServer.Start(
            async request =>
            {
                await request.SendAsync(Ok + "Transfer-Encoding: chunked\r\n\r\n");
                for (var i = 0; i < 20; i++)
                {
                    await request.SendAsync("2\r\nhi\r\n");
                    await Task.Delay(1);
                }

                await request.SendAsync("0\r\n\r\n");
            },
            tls: true);
        for (var i = 0; i < 3; i++) (await GetTextAsync(server)).ShouldBe(string.Concat(Enumerable.Repeat("hi", 20)));
        server.Accepted.ShouldBe(1);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_refused()
    {
        await using var server = RawServer.Always(Ok + "Content-Length: 0\r\n\r\n", tls: true);
        using var strict = new HttpMessageInvoker(NewHandler(trustAll: false));
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Url);
        (await Should.ThrowAsync<HttpRequestException>(strict.SendAsync(request, default))).HttpRequestError.ShouldBe(HttpRequestError.SecureConnectionError);
    }

    public void Dispose() => _client?.Dispose();

    private HttpMessageInvoker Client => _client ??= new HttpMessageInvoker(NewHandler());

    protected abstract HttpMessageHandler NewHandler(bool trustAll = true);

    private protected Task<HttpResponseMessage> PostAsync(RawServer server, CancellationToken cancellationToken = default, HttpContent? body = null) =>
        Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, server.Url) { Content = body }, cancellationToken);

    private protected async Task<string> GetTextAsync(RawServer server)
    {
        using var reply = await PostAsync(server).WaitAsync(Eventually.Limit);
        await using var body = await reply.Content.ReadAsStreamAsync();
        return Encoding.Latin1.GetString(await ReadAsync(body).WaitAsync(Eventually.Limit));
    }

    /// <summary>Reads as the reader of a provider's stream does: it waits without a buffer, and then takes what is there.</summary>
    protected static async Task<byte[]> ReadAsync(Stream body)
    {
        var all = new List<byte>();
        var buffer = new byte[7];
        while (true)
        {
            (await body.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
            var read = await body.ReadAsync(buffer);
            if (read == 0) return [.. all];
            all.AddRange(buffer.AsSpan(0, read));
        }
    }
}
