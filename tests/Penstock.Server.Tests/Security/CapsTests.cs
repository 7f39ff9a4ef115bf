using System.Net;
using System.Net.Sockets;
using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests.Security;

/// <summary>Rude clients: what they hold is bounded and taken from them, and others are served all the while.</summary>
public sealed class CapsTests : IAsyncLifetime
{
    private const int MaxBody = 100_000;

    private PenstockProcess _server = null!;

    public static TheoryData<string, string> Posts => new()
    {
        { "v1/chat/completions", """{"model":"simulated/chat","messages":[{"role":"user","content":"Hi"}],"x":#}""" },
        { "v1/responses", """{"model":"simulated/chat","input":"Hi","x":#}""" },
        { "v1/messages", """{"model":"simulated/chat","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"x":#}""" },
        { "v1beta/models/simulated%2Fchat:generateContent", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"x":#}""" },
        { "v1/generations", """{"model":"simulated/chat","prompt":"Hi","x":#}""" },
        { "query/stream", """{"prompt":"Hi","x":#}""" },
        { "ask", """{"query":"Hi","uuid":"u","x":#}""" },
    };

    public async ValueTask InitializeAsync() => _server = await PenstockProcess.StartAsync(new PenstockSettings { ["Storage:Kind"] = "memory", ["Limits:MaxBodyBytes"] = $"{MaxBody}" });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [MemberData(nameof(Posts))]
    public async Task A_body_too_large_is_refused_and_one_too_deep_harms_nobody(string path, string body)
    {
        var large = body.Replace("#", $"\"{new string('x', MaxBody)}\"", StringComparison.Ordinal);
        using (var reply = await RawReply.SendAsync(RawRequest.Post(_server.Api.Url(path), large))) reply.Status.ShouldBe(413);
        using (var reply = await RawReply.SendAsync(new RawRequest(_server.Api.Url(path), "POST").With("Content-Type", "application/json").With("Content-Length", "99999999999"))) reply.Status.ShouldBe(413);
        var deep = body.Replace("#", new string('[', 40_000) + new string(']', 40_000), StringComparison.Ordinal);
        using (var reply = await RawReply.SendAsync(RawRequest.Post(_server.Api.Url(path), deep)))
        {
            reply.Status.ShouldBe(400);
            (await reply.TextAsync()).Length.ShouldBeLessThan(2000);
        }

        await ServesAsync();
    }

    [Fact]
    public async Task Headers_are_bounded()
    {
        using (var reply = await RawReply.SendAsync(_server.Api.Get("v1/models").With("X-Long", new string('x', 40_000)))) reply.Status.ShouldBe(431);
        var many = _server.Api.Get("v1/models");
        for (var i = 0; i < 200; i++) many = many.With($"X-{i}", "x");
        using (var reply = await RawReply.SendAsync(many)) reply.Status.ShouldBe(431);
        using (var reply = await RawReply.SendAsync(_server.Api.Get($"v1/models?{new string('x', 20_000)}"))) reply.Status.ShouldBe(414);
        await ServesAsync();
    }

    [Fact]
    public async Task Headers_and_bodies_that_drip_in_are_cut_off()
    {
        var head = Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: {_server.Url.Authority}\r\n");
        var body = Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: {_server.Url.Authority}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{{");
        var slow = Enumerable.Range(0, 50).Select(i => DripAsync(i % 2 == 0 ? head : body, i % 2 == 0 ? "X-A: b\r\n"u8.ToArray() : " "u8.ToArray())).ToList();
        await ServesAsync();
        await Eventually.Completes(Task.WhenAll(slow), "all are cut off", TimeSpan.FromSeconds(60));
        await ServesAsync();
    }

    [Fact]
    public async Task Garbage_is_taken_in_bounded_memory()
    {
        var random = new Random(7);
        await ConnectAsync(random, 500); // what a first few cost once
        var before = _server.Memory;
        await ConnectAsync(random, 5000);
        (_server.Memory - before).ShouldBeLessThan(64 * 1024 * 1024);
        await ServesAsync();
    }

    [Fact]
    public async Task A_flood_of_reset_streams_ends_the_connection_and_not_the_server()
    {
        using var socket = await OpenAsync();
        await SendAsync(socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await SendAsync(socket, Frame(4, 0, 0, []));
        // :method GET, :scheme http, :path /, :authority a
        byte[] headers = [0x82, 0x86, 0x84, 0x41, 0x01, (byte)'a'];
        var flood = Enumerable.Range(0, 20_000).SelectMany(i => (byte[])[.. Frame(1, 0x5, (i * 2) + 1, headers), .. Frame(3, 0, (i * 2) + 1, [0, 0, 0, 8])]).ToArray();
        var sent = SendAsync(socket, flood);
        // GOAWAY or a closed connection; HTTP/2 without TLS needs to be switched on, and then a 400 says so.
        await Eventually.Completes(Task.WhenAll(sent, DrainAsync(socket)), "the connection is ended");
        await ServesAsync();
    }

    [Fact]
    public async Task Replies_are_not_sniffed_framed_or_kept()
    {
        using var http = new HttpClient { BaseAddress = _server.Url };
        foreach (var path in (string[])["v1/models", "v1/generations", "metrics", "v1/usage", "openapi.json", "nothing", "v1/generations/gen_0", "docs/index.html", "v1/streams"])
        {
            using var reply = await http.GetAsync(path);
            reply.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"], path);
            if (!path.StartsWith("docs", StringComparison.Ordinal)) reply.Headers.CacheControl!.NoStore.ShouldBeTrue(path);
            else reply.Headers.GetValues("Content-Security-Policy").ShouldBe(["frame-ancestors 'none'"]);
        }

        using var stream = await SseClient.OpenAsync(_server.Api.Chat("simulated/chat"));
        stream.Reply.Headers["X-Content-Type-Options"].ShouldBe("nosniff");
        stream.Reply.Headers["Cache-Control"].ShouldBe("no-cache, no-transform");
    }

    [Fact]
    public async Task Only_the_origins_that_are_named_may_read_and_never_with_credentials()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings { ["Storage:Kind"] = "memory", ["Cors:Origins:0"] = "https://app.example.com" });
        foreach (var (origin, allowed) in new[] { ("https://app.example.com", true), ("https://app.example.com.evil.example", false), ("http://app.example.com", false), ("https://app.example.com:444", false), ("null", false) })
        {
            foreach (var request in (RawRequest[])[server.Api.Get("v1/models").With("Origin", origin), new RawRequest(server.Api.Url("v1/models"), "OPTIONS").With("Origin", origin).With("Access-Control-Request-Method", "GET")])
            {
                using var reply = await RawReply.SendAsync(request);
                reply.Headers.GetValueOrDefault("Access-Control-Allow-Origin").ShouldBe(allowed ? origin : null, origin);
                reply.Headers.ShouldNotContainKey("Access-Control-Allow-Credentials");
            }
        }
    }

    private async Task ServesAsync() => (await SseClient.AllAsync(_server.Api.Chat("simulated/chat"))).Last().Data.ShouldBe("[DONE]");

    // Until the server ends the connection.
    private async Task DripAsync(byte[] first, byte[] drop)
    {
        using var socket = await OpenAsync();
        var drain = DrainAsync(socket);
        await SendAsync(socket, first);
        while (!drain.IsCompleted)
        {
            await Task.WhenAny(drain, Task.Delay(500)); // the drip is the fault that is played
            await SendAsync(socket, drop);
        }
    }

    private async Task ConnectAsync(Random random, int count)
    {
        var garbage = Enumerable.Range(0, count).Select(_ =>
        {
            var bytes = new byte[random.Next(1, 4000)];
            random.NextBytes(bytes);
            return bytes;
        }).ToList();
        await Parallel.ForEachAsync(garbage, new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (bytes, _) =>
        {
            using var socket = await OpenAsync();
            await SendAsync(socket, bytes);
            if (bytes[0] % 2 == 0) socket.LingerState = new LingerOption(true, 0); // a reset
        });
    }

    private async Task<Socket> OpenAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, _server.Url.Port);
        return socket;
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes)..];
        }
        catch (SocketException)
        {
            // The server has had enough.
        }
    }

    private static async Task DrainAsync(Socket socket)
    {
        try
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is an end, too.
        }
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, (byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream, .. payload];
}
