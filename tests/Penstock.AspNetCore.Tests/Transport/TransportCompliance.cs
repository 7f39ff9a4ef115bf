using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Penstock.AspNetCore.Transport;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Transport;

/// <summary>What Kestrel, its clients and its operators may expect of a transport, seen from plain sockets. Every transport passes it.</summary>
public abstract class TransportCompliance(string transport)
{
    protected string Transport => transport;

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_read()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        foreach (var one in "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray()) await socket.SendAsync(new[] { one });
        (await ReadUntilAsync(socket, "0\r\n\r\n")).ShouldContain("hello");
    }

    [Fact]
    public async Task Requests_sent_together_are_answered_in_order()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        var requests = string.Concat(Enumerable.Range(10, 90).Select(i => $"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n#{i}"));
        await socket.SendAsync(Encoding.ASCII.GetBytes(requests));
        var text = await ReadUntilAsync(socket, "#99\r\n0\r\n\r\n");
        Enumerable.Range(10, 90).Select(i => text.IndexOf($"#{i}", StringComparison.Ordinal)).ShouldBeInOrder();
        text.ShouldContain("#10");
    }

    [Fact]
    public async Task One_connection_takes_a_thousand_requests()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        for (var i = 0; i < 1000; i++)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n{i:D6}"));
            (await ReadUntilAsync(socket, "0\r\n\r\n")).ShouldContain($"{i:D6}");
        }

        host.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task A_large_body_goes_in_and_out_whole()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var client = new HttpClient();
        var body = RandomNumberGenerator.GetBytes(8 * 1024 * 1024);
        using var reply = await client.PostAsync(host.Url("/echo"), new ByteArrayContent(body)).WaitAsync(Eventually.Limit);
        (await reply.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(body).ShouldBeTrue();
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_back_the_writer_and_then_gets_all()
    {
        const long Count = 64 * 1024 * 1024;
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync(receiveBuffer: 4096);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /bytes/{Count} HTTP/1.1\r\nHost: h\r\n\r\n"));
        await Eventually.Is(() => host.Blocked > 0, "a flush waits");
        host.Written.ShouldBeLessThan(16 * 1024 * 1024); // what the kernel holds for a socket, and a little

        var buffer = new byte[128 * 1024];
        var filled = await socket.ReceiveAsync(buffer);
        var at = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) + 4;
        for (var index = 0L; ;)
        {
            for (; at < filled; at++) (buffer[at] == TransportHost.ByteAt(index++)).ShouldBeTrue();
            if (index == Count) break;
            filled = await socket.ReceiveAsync(buffer).WaitAsync(Eventually.Limit);
            filled.ShouldBeGreaterThan(0);
            at = 0;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_ends_the_flush_that_waits_for_it(bool reset)
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync(receiveBuffer: 4096);
        await socket.SendAsync("GET /bytes/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host.Blocked > 0, "a flush waits");
        Leave(socket, reset);
        await Eventually.Completes(host.Aborted, "the request is told");
        await Eventually.Is(() => host.Connections == 0, "the connection is gone");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_is_noticed_though_nobody_reads_or_writes(bool reset)
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        await socket.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host.Waiting == 1, "the request waits");
        Leave(socket, reset);
        await Eventually.Completes(host.Aborted, "the request is told");
        await Eventually.Is(() => host.Connections == 0, "the connection is gone");
    }

    [Fact]
    public async Task A_client_that_only_stops_sending_has_gone_too()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        await socket.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host.Waiting == 1, "the request waits");
        socket.Shutdown(SocketShutdown.Send);
        await Eventually.Completes(host.Aborted, "the request is told");
        await ReadToEndAsync(socket); // and it is closed on this side
    }

    [Fact]
    public async Task A_client_that_leaves_within_its_request_is_let_go()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        await socket.SendAsync("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nhel"u8.ToArray());
        await Eventually.Is(() => host.Connections == 1, "the request is there");
        Leave(socket, reset: true);
        await Eventually.Is(() => host.Connections == 0, "the connection is gone");
    }

    [Fact]
    public async Task An_abort_cuts_the_reply()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var reply = await RawReply.SendAsync(new RawRequest(host.Url("/abort")));
        (await reply.ReadAsync(new byte[100])).ShouldBe(4);
        host.Release();
        await Should.ThrowAsync<IOException>(reply.TextAsync());
        await Eventually.Is(() => host.Connections == 0, "the connection is gone");
    }

    [Fact]
    public async Task A_reply_that_closes_its_connection_arrives_whole()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        for (var i = 0; i < 20; i++)
        {
            using var socket = await host.ConnectAsync();
            await socket.SendAsync("GET /bytes/300000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"u8.ToArray());
            var reply = await ReadToEndAsync(socket);
            (reply.Length - reply.IndexOf("\r\n\r\n", StringComparison.Ordinal) - 4).ShouldBe(300_000);
        }
    }

    [Fact]
    public async Task Two_thousand_clients_are_served_at_once_and_let_go()
    {
        const int Count = 2000;
        await using var host = await TransportHost.StartAsync(Transport);
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < Count; i++)
            {
                sockets.Add(await host.ConnectAsync());
                await sockets[i].SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            }

            await Eventually.Is(() => host.Waiting == Count, "all wait");
            for (var i = 0; i < Count; i += 2) Leave(sockets[i], reset: i % 4 == 0);
            await Eventually.Is(() => host.Connections == Count / 2 && host.Waiting == Count / 2, "half have gone");
            host.Release();
            for (var i = 1; i < Count; i += 2) (await ReadUntilAsync(sockets[i], "0\r\n\r\n")).ShouldContain("released");
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }

        await Eventually.Is(() => host.Connections == 0, "all have gone");
    }

    [Fact]
    public async Task A_shutdown_lets_requests_end_closes_idle_connections_and_takes_no_new_ones()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var idle = await host.ConnectAsync();
        await idle.SendAsync("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await ReadUntilAsync(idle, "0\r\n\r\n");
        using var busy = await host.ConnectAsync();
        await busy.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host.Waiting == 1, "the request waits");

        var stopped = host.StopAsync();
        await ReadToEndAsync(idle);
        await Eventually.Is(async () => await IsRefusedAsync(host), "no new connections");
        stopped.IsCompleted.ShouldBeFalse();
        host.Release();
        (await ReadToEndAsync(busy)).ShouldContain("released");
        await Eventually.Completes(stopped, "the server stops");
    }

    [Fact]
    public async Task A_shutdown_that_runs_out_of_patience_cuts_what_is_left()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        using var stalled = await host.ConnectAsync(receiveBuffer: 4096);
        await stalled.SendAsync("GET /bytes/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        using var waiting = await host.ConnectAsync();
        await waiting.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host is { Waiting: 1, Blocked: > 0 }, "both are under way");
        await Eventually.Completes(host.StopAsync(new CancellationToken(canceled: true)), "the server stops");
        await Eventually.Is(() => host.Connections == 0, "nothing is left");
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed()
    {
        await using var host = await TransportHost.StartAsync(Transport, configure: kestrel => kestrel.Limits.MaxConcurrentConnections = 1);
        using var first = await host.ConnectAsync();
        await first.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await Eventually.Is(() => host.Waiting == 1, "the first is served");
        using var second = await host.ConnectAsync();
        (await ReadToEndAsync(second)).ShouldBeEmpty();
        Leave(first, reset: true);
        await Eventually.Is(async () => (await TryHelloAsync(host)).Contains("200 OK", StringComparison.Ordinal), "its place is free again");
    }

    [Fact]
    public async Task A_request_too_long_in_coming_is_answered_and_closed()
    {
        await using var host = await TransportHost.StartAsync(Transport, configure: kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1));
        using var socket = await host.ConnectAsync();
        await socket.SendAsync("GET /hello HTTP/1.1\r\nHos"u8.ToArray());
        (await ReadToEndAsync(socket)).ShouldContain("408");
    }

    [Fact]
    public async Task It_serves_ipv6_and_says_who_calls()
    {
        await using var host = await TransportHost.StartAsync(Transport, IPAddress.IPv6Loopback);
        (await TryHelloAsync(host)).ShouldContain($"::1 {host.Address.Port}");
    }

    [Fact]
    public async Task It_serves_both_families_on_one_socket()
    {
        await using var host = await TransportHost.StartAsync(Transport, IPAddress.IPv6Any);
        foreach (var (address, seen) in new[] { (IPAddress.Loopback, "::ffff:127.0.0.1"), (IPAddress.IPv6Loopback, "::1") })
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, host.Address.Port);
            await socket.SendAsync("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            (await ReadUntilAsync(socket, "0\r\n\r\n")).ShouldContain($"{seen} {host.Address.Port}");
        }
    }

    [Fact]
    public async Task An_address_that_is_taken_is_said_to_be()
    {
        await using var host = await TransportHost.StartAsync(Transport);
        var again = TransportHost.StartAsync(Transport, configure: kestrel => kestrel.Listen(host.Address));
        (await Should.ThrowAsync<IOException>(again)).InnerException.ShouldBeOfType<AddressInUseException>();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Tls_works_above_it(string version)
    {
        await using var host = await TransportHost.StartAsync(Transport, tls: true);
        using var client = TransportHost.NewTlsClient(Transport);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            const int Count = 1024 * 1024;
            using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{host.Address}/bytes/{Count}")
            {
                Version = Version.Parse(version),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var reply = await client.SendAsync(request, default).WaitAsync(Eventually.Limit);
            reply.Version.ShouldBe(Version.Parse(version));
            var bytes = await reply.Content.ReadAsByteArrayAsync().WaitAsync(Eventually.Limit);
            bytes.Length.ShouldBe(Count);
            for (var at = 0; at < Count; at++) (bytes[at] == TransportHost.ByteAt(at)).ShouldBeTrue();
        }));
        if (version == "2.0") host.Connections.ShouldBe(1);
    }

    protected static void Leave(Socket socket, bool reset)
    {
        if (reset) socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    private static async Task<string> TryHelloAsync(TransportHost host)
    {
        try
        {
            using var socket = await host.ConnectAsync();
            await socket.SendAsync("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"u8.ToArray());
            return await ReadToEndAsync(socket);
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static async Task<bool> IsRefusedAsync(TransportHost host)
    {
        try
        {
            using var socket = await host.ConnectAsync();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        try
        {
            return await ReadUntilAsync(socket, end: null);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return "";
        }
    }

    private static async Task<string> ReadUntilAsync(Socket socket, string? end)
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer).WaitAsync(Eventually.Limit);
            if (read == 0) return end is null ? text.ToString() : throw new IOException($"Closed after: {text}");
            text.Append(Encoding.Latin1.GetString(buffer, 0, read));
            if (end is not null && text.Length >= end.Length && text.ToString(text.Length - end.Length, end.Length) == end) return text.ToString();
        }
    }
}

/// <summary>Penstock's own loops.</summary>
public sealed class EpollTransportTests() : TransportCompliance("auto")
{
    [Fact]
    public async Task It_is_what_serves_on_Linux()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("There is no epoll here.");
        await using var host = await TransportHost.StartAsync(Transport);
        using var socket = await host.ConnectAsync();
        await Eventually.Is(() => host.ConnectionType is not null, "a connection is there");
        host.ConnectionType.ShouldBe(typeof(EpollConnection));
    }
}

/// <summary>The framework's sockets, which the configuration may ask for, and other systems have.</summary>
public sealed class SocketsTransportTests() : TransportCompliance("sockets");
