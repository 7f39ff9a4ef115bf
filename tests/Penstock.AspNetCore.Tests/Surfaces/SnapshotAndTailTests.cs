using System.Net;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Tokens = Penstock.Testing.Tokens;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Joining late: what was said so far in one piece, then what comes, in whatever protocol the reader likes.</summary>
public sealed class SnapshotAndTailTests
{
    private static readonly string[] _protocols = ["native", "chat-completions", "responses", "messages", "gemini", "text"];

    private static readonly string[] _answer =
    [
        Chat.Role(), Chat.Reasoning("Let me "), Chat.Reasoning("see."), Chat.Text("Look"), Chat.Text("ing."), Chat.ToolCall(0, "call_1", "weather"), Chat.Arguments(0, "{\"city\":"),
        Chat.Arguments(0, "\"Oslo\"}"), Chat.ToolCall(1, "call_2", "time", "{}"), Chat.Finish("tool_calls"), Chat.Usage(3, 9), "[DONE]",
    ];

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Whoever_joins_at_whatever_moment_has_the_same_in_the_end(string storage)
    {
        await using var host = await PenstockHost.StartAsync(storage: storage);
        using var steps = new SemaphoreSlim(0);
        host.Upstream.ReplyTo("steps", async call =>
        {
            foreach (var frame in _answer)
            {
                await steps.WaitAsync();
                await call.Sse(frame);
            }
        });
        var id = await host.Api.StartAsync("up/steps");
        var joined = new List<(string Protocol, int Step, Task<SseClient> Client)>();
        for (var step = 0; step < _answer.Length - 2; step++)
        {
            foreach (var protocol in _protocols) joined.Add((protocol, step, OpenAsync(host, id, protocol)));
            // Before any text some protocols have nothing to show, and the reply waits for it.
            if (step > 4) await Task.WhenAll(joined.Select(j => j.Client));
            var before = await OffsetAsync(host, id);
            steps.Release();
            if (step > 0) await Eventually.Is(async () => await OffsetAsync(host, id) > before, $"step {step} is in the log");
        }

        steps.Release(2);
        await host.Api.EndedAsync(id);
        foreach (var protocol in _protocols) joined.Add((protocol, _answer.Length, OpenAsync(host, id, protocol)));
        var whole = new Dictionary<string, string>();
        foreach (var protocol in _protocols) whole[protocol] = Understood(protocol, await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?protocol={protocol}")));
        whole["messages"].ShouldContain("call_1 weather({\"city\":\"Oslo\"})");
        foreach (var (protocol, step, client) in joined)
        {
            using var reader = await client;
            Understood(protocol, await reader.RestAsync()).ShouldBe(whole[protocol], $"{protocol}, joined before step {step}");
        }
    }

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("responses")]
    [InlineData("messages")]
    [InlineData("gemini")]
    [InlineData("native")]
    [InlineData("text")]
    public async Task A_reader_that_is_cut_anywhere_comes_back_with_its_last_id(string protocol)
    {
        await using var host = await PenstockHost.StartAsync();
        var go = new TaskCompletionSource();
        host.Upstream.ReplyTo("halves", async call =>
        {
            await call.Sse(_answer.Take(7));
            await go.Task;
            await call.Sse(_answer.Skip(7));
        });
        var id = await host.Api.StartAsync("up/halves");
        await Eventually.Is(async () => (await host.Api.SnapshotAsync(id))["blocks"]!.AsArray() is [.., { } last] && (string?)last["text"] == "{\"city\":", "half of it is in the log");
        var address = $"v1/generations/{id}/events?snapshot=true&protocol={protocol}";
        using var first = await OpenAsync(host, id, protocol);
        var events = new List<SseEvent> { (await first.NextAsync())! };
        go.SetResult();
        events.AddRange(await first.RestAsync());
        events.ShouldAllBe(e => e.Id != null);

        // At the same place as the one who joined in the middle, in every place that it had an id for.
        for (var had = 1; had < events.Count; had++)
        {
            var rest = await SseClient.AllAsync(host.Api.Get(address).With("Last-Event-ID", events[had - 1].Id!));
            rest.Select(e => (e.Id, e.Name, Data(e))).ShouldBe(events.Skip(had).Select(e => (e.Id, e.Name, Data(e))), $"cut after {events[had - 1].Id}");
        }

        using var end = await RawReply.SendAsync(host.Api.Get(address).With("Last-Event-ID", events[^1].Id!));
        end.Status.ShouldBe(204);

        // A sequence number counts what was sent, which is more for one who was there from the start.
        static string Data(SseEvent e)
        {
            if (e.Data == "[DONE]" || JsonOf(e) is not JsonObject json) return e.Data;
            json.Remove("sequence_number");
            return json.ToJsonString();
        }
    }

