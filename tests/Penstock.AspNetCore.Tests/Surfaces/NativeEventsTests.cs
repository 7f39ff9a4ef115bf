using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

public sealed class NativeEventsTests
{
    [Fact]
    public async Task A_reply_says_its_heartbeat_and_how_far_the_stream_had_come()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Streams:Heartbeat", "00:00:07.5"));
        var id = await host.Api.StartAsync("up/m", "t-9");
        var snapshot = await host.Api.EndedAsync(id);
        using var client = await SseClient.OpenAsync(host.Api.Events(id));
        client.Reply.Headers["Penstock-Heartbeat"].ShouldBe("7.5");
        client.Reply.Headers["Penstock-Offset"].ShouldBe(snapshot["offset"]!.ToString());
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Row29_Several_generations_share_one_reply(string storage)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(2)), storage, ("Streams:Heartbeat", "00:00:07"));
        var ids = new List<string>();
        for (var i = 0; i < 12; i++) ids.Add(await host.Api.StartAsync("up/m", $"s{i}-{20 + i}"));
        using var client = await SseClient.OpenAsync(Combined(host, ids));
        client.Reply.Status.ShouldBe(200);
        client.Reply.Headers["Penstock-Heartbeat"].ShouldBe("7");
        var events = await client.RestAsync();
        foreach (var id in ids)
        {
            var alone = await SseClient.AllAsync(host.Api.Events(id));
            Of(id, events).Select(e => (e.Id, e.Data)).ShouldBe(alone.Select(e => (e.Id, e.Data)));
            Ends(events).Count(e => (string)e["generation"]! == id && e["error"] is null).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Each_goes_on_after_the_event_that_the_client_has_and_one_more_may_join()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(5)));
        var first = await host.Api.StartAsync("up/m", "first-60");
        var seen = new List<SseEvent>();
        using (var client = await SseClient.OpenAsync(Combined(host, [first])))
        {
            for (var i = 0; i < 10; i++) seen.Add((await client.NextAsync())!);
        }

        var second = await host.Api.StartAsync("up/m", "second-30");
        seen.AddRange(await SseClient.AllAsync(Combined(host, [seen[^1].Id!, second])));
        foreach (var id in new[] { first, second })
        {
            var alone = await SseClient.AllAsync(host.Api.Events(id));
            Of(id, seen).Select(e => e.Id).ShouldBe(alone.Select(e => e.Id));
        }
    }

    [Fact]
    public async Task One_that_is_over_or_not_there_says_so_and_keeps_none_from_coming()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var id = await host.Api.StartAsync("up/m", "t-3");
        var over = await host.Api.StartAsync("up/m", "t-4");
        var last = (await SseClient.AllAsync(host.Api.Events(over)))[^1].Id!;
        var beyond = await host.Api.StartAsync("up/m", "t-5");
        var nobody = "gen_" + new string('0', 32);
        var events = await SseClient.AllAsync(Combined(host, [last, nobody, beyond + ".900", id]));
        Ends(events).Select(e => ((string)e["generation"]!, (string?)e["error"]?["code"], (int?)e["error"]?["status"])).ShouldBe(
            [(over, null, null), (nobody, "generation_not_found", 404), (beyond, "invalid_last_event_id", 400), (id, null, null)], ignoreOrder: true);
        events.Where(e => e.Name == "finished").ShouldHaveSingleItem().Id!.ShouldStartWith(id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("gen_00000000000000000000000000000000,gen_00000000000000000000000000000000.4")]
    public async Task A_list_that_is_wrong_is_a_400(string streams)
    {
        await using var host = await PenstockHost.StartAsync();
        var (status, body) = await Api.SendAsync(host.Api.Get("v1/generations/events?streams=" + streams));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)body!["error"]!["param"]!).ShouldBe("streams");
    }

    [Fact]
    public async Task Silence_is_broken_by_a_comment_and_a_client_that_has_gone_leaves_nothing_behind()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromSeconds(30)), "memory", ("Streams:Heartbeat", "00:00:00.1"));
        var request = host.Api.Post("v1/generations", new JsonObject { ["model"] = "up/m", ["prompt"] = "t-9", ["onDisconnect"] = "cancel" });
        var id = (string)(await Api.SendAsync(request)).Body!["id"]!;
        using (var client = await SseClient.OpenAsync(Combined(host, [id])))
        {
            await client.ReadUntilAsync(c => c.Comments.Count > 2);
        }

        ((string)(await host.Api.EndedAsync(id))["status"]!).ShouldBe("stopped");
    }

    [Fact]
    public async Task A_shutdown_sends_the_reader_away_for_a_moment()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(20)));
        var id = await host.Api.StartAsync("up/m", "t-50");
        using var client = await SseClient.OpenAsync(Combined(host, [id]));
        (await client.NextAsync()).ShouldNotBeNull();
        var stop = host.StopAsync();
        await Should.ThrowAsync<IOException>(client.RestAsync); // cut, so that it looks like no end
        client.Retry!.Value.ShouldBeInRange(500, 3000);
        await Eventually.Completes(stop, "the server stops");
    }

    [Fact]
    public async Task The_first_event_of_what_a_read_brought_says_when_that_was()
    {
        var (time, go) = (new ManualTimeProvider(), System.Threading.Channels.Channel.CreateUnbounded<bool>());
        await using var host = await PenstockHost.StartAsync(
            ScriptedUpstream.Start(async call =>
            {
                foreach (var frames in new string[][] { [Chat.Role(), Chat.Text("a"), Chat.Text("b")], [Chat.Text("c")], [Chat.Text("d")] })
                {
                    await call.Sse(frames);
                    await go.Reader.ReadAsync();
                }

                await call.Sse([Chat.Finish(), "[DONE]"]);
            }),
            services => services.AddSingleton<TimeProvider>(time), ("Streams:Heartbeat", "01:00:00"));
        var created = time.GetUtcNow();
        using var client = await SseClient.OpenAsync(host.Api.Native("up/m", stream: true));
        var events = new List<SseEvent>();
        // The second comes within a moment of the first, the third later.
        foreach (var (last, pause) in new[] { ("b", 9), ("c", 500), ("d", 20) })
        {
            do events.Add((await client.NextAsync())!);
            while ((string?)events[^1].Json()["text"] != last);
            time.Advance(TimeSpan.FromMilliseconds(pause));
            go.Writer.TryWrite(true);
        }

        events.AddRange(await client.RestAsync());
        var times = events.Select(e => ((string?)e.Json()["text"] ?? e.Name, (long?)e.Json()["at"] - created.ToUnixTimeMilliseconds())).ToList();
        times.Where(e => e.Item2 is not null).ShouldBe([("started", 0), ("d", 509), ("block_stop", 529)]);
        times.Select(e => e.Item1).ShouldBe(["started", "block_start", "a", "b", "c", "d", "block_stop", "usage", "finished"]);

        var id = events[0].Id!.Split('.')[0];
        var again = await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?after={events[4].Id}"));
        again.ShouldBe(events[5..]);
        (await host.Api.SnapshotAsync(id))["updatedAt"]!.GetValue<DateTimeOffset>().ShouldBe(created.AddMilliseconds(529), TimeSpan.FromMilliseconds(1));
    }

    private static RawRequest Combined(PenstockHost host, IEnumerable<string> streams) => host.Api.Get("v1/generations/events?streams=" + string.Join(',', streams));

    private static IEnumerable<SseEvent> Of(string id, IEnumerable<SseEvent> events) => events.Where(e => e.Name != "end" && e.Id!.StartsWith(id + ".", StringComparison.Ordinal));

    private static List<JsonNode> Ends(IEnumerable<SseEvent> events) => [.. events.Where(e => e.Name == "end").Select(e => JsonNode.Parse(e.Data)!)];
}
