using System.Net;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

public sealed class ShutdownTests
{
    [Fact]
    public async Task Sigterm_sends_readers_away_with_retry_and_lets_generations_end()
    {
        var go = new TaskCompletionSource();
        var tokens = Tokens.Of("drain", 30);
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse(Chat.Answer(tokens).Take(11));
            await go.Task;
            await call.Sse(Chat.Answer(tokens).Skip(11).Append("[DONE]"));
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        using var client = await SseClient.OpenAsync(server.Api.Chat("up/m"));
        var events = new List<SseEvent>();
        while (events.Count < 11) events.Add((await client.NextAsync())!);

        server.Terminate();
        // Cut, not ended: an SDK would take a proper end for a whole answer.
        await Should.ThrowAsync<IOException>(async () =>
        {
            while (await client.NextAsync() is { } e) events.Add(e);
        });
        client.Retry.ShouldNotBeNull().ShouldBeInRange(1, 30_000);
        events.ShouldNotContain(e => View.IsChatEnding(e)); // not an ending: it goes on
        go.SetResult();
        (await server.ExitedAsync()).ShouldBe(0);

        await server.StartAsync();
        events.AddRange(await SseClient.AllAsync(server.Api.Chat("up/m").With("Last-Event-ID", client.LastEventId)));
        View.ChatText(events).ShouldBe(string.Concat(tokens));
        View.IsDone(events[^1]).ShouldBeTrue();
    }

    [Fact]
    public async Task A_generation_that_does_not_end_in_time_is_interrupted_and_kept()
    {
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse(Chat.Answer(Tokens.Of("slow", 5)).Take(6));
            await call.Hold();
        });
        await using var server = await PenstockProcess.StartAsync(
            PenstockSettings.For(upstream, "disk").With("Generations:ShutdownTimeout", "00:00:01"));
        var id = await server.Api.StartAsync("up/m");
        await Eventually.Is(async () => ((string)(await server.Api.SnapshotAsync(id))["text"]!).Contains("slow.4", StringComparison.Ordinal), "five tokens are in");
        (await server.Stop()).ShouldBe(0);
        await server.StartAsync();
        var snapshot = await server.Api.SnapshotAsync(id);
        ((string)snapshot["status"]!).ShouldBe("interrupted");
        ((string)snapshot["text"]!).ShouldBe(string.Concat(Tokens.Of("slow", 5)));
    }

    [Fact]
    public async Task New_work_is_refused_while_the_old_ends()
    {
        var go = new TaskCompletionSource();
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a")]);
            await go.Task;
            await call.Sse([Chat.Finish(), "[DONE]"]);
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "memory"));
        await server.Api.StartAsync("up/m");
        await upstream.NextCallAsync();
        server.Terminate();
        await Eventually.Is(
            async () =>
            {
                try
                {
                    var (status, _) = await Api.SendAsync(server.Api.Native("up/m"));
                    return status == HttpStatusCode.ServiceUnavailable;
                }
                catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
                {
                    return true; // it does not even listen any more, or has closed what it had not accepted yet
                }
            },
            "new work is refused");
        upstream.Calls.Count.ShouldBeLessThanOrEqualTo(2);
        go.SetResult();
        (await server.ExitedAsync()).ShouldBe(0);
    }
}
