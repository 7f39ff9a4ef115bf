using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.Redis.Tests;

/// <summary>What Redis publishes it tells once, and to nobody who does not hear it: a server that missed something finds it in the log.</summary>
public sealed class LostPublishTests : IAsyncLifetime
{
    private readonly SemaphoreSlim _next = new(0);
    private RedisServer _redis = null!;
    private CuttingProxy _relay = null!;
    private ScriptedUpstream _upstream = null!;
    private PenstockProcess _writes = null!;
    private PenstockProcess _shows = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _relay = new CuttingProxy(new Uri($"http://127.0.0.1:{_redis.Port}"));
        _upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("one ")]);
            await _next.WaitAsync(Eventually.Limit);
            await call.Sse(Chat.Text("two "));
            await _next.WaitAsync(Eventually.Limit);
            await call.Sse([Chat.Text("three"), Chat.Finish(), Chat.Usage(7, 3), "[DONE]"]);
        });
        PenstockSettings Settings(int port) => PenstockSettings.For(_upstream, "redis").With("Storage:Redis", $"127.0.0.1:{port}");
        _writes = await PenstockProcess.StartAsync(Settings(_redis.Port));
        _shows = await PenstockProcess.StartAsync(Settings(_relay.Url.Port));
    }

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _writes.DisposeAsync();
        await _shows.DisposeAsync();
        await _relay.DisposeAsync();
        await _redis.DisposeAsync();
        _next.Dispose();
    }

    [Fact]
    public async Task Row24_One_that_is_lost_is_read_when_the_next_one_comes()
    {
        using var client = await WatchAsync();
        _relay.LosesPublished = true;
        _next.Release();
        await Eventually.Is(() => _relay.Lost > 0, "it is lost");
        _relay.LosesPublished = false;
        _next.Release();
        View.NativeText([.. _seen, .. await client.RestAsync()]).ShouldBe("one two three");
    }

    [Fact]
    public async Task Row24_An_ending_that_is_lost_is_missed_and_read()
    {
        using var client = await WatchAsync();
        _next.Release();
        await SeeAsync(client, "two ");
        _relay.LosesPublished = true;
        _next.Release();
        await Eventually.Is(() => _relay.Lost > 0, "it is lost");
        var watch = Stopwatch.StartNew();
        View.NativeText([.. _seen, .. await client.RestAsync()]).ShouldBe("one two three");
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5)); // looked for after a second of silence
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_said_while_the_subscription_is_cut_is_read_when_it_stands_again(bool reset)
    {
        using var client = await WatchAsync();
        if (reset) _relay.CutAll();
        else await _redis.AskAsync("CLIENT KILL TYPE pubsub");
        _next.Release(2);
        View.NativeText([.. _seen, .. await client.RestAsync()]).ShouldBe("one two three");
    }

    private readonly List<SseEvent> _seen = [];

    private async Task<SseClient> WatchAsync()
    {
        var id = await _writes.Api.StartAsync("up/m");
        var client = await SseClient.OpenAsync(_shows.Api.Events(id));
        await SeeAsync(client, "one ");
        // It listens: who only reads what is there would lose nothing.
        await Eventually.Is(async () => (await _redis.AskAsync("PUBSUB CHANNELS")).Contains($"{id}}}@", StringComparison.Ordinal), "it listens");
        return client;
    }

    private async Task SeeAsync(SseClient client, string text)
    {
        while (!View.NativeText(_seen).EndsWith(text, StringComparison.Ordinal)) _seen.Add((await client.NextAsync())!);
    }
}
