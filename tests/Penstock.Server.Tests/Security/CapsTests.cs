using System.Net;
using System.Net.Sockets;
using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests.Security;

/// <summary>Rude clients: what they hold is bounded and taken from them, and others are served all the while.</summary>
public sealed class CapsTests : IAsyncLifetime
{
    private const int MaxBody = 100_000;

    // ./test garbage opens a million.
    private static readonly int _garbage = int.Parse(Environment.GetEnvironmentVariable("PENSTOCK_GARBAGE") ?? "10000", System.Globalization.CultureInfo.InvariantCulture);

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

    // The runtime lets the youngest objects take as much as the processor's cache holds, whichever that is here: 16 MiB.
    public async ValueTask InitializeAsync() => _server = await PenstockProcess.StartAsync(
        new PenstockSettings { ["Storage:Kind"] = "memory", ["Limits:MaxBodyBytes"] = $"{MaxBody}" }.WithVariable("DOTNET_GCgen0size", "0x1000000"));

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
        await ConnectAsync(random, 2000); // what a first few cost once
        var (before, files) = (_server.Memory, _server.OpenFiles);
        for (var left = _garbage; left > 0; left -= 10_000) await ConnectAsync(random, Math.Min(left, 10_000));
        (_server.Memory - before).ShouldBeLessThan(64 * 1024 * 1024);
        await ServesAsync();
        await Eventually.Is(() => _server.OpenFiles <= files + 16, "no connection is left");
        Console.WriteLine($"{_garbage} garbage connections: memory {before >> 20} MiB before, {_server.Memory >> 20} MiB after.");
    }

    [Theory]
    [InlineData("evil.example", false)]
    [InlineData("evil.example:8000", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("192.168.1.5", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:8000", true)]
    [InlineData("app.localhost:3000", true)]
    [InlineData("127.0.0.1:8000", true)]
    [InlineData("127.8.9.1", true)]
    [InlineData("[::1]:8000", true)]
    public async Task A_page_that_names_this_machine_as_it_likes_does_not_get_in(string host, bool isLocal)
    {
        foreach (var path in (string[])["v1/models", "v1/generations", "v1/stream/a", "metrics"])
        {
            using var socket = await OpenAsync();
            await SendAsync(socket, Encoding.ASCII.GetBytes($"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
            var reply = new byte[12];
            for (var at = 0; at < reply.Length;) at += await socket.ReceiveAsync(reply.AsMemory(at));
            var status = Encoding.ASCII.GetString(reply)[9..];
            if (isLocal) status.ShouldBeOneOf("200", "404");
            else status.ShouldBe("401");
        }
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
                if (!allowed || request.Method == "OPTIONS") continue;
                var exposed = reply.Headers["Access-Control-Expose-Headers"].Split(',', StringSplitOptions.TrimEntries);
                foreach (var header in (string[])["Penstock-Generation", "Penstock-Cache", "Retry-After", "retry-after-ms", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests", "anthropic-ratelimit-tokens-limit"])
                    exposed.ShouldContain(header);
            }
        }
    }

    private async Task ServesAsync() => (await SseClient.AllAsync(_server.Api.Chat("simulated/chat?tps=0&ttft=0"))).Last().Data.ShouldBe("[DONE]");

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
}