    [Fact]
    public async Task A_native_snapshot_is_one_event_with_all_that_was_said()
    {
        await using var host = await PenstockHost.StartAsync();
        host.Upstream.ReplyTo("half", async call =>
        {
            await call.Sse(_answer.Take(7));
            await call.Hold();
        });
        var id = await host.Api.StartAsync("up/half");
        await Eventually.Is(async () => (await host.Api.SnapshotAsync(id))["blocks"]!.AsArray() is [.., { } last] && (string?)last["text"] == "{\"city\":", "half of it is in the log");
        using var client = await SseClient.OpenAsync(host.Api.Get($"v1/generations/{id}/events?snapshot=true"));
        var first = (await client.NextAsync())!;
        first.Name.ShouldBe("snapshot");
        var snapshot = first.Json();
        first.Id.ShouldBe($"{id}.{(long)snapshot["offset"]!}");
        ((string)snapshot["status"]!).ShouldBe("running");
        snapshot["blocks"]!.AsArray().Select(b => ((string)b!["kind"]!, (string)b["text"]!, (bool?)b["open"])).ShouldBe(
            [("reasoning", "Let me see.", null), ("text", "Looking.", null), ("tool_call", "{\"city\":", true)]);

        await host.Api.StopAsync(id);
        var rest = await client.RestAsync();
        rest.Select(e => e.Type()).ShouldBe(["block_stop", "usage", "stopped"]);
        ((bool)rest[0].Json()["cut"]!).ShouldBeTrue();
        ((bool?)(await host.Api.SnapshotAsync(id))["blocks"]![2]!["open"]).ShouldBe(true);
    }

    [Fact]
    public async Task After_says_where_to_go_on_with_a_snapshot_asked_for_or_not()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var id = await host.Api.StartAsync("up/m", "a-5");
        await host.Api.EndedAsync(id);
        foreach (var query in (string[])["after=3", "after=3&snapshot=true", $"after={id}.3&snapshot=true"])
        {
            var events = await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?{query}"));
            events[0].Id.ShouldBe($"{id}.4");
        }
    }

    [Fact]
    public async Task What_cannot_be_is_refused()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var chat = await SseClient.AllAsync(host.Api.Chat("up/m", "a-5"));
        var id = View.Generation(chat[0].Id!);
        foreach (var query in (string[])["protocol=smoke", "snapshot=maybe", $"snapshot=true&after={id}.999.s1", $"after={id}.3.s1"])
            (await Api.SendAsync(host.Api.Get($"v1/generations/{id}/events?{query}"))).Status.ShouldBe(HttpStatusCode.BadRequest, query);
        var (status, body) = await Api.SendAsync(new RawRequest(host.Api.Url("v1/chat/completions"), "POST", "").With("Last-Event-ID", $"{id}.3.s1"));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)body!["error"]!["code"]!).ShouldBe("invalid_last_event_id");
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?protocol=chat-completions"))).Select(e => e.Raw).ShouldBe(chat.Select(e => e.Raw)); // as it was shown
    }

    private static Task<SseClient> OpenAsync(PenstockHost host, string id, string protocol) =>
        SseClient.OpenAsync(host.Api.Get($"v1/generations/{id}/events?snapshot=true&protocol={protocol}"));

    private static async Task<long> OffsetAsync(PenstockHost host, string id) => (long)(await host.Api.SnapshotAsync(id))["offset"]!;

    private static JsonNode? JsonOf(SseEvent e)
    {
        try
        {
            return JsonNode.Parse(e.Data);
        }
        catch (System.Text.Json.JsonException)
        {
            return null; // a token
        }
    }

    private static string Understood(string protocol, IReadOnlyList<SseEvent> events) => protocol switch
    {
        "text" => string.Concat(events.Select(e => e.Data)),
        "native" => Native(events),
        _ => ClientWire.Of(protocol).ReadStream(events).ToString(),
    };

    // The blocks that a page would show: a snapshot sets them all.
    private static string Native(IReadOnlyList<SseEvent> events)
    {
        var blocks = new SortedDictionary<int, string>();
        foreach (var e in events.Select(e => (e.Name, Json: e.Json())))
        {
            if (e.Name == "snapshot")
            {
                foreach (var block in e.Json["blocks"]!.AsArray()) blocks[(int)block!["block"]!] = $"{block["kind"]} {block["name"]}: {block["text"]}";
            }
            else if (e.Name == "block_start")
            {
                blocks[(int)e.Json["block"]!] = $"{e.Json["kind"]} {e.Json["name"]}: ";
            }
            else if (e.Name == "delta")
            {
                blocks[(int)e.Json["block"]!] += (string)e.Json["text"]!;
            }
        }

        return string.Join('\n', blocks.Values) + events[^1].Data;
    }
}
