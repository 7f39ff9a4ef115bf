using System.Globalization;
using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests.Security;

/// <summary>Floods that only HTTP/2 has: they end their own connection in bounded memory, and others are served all the while.</summary>
public sealed class Http2FloodTests : IAsyncLifetime
{
    private readonly int _port = Ports.Free();
    private PenstockProcess _server = null!;

    public async ValueTask InitializeAsync()
    {
        var plain = Ports.Free();
        var settings = new PenstockSettings { ["Storage:Kind"] = "memory", ["Generations:OnDisconnect"] = "cancel" }
            .WithVariable("Kestrel:Endpoints:Plain:Url", $"http://127.0.0.1:{plain}")
            .WithVariable("Kestrel:Endpoints:Two:Url", $"http://127.0.0.1:{_port}")
            .WithVariable("Kestrel:Endpoints:Two:Protocols", "Http2");
        _server = await PenstockProcess.StartAsync(settings, plain);
        await ServesAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_is_really_spoken()
    {
        using var client = await RawHttp2.ConnectAsync(_port);
        await client.SendAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders | RawHttp2.EndStream, 1, RawHttp2.Fields("GET", "/healthz")));
        while (await client.ReadAsync() is { } frame)
        {
            if (frame is { Type: RawHttp2.Data, Stream: 1 }) return;
        }

        Assert.Fail("No reply came.");
    }

    [Fact]
    public Task Streams_that_are_reset_as_soon_as_they_are_opened() => FloodAsync(
        40_000, i => [.. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders | RawHttp2.EndStream, (i * 2) + 1, RawHttp2.Fields("GET", "/v1/models")), .. ResetOf(i)], mustEnd: true);

    [Fact]
    public Task Generations_that_are_reset_as_soon_as_they_are_asked_for()
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"simulated/chat?tps=5","stream":true,"messages":[{"role":"user","content":"Hi"}]}""");
        var fields = RawHttp2.Fields("POST", "/v1/chat/completions", ("content-type", "application/json"));
        return FloodAsync(
            10_000,
            i => [.. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, (i * 2) + 1, fields), .. RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, (i * 2) + 1, body), .. ResetOf(i)],
            mustEnd: true);
    }

    [Fact]
    public Task Streams_that_are_never_closed() => FloodAsync(
        20_000, i => RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, (i * 2) + 1, RawHttp2.Fields("POST", "/v1/chat/completions", ("content-type", "application/json"))), mustEnd: false);

    [Fact]
    public Task Settings_without_end() => FloodAsync(100_000, _ => RawHttp2.Frame(RawHttp2.Settings, 0, 0, []), mustEnd: false);

    [Fact]
    public Task Pings_without_end() => FloodAsync(100_000, _ => RawHttp2.Frame(RawHttp2.Ping, 0, 0, new byte[8]), mustEnd: false);

    [Fact]
    public Task Headers_without_end() => FloodAsync(
        20_000, i => i == 0 ? RawHttp2.Frame(RawHttp2.Headers, 0, 1, RawHttp2.Fields("GET", "/")) : RawHttp2.Frame(RawHttp2.Continuation, 0, 1, RawHttp2.Fields("GET", "/", ("x", new string('x', 1000)))[3..]), mustEnd: true);

    [Fact]
    public Task Data_without_length() => FloodAsync(50_000, _ => RawHttp2.Frame(RawHttp2.Data, 0, 1, []), mustEnd: true);

    private static byte[] ResetOf(int i) => RawHttp2.Frame(RawHttp2.Reset, 0, (i * 2) + 1, [0, 0, 0, 8]);

    // Two floods beside each other, and nobody who reads what comes back until they are over.
    private async Task FloodAsync(int count, Func<int, byte[]> frames, bool mustEnd)
    {
        var before = _server.Memory;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            using var client = await RawHttp2.ConnectAsync(_port);
            var sending = SendAsync(client);
            var serving = ServesAsync();
            await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(3))); // the server may take no more until it is read from
            await serving;
            if (mustEnd) await Eventually.Completes(client.EndedAsync(), "the connection is ended");
        }));
        await ServesAsync();
        (_server.Memory - before).ShouldBeLessThan(96 * 1024 * 1024);
        await Eventually.Is(async () => await RunningAsync() == 0, "nothing runs");

        async Task SendAsync(RawHttp2 client)
        {
            var piece = new List<byte>();
            for (var i = 0; i < count; i++)
            {
                piece.AddRange(frames(i));
                if (piece.Count < 32_000 && i < count - 1) continue;
                try
                {
                    if (!await client.SendAsync(piece.ToArray())) return;
                }
                catch (ObjectDisposedException)
                {
                    return;
                }

                piece.Clear();
            }
        }
    }

    private async Task ServesAsync() => (await SseClient.AllAsync(_server.Api.Chat("simulated/chat?tps=1000&tokens=3"))).Last().Data.ShouldBe("[DONE]");

    private async Task<double> RunningAsync()
    {
        using var reply = await RawReply.SendAsync(_server.Api.Get("metrics"));
        var line = (await reply.TextAsync()).Split('\n').FirstOrDefault(l => l.StartsWith("penstock_generations_running ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
