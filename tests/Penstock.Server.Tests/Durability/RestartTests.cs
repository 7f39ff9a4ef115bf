using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

public sealed class RestartTests
{
    [Fact]
    public async Task Row25_A_finished_stream_survives_a_restart()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        var api = server.Api;
        var request = api.Chat("up/m", "kept-30").With("Idempotency-Key", "kept");
        var whole = await SseClient.AllAsync(request);
        var snapshot = (await api.SnapshotAsync(whole[0].Id!.Split('.')[0])).ToJsonString();
        (await server.Stop()).ShouldBe(0);
        await server.StartAsync();

        (await SseClient.AllAsync(request.With("Last-Event-ID", whole[9].Id!))).Select(e => e.Raw).ShouldBe(whole.Skip(10).Select(e => e.Raw));
        (await SseClient.AllAsync(request)).Select(e => e.Raw).ShouldBe(whole.Select(e => e.Raw));
        (await api.SnapshotAsync(whole[0].Id!.Split('.')[0])).ToJsonString().ShouldBe(snapshot);
        using var reply = await RawReply.SendAsync(request.With("Last-Event-ID", whole[^1].Id!));
        reply.Status.ShouldBe(204);
        upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Row27_After_a_crash_ids_go_on_where_they_were()
    {
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse(Chat.Answer(Tokens.Of("crash", 20)).Take(21));
            await call.Hold();
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        var requests = (RawRequest[])[server.Api.Chat("up/m"), server.Api.Native("up/m", stream: true), server.Api.ChatStream("up/m")];
        var clients = await Task.WhenAll(requests.Select(r => SseClient.OpenAsync(r)));
        var last = new List<SseEvent>();
        foreach (var client in clients)
        {
            SseEvent? e;
            do e = await client.NextAsync();
            while (!e!.Data.Contains("crash.19", StringComparison.Ordinal));
            last.Add(e);
        }

        await server.Kill9();
        await server.StartAsync();
        for (var i = 0; i < requests.Length; i++)
        {
            clients[i].Dispose();
            var rest = await SseClient.AllAsync(requests[i].With("Last-Event-ID", last[i].Id!));
            rest.ShouldNotBeEmpty(requests[i].Url.ToString());
            rest.ShouldAllBe(e => View.Place(e.Id!).CompareTo(View.Place(last[i].Id!)) > 0);
            rest.ShouldNotContain(e => View.IsDone(e)); // interrupted is not done
            (rest[^1].Name is "error" or "interrupted" || rest[^1].Json()["error"] is not null).ShouldBeTrue(rest[^1].Raw);
            var snapshot = await server.Api.SnapshotAsync(clients[i].Generation);
            ((string)snapshot["status"]!).ShouldBe("interrupted");
            ((string)snapshot["text"]!).ShouldBe(string.Concat(Tokens.Of("crash", 20)));
        }
    }

    [Fact]
    public async Task Memory_forgets_and_says_so()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "memory"));
        var whole = await SseClient.AllAsync(server.Api.Chat("up/m", "gone-3"));
        await server.Kill9();
        await server.StartAsync();
        using var reply = await RawReply.SendAsync(server.Api.Chat("up/m", "gone-3").With("Last-Event-ID", whole[0].Id!));
        reply.Status.ShouldBe(404);
    }
}
