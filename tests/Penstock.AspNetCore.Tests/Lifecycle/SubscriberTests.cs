using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class SubscriberTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_late_subscriber_gets_it_all(string storage)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(3)), storage);
        using var first = await SseClient.OpenAsync(host.Api.Native("up/m", "late-100", stream: true));
        var early = new List<SseEvent>();
        for (var i = 0; i < 30; i++) early.Add((await first.NextAsync())!);
        var late = SseClient.AllAsync(host.Api.Events(first.Generation));
        early.AddRange(await first.RestAsync());
        (await late).Select(e => e.Raw).ShouldBe(early.Select(e => e.Raw));
        View.NativeText(early).ShouldBe(string.Concat(Tokens.Of("late", 100)));
    }

    [Fact]
    public async Task A_thousand_subscribers_get_the_same_bytes()
    {
        var start = new TaskCompletionSource();
        var tokens = Tokens.Of("fan", 50);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await start.Task;
            await Tokens.Script(tokens)(call);
        }, settings: ("Streams:Heartbeat", "00:00:00.2"));
        var id = await host.Api.StartAsync("up/m");
        var all = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => SseClient.OpenAsync(host.Api.Events(id))));
        start.SetResult();
        var read = await Task.WhenAll(all.Select(async client =>
        {
            using (client) return string.Concat((await client.RestAsync()).Select(e => $"{e.Id} {e.Data}\n"));
        }));
        read.Distinct().ShouldHaveSingleItem().ShouldContain("finished");
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_watches_is_told_with_how_far_each_lags()
    {
        var end = new TaskCompletionSource();
        var big = new string('x', 16 * 1024);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), .. Enumerable.Range(0, 600).Select(i => Chat.Text($"{i}{big}"))]);
            await end.Task;
            await call.Sse(Chat.Finish());
            await call.Done();
        });
        var id = await host.Api.StartAsync("up/m");
        async Task<List<(long Offset, long Lag)>> WatchersAsync() =>
            [.. (await Api.SendAsync(host.Api.Get($"v1/generations/{id}?watchers=true"))).Body!["watchers"]!.AsArray().Select(w => ((long)w!["offset"]!, (long)w["lag"]!))];
        (await WatchersAsync()).ShouldBeEmpty();

        using var stalled = await SseClient.OpenAsync(host.Api.Events(id), receiveBuffer: 4096);
        using var reader = await SseClient.OpenAsync(host.Api.Events(id));
        for (var read = 0; read < 600;) read += (await reader.NextAsync())!.Type() == "delta" ? 1 : 0;
        await Eventually.Is(async () => (await WatchersAsync())[0].Lag == 0, "the one that reads has all");
        var (behind, lag) = (await WatchersAsync())[1];
        lag.ShouldBeGreaterThan(100, "the one that does not is far behind");
        behind.ShouldBeGreaterThan(0);
        stalled.Cut();
        await Eventually.Is(async () => (await WatchersAsync()).Count == 1, "who has left is not told of");

        (await host.Api.SnapshotAsync(id))["watchers"].ShouldBeNull("nobody asked");
        (await Api.SendAsync(host.Api.Get("v1/generations?status=running&watchers=true"))).Body!["data"]![0]!["watchers"]!.AsArray().Count.ShouldBe(1);
        (await Api.SendTextAsync(host.Api.Get($"v1/generations/{id}?watchers=maybe"))).Body.ShouldContain("watchers is 'maybe'; it must be true or false.");

        end.SetResult();
        await host.Api.EndedAsync(id);
        (await Api.SendAsync(host.Api.Get($"v1/generations/{id}?watchers=true"))).Body!["watchers"].ShouldBeNull();
    }

    [Fact]
    public async Task A_chat_generation_is_watched_natively()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var chat = await SseClient.AllAsync(host.Api.Chat("up/m", "both-20"));
        var native = await SseClient.AllAsync(host.Api.Events(chat[0].Id!.Split('.')[0]));
        native[0].Type().ShouldBe("started");
        native[^1].Type().ShouldBe("finished");
        View.NativeText(native).ShouldBe(View.ChatText(chat));
    }
}
