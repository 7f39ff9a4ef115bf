using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using Penstock.Testing;
using Penstock.Transport;
using Penstock.Transport.Http;

namespace Penstock.Tests.Transport.Http;

/// <summary>Our handler: what all do, and what it does besides or more strictly.</summary>
public sealed class EpollHttpHandlerTests : HttpHandlerCompliance
{
    private const string Hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    private readonly ManualTimeProvider _time = new();
    private EpollHttpHandler _handler = null!;

    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: gzip, chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")]
    [InlineData("Transfer-Encoding : chunked")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    [InlineData("Content-Length: 5, 5")]
    [InlineData("Content-Length: +5")]
    [InlineData("Content-Length: 0x5")]
    [InlineData("Content-Length:")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("x-a: b\rContent-Length: 5")]
    [InlineData("x-a: b\nContent-Length: 5")]
    [InlineData("x-a: b\0c")]
    public async Task A_reply_that_can_be_read_in_two_ways_is_refused(string headers)
    {
        await using var server = RawServer.Always($"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        var failure = await Should.ThrowAsync<HttpRequestException>(PostAsync(server).WaitAsync(Eventually.Limit));
        failure.HttpRequestError.ShouldBe(HttpRequestError.InvalidResponse);
        await Eventually.Is(() => server.Open == 0, "the connection is closed");
    }

    [Theory]
    [InlineData("5\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello\n0\r\n\r\n")]
    [InlineData("5;a\nb\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello\r\n0\r\n\n")]
    [InlineData("5\r\nhello\r\n0\r\nA: b\n\r\n")]
    [InlineData("5\r\rhello\r\n0\r\n\r\n")]
    public async Task A_chunk_that_does_not_end_as_it_must_is_refused(string body)
    {
        await using var server = RawServer.Always($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        using var reply = await PostAsync(server);
        await using var stream = await reply.Content.ReadAsStreamAsync();
        var failure = await Should.ThrowAsync<HttpIOException>(ReadAsync(stream).WaitAsync(Eventually.Limit));
        failure.HttpRequestError.ShouldBe(HttpRequestError.InvalidResponse);
        await Eventually.Is(() => server.Open == 0, "the connection is closed");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\n")]
    [InlineData("HTTP/1.1 200 OK\r\nx-a: b\n")]
    [InlineData("HTTP/2 200\r\n")]
    [InlineData("<html>")]
    public async Task What_will_never_be_a_head_is_refused_at_once(string begin)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(begin);
            await request.ClosedAsync();
        });
        await Should.ThrowAsync<HttpRequestException>(PostAsync(server).WaitAsync(Eventually.Limit));
    }

    [Fact]
    public async Task A_switch_of_protocols_that_nobody_asked_for_is_refused()
    {
        await using var server = RawServer.Always("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
        await Should.ThrowAsync<HttpRequestException>(PostAsync(server).WaitAsync(Eventually.Limit));
    }

    [Theory]
    [InlineData("5;")]
    [InlineData("0\r\nTrailer: ")]
    public async Task A_line_of_framing_has_a_limit(string begin)
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + begin);
            while (true) await request.SendAsync(new string('a', 1000));
        });
        using var reply = await PostAsync(server);
        await using var stream = await reply.Content.ReadAsStreamAsync();
        await Should.ThrowAsync<HttpIOException>(ReadAsync(stream).WaitAsync(Eventually.Limit));
    }

    [Theory]
    [InlineData("a\r\nx-evil: b")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("\u00e9")]
    public async Task A_header_that_would_be_two_or_is_not_ASCII_is_not_sent(string value)
    {
        await using var server = RawServer.Always(Hello);
        using var client = new HttpMessageInvoker(NewHandler());
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Url);
        request.Headers.TryAddWithoutValidation("x-header", value);
        await Should.ThrowAsync<HttpRequestException>(client.SendAsync(request, default));
    }

    [Fact]
    public async Task A_peer_of_HTTP_1_0_gets_one_request_a_connection()
    {
        await using var server = RawServer.Always("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi");
        for (var i = 0; i < 2; i++) (await GetTextAsync(server)).ShouldBe("hi");
        server.Accepted.ShouldBe(2);
    }

    [Fact]
    public async Task An_idle_connection_is_let_go_after_its_time()
    {
        await using var server = RawServer.Always(Hello);
        await GetTextAsync(server);
        _handler.Idle.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(59));
        _handler.Idle.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(20));
        _handler.Idle.ShouldBe(0);
        await Eventually.Is(() => server.Open == 0, "it is closed");
        (await GetTextAsync(server)).ShouldBe("hello");
        server.Accepted.ShouldBe(2);
    }

    [Fact]
    public async Task A_connection_is_given_up_at_its_age_though_it_is_used()
    {
        await using var server = RawServer.Always(Hello);
        for (var i = 0; i < 11; i++)
        {
            await GetTextAsync(server);
            server.Accepted.ShouldBe(1);
            _time.Advance(TimeSpan.FromSeconds(i < 10 ? 59 : 11));
        }

        await GetTextAsync(server);
        server.Accepted.ShouldBe(2);
    }

    [Fact]
    public async Task A_connection_that_nobody_takes_fails_in_its_time()
    {
        using var full = new TcpListener(IPAddress.Loopback, 0);
        full.Start(1);
        var port = ((IPEndPoint)full.LocalEndpoint).Port;
        var waiting = new List<TcpClient>();
        try
        {
            Task connecting;
            do
            {
                waiting.Add(new TcpClient());
                connecting = waiting[^1].ConnectAsync(IPAddress.Loopback, port);
            }
            while (await Task.WhenAny(connecting, Task.Delay(500)) == connecting); // the kernel takes some, and then lets them wait

            using var client = new HttpMessageInvoker(NewHandler());
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/");
            var sending = client.SendAsync(request, default);
            _time.Advance(TimeSpan.FromSeconds(9));
            sending.IsCompleted.ShouldBeFalse();
            await Eventually.Is(
                () =>
                {
                    _time.Advance(TimeSpan.FromSeconds(1));
                    return sending.IsCompleted;
                },
                "it fails");
            (await Record.ExceptionAsync(() => sending)).ShouldBeOfType<TaskCanceledException>().InnerException.ShouldBeOfType<TimeoutException>();
        }
        finally
        {
            waiting.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_body_that_is_left_halfway_closes_its_connection_after_a_moment()
    {
        var closed = new TaskCompletionSource();
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await request.ClosedAsync();
            closed.SetResult();
        });
        using (var reply = await PostAsync(server))
        {
            await using var body = await reply.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[5]);
        }

        _time.Advance(TimeSpan.FromMilliseconds(99));
        closed.Task.IsCompleted.ShouldBeFalse();
        await Eventually.Is(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
                return closed.Task.IsCompleted;
            },
            "the server learns of it");
        _handler.Idle.ShouldBe(0);
    }

    [Fact]
    public async Task An_idle_connection_that_its_peer_closes_is_let_go()
    {
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync(Hello);
            request.Close();
        });
        await GetTextAsync(server);
        await Eventually.Is(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return _handler.Idle == 0;
            },
            "it is gone");
    }

    [Theory]
    [InlineData("5\r\nhello\r\n", "5\r\nworld\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello", "\r\n5\r\nworld\r\n0\r\n\r\n")]
    public async Task A_wait_without_a_buffer_that_is_given_up_loses_nothing_and_the_body_goes_on(string first, string rest)
    {
        var givenUp = new TaskCompletionSource();
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + first);
            await givenUp.Task;
            await request.SendAsync(rest);
        });
        using (var reply = await PostAsync(server))
        {
            await using var body = await reply.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[5]);
            for (var i = 0; i < 3; i++)
            {
                using var stop = new CancellationTokenSource();
                var waiting = body.ReadAsync(Memory<byte>.Empty, stop.Token).AsTask();
                waiting.IsCompleted.ShouldBeFalse();
                await stop.CancelAsync();
                await Should.ThrowAsync<OperationCanceledException>(waiting.WaitAsync(Eventually.Limit));
            }

            givenUp.SetResult();
            Encoding.ASCII.GetString(await ReadAsync(body).WaitAsync(Eventually.Limit)).ShouldBe("world");
        }

        await Eventually.Is(() => _handler.Idle == 1, "its connection serves the next request");
    }

    [Fact]
    public async Task A_wait_without_a_buffer_that_is_given_up_closes_its_connection_when_its_body_is()
    {
        var closed = new TaskCompletionSource();
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            await request.ClosedAsync();
            closed.SetResult();
        });
        using var stop = new CancellationTokenSource();
        using var reply = await PostAsync(server);
        await using (var body = await reply.Content.ReadAsStreamAsync())
        {
            await body.ReadExactlyAsync(new byte[5]);
            var waiting = body.ReadAsync(Memory<byte>.Empty, stop.Token).AsTask();
            await stop.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(waiting.WaitAsync(Eventually.Limit));
        }

        await Eventually.Completes(closed.Task, "the server learns of it");
        _handler.Idle.ShouldBe(0);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("\r", "\n")]
    public async Task The_end_of_a_chunk_that_comes_by_itself_ends_no_wait_without_a_buffer(params string[] end)
    {
        var next = new SemaphoreSlim(0);
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello");
            foreach (var part in end)
            {
                await next.WaitAsync();
                await request.SendAsync(part);
            }

            await next.WaitAsync();
            await request.SendAsync("5\r\nworld");
            await next.WaitAsync();
            await request.SendAsync("\r\n0\r\n\r\n");
        });
        using var reply = await PostAsync(server);
        await using var body = await reply.Content.ReadAsStreamAsync();
        var buffer = new byte[100];
        (await body.ReadAsync(buffer)).ShouldBe(5);
        var waiting = body.ReadAsync(Memory<byte>.Empty).AsTask();
        foreach (var _ in end)
        {
            next.Release();
            await Task.Delay(50); // it travels
            waiting.IsCompleted.ShouldBeFalse("whoever waits would take a buffer, and nothing is there to put in");
        }

        next.Release();
        (await waiting.WaitAsync(Eventually.Limit)).ShouldBe(0);
        (await body.ReadAsync(buffer)).ShouldBe(5);
        Encoding.ASCII.GetString(buffer, 0, 5).ShouldBe("world");
        waiting = body.ReadAsync(Memory<byte>.Empty).AsTask();
        next.Release();
        (await waiting.WaitAsync(Eventually.Limit)).ShouldBe(0);
        (await body.ReadAsync(buffer).AsTask().WaitAsync(Eventually.Limit)).ShouldBe(0);
    }

    [Fact]
    public async Task A_read_that_waits_allocates_nothing()
    {
        const int Count = 4000;
        var client = new TaskCompletionSource<RawRequest>();
        var served = new TaskCompletionSource();
        await using var server = RawServer.Start(async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            client.SetResult(request);
            await served.Task;
        });
        using var stop = new CancellationTokenSource();
        using var reply = await PostAsync(server, stop.Token);
        await using var body = await reply.Content.ReadAsStreamAsync();
        var progress = new Progress();
        var reading = Task.Run(() => ReadTokensAsync(body, Count, progress, stop.Token)); // away from the test's own context
        var peer = await client.Task;
        for (var i = 0; i < Count; i++)
        {
            peer.Send("b\r\ndata: hi!\n\n\r\n"u8);
            SpinWait.SpinUntil(() => Volatile.Read(ref progress.Tokens) > i, Eventually.Limit).ShouldBeTrue();
        }

        await reading.WaitAsync(Eventually.Limit);
        served.SetResult();
        progress.Waits.ShouldBeGreaterThan(Count / 2);
        progress.Quietest.ShouldBe(0); // others share the loop, so the best of several stretches is taken
    }

    protected override HttpMessageHandler NewHandler(bool trustAll = true)
    {
        var options = new HttpPoolOptions
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            IdleTimeout = TimeSpan.FromMinutes(1),
            Lifetime = TimeSpan.FromMinutes(10),
            CertificateValidation = trustAll ? (_, _, _, _) => true : null,
        };
        return _handler = new EpollHttpHandler(EpollLoops.Shared!, options, _time);
    }

    private static async Task ReadTokensAsync(Stream body, int count, Progress progress, CancellationToken cancellationToken)
    {
        const int Stretch = 100;
        var buffer = new byte[1024];
        var before = long.MinValue;
        for (var i = 0; i < count; i++)
        {
            var waiting = body.ReadAsync(Memory<byte>.Empty, cancellationToken);
            if (!waiting.IsCompleted) progress.Waits++;
            await waiting;
            var read = await body.ReadAsync(buffer, cancellationToken);
            if (read != 11) throw new InvalidOperationException($"{read} bytes came instead of a token.");
            if (i % Stretch == 0)
            {
                var now = GC.GetAllocatedBytesForCurrentThread();
                if (i > Stretch) progress.Quietest = Math.Min(progress.Quietest, now - before);
                before = now;
            }

            Volatile.Write(ref progress.Tokens, i + 1);
        }
    }

    private sealed class Progress
    {
        public int Tokens;

        public int Waits { get; set; }

        public long Quietest { get; set; } = long.MaxValue;
    }
}
