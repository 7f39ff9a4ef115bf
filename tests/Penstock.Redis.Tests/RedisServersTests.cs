using System.Net;
using Penstock.Testing;

namespace Penstock.Redis.Tests;

/// <summary>Whole servers on one Redis, as processes.</summary>
public sealed class RedisServersTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private ScriptedUpstream _upstream = null!;
    private PenstockSettings _settings = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync("p4ss-7f3a9c-word");
        _upstream = ScriptedUpstream.Start();
        _settings = PenstockSettings.For(_upstream, "redis").With("Storage:Redis", _redis.NewDatabase()).With("Streams:Heartbeat", "00:00:01");
    }

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task What_an_owner_may_keep_is_counted_over_all_servers()
    {
        _settings = _settings.With("Streams:MaxPerOwner", "2");
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        (await PutAsync(a, "one")).ShouldBe(HttpStatusCode.Created);
        (await PutAsync(b, "two")).ShouldBe(HttpStatusCode.Created);
        (await PutAsync(b, "three")).ShouldBe(HttpStatusCode.InsufficientStorage);
        (await Api.SendTextAsync(new RawRequest(a.Api.Url("v1/stream/one"), "DELETE"))).Status.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.Is(async () => await PutAsync(b, "three") == HttpStatusCode.Created, "there is room again");
        (await PutAsync(b, "four")).ShouldBe(HttpStatusCode.InsufficientStorage);

        static async Task<HttpStatusCode> PutAsync(PenstockProcess server, string path) =>
            (await Api.SendTextAsync(new RawRequest(server.Api.Url($"v1/stream/{path}"), "PUT", "x").With("Content-Type", "text/plain"))).Status;
    }

    [Fact]
    public async Task A_stream_that_one_server_makes_is_resumed_followed_and_listed_on_another()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        using var next = new SemaphoreSlim(0);
        _upstream.Reply(async call =>
        {
            await call.Sse(Chat.Role());
            for (var i = 0; i < 20; i++)
            {
                if (i == 10) await next.WaitAsync(Eventually.Limit);
                await call.Sse(Chat.Text($"{i} "));
            }

            await call.Sse([Chat.Finish(), Chat.Usage(7, 20), "[DONE]"]);
        });
        var request = a.Api.Chat("up/m");
        var seen = new List<SseEvent>();
        string id;
        using (var client = await SseClient.OpenAsync(request))
        {
            id = client.Generation;
            while (!View.ChatText(seen).EndsWith("9 ", StringComparison.Ordinal)) seen.Add((await client.NextAsync()).ShouldNotBeNull());
            client.Cut();
        }

        using var watcher = await SseClient.OpenAsync(b.Api.Events(id));
        ((string)(await b.Api.SnapshotAsync(id))["status"]!).ShouldBe("running");
        (await Api.SendAsync(b.Api.Get("v1/generations"))).Body!["data"]!.AsArray().Select(g => (string)g!["id"]!).ShouldBe([id]);
        using var resumed = await SseClient.OpenAsync(b.Api.Chat("up/m").With("Last-Event-ID", seen[^1].Id!));
        next.Release();
        List<SseEvent> all = [.. seen, .. await resumed.RestAsync()];
        var text = string.Concat(Enumerable.Range(0, 20).Select(i => $"{i} "));
        View.ChatText(all).ShouldBe(text);
        all.Count(View.IsDone).ShouldBe(1);
        View.NativeText(await watcher.RestAsync()).ShouldBe(text);
        ((string)(await b.Api.EndedAsync(id))["text"]!).ShouldBe(text);
        NoSecrets(a, b);
    }

    [Fact]
    public async Task What_a_provider_says_while_redis_is_gone_is_caught_up_with()
    {
        _settings.With("Providers:up:IdleTimeout", "00:00:02");
        await using var server = await StartAsync();
        _upstream.Reply(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("0 ")]);
            for (var i = 1; i < 60; i++)
            {
                if (i == 10) await _redis.Kill9();
                if (i == 50) await _redis.StartAsync();
                await call.Sse(Chat.Text($"{i} "));
                await Task.Delay(100); // a provider goes at its own pace: for longer than it may be silent
            }

            await call.Sse([Chat.Finish(), Chat.Usage(7, 60), "[DONE]"]);
        });
        using var client = await SseClient.OpenAsync(server.Api.Chat("up/m"));
        var all = await client.RestAsync();
        View.ChatText(all).ShouldBe(string.Concat(Enumerable.Range(0, 60).Select(i => $"{i} ")));
        all[^1].Data.ShouldBe("[DONE]");
        client.Comments.Count.ShouldBeGreaterThan(1); // heartbeats went on
        ((int)(await server.Api.EndedAsync(client.Generation))["usage"]!["outputTokens"]!).ShouldBe(60);
        NoSecrets(server);
    }

    [Fact]
    public async Task A_redis_that_stays_away_fails_what_runs_and_refuses_what_comes_and_the_ending_is_stored_once_it_is_back()
    {
        _settings.With("Storage:RedisOutage", "00:00:02");
        await using var server = await StartAsync();
        using var gone = new SemaphoreSlim(0);
        _upstream.Reply(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("before ")]);
            await gone.WaitAsync(Eventually.Limit);
            await call.Sse(Chat.Text("after"));
            await call.Hold();
        });
        using var client = await SseClient.OpenAsync(server.Api.Chat("up/m"));
        var seen = new List<SseEvent>();
        while (View.ChatText(seen) != "before ") seen.Add((await client.NextAsync()).ShouldNotBeNull());
        (await Api.SendTextAsync(server.Api.Get("readyz"))).ShouldBe((HttpStatusCode.OK, "ready"));

        await _redis.Kill9();
        gone.Release();
        var rest = await client.RestAsync();
        ((string)rest[^1].Json()["error"]!["code"]!).ShouldBe("storage_unreachable");
        await Eventually.Is(
            async () => await Api.SendTextAsync(server.Api.Get("readyz")) == (HttpStatusCode.ServiceUnavailable, "the store of streams does not answer"),
            "/readyz says so");
        using (var refused = await RawReply.SendAsync(server.Api.Chat("up/m")))
        {
            refused.Status.ShouldBe(503);
            (await refused.TextAsync()).ShouldContain("storage_unreachable");
        }

        await _redis.StartAsync();
        await Eventually.Is(async () => (await Api.SendTextAsync(server.Api.Get("readyz"))).Status == HttpStatusCode.OK, "it is ready again");
        var ended = await server.Api.EndedAsync(client.Generation);
        ((string)ended["status"]!, (string)ended["text"]!).ShouldBe(("failed", "before "));
        NoSecrets(server);
    }

    [Fact]
    public async Task The_address_may_come_from_the_environment_and_a_redis_that_is_not_there_is_named()
    {
        var port = Ports.Free();
        await using var server = PenstockProcess.Launch(PenstockSettings.For(storage: "redis").WithVariable("REDIS_HOST", "127.0.0.1").WithVariable("REDIS_PORT", $"{port}"));
        (await server.ExitedAsync()).ShouldBe(1);
        server.Log.ShouldContain($"Penstock cannot start: Redis at 127.0.0.1:{port} does not answer");
    }

    [Fact]
    public async Task A_connection_string_that_cannot_be_read_is_named_and_not_shown()
    {
        await using var server = PenstockProcess.Launch(PenstockSettings.For(storage: "redis").With("Storage:Redis", "localhost,password=p4ss,nonsense=1"));
        (await server.ExitedAsync()).ShouldBe(1);
        server.Log.ShouldContain("Penstock:Storage:Redis cannot be read");
        NoSecrets(server);
    }

    private Task<PenstockProcess> StartAsync() => PenstockProcess.StartAsync(_settings);

    private static void NoSecrets(params PenstockProcess[] servers)
    {
        foreach (var server in servers) server.Log.ShouldNotContain("p4ss");
    }
}
